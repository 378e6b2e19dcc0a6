//! The real service under a script: provisioning and programs over SOAP, people over the page of their phone.

use actix_web::{App, test};
use emgate::em::phone_app::routes;
use emgate::em::{session_expiry, sweep};

use super::line::NumberLine;
use crate::support::axl::{AxlSite, Caller};
use crate::support::site::write_audit;
use crate::support::waiting::await_told_locks;

/// The intercom lines that there are from the beginning.
pub(super) const LINES: [&str; 2] = ["7001", "7002"];

pub(super) struct Real {
    pub(super) axl: AxlSite,
    line: NumberLine,
    /// Requests of phones so far: each comes from an address of its own, since failures count by address.
    asked: u32,
}

impl Real {
    pub(super) fn new() -> Self {
        let axl = AxlSite::new();
        for line in LINES {
            axl.uuid(
                "addLine",
                &format!("<line><pattern>{line}</pattern><usage>Device Intercom</usage></line>"),
            );
        }
        Self { axl, line: NumberLine::default(), asked: 0 }
    }

    /// Does what an action says; `ok`, `EM` with a number, or the code of a fault.
    pub(super) fn act(&mut self, action: &str) -> String {
        let words: Vec<&str> = action.split(' ').collect();
        let site = &self.axl.site;
        match words[..] {
            ["pin-login", phone, user, pin] => self.page(&format!("device={phone}&userid={user}&seq={pin}")),
            ["extend", phone] => self.extend(phone),
            ["leave", phone] => self.page(&format!("device={phone}&doLogout=true")),
            ["wait", seconds] => {
                site.clock.advance_seconds(seconds.parse().unwrap());
                "ok".into()
            }
            ["sweep"] => {
                self.axl.runtime.block_on(sweep::step(&site.em)).unwrap();
                "ok".into()
            }
            ["warn"] => {
                self.axl.runtime.block_on(session_expiry::warn(&site.em)).unwrap();
                "ok".into()
            }
            ["number"] => {
                self.line.number(&site.db);
                "ok".into()
            }
            ["crash"] => {
                self.line.crash();
                "ok".into()
            }
            ["restart"] => {
                self.axl.restart();
                "ok".into()
            }
            _ => {
                let (operation, inner) = soap(&words);
                self.soap(operation, &inner)
            }
        }
    }

    /// Has the refusals so far written.
    pub(super) fn audit(&self) {
        self.axl.runtime.block_on(write_audit(&self.axl.site.em));
    }

    pub(super) fn finish(mut self) -> Result<(), String> {
        self.line.finish(&self.axl.site.db)
    }

    fn soap(&self, operation: &str, inner: &str) -> String {
        let answer = self.axl.ask(operation, inner);
        if answer.status == 200 {
            return "ok".into();
        }
        let fault = answer.fault();
        match fault.message.strip_prefix("EM ").and_then(|rest| rest.split_once(':')) {
            Some((number, _)) => format!("EM {number}"),
            None => fault.code.to_string(),
        }
    }

    /// Presses the key that extends the session, if the page has it.
    fn extend(&mut self, phone: &str) -> String {
        let question = self.get(&format!("device={phone}"));
        match question.split_once("extend=").and_then(|(_, rest)| rest.split_once('<')) {
            Some((end, _)) => self.page(&format!("device={phone}&extend={end}")),
            None => outcome(&question),
        }
    }

    fn page(&mut self, query: &str) -> String {
        let page = self.get(query);
        // a lock is told of after the answer
        await_told_locks(&self.axl.site.db, std::time::Duration::from_secs(10));
        outcome(&page)
    }

    fn get(&mut self, query: &str) -> String {
        self.asked += 1;
        let from = std::net::SocketAddr::from((std::net::Ipv4Addr::from(0x0a00_0000 + self.asked), 50_000));
        let page = self.axl.site.phone_page("localhost:8080");
        self.axl.runtime.block_on(async {
            let app = test::init_service(App::new().configure(|config| routes(config, page))).await;
            let uri = format!("/emapp/EMAppServlet?{query}");
            let request = test::TestRequest::get().uri(&uri).peer_addr(from).to_request();
            String::from_utf8(test::call_and_read_body(&app, request).await.to_vec()).unwrap()
        })
    }
}

