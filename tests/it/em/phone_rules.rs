//! The rules of the phone's page over real listeners: sign-in types, menu and ticket, languages, sources, permits, activation.

use std::sync::mpsc;

use diesel::connection::SimpleConnection as _;
use emgate::store::{StoreError, Tx};

use super::floor::{Floor, OTHER, PHONE, between, entries, page, query};
use crate::support::axl::Caller;

#[test]
fn who_has_several_profiles_chooses_one_and_may_do_so_at_another_node() {
    let floor = Floor::new();
    floor.user("bob", &["UDP_one", "UDP_two", "UDP_three"], "");
    let other = floor.gateway.another_node("other", |_| ());
    let menu = floor.get(&format!("?device={PHONE}&userid=bob&seq=12345"));
    let entries = entries(&menu);
    assert_eq!(entries.iter().map(|e| e.0.as_str()).collect::<Vec<_>>(), ["UDP_one", "UDP_two", "UDP_three"]);
    assert!(!menu.contains("12345") && entries.iter().all(|e| e.1.len() < 200), "{menu}");
    assert!(floor.sessions().is_empty());
    let chosen = page(&other.phone(), &entries[1].1, &[]).body;
    assert_eq!(between(&chosen, "Prompt"), "Login successful");
    let shown = floor
        .axl
        .ok("getPhone", &format!("<name>{PHONE}</name><returnedTags><currentProfileName/></returnedTags>"));
    assert!(shown.contains(">UDP_two</currentProfileName>"), "{shown}");
    // again is no harm; another profile finds the phone taken
    assert_eq!(floor.prompt(&entries[1].1), "Login successful");
    assert_eq!(floor.prompt(&entries[0].1), "Login is unavailable(18)");
    // what was used once is no way in later
    assert_eq!(floor.prompt(&format!("?device={PHONE}&doLogout=true")), "Logout successful");
    assert_eq!(floor.prompt(&entries[1].1), "Please try to login again (201)");
    assert!(floor.sessions().is_empty());
}

#[test]
fn a_ticket_is_good_at_its_phone_only_and_dies_with_the_pin() {
    let floor = Floor::new();
    floor.user("bob", &["UDP_one", "UDP_two"], "");
    let menu = || entries(&floor.get(&format!("?device={PHONE}&userid=bob&seq=12345")));
    let elsewhere = menu()[0].1.replace(PHONE, OTHER);
    assert_eq!(floor.prompt(&elsewhere), "Please try to login again (201)");
    let ticket = menu()[0].1.clone();
    let forged = ticket.replace("&t=A", "&t=B").replace("&t=", "&t=A");
    assert_eq!(floor.prompt(&forged), "Please try to login again (201)");
    assert_eq!(floor.prompt(&format!("?device={PHONE}&t=%C3%A9&p=x")), "Login is unavailable(12)");
    floor.axl.uuid("updateUser", "<userid>bob</userid><pin>54321</pin>");
    assert_eq!(floor.prompt(&ticket), "Please try to login again (201)");
    assert!(floor.sessions().is_empty());
}

