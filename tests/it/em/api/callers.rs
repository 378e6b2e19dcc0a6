//! Who may ask, and for whom (EM-138, extension-mobility.md 6).

use serde_json::json;

use super::*;

const NO_RIGHT: (u16, &str) = (10, "User Lacks App Proxy Rights");

/// Everything that can be asked, of `ada` where somebody is named.
fn everything() -> Vec<(bool, String)> {
    let query = |name: &str, what: &str| (true, format!("<{name}>{what}</{name}>"));
    vec![
        (false, login(A1, "ada", "")),
        (false, logout(A1)),
        (false, "<logoutAll/>".to_owned()),
        query("deviceUserQuery", &format!("<deviceName>{A1}</deviceName>")),
        query("userDevicesQuery", "<userID>ada</userID>"),
        query("checkUser", "<userID>ada</userID>"),
        query("deviceProfileQuery", "<userID>ada</userID>"),
        query("userDeviceProfileQuery", "<userID>ada</userID>"),
    ]
}

/// The code in an answer; none: it was carried out.
async fn code(site: &Site, who: &str, password: &str, (is_query, inside): &(bool, String)) -> Option<u16> {
    let root = if *is_query { "query" } else { "request" };
    let answer = post(site, format!("xml=<{root}>{}{inside}</{root}>", app(who, password))).await;
    let (_, rest) = answer.split_once("<error code=\"")?;
    Some(rest.split_once('"').unwrap().0.parse().unwrap())
}

#[tokio::test]
async fn a_program_without_the_right_may_nothing_and_with_it_everything() {
    let site = site();
    site.app_user("weak", PASSWORD);
    for ask in everything() {
        assert_eq!(code(&site, "weak", PASSWORD, &ask).await, Some(10), "{ask:?}");
        assert_eq!(code(&site, "nobody", PASSWORD, &ask).await, Some(3), "{ask:?}");
    }
    assert!(site.events().is_empty());
    for ask in everything() {
        assert_eq!(code(&site, "SEATS", PASSWORD, &ask).await, None, "{ask:?}");
    }
}

#[tokio::test]
async fn a_person_acts_for_themselves_only_even_in_the_group() {
    let site = site();
    let ada =
        site.em.db().read(|tx| objects::find(tx, "User", &Selector::name("ada"))).await.unwrap().unwrap();
    give_password(&site, UserPk(ada.pk.0));
    join(&site, ada.pk);
    let refused = failure(NO_RIGHT.0, NO_RIGHT.1);
    assert_eq!(request_by(&site, "ada", &login(A1, "bob", "")).await, refused);
    assert_eq!(request_by(&site, "ada", &login("SEP0000000000FF", "bob", "")).await, refused, "before 11");
    assert_eq!(
        request_by(&site, "ada", &login(A1, "ada", "<deviceProfile>UDP_bob</deviceProfile>")).await,
        failure(12, "Dev Profile Not Found")
    );
    assert_eq!(request_by(&site, "ada", &login(A1, "A%2564a", "")).await, SUCCESS);
    assert_eq!(
        site.events()[0].1["requestedBy"],
        json!({"kind": "user", "id": "ada", "address": PEER, "via": "api"})
    );
    request(&site, &login(A2, "bob", "")).await;
    assert_eq!(request_by(&site, "ada", &logout(A2)).await, refused);
    assert_eq!(
        request_by(&site, "ada", &logout("SEP0000000000FF")).await,
        failure(11, "Device Does Not Exist")
    );
    assert_eq!(request_by(&site, "ada", "<logoutAll/>").await, refused);
    assert_eq!(site.sessions().len(), 2);
    assert_eq!(request_by(&site, "ada", &logout(A1)).await, SUCCESS);
    assert_eq!(request_by(&site, "ada", &logout(A1)).await, failure(19, "No User Logged In"));
    assert_eq!(site.story()[2..], ["logout SEP0000000000A1 ada administrator"]);
    let refused = query_failure(NO_RIGHT.0, NO_RIGHT.1);
    for ask in ["userDevicesQuery", "checkUser", "deviceProfileQuery"] {
        let of = |who: &str| format!("<{ask}><userID>{who}</userID></{ask}>");
        assert!(query_by(&site, "ada", &of("ADA")).await.contains("<user id=\"ada\">"), "{ask}");
        assert_eq!(query_by(&site, "ada", &of("bob")).await, refused, "{ask}");
        assert_eq!(query_by(&site, "ada", &of("ada</userID><userID>bob")).await, refused, "{ask}");
    }
    let phone = format!("<deviceUserQuery><deviceName>{A1}</deviceName></deviceUserQuery>");
    assert_eq!(query_by(&site, "ada", &phone).await, refused);
}

#[tokio::test]
async fn a_pin_is_no_password_and_a_person_without_one_is_nobody() {
    let site = site();
    let ask = (false, login(A1, "ada", ""));
    assert_eq!(code(&site, "ada", "12345", &ask).await, Some(3));
    assert_eq!(code(&site, "ada", PASSWORD, &ask).await, Some(3));
}

#[tokio::test]
async fn own_components_of_other_servers_are_nobody_here() {
    let site = site();
    proxy(&site, "CCMSysUser");
    let encrypted = |id: &str, certificate: &str| {
        format!(
            "<appInfo><appID>{id}</appID><appEncryptedCertificate>{certificate}</appEncryptedCertificate></appInfo>"
        )
    };
    for app in [encrypted("CCMSysUser", "x"), encrypted("seats", PASSWORD), app("ccmsysuser", PASSWORD)] {
        let form = format!("xml=<request>{app}{}</request>", login(A1, "ada", ""));
        assert_eq!(post(&site, form).await, stranger(), "{app}");
    }
    assert!(site.events().is_empty());
}

#[tokio::test]
async fn unknown_wrong_malformed_and_locked_are_one_answer() {
    let site = site();
    for (who, password) in [
        ("seats", "wrong"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("success", "success"),
        ("seats", ""),
        ("seats", &"x".repeat(200)),
        ("seats", "wrong again"),
        ("seats", "and again, which locks it"),
        ("seats", PASSWORD),
    ] {
        let form = format!("xml=<request>{}{}</request>", app(who, password), login(A1, "ada", ""));
        assert_eq!(post(&site, form).await, stranger(), "{who} {password}");
    }
    assert!(site.sessions().is_empty());
}