/// What a screen says of a request.
fn outcome(screen: &str) -> String {
    let prompt = screen.split_once("<Prompt>").and_then(|(_, rest)| rest.split_once("</Prompt>"));
    match prompt.and_then(|(prompt, _)| prompt.split_once('(')) {
        Some((_, number)) => format!("EM {}", number.trim_end_matches(')')),
        None => "ok".into(),
    }
}

/// The operation that an action stands for.
fn soap(words: &[&str]) -> (&'static str, String) {
    let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
    match *words {
        ["login", phone, user, ref more @ ..] => {
            let mut inner = format!("<deviceName>{phone}</deviceName><userId>{user}</userId>");
            for pair in more.chunks(2) {
                inner += &match pair {
                    ["with", profile] => format!("<profileName>{profile}</profileName>"),
                    [_, seconds] => format!("<loginDuration>{seconds}</loginDuration>"),
                    _ => panic!("{words:?}"),
                };
            }
            ("doDeviceLogin", inner)
        }
        ["logout", phone] => ("doDeviceLogout", format!("<deviceName>{phone}</deviceName>")),
        ["parameter", name, ref value @ ..] => {
            let whose = "<processNodeName>EnterpriseWideData</processNodeName><service>Cisco Extension Mobility</service>";
            (
                "updateServiceParameter",
                format!("<name>{name}</name>{whose}<value>{}</value>", value.join(" ")),
            )
        }
        ["add", "phone", name] => (
            "addPhone",
            format!(
                "<phone><name>{name}</name>{model}<enableExtensionMobility>true</enableExtensionMobility></phone>"
            ),
        ),
        ["add", "profile", name] => {
            ("addDeviceProfile", format!("<deviceProfile><name>{name}</name>{model}</deviceProfile>"))
        }
        ["add", _, name] => (
            "addUser",
            format!("<user><lastName>User</lastName><userid>{name}</userid><pin>11111</pin></user>"),
        ),
        ["remove", "phone", name] => ("removePhone", format!("<name>{name}</name>")),
        ["remove", "profile", name] => ("removeDeviceProfile", format!("<name>{name}</name>")),
        ["remove", _, name] => ("removeUser", format!("<userid>{name}</userid>")),
        ["rename", "phone", name, new] => {
            ("updatePhone", format!("<name>{name}</name><newName>{new}</newName>"))
        }
        ["rename", "profile", name, new] => {
            ("updateDeviceProfile", format!("<name>{name}</name><newName>{new}</newName>"))
        }
        ["rename", _, name, new] => {
            ("updateUser", format!("<userid>{name}</userid><newUserid>{new}</newUserid>"))
        }
        [enable @ ("enable" | "disable"), phone] => (
            "updatePhone",
            format!(
                "<name>{phone}</name><enableExtensionMobility>{}</enableExtensionMobility>",
                enable == "enable"
            ),
        ),
        ["profiles", user, ref names @ ..] => update_user(user, "phoneProfiles", "profileName", names),
        ["phones", user, ref names @ ..] => update_user(user, "associatedDevices", "device", names),
        ["default", user, profile] => {
            let profile = if profile == "-" { "" } else { profile };
            ("updateUser", format!("<userid>{user}</userid><defaultProfile>{profile}</defaultProfile>"))
        }
        ["pin", user, pin] => ("updateUser", format!("<userid>{user}</userid><pin>{pin}</pin>")),
        ["buttons", profile, ref lines @ ..] => {
            let buttons: String = (1..)
                .zip(lines)
                .map(|(n, line)| {
                    format!("<line><index>{n}</index><dirn><pattern>{line}</pattern></dirn></line>")
                })
                .collect();
            ("updateDeviceProfile", format!("<name>{profile}</name><lines>{buttons}</lines>"))
        }
        ["desk", line, phone] => {
            let phone = if phone == "-" { "" } else { phone };
            let desk = format!("<defaultActivatedDeviceName>{phone}</defaultActivatedDeviceName>");
            ("updateLine", format!("<pattern>{line}</pattern>{desk}"))
        }
        _ => panic!("no action: {words:?}"),
    }
}

fn update_user(user: &str, tag: &str, member: &str, names: &[&str]) -> (&'static str, String) {
    let members: String = names.iter().map(|name| format!("<{member}>{name}</{member}>")).collect();
    ("updateUser", format!("<userid>{user}</userid><{tag}>{members}</{tag}>"))
}
