//! What people and operators see of each refusal, from outside: screen, event, metric, log (EM-143 to EM-163).

use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use serde_json::Value;

use super::floor::{Floor, OTHER, PHONE, between};
use crate::support::axl::Caller;
use crate::support::database::{TestDatabase, await_lock_waiters};
use crate::support::gateway::{StateDir, TestGateway};
use crate::support::process::Process;
use crate::support::waiting::await_some;

#[test]
fn a_user_without_a_profile_gets_205_until_one_is_given() {
    let floor = Floor::new();
    floor.user("new", &[], "");
    assert_eq!(floor.log_in(PHONE, "new"), "Login is unavailable (205)");
    floor.axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP_new</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    assert_eq!(
        floor.log_in(PHONE, "new"),
        "Login is unavailable (205)",
        "there is one, and not for this user"
    );
    floor.axl.uuid(
        "updateUser",
        "<userid>new</userid><phoneProfiles><profileName>UDP_new</profileName></phoneProfiles>",
    );
    assert_eq!(floor.log_in(PHONE, "new"), "Login successful");
    assert_eq!(floor.shown("getPhone", &format!("<name>{PHONE}</name>"), "currentProfileName"), "UDP_new");
}

#[test]
fn whoever_leaves_something_empty_gets_202_and_whoever_is_wrong_201_and_both_are_told() {
    let floor = Floor::new();
    for (user, pin) in [("", "12345"), ("ada", ""), ("", ""), ("%20", "12345")] {
        let said = floor.prompt(&format!("?device={PHONE}&userid={user}&seq={pin}"));
        assert_eq!(said, "Please try to login again (202)", "{user:?} {pin:?}");
    }
    let wrong = floor.get(&format!("?device={PHONE}&userid=ada&seq=54321"));
    let unknown = floor.get(&format!("?device={PHONE}&userid=nobody&seq=54321"));
    assert_eq!(wrong, unknown);
    assert_eq!(between(&wrong, "Prompt"), "Please try to login again (201)");
    assert!(floor.sessions().is_empty());
    let told = floor.rejections(4);
    let codes: std::collections::BTreeSet<u64> =
        told.iter().map(|e| e["data"]["errorCode"].as_u64().unwrap()).collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), [201, 202]);
    assert_eq!(floor.log_in(PHONE, "JDoe"), "Please try to login again (201)");
}

#[test]
fn the_case_of_a_user_id_matters_neither_to_logins_nor_between_users() {
    let floor = Floor::new();
    floor.user("jdoe", &["UDP_jdoe"], "");
    assert_eq!(floor.log_in(PHONE, "JDoe"), "Login successful");
    assert_eq!(floor.sessions(), [(PHONE.to_owned(), "jdoe".to_owned())]);
    let again = floor.axl.refusal("addUser", "<user><lastName>Test</lastName><userid>JDOE</userid></user>");
    assert_eq!(again.0, -239, "{again:?}");
    floor.user("1001", &["UDP_1001"], "");
    assert_eq!(floor.log_in(OTHER, "1001"), "Login successful", "digits beside letters");
}