#[test]
fn a_menu_of_more_than_a_hundred_goes_on() {
    let floor = Floor::new();
    let names: Vec<String> = (0..103).map(|n| format!("UDP_{n:03}")).collect();
    floor.user("bob", &names.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let first = floor.get(&format!("?device={PHONE}&userid=bob&seq=12345"));
    assert_eq!(entries(&first).len(), 100);
    let more = first.split("<SoftKeyItem>").find(|key| key.contains("<Name>More</Name>")).unwrap();
    let rest = entries(&floor.get(&query(&between(more, "URL"))));
    assert_eq!(rest.iter().map(|e| e.0.as_str()).collect::<Vec<_>>(), ["UDP_100", "UDP_101", "UDP_102"]);
    assert_eq!(floor.prompt(&rest[2].1), "Login successful");
}

#[test]
fn people_sign_in_by_extension_and_by_self_service_id() {
    let floor = Floor::new();
    for pattern in ["2001", "2002"] {
        floor.axl.uuid(
            "addLine",
            &format!("<line><pattern>{pattern}</pattern><usage>Device</usage><routePartitionName/></line>"),
        );
    }
    let extension =
        |p: &str| format!("<primaryExtension><pattern>{p}</pattern><routePartitionName/></primaryExtension>");
    let line = "<lines><line><index>1</index><dirn><pattern>2001</pattern><routePartitionName/></dirn></line></lines>";
    floor.axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP_x</name><product>Cisco 8851</product><protocol>SIP</protocol>{line}</deviceProfile>"));
    floor.user("bob", &["UDP_bob"], &extension("2001"));
    floor.user("2001", &["UDP_2001"], "");
    let log_in = |kind: &str, id: &str, pin: &str| {
        let said = floor.prompt(&format!("?device={PHONE}&loginType={kind}&userid={id}&seq={pin}"));
        let on = floor.sessions().first().map(|s| s.1.clone()).unwrap_or_default();
        floor.get(&format!("?device={PHONE}&doLogout=true"));
        (said, on)
    };
    let done = |user: &str| ("Login successful".to_owned(), user.to_owned());
    let wrong = || ("Please try to login again (201)".to_owned(), String::new());
    assert_eq!(log_in("DN", "2001", "12345"), done("bob"));
    assert_eq!(log_in("UID", "2001", "12345"), done("2001"));
    assert_eq!(log_in("SP", "5501", "12345"), done("ada"));
    assert_eq!(log_in("DN", "2001", "00000"), wrong());
    assert_eq!(log_in("DN", "bob", "12345"), wrong());
    assert_eq!(log_in("DN", "2002", "12345"), wrong());
    assert_eq!(log_in("SP", "ada", "12345"), wrong());
    floor.user("eve", &["UDP_eve"], &extension("2001"));
    assert_eq!(log_in("DN", "2001", "12345").0, "DN has multiple users(216)");
    let form = floor.get(&format!("?device={PHONE}&loginType=DN"));
    assert!(form.contains(&format!("?device={PHONE}&amp;loginType=DN</URL>")), "{form}");
    assert!(
        form.contains("<DisplayName>Extension</DisplayName>") && form.contains("<InputFlags>N</InputFlags>")
    );
}

#[test]
fn who_has_a_user_id_that_no_keypad_types_signs_in_by_extension_or_self_service_id() {
    let floor = Floor::new();
    let line = "<lines><line><index>1</index><dirn><pattern>2001</pattern><routePartitionName/></dirn></line></lines>";
    floor.axl.uuid("addDeviceProfile", &format!("<deviceProfile><name>UDP_x</name><product>Cisco 8851</product><protocol>SIP</protocol>{line}</deviceProfile>"));
    let known = "<primaryExtension><pattern>2001</pattern><routePartitionName/></primaryExtension><selfService>5502</selfService>";
    floor.user("жанна", &["UDP_j"], known);
    let stored = floor.axl.ok("getUser", "<userid>жанна</userid><returnedTags><userid/></returnedTags>");
    assert!(stored.contains("<userid>жанна</userid>"), "{stored}");
    for (kind, id) in [("DN", "2001"), ("SP", "5502")] {
        let said = floor.prompt(&format!("?device={PHONE}&loginType={kind}&userid={id}&seq=12345"));
        assert_eq!(said, "Login successful", "{kind}");
        assert_eq!(floor.sessions(), [(PHONE.to_owned(), "жанна".to_owned())]);
        floor.get(&format!("?device={PHONE}&doLogout=true"));
    }
}

#[test]
fn the_switch_without_a_time_ends_nothing() {
    let floor = Floor::new();
    floor.set("EnforceIntraClusterMaxLoginTime", "T");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    let no_end =
        "DO $$ BEGIN ASSERT (SELECT count(*) = 1 AND bool_and(expires_at IS NULL) FROM sessions); END $$";
    floor.gateway.sql(no_end);
    floor.prompt(&format!("?device={PHONE}&doLogout=true"));
    floor.set("IntraClusterMaxLoginTime", "8:00");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    floor.gateway.sql(
        "DO $$ BEGIN ASSERT (SELECT bool_and(expires_at - started_at = '8 hours') FROM sessions); END $$",
    );
}

#[test]
fn guesses_at_extensions_are_counted_one_by_one_and_charged_to_their_source() {
    let floor = Floor::new();
    floor
        .axl
        .uuid("addLine", "<line><pattern>2001</pattern><usage>Device</usage><routePartitionName/></line>");
    for user in ["bob", "eve"] {
        let extension = "<primaryExtension><pattern>2001</pattern><routePartitionName/></primaryExtension>";
        floor.user(user, &[&format!("UDP_{user}")], extension);
    }
    let log_in = |kind: &str, id: &str| {
        floor.prompt(&format!("?device={PHONE}&loginType={kind}&userid={id}&seq=12345"))
    };
    for (kind, id) in [("DN", "9001"), ("DN", "9001"), ("DN", "9002"), ("SP", "9001"), ("UID", "9001")] {
        assert_eq!(log_in(kind, id), "Please try to login again (201)");
    }
    let counted: Vec<i32> = floor.gateway.database.open_real().read_blocking(counts_of_absent).unwrap();
    assert_eq!(counted, [1, 1, 1, 2]);
    for _ in 0..5 {
        assert_eq!(log_in("DN", "2001"), "DN has multiple users(216)");
    }
    assert_eq!(log_in("DN", "2001"), "Login is unavailable(26)", "ten failures are enough");
}

fn counts_of_absent(tx: &mut Tx<'_>) -> Result<Vec<i32>, StoreError> {
    use diesel::prelude::*;
    use emgate::store::schema::absent_accounts::dsl;
    Ok(dsl::absent_accounts.select(dsl::failed).order(dsl::failed).load(tx.connection())?)
}

#[test]
fn the_form_follows_the_parameters_at_once_and_on_every_node() {
    let floor = Floor::new();
    let other = floor.gateway.another_node("other", |_| ());
    let form = || page(&other.phone(), &format!("?device={PHONE}"), &[]).body;
    assert!(form().contains(
        "<QueryStringParam>userid</QueryStringParam><InputFlags>L</InputFlags><DefaultValue></DefaultValue>"
    ));
    assert_eq!(floor.log_in(PHONE, "ADA"), "Login successful");
    floor.prompt(&format!("?device={PHONE}&doLogout=true"));
    floor.set("RememberLastUserLoggedIn", "T");
    assert!(form().contains("<DefaultValue>ada</DefaultValue>"));
    for kind in ["DN", "SP"] {
        let other_kind = floor.get(&format!("?device={PHONE}&loginType={kind}"));
        assert!(!other_kind.contains("ada"), "EM-086: {other_kind}");
    }
    floor.set("RememberLastUserLoggedIn", "F");
    assert!(!form().contains("ada"));
    floor.set("AlphanumericUserID", "F");
    assert!(form().contains("<QueryStringParam>userid</QueryStringParam><InputFlags>N</InputFlags>"));
    assert_eq!(floor.log_in(PHONE, "ada"), "Please try to login again (201)");
}

#[test]
fn a_phone_is_answered_in_its_language_and_charset() {
    let floor = Floor::new();
    let phone = floor.gateway.phone();
    let chinese = page(&phone, &format!("?device={PHONE}&userid=ada&seq=1"), &[("Accept-Language", "zh_CN")]);
    assert_eq!(chinese.header("content-type"), Some("text/xml; charset=utf-8"));
    assert_eq!(between(&chinese.body, "Prompt"), "请重新登录 (201)");
    assert!(between(&chinese.body, "Text").starts_with("错误 201 验证错误。"), "{}", chinese.body);
    let latin = [("Accept-Language", "zh_CN"), ("Accept-Charset", "iso-8859-1")];
    let latin = page(&phone, &format!("?device={PHONE}"), &latin);
    assert_eq!(latin.header("content-type"), Some("text/xml; charset=iso-8859-1"));
    assert!(
        latin.body.contains("encoding=\"iso-8859-1\"") && latin.body.contains("<Title>&#31227;"),
        "{}",
        latin.body
    );
    // the reference on the screen is the end of the request's id
    let blank = page(&phone, &format!("?device={PHONE}&userid=ada&seq="), &[("Accept-Language", "zh_CN")]);
    let id = blank.header("x-request-id").unwrap();
    assert!(blank.body.contains(&format!("参考号 {}", &id[id.len() - 8..])), "{}", blank.body);
    assert!(!chinese.body.contains("参考号"), "wrong PIN and unknown user are the same bytes");
}

#[test]
fn while_addresses_are_validated_only_the_phone_and_trusted_hosts_get_in() {
    let floor = Floor::new();
    let at = |last: u8, headers: &[(&str, &str)], query: &str| {
        between(&page(&floor.gateway.phone().at([127, 0, 0, last].into()), query, headers).body, "Prompt")
    };
    let login = format!("?device={PHONE}&userid=ada&seq=12345");
    let logout = format!("?device={PHONE}&doLogout=true");
    assert_eq!(at(7, &[], &login), "Login successful", "from here the phone is known to be at 127.0.0.7");
    floor.set("ValidateIPAddress", "T");
    assert_eq!(at(8, &[], &logout), "Logout is unavailable(28)");
    assert_eq!(at(8, &[], &format!("?device={OTHER}")), "Login is unavailable(28)");
    assert_eq!(at(7, &[], &logout), "Logout successful");
    floor.set("TrustedListOfIPs", "127.0.0.8");
    assert_eq!(at(8, &[], &login), "Login successful");
    assert_eq!(at(8, &[("Via", "1.1 proxy")], &logout), "Logout is unavailable(30)");
    assert_eq!(at(8, &[("X-Forwarded-For", "127.0.0.7")], &logout), "Logout is unavailable(30)");
    floor.set("AllowProxy", "T");
    assert_eq!(at(9, &[("X-Forwarded-For", "127.0.0.7")], &logout), "Logout is unavailable(28)");
    assert_eq!(at(8, &[("Via", "1.1 proxy")], &logout), "Logout successful");
    floor.set("TrustedListOfIPs", "10.0.0.0/8;localhost");
    assert_eq!(at(1, &[], &login), "Login successful", "localhost is 127.0.0.1");
    assert_eq!(at(8, &[], &logout), "Logout is unavailable(28)", "no longer trusted");
    floor.set("ValidateIPAddress", "F");
    assert_eq!(at(9, &[("Via", "1.1 proxy")], &logout), "Logout successful", "EM-100");
}

#[test]
fn logouts_from_elsewhere_than_the_phone_are_few() {
    let floor = Floor::new();
    let at = |last: u8, query: &str| {
        between(&page(&floor.gateway.phone().at([127, 0, 0, last].into()), query, &[]).body, "Prompt")
    };
    let (login, logout) =
        (format!("?device={PHONE}&userid=ada&seq=12345"), format!("?device={PHONE}&doLogout=true"));
    assert_eq!(at(7, &login), "Login successful");
    for _ in 0..5 {
        assert_eq!(at(8, &logout), "Logout successful");
    }
    assert_eq!(at(8, &logout), "Logout is unavailable(26)");
    for _ in 0..7 {
        assert_eq!(at(7, &logout), "Logout successful", "the phone itself");
    }
    floor.set("TrustedListOfIPs", "127.0.0.8");
    assert_eq!(at(8, &logout), "Logout successful", "a trusted host");
}

#[test]
fn who_is_shut_out_cannot_shut_out_phones() {
    let floor = Floor::new();
    let at = |last: u8, query: &str| {
        between(&page(&floor.gateway.phone().at([127, 0, 0, last].into()), query, &[]).body, "Prompt")
    };
    for _ in 0..10 {
        assert_eq!(at(9, &format!("?device={OTHER}&userid=x&seq=a")), "Please try to login again (201)");
    }
    for _ in 0..12 {
        assert_eq!(at(9, &format!("?device={PHONE}&userid=x&seq=a")), "Login is unavailable(26)");
    }
    assert_eq!(at(8, &format!("?device={PHONE}&userid=ada&seq=12345")), "Login successful");
}

#[test]
fn more_logouts_at_once_than_allowed_wait_a_second_and_are_busy() {
    let floor = Floor::new();
    floor.set("MaximumConcurrentRequests", "1");
    let log_out = |phone| floor.prompt(&format!("?device={phone}&doLogout=true"));
    let (locked, is_locked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let database = floor.gateway.database.open_real();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let hold = |tx: &mut Tx<'_>| {
                tx.connection().batch_execute("SELECT FROM phones FOR UPDATE")?;
                let _nobody_hears_it_twice = locked.send(());
                let _dropped = released.recv();
                Ok::<_, StoreError>(())
            };
            database.write_blocking(hold).unwrap();
        });
        is_locked.recv().unwrap();
        let first = scope.spawn(|| log_out(PHONE));
        floor.until("one is under way", || floor.gateway.em().requests_in_progress() == 1);
        assert_eq!(log_out(OTHER), "Logout is unavailable(26)");
        let change = format!(
            "?device={OTHER}&changePin=true&userid=ada&oldpin=12345&newpin=70531&confirmnewpin=70531"
        );
        let changed =
            floor.gateway.phone().get(&format!("/changecredential/ChangeCredentialServlet{change}"));
        assert_eq!(between(&changed.body, "Prompt"), "PIN change is unavailable(26)");
        drop(release);
        assert_eq!(first.join().unwrap(), "Logout successful");
    });
    assert_eq!(log_out(OTHER), "Logout successful");
    assert_eq!(floor.gateway.em().requests_in_progress(), 0);
}

