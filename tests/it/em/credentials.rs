//! PINs and passwords: lock-out, limiter, dead at once after a change.

use std::net::IpAddr;
use std::sync::Arc;

use emgate::auth::Source;
use emgate::auth::pepper::{Pepper, PepperError};
use emgate::auth::proof::Refused;
use emgate::domain::credential::{LockoutPolicy, SecretKind};
use emgate::domain::ids::ObjectPk;
use emgate::em::error::EmCode;
use emgate::em::sweep;
use emgate::store::attempts::{self, Charged, Entry, Written};
use emgate::store::credentials;
use emgate::store::credentials::{Decisions, LockChange};

use crate::support::database::await_lock_waiters;
use crate::support::site::Site;
use crate::support::waiting::in_time;

fn from(last: u8) -> Source {
    Source { address: Some(IpAddr::from([10, 0, last, last])), phone: None }
}

#[tokio::test]
async fn a_pin_is_checked_and_a_changed_one_is_dead_at_once() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let (ada, old) = ("ADA".parse().unwrap(), "12345".parse().unwrap());
    let verifier = site.em.verifier();
    assert!(verifier.verify_pin(&ada, &old, &from(1)).await.is_ok());
    assert!(verifier.verify_pin(&ada, &old, &from(1)).await.is_ok());
    let fresh = verifier.hash_for_storage(SecretKind::Pin, "67890").unwrap();
    site.write(|tx| credentials::set(tx, ObjectPk(user.0), SecretKind::Pin, &fresh));
    assert!(matches!(verifier.verify_pin(&ada, &old, &from(1)).await, Err(Refused::Wrong)));
    assert!(verifier.verify_pin(&ada, &"67890".parse().unwrap(), &from(1)).await.is_ok());
    let nobody = "nobody".parse().unwrap();
    assert!(matches!(verifier.verify_pin(&nobody, &old, &from(1)).await, Err(Refused::Wrong)));
}

#[tokio::test]
async fn parallel_guesses_get_exactly_as_many_checks_as_the_policy_allows() {
    let site = Arc::new(Site::new());
    let user = site.user("ada", &[]);
    let guesses = (0..40_u8).map(|n| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let pin = format!("{:05}", 90_000 + u32::from(n)).parse().unwrap();
            site.em.verifier().verify_pin(&"ada".parse().unwrap(), &pin, &from(n)).await.is_ok()
        })
    });
    for guess in guesses.collect::<Vec<_>>() {
        assert!(!in_time(guess).await.unwrap());
    }
    let failed: i32 = site.write(|tx| {
        use diesel::prelude::*;
        use emgate::store::schema::credentials;
        Ok(credentials::table.find((user.0, "pin")).select(credentials::failed).first(tx.connection())?)
    });
    assert_eq!(failed, 3);
    site.first_event().await;
    let (type_, data) = site.events().remove(0);
    assert_eq!(type_, "em.credential.changed.v1");
    assert_eq!((&data["change"], &data["credential"]), (&"locked".into(), &"pin".into()));
    assert_eq!(data["holder"]["userId"], "ada");
    let right = "12345".parse().unwrap();
    let ada = "ada".parse().unwrap();
    assert!(matches!(site.em.verifier().verify_pin(&ada, &right, &from(200)).await, Err(Refused::Locked)));
    site.clock.advance_seconds(1801);
    assert!(site.em.verifier().verify_pin(&ada, &right, &from(200)).await.is_ok());
}

#[tokio::test]
async fn every_success_takes_back_the_failed_attempts_before_it() {
    let site = Site::new();
    site.user("ada", &[]);
    // the first success is remembered for the others
    for (n, pin) in ["12345", "1", "2", "12345", "3", "4", "12345", "5", "6", "12345"].into_iter().enumerate()
    {
        let (ada, guess) = ("ada".parse().unwrap(), pin.parse().unwrap());
        let checked = site.em.verifier().verify_pin(&ada, &guess, &from(1)).await;
        assert_eq!(checked.is_ok(), pin == "12345", "attempt {n}");
    }
    assert_eq!(site.events(), []);
}

#[tokio::test]
async fn a_success_takes_back_a_lock_that_is_untold_and_none_that_is_told() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let policy = LockoutPolicy { most: 2, ..LockoutPolicy::default() };
    let charge = || site.write(|tx| attempts::charge(tx, user.into(), SecretKind::Pin, policy));
    let settle = |version| {
        site.write(move |tx| {
            let now = tx.now()?;
            attempts::settle(tx, user.into(), SecretKind::Pin, (version, now), None)
        })
    };
    // the right attempt is counted first, another one locks, and the right one is judged before anybody tells
    let right = charge().unwrap();
    assert!(charge().unwrap().locks);
    assert!(settle(right.version));
    site.clock.advance_seconds(61);
    assert_eq!(sweep::tell_of_locks(&site.em).await.unwrap(), 0);
    // the same, but told of first
    let right = charge().unwrap();
    assert!(charge().unwrap().locks);
    site.clock.advance_seconds(61);
    assert_eq!(sweep::tell_of_locks(&site.em).await.unwrap(), 1);
    assert!(!settle(right.version));
    assert_eq!(charge(), None);
    assert_eq!(site.events().len(), 1);
}