#[test]
fn as_many_as_allowed_are_under_way_and_one_more_is_told_to_try_again() {
    let floor = Floor::new();
    let phones: Vec<String> = (0..6).map(|n| format!("SEP0000000000C{n}")).collect();
    phones.iter().for_each(|phone| floor.phone(phone));
    assert_eq!(floor.value("MaximumConcurrentRequests"), "5");
    let in_progress =
        |n: usize| floor.metric(&format!("em_requests_in_progress{{perfmon=\"RequestsInProgress\"}} {n}"));
    let mut holder = PgConnection::establish(&floor.gateway.database.url).unwrap();
    holder.batch_execute("BEGIN; SELECT 1 FROM phones FOR UPDATE").unwrap();
    std::thread::scope(|scope| {
        let log_out = |phone: &str| floor.get(&format!("?device={phone}&doLogout=true"));
        let held: Vec<_> = phones[..5].iter().map(|phone| scope.spawn(move || log_out(phone))).collect();
        floor.until("five are under way", || floor.gateway.em().requests_in_progress() == 5);
        await_lock_waiters(&floor.gateway.database, 1);
        assert!(in_progress(5));
        let busy = log_out(&phones[5]);
        assert_eq!(between(&busy, "Prompt"), "Logout is unavailable(26)");
        assert!(between(&busy, "Text").contains("Try again in a minute."), "{busy}");
        assert!(in_progress(5), "never more");
        holder.batch_execute("COMMIT").unwrap();
        for one in held {
            assert_eq!(between(&one.join().unwrap(), "Prompt"), "Logout successful");
        }
    });
    assert!(in_progress(0));
    assert!(floor.metric("em_requests_throttled_total{perfmon=\"RequestsThrottled\",surface=\"phone\"} 1"));
}

#[test]
fn a_database_that_is_away_is_code_6_its_reference_leads_to_the_cause_and_it_recovers_alone() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let node = Process::start(&["serve"], &database.url, &state);
    let phones = node.client("phones");
    let ask = || phones.get(&format!("/emapp/EMAppServlet?device={PHONE}&userid=ada&seq=12345"));
    assert_eq!(between(&ask().body, "Prompt"), "Login is unavailable(11)");
    let mut root = PgConnection::establish(&std::env::var("DATABASE_URL").unwrap()).unwrap();
    let name = database.url.rsplit('/').next().unwrap();
    root.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).unwrap();
    root.batch_execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ))
    .unwrap();
    let begun = Instant::now();
    let away = ask();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(between(&away.body, "Prompt"), "Login is unavailable(6)");
    let id = away.header("x-request-id").unwrap().to_owned();
    assert!(away.body.contains(&format!("Reference {}", &id[id.len() - 8..])), "{}", away.body);
    root.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    await_some(Duration::from_secs(30), || match ask().body {
        shown if between(&shown, "Prompt") == "Login is unavailable(11)" => Ok(()),
        shown => Err(format!("it recovers by itself: {shown}")),
    });
    let log: Vec<Value> = node.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_request: Vec<&Value> = log.iter().filter(|line| line["request.id"] == *id).collect();
    let cause =
        of_request.iter().find(|line| line["level"] == "error").unwrap_or_else(|| panic!("{of_request:?}"));
    let error = cause["error"].as_str().unwrap();
    assert!(error.starts_with("unavailable: ") && error.contains("connection"), "{cause}");
}

#[test]
fn what_the_phone_says_is_the_operators_to_change() {
    let texts = StateDir::new();
    let file =
        "language = \"en\"\n[codes.25]\nlogin = \"Still in use elsewhere (25)\"\nadvice = \"Call 4711.\"\n";
    std::fs::write(texts.0.join("ours.toml"), file).unwrap();
    let floor = Floor::of(TestGateway::start_with(|config| config.phone.texts_dir = Some(texts.0.clone())));
    assert_eq!(floor.log_in(PHONE, "ada"), "Login successful");
    let screen = floor.get(&format!("?device={OTHER}&userid=ada&seq=12345"));
    assert_eq!(between(&screen, "Prompt"), "Still in use elsewhere (25)");
    assert!(
        between(&screen, "Text").starts_with("Error 25 User Logged in Elsewhere. Call 4711."),
        "{screen}"
    );
}

#[test]
fn a_login_type_that_is_none_is_told_those_that_are() {
    let floor = Floor::new();
    for kind in ["XX", "userid", "%E7%94%A8%E6%88%B7", "D N", "1"] {
        let screen = floor.get(&format!("?device={PHONE}&loginType={}", kind.replace(' ', "%20")));
        assert_eq!(between(&screen, "Prompt"), "LoginType invalid(215)", "{kind}");
        assert!(between(&screen, "Text").contains("must be UID, SP or DN"), "{screen}");
    }
}