#[test]
fn a_node_without_the_service_says_so_and_others_go_on() {
    let floor = Floor::new();
    let other = floor.gateway.another_node("other", |_| ());
    floor.set_on("test", "ExtensionMobilityActivated", "F");
    assert_eq!(floor.log_in(PHONE, "ada"), "Login is unavailable(208)");
    assert_eq!(floor.prompt(&format!("?device={PHONE}&doLogout=true")), "Logout is unavailable(208)");
    floor.set("ServiceConnectionErrorIs207", "T");
    let seen = floor.get(&format!("?device={PHONE}"));
    assert_eq!(between(&seen, "Prompt"), "Login is unavailable(207)");
    assert!(seen.contains("Error 207 EM Service Connection Error."), "{seen}");
    let elsewhere = page(&other.phone(), &format!("?device={PHONE}&userid=ada&seq=12345"), &[]);
    assert_eq!(between(&elsewhere.body, "Prompt"), "Login successful");
    floor.set_on("test", "ExtensionMobilityPagesActivated", "F");
    let down = page(&floor.gateway.phone(), &format!("?device={PHONE}"), &[]);
    assert_eq!(down.status, 503);
    assert!(down.body.contains("Extension Mobility Application is not activated"), "{}", down.body);
    let form = format!("/changecredential/ChangeCredentialServlet?device={PHONE}");
    assert_eq!(floor.gateway.phone().get(&form).status, 503);
    assert_eq!(other.phone().get(&form).status, 200);
}

