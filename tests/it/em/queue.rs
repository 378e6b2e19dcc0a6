//! The queue of the writers: full, held up by a lock, and asked for one phone under two names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use emgate::domain::event::Via;
use emgate::domain::logout::LogoutOrigin;
use emgate::em::error::EmCode;
use emgate::em::outcome::{LoginOutcome, LogoutOutcome};
use emgate::store::names::Named;
use emgate::store::objects::{self, Selector};

use crate::support::axl::{AxlClient, Caller as _};
use crate::support::gateway::TestGateway;
use crate::support::site::Site;
use crate::support::waiting::{await_some, in_time};

const CALLERS: usize = 16;

/// Two writers hold a batch each and three requests wait: whoever comes then is told at once, the others when the lock is gone.
#[test]
fn a_full_queue_answers_26_at_once() {
    let gateway = TestGateway::start_with(|config| config.limits.logins_waiting = 3);
    let client = AxlClient::of(&gateway);
    for n in 0..CALLERS {
        let more = "<product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility>";
        client.ok("addPhone", &format!("<phone><name>SEP00000000000{n:X}</name>{more}</phone>"));
    }
    let (db, _clock) = gateway.database.open();
    let mut policy = db.connect().unwrap();
    policy.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7304100)").unwrap();
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..CALLERS)
            .map(|n| {
                let (client, inner) = (&client, format!("<deviceName>SEP00000000000{n:X}</deviceName>"));
                scope.spawn(move || client.refusal("doDeviceLogout", &inner))
            })
            .collect();
        // at most three wait, and each of the two writers has taken as many
        await_some(Duration::from_millis(1500), || {
            match asked.iter().filter(|one| one.is_finished()).count() {
                told if told < CALLERS - 9 => Err(format!("{told} are told that the queue is full")),
                _ => Ok(()),
            }
        });
        policy.batch_execute("COMMIT").unwrap();
        asked.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let (busy, served): (Vec<_>, Vec<_>) = answers.iter().partition(|(code, _)| *code == 5004);
    assert!(busy.len() >= CALLERS - 9 && served.len() >= 4, "{answers:?}");
    assert!(busy.iter().all(|(_, text)| text.starts_with("EM 26: ")), "{answers:?}");
    assert!(served.iter().all(|(code, text)| *code == 5003 && text.starts_with("EM 19: ")), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_lock_holds_up_one_writer_only() {
    let site = Site::new();
    let profile = site.profile("UDP");
    for n in 0..6 {
        site.phone(&format!("SEP00000000000{n}"));
        site.user(&format!("u{n}"), &[profile]);
    }
    let mut holder = site.db.connect().unwrap();
    holder
        .batch_execute(
            "BEGIN; SELECT FROM users u JOIN objects o ON o.pk = u.pk WHERE o.name = 'u0' FOR UPDATE OF u",
        )
        .unwrap();
    let held = site.em.login(site.attempt("SEP000000000000", "u0"));
    let others = async {
        for n in 1..6 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let begun = Instant::now();
            let outcome = site.em.login(site.attempt(&format!("SEP00000000000{n}"), &format!("u{n}"))).await;
            assert!(matches!(outcome, Ok(LoginOutcome::LoggedIn { .. })), "{outcome:?}");
            assert!(begun.elapsed() < Duration::from_millis(1500), "{n}: {:?}", begun.elapsed());
        }
        holder.batch_execute("COMMIT").unwrap();
    };
    let (held, ()) = in_time(async { tokio::join!(held, others) }).await;
    assert!(matches!(held, Ok(LoginOutcome::LoggedIn { .. })), "{held:?}");
}

/// Each writer stands at a lock, in vain and not for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_wait_for_locks_hold_up_the_others_for_seconds_only() {
    let site = Site::new();
    let profile = site.profile("UDP");
    for n in 0..6 {
        site.phone(&format!("SEP00000000000{n}"));
        site.user(&format!("u{n}"), &[profile]);
    }
    let mut holder = site.db.connect().unwrap();
    holder
        .batch_execute(
            "BEGIN; SELECT FROM users u JOIN objects o ON o.pk = u.pk WHERE o.name IN ('u0', 'u1') FOR UPDATE OF u",
        )
        .unwrap();
    let begun = Instant::now();
    let log_in = async |n: u64| {
        tokio::time::sleep(Duration::from_millis(50 * n)).await;
        site.em.login(site.attempt(&format!("SEP00000000000{n}"), &format!("u{n}"))).await
    };
    let held = async { tokio::join!(log_in(0), log_in(1)) };
    let others = async {
        let outcomes = tokio::join!(log_in(2), log_in(3), log_in(4), log_in(5));
        (outcomes, begun.elapsed())
    };
    let (held, (others, took)) = in_time(async { tokio::join!(held, others) }).await;
    assert_eq!(held, (Err(EmCode::Database), Err(EmCode::Database)));
    for outcome in [others.0, others.1, others.2, others.3] {
        assert!(matches!(outcome, Ok(LoginOutcome::LoggedIn { .. })), "{outcome:?}");
    }
    assert!(took < Duration::from_secs(9), "{took:?}");
    holder.batch_execute("COMMIT").unwrap();
}

/// One batch may hold a phone under its name and under its uuid: the later one is decided after the earlier one all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_under_two_names_is_still_one_phone() {
    let site = Arc::new(Site::new());
    let profile = site.profile("UDP");
    let phone = site.phone("SEP000000000000");
    site.user("ann", &[profile]);
    let uuid = site.write(|tx| objects::get(tx, phone.into())).uuid;
    for _ in 0..20 {
        site.em.login(site.attempt("SEP000000000000", "ann")).await.unwrap();
        let tasks: Vec<_> = (0..CALLERS)
            .map(|n| {
                let site = Arc::clone(&site);
                let phone = if n % 2 == 0 { Selector::Uuid(uuid) } else { Selector::name("sep000000000000") };
                let cause = site.cause(Via::Soap);
                tokio::spawn(async move { site.em.logout(Named::By(phone), LogoutOrigin::Api, cause).await })
            })
            .collect();
        let mut ended = 0;
        for task in tasks {
            match in_time(task).await.unwrap().unwrap() {
                LogoutOutcome::LoggedOut { .. } => ended += 1,
                LogoutOutcome::NobodyLoggedIn => {}
            }
        }
        assert_eq!(ended, 1);
    }
    assert_eq!(site.events().len(), 40);
}