#[tokio::test]
async fn a_success_never_takes_back_the_lock_of_an_administrator() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let lock = |locked| {
        let decisions = Decisions { locked, ..Decisions::default() };
        site.write(move |tx| credentials::decide(tx, user.into(), SecretKind::Pin, decisions, false))
    };
    let charge =
        || site.write(|tx| attempts::charge(tx, user.into(), SecretKind::Pin, LockoutPolicy::default()));
    charge().unwrap();
    charge().unwrap();
    let third = charge().unwrap();
    assert!(third.locks);
    assert_eq!(lock(true), Some(LockChange::Locked));
    let settled = site.write(move |tx| {
        let now = tx.now()?;
        attempts::settle(tx, user.into(), SecretKind::Pin, (third.version, now), None)
    });
    assert!(!settled);
    assert!(site.write(|tx| credentials::decisions(tx, user.into(), SecretKind::Pin)).locked);
    assert_eq!(charge(), None);
}

#[tokio::test]
async fn a_gateway_of_the_version_before_may_set_a_pin_that_stays_locked() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let decide = |locked| {
        let decisions = Decisions { locked, ..Decisions::default() };
        site.write(move |tx| credentials::decide(tx, user.into(), SecretKind::Pin, decisions, false))
    };
    decide(true);
    site.write(|tx| {
        use diesel::prelude::*;
        use emgate::store::schema::credentials::dsl;
        // what that version writes with a new secret
        let none = None::<chrono::DateTime<chrono::Utc>>;
        let cleared = (dsl::version.eq(dsl::version + 1), dsl::failed.eq(0), dsl::locked_until.eq(none));
        Ok(diesel::update(dsl::credentials.find((user.0, "pin"))).set(cleared).execute(tx.connection())?)
    });
    let (ada, pin) = ("ada".parse().unwrap(), "12345".parse().unwrap());
    assert!(matches!(site.em.verifier().verify_pin(&ada, &pin, &from(1)).await, Err(Refused::Locked)));
    assert_eq!(decide(false), Some(LockChange::Unlocked));
    assert!(site.em.verifier().verify_pin(&ada, &pin, &from(1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_first_requests_with_the_right_secret_all_get_in() {
    let site = Arc::new(Site::new());
    site.user("ada", &[]);
    let requests = (0..40_u8).map(|_| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let (ada, right) = ("ada".parse().unwrap(), "12345".parse().unwrap());
            site.em.verifier().verify_pin(&ada, &right, &from(1)).await.is_ok()
        })
    });
    for request in requests.collect::<Vec<_>>() {
        assert!(in_time(request).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_whose_caller_has_gone_is_still_judged() {
    let site = Arc::new(Site::new());
    let user = site.user("ada", &[]);
    let guess = |n: u8| {
        let site = Arc::clone(&site);
        async move {
            let (ada, wrong) = ("ada".parse().unwrap(), "99999".parse().unwrap());
            site.em.verifier().verify_pin(&ada, &wrong, &from(n)).await.is_ok()
        }
    };
    assert!(!guess(1).await);
    assert!(!guess(2).await);
    // The third is held at its count while its caller goes.
    let (held, release) = site.hold_credential(user);
    let caller = tokio::spawn(guess(3));
    await_lock_waiters(&site.database, 1);
    caller.abort();
    assert!(in_time(caller).await.is_err());
    drop(release);
    held.join().unwrap();
    site.first_event().await;
    assert_eq!(site.events()[0].1["change"], "locked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_out_whose_process_died_before_telling_is_told_by_the_sweep_once() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let policy = LockoutPolicy { most: 1, ..LockoutPolicy::default() };
    // counted and committed, and then nothing: as a process that is killed leaves it
    let charged = site.write(|tx| attempts::charge(tx, user.into(), SecretKind::Pin, policy));
    assert!(charged.unwrap().locks);
    assert_eq!(sweep::tell_of_locks(&site.em).await.unwrap(), 0);
    assert_eq!(site.events(), []);
    site.clock.advance_seconds(61);
    assert_eq!(sweep::tell_of_locks(&site.em).await.unwrap(), 1);
    assert_eq!(sweep::tell_of_locks(&site.em).await.unwrap(), 0);
    let told = site.events();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0].1["change"], &told[0].1["holder"]["userId"]), (&"locked".into(), &"ada".into()));
}

#[tokio::test]
async fn a_source_that_fails_too_often_is_refused_without_charging_anybody() {
    let site = Site::new();
    site.user("ada", &[]);
    let wrong = "99999".parse().unwrap();
    for n in 0..10 {
        let nobody = format!("nobody{n}").parse().unwrap();
        assert!(matches!(
            site.em.verifier().verify_pin(&nobody, &wrong, &from(1)).await,
            Err(Refused::Wrong)
        ));
    }
    let ada = "ada".parse().unwrap();
    let right = "12345".parse().unwrap();
    assert!(matches!(site.em.verifier().verify_pin(&ada, &right, &from(1)).await, Err(Refused::Limited)));
    assert!(site.em.verifier().verify_pin(&ada, &right, &from(2)).await.is_ok());
}

#[tokio::test]
async fn a_program_signs_in_with_its_password_and_its_groups_give_its_rights() {
    let site = Site::new();
    let program = site.app_user("axl", "correct horse battery");
    let group: ObjectPk = site.write(|tx| {
        let selector = emgate::store::objects::Selector::name("Standard AXL API Access");
        Ok(emgate::store::objects::find(tx, "UserGroup", &selector)?.unwrap().pk)
    });
    site.associate(program, emgate::store::associations::Association::Group, &[group]);
    let good = site
        .em
        .verifier()
        .verify_password(&"AXL".parse().unwrap(), &"correct horse battery".parse().unwrap(), &from(1))
        .await
        .unwrap();
    assert_eq!(good.who().name.as_str(), "axl");
    assert!(good.who().roles.allow(emgate::auth::Role::AxlWrite));
    assert!(!good.who().is_super);
}

#[tokio::test]
async fn a_pin_changed_after_its_check_opens_no_session() {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    let profile = site.profile("UDP_ada");
    let user = site.user("ada", &[profile]);
    let verified = site
        .em
        .verifier()
        .verify_pin(&"ada".parse().unwrap(), &"12345".parse().unwrap(), &from(1))
        .await
        .unwrap();
    let fresh = site.em.verifier().hash_for_storage(SecretKind::Pin, "67890").unwrap();
    site.write(|tx| credentials::set(tx, ObjectPk(user.0), SecretKind::Pin, &fresh));
    let mut attempt = site.attempt("SEP0000000000A1", "ada");
    attempt.authority =
        emgate::em::service::Authority::Person(verified, emgate::domain::event::LoginMethod::UserId);
    assert_eq!(site.em.login(attempt).await, Err(EmCode::Authentication));
}

#[test]
fn a_pepper_other_than_the_one_the_database_knows_is_refused() {
    let site = Site::new();
    let directory = std::env::temp_dir().join(format!("emgate-pepper-{}", std::process::id()));
    let (ours, theirs) = (directory.join("a/pepper"), directory.join("b/pepper"));
    let first = Pepper::load_or_create(&ours, &site.db).unwrap();
    let again = Pepper::load_or_create(&ours, &site.db).unwrap();
    assert_eq!(first.id(), again.id());
    assert!(matches!(Pepper::load_or_create(&theirs, &site.db), Err(PepperError::File { .. })));
    std::fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    std::fs::copy(&ours, &theirs).unwrap();
    std::fs::write(&theirs, "0f".repeat(32)).unwrap();
    assert!(matches!(Pepper::load_or_create(&theirs, &site.db), Err(PepperError::Foreign(_))));
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn attempts_on_names_that_nobody_has_lock_like_others_and_are_forgotten_after_a_day() {
    let site = Site::new();
    let policy = LockoutPolicy { most: 2, ..LockoutPolicy::default() };
    let charge = |name: &'static [u8]| site.write(move |tx| attempts::charge_absent(tx, name, policy));
    assert_eq!([charge(b"a"), charge(b"a"), charge(b"a"), charge(b"b")], [false, true, true, false]);
    site.clock.advance_seconds(1800);
    assert_eq!([charge(b"a"), charge(b"b")], [false, false]);
    site.clock.advance_seconds(86_400);
    assert_eq!(site.write(|tx| attempts::drop_absent(tx, 10)), 0);
    site.clock.advance_seconds(1);
    assert_eq!(site.write(|tx| attempts::drop_absent(tx, 10)), 2);
}

#[test]
fn attempts_are_written_together_and_who_is_written_by_somebody_else_is_left_out() {
    let site = Site::new();
    let policy = LockoutPolicy { most: 2, ..LockoutPolicy::default() };
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|id| ObjectPk::from(site.user(id, &[])));
    let now = site.write(|tx| tx.now());
    let pin = |user| Entry::Charge(user, SecretKind::Pin, policy);
    let write = |entries: Vec<Entry>| site.write(move |tx| attempts::write(tx, &entries));
    let charged = |written: &Written| match written {
        Written::Charged(Charged { locks, version, .. }) => Some((*locks, *version)),
        _ => None,
    };
    // the second of the same credential is left to its caller
    let first = write(vec![pin(ada), pin(bob), pin(ada), Entry::ChargeAbsent([1; 32], policy)]);
    assert_eq!(
        first.iter().map(charged).collect::<Vec<_>>(),
        [Some((false, 1)), Some((false, 1)), None, None]
    );
    assert_eq!(first[2..], [Written::Nothing, Written::ChargedAbsent]);
    // what was right is taken back before what comes beside it is counted; another version is not what was right
    let settle = |user, version| Entry::Settle(user, SecretKind::Pin, version, now);
    let second = write(vec![pin(ada), settle(ada, 1), settle(bob, 2), pin(bob), pin(ObjectPk(0))]);
    assert_eq!(
        second.iter().map(charged).collect::<Vec<_>>()[..4],
        [Some((false, 1)), None, None, Some((true, 1))]
    );
    assert_eq!(
        (&second[1], &second[2], &second[4]),
        (&Written::Settled, &Written::Nothing, &Written::Nothing)
    );
    assert_eq!(write(vec![pin(bob), settle(bob, 1)]), [Written::Locked, Written::Nothing]);
    let untold = site.write(move |tx| attempts::untold_locks(tx, now + chrono::TimeDelta::seconds(1), 10));
    assert_eq!(untold, [(bob, SecretKind::Pin)]);
    let mut elsewhere = site.db.connect().unwrap();
    let held = site.db.transaction_on(&mut elsewhere, |tx| {
        attempts::charge(tx, ada, SecretKind::Pin, policy)?;
        let beside = write(vec![pin(ada), pin(eve)]);
        assert_eq!(beside.iter().map(charged).collect::<Vec<_>>(), [None, Some((false, 1))]);
        Ok::<_, emgate::store::StoreError>(beside)
    });
    assert_eq!(held.unwrap()[0], Written::Nothing);
}

#[test]
fn names_that_nobody_has_are_left_out_as_accounts_are() {
    let site = Site::new();
    let policy = LockoutPolicy { most: 2, ..LockoutPolicy::default() };
    let name = |name| Entry::ChargeAbsent([name; 32], policy);
    let write = |entries: Vec<Entry>| site.write(move |tx| attempts::write(tx, &entries));
    let [counted, left, locked] = [Written::ChargedAbsent, Written::Nothing, Written::Locked];
    assert_eq!(write(vec![name(1), name(2), name(1)]), [counted.clone(), counted.clone(), left.clone()]);
    let mut elsewhere = site.db.connect().unwrap();
    let held = site.db.transaction_on(&mut elsewhere, |tx| {
        assert!(attempts::charge_absent(tx, &[1; 32], policy)?, "the second is the last that is allowed");
        Ok::<_, emgate::store::StoreError>(write(vec![name(1), name(3)]))
    });
    assert_eq!(held.unwrap(), [left, counted]);
    assert_eq!(write(vec![name(2), name(1)]), [locked.clone(), locked]);
}

#[tokio::test]
async fn what_changes_between_the_halves_of_a_check_counts() {
    let site = Site::new();
    let user = site.user("ada", &[]);
    let hash = site.em.verifier().hash_for_storage(SecretKind::Password, "correct horse").unwrap();
    site.write(|tx| credentials::set(tx, user.into(), SecretKind::Password, &hash));
    let (ada, password) = ("ada".parse().unwrap(), "correct horse".parse().unwrap());
    let verifier = site.em.verifier();
    // waits for something else between the halves, as a request for its permit
    let after_a_while = async |last| {
        let begun = verifier.begin_password(&ada, &password, &from(last)).await;
        (begun, tokio::time::sleep(std::time::Duration::from_millis(60)).await).0
    };
    assert!(verifier.finish(after_a_while(1).await).await.is_ok());
    let begun = after_a_while(1).await;
    while !verifier.is_limited(&from(1)) {
        verifier.charge(&from(1));
    }
    assert!(matches!(verifier.finish(begun).await, Err(Refused::Limited)));
    let begun = after_a_while(2).await;
    let hash = verifier.hash_for_storage(SecretKind::Password, "another one").unwrap();
    site.write(|tx| credentials::set(tx, user.into(), SecretKind::Password, &hash));
    assert!(matches!(verifier.finish(begun).await, Err(Refused::Wrong)));
}
