//! The screens of refusals, provoked from outside: each whole, in English and in Chinese, read as phones read them.

use emgate::handset::object::{Content, MOST_FETCHED, Object, read};

use super::{Office, extension};
use crate::support::http::Answer;

const FREE: &str = "SEP0000000000F1";
const TAKEN: &str = "SEP0000000000F2";
const PAGE: &str = "/emapp/EMAppServlet";

/// A request that is refused: from an address of its own, so that no other failure counts.
struct Asking<'o> {
    office: &'o Office,
    source: u8,
}

impl Asking<'_> {
    fn ask(&self, query: &str, language: &str, headers: &[(&str, &str)]) -> Answer {
        let client = self.office.gateway.phone().at([127, 0, 1, self.source].into());
        let all: Vec<_> =
            [("Accept-Language", language)].into_iter().chain(headers.iter().copied()).collect();
        client.request("GET", &format!("{PAGE}{query}"), &all, "")
    }

    /// The screen in both languages.
    fn screens(&self, query: &str, headers: &[(&str, &str)]) -> [String; 2] {
        ["en_US", "zh_CN"].map(|language| {
            let answer = self.ask(query, language, headers);
            assert_eq!(answer.status, 200, "{query}");
            whole(&read(answer.body.as_bytes(), Some("utf-8"), MOST_FETCHED).unwrap())
        })
    }
}

/// Everything on a screen with a text, the reference that differs each time left out.
fn whole(object: &Object) -> String {
    let Content::Text { text } = &object.content else { panic!("{object:?}") };
    let keys = object.keys.iter().map(|key| format!("[{} {} {}]", key.position, key.name, key.url));
    let keys = keys.collect::<Vec<_>>().join(" ");
    let is_reference = text.ends_with(|c: char| c.is_ascii_hexdigit());
    let text = if is_reference { format!("{}########", &text[..text.len() - 8]) } else { text.clone() };
    format!("{} | {} | {text} | {keys}", object.title, object.prompt)
}

fn office() -> Office {
    let office = Office::new();
    office.add_phone(FREE, "Cisco 8851", true);
    office.add_phone(TAKEN, "Cisco 8851", true);
    office.add_phone("SEP0000000000F3", "Cisco 8851", false);
    for user in ["eve", "dan", "kim"] {
        office.add_user(user, &[&format!("UDP_{user}")], "");
    }
    office.add_user("none", &[], &extension("2003"));
    office.add_user("also", &[], &extension("2003"));
    let pin_of = |user: &str, set: &str| {
        let statement = format!(
            "UPDATE credentials SET {set} WHERE kind = 'pin' AND holder_pk = (SELECT pk FROM objects WHERE name = '{user}')"
        );
        office.gateway.sql(&statement);
    };
    pin_of("dan", "must_change = true");
    pin_of("kim", "changed_at = changed_at - interval '400 days'");
    let login = Asking { office: &office, source: 1 }.ask(
        &format!("?device={TAKEN}&userid=ada&seq=13579"),
        "en",
        &[],
    );
    assert!(login.body.contains("Login successful"), "{}", login.body);
    office
}