#[test]
fn protected_phones_and_users_of_other_clusters_are_refused_and_say_why() {
    let floor = Floor::new();
    floor.axl.uuid("updatePhone", &format!("<name>{PHONE}</name><isProtected>true</isProtected>"));
    assert_eq!(floor.prompt(&format!("?device={PHONE}")), "Login is unavailable(251)");
    let refusal = floor.axl.refusal("doDeviceLogin", &format!("<deviceName>{PHONE}</deviceName><loginDuration>0</loginDuration><profileName>UDP_ada</profileName><userId>ada</userId>"));
    assert!(refusal.1.starts_with("EM 251: "), "{refusal:?}");
    floor.user("far", &["UDP_far"], "<homeCluster>false</homeCluster>");
    assert_eq!(floor.log_in(OTHER, "far"), "Login is unavailable(252)");
    assert_eq!(
        floor.prompt(&format!("?device={OTHER}&userid=far&seq=00000")),
        "Please try to login again (201)"
    );
    assert!(floor.sessions().is_empty());
}

#[test]
fn asking_for_the_head_of_an_answer_changes_nothing() {
    let floor = Floor::new();
    floor.log_in(PHONE, "ada");
    let head = floor.gateway.phone().request(
        "HEAD",
        &format!("/emapp/EMAppServlet?device={PHONE}&doLogout=true"),
        &[],
        "",
    );
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(floor.sessions().len(), 1);
}