#[test]
fn each_refusal_is_one_whole_screen_in_both_languages() {
    let office = office();
    let mut told = Vec::new();
    let mut tell = |code: u16, query: &str, headers: &[(&str, &str)]| {
        let source = 10 + u8::try_from(told.len()).unwrap();
        let [english, chinese] = Asking { office: &office, source }.screens(query, headers);
        for screen in [&english, &chinese] {
            assert!(screen.contains(&format!("({code})")), "{code}: {screen}");
        }
        told.push(format!("{english}\n{chinese}"));
    };
    let login = |phone: &str, user: &str| format!("?device={phone}&userid={user}&seq=13579");
    tell(201, &format!("?device={FREE}&userid=ada&seq=24680"), &[]);
    tell(202, &format!("?device={FREE}&userid=ada&seq="), &[]);
    tell(205, &login(FREE, "none"), &[]);
    tell(207, "?userid=ada&seq=13579", &[]);
    tell(215, &format!("?device={FREE}&loginType=XX"), &[]);
    tell(216, &format!("{}&loginType=DN", login(FREE, "2003")), &[]);
    tell(11, "?device=SEP0000000000FF", &[]);
    tell(18, &login(TAKEN, "eve"), &[]);
    tell(22, "?device=SEP0000000000F3", &[]);
    tell(25, &login(FREE, "ada"), &[]);
    tell(27, &login(FREE, "kim"), &[]);
    tell(41, &login(FREE, "dan"), &[]);
    office.set("ValidateIPAddress", "T");
    tell(28, &format!("?device={FREE}"), &[]);
    tell(30, &format!("?device={FREE}"), &[("Via", "1.1 proxy")]);
    office.set("ValidateIPAddress", "F");
    let flooding = Asking { office: &office, source: 10 + 14 };
    for n in 0..10 {
        flooding.ask(&format!("?device={TAKEN}&userid=n{n}&seq=1"), "en", &[]);
    }
    tell(26, &login(FREE, "eve"), &[]);
    office.set_on("test", "ExtensionMobilityActivated", "F");
    tell(208, &format!("?device={FREE}"), &[]);
    insta::assert_snapshot!(told.join("\n"), @"
    Extension Mobility | Please try to login again (201) | Error 201 Authentication Error. Check user ID and PIN. | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 请重新登录 (201) | 错误 201 验证错误。请检查用户标识和 PIN。 | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Please try to login again (202) | Error 202 Blank User ID or PIN. Enter both user ID and PIN. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 请重新登录 (202) | 错误 202 用户标识或 PIN 为空。用户标识和 PIN 都要输入。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable (205) | Error 205 User Profile Absent. Ask the administrator for a device profile. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(205) | 错误 205 缺少用户配置文件。请让管理员为您分配设备配置文件。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(207) | Error 207 Device Name Empty. The service URL of this phone names no device. Reference ######## | [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(207) | 错误 207 设备名为空。此电话的服务 URL 没有指明设备。 参考号 ######## | [3 退出 SoftKey:Exit]
    Extension Mobility | LoginType invalid(215) | Error 215 Login Type Invalid. The login type in the service URL must be UID, SP or DN. Reference ######## | [3 Exit SoftKey:Exit]
    移动分机 | 登录类型无效(215) | 错误 215 登录类型无效。服务 URL 中的 loginType 必须是 UID、SP 或 DN。 参考号 ######## | [3 退出 SoftKey:Exit]
    Extension Mobility | DN has multiple users(216) | Error 216 DN Has Multiple Users. Several users have this extension. Log in by user ID. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1&loginType=DN] [3 Exit SoftKey:Exit]
    移动分机 | 分机号属于多个用户(216) | 错误 216 分机号属于多个用户。多个用户共用此分机号，请用用户标识登录。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1&loginType=DN] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(11) | Error 11 Device Does Not Exist. This phone is not known. Ask the administrator to add it. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000FF] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(11) | 错误 11 设备不存在。系统中没有此电话，请让管理员添加。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000FF] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(18) | Error 18 Another User Logged In. Log out on this phone first. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F2] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(18) | 错误 18 其他用户已登录。请先在此电话上注销。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F2] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(22) | Error 22 Dev Logon Disabled. Extension Mobility is off on this phone. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F3] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(22) | 错误 22 设备登录已禁用。此电话未启用移动分机。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F3] [3 退出 SoftKey:Exit]
    Extension Mobility | Multi-Login Not Allowed (25) | Error 25 User Logged in Elsewhere. Log out on the other phone first. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 不允许多处登录 (25) | 错误 25 用户已在别处登录。请先在另一部电话上注销。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(27) | Error 27 Change Password. The PIN has expired. Change it first. Reference ######## | [1 ChangePIN http://localhost/changecredential/ChangeCredentialServlet?device=SEP0000000000F1&userid=kim] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(27) | 错误 27 请更改密码。PIN 已过期，请先更改。 参考号 ######## | [1 更改PIN http://localhost/changecredential/ChangeCredentialServlet?device=SEP0000000000F1&userid=kim] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(41) | Error 41 PIN Change Is Required. Change the PIN first. Reference ######## | [1 ChangePIN http://localhost/changecredential/ChangeCredentialServlet?device=SEP0000000000F1&userid=dan] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(41) | 错误 41 必须更改 PIN。请先更改 PIN。 参考号 ######## | [1 更改PIN http://localhost/changecredential/ChangeCredentialServlet?device=SEP0000000000F1&userid=dan] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(28) | Error 28 Untrusted IP Error. This address may not log in or out here. Ask the administrator to trust it. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(28) | 错误 28 IP 地址不受信任。不能从此地址登录或注销，请让管理员将其设为受信任。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(30) | Error 30 Proxy Not Allowed. The request came through a proxy. Ask the administrator to allow it. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(30) | 错误 30 不允许代理。请求经过了代理，请让管理员允许。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(26) | Error 26 Busy Please Try Again. Too many requests. Try again in a minute. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(26) | 错误 26 系统忙，请重试。请求过多，请一分钟后重试。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    Extension Mobility | Login is unavailable(208) | Error 208 EM Service Connection Error. Extension Mobility is not active on this server. Try again shortly. Reference ######## | [1 Retry http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 Exit SoftKey:Exit]
    移动分机 | 无法登录(208) | 错误 208 移动分机服务连接错误。此服务器未启用移动分机，请稍后重试。 参考号 ######## | [1 重试 http://localhost/emapp/EMAppServlet?device=SEP0000000000F1] [3 退出 SoftKey:Exit]
    ");
}

#[test]
fn a_wrong_pin_and_an_unknown_user_are_the_same_bytes() {
    let office = office();
    let asking = Asking { office: &office, source: 9 };
    let bytes = |user: &str, language: &str| {
        let mut answer = asking.ask(&format!("?device={FREE}&userid={user}&seq=24680"), language, &[]);
        answer.headers.retain(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
        (answer.status, answer.headers, answer.body)
    };
    for language in ["en_US", "zh_CN"] {
        assert_eq!(bytes("ada", language), bytes("nobody", language));
    }
    // and of either type that looks somebody up
    for (kind, known, unknown) in [("DN", "2001", "2999"), ("SP", "5501", "5999")] {
        let of = |typed: &str| bytes(&format!("{typed}&loginType={kind}"), "en_US");
        assert_eq!(of(known), of(unknown), "{kind}");
    }
}
