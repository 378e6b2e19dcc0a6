//! Many at once: one phone, one user, a batch with one that fails.

use std::sync::Arc;

use emgate::domain::logout::LogoutOrigin;
use emgate::em::error::EmCode;
use emgate::em::outcome::{LoginOutcome, LogoutOutcome};
use emgate::em::service::Em;

use crate::support::site::Site;
use crate::support::waiting::in_time;

async fn log_in_all(site: &Arc<Site>, pairs: Vec<(String, String)>) -> Vec<Result<LoginOutcome, EmCode>> {
    let tasks: Vec<_> = pairs
        .into_iter()
        .map(|(phone, user)| {
            let site = Arc::clone(site);
            tokio::spawn(async move { site.log_in(&phone, &user).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(in_time(task).await.unwrap());
    }
    outcomes
}

fn crowd(n: usize) -> Arc<Site> {
    let site = Site::new();
    for i in 0..n {
        site.phone(&format!("SEP0000000000{i:02X}"));
        let profile = site.profile(&format!("UDP_{i}"));
        site.user(&format!("u{i}"), &[profile]);
    }
    Arc::new(site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_users_at_one_phone_one_gets_it() {
    let site = crowd(20);
    let pairs = (0..20).map(|i| ("SEP000000000000".to_owned(), format!("u{i}"))).collect();
    let outcomes = log_in_all(&site, pairs).await;
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Ok(LoginOutcome::LoggedIn { .. }))).count(), 1);
    assert_eq!(outcomes.iter().filter(|o| **o == Err(EmCode::PhoneOccupied)).count(), 19);
    assert_eq!(site.events().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_at_many_phones_gets_one_and_with_auto_logout_keeps_the_last() {
    let site = crowd(12);
    let pairs = || (0..12).map(|i| (format!("SEP0000000000{i:02X}"), "u0".to_owned())).collect::<Vec<_>>();
    let outcomes = log_in_all(&site, pairs()).await;
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Ok(LoginOutcome::LoggedIn { .. }))).count(), 1);
    assert_eq!(outcomes.iter().filter(|o| **o == Err(EmCode::LoggedInElsewhere)).count(), 11);
    site.parameter("MultipleLoginBehavior", "Auto Logout");
    let outcomes = log_in_all(&site, pairs()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(site.sessions().len(), 1);
    let story = site.story();
    let mut on = None;
    for line in &story {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "login" => assert_eq!(on.replace(words[1].to_owned()), None, "{story:?}"),
            _ => assert_eq!(on.take().as_deref(), Some(words[1]), "{story:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_many_answers_each_for_itself() {
    let site = crowd(40);
    let mut pairs: Vec<(String, String)> =
        (0..40).map(|i| (format!("SEP0000000000{i:02X}"), format!("u{i}"))).collect();
    pairs.push(("SEP0000000000FF".to_owned(), "u1".to_owned()));
    pairs.push(("SEP000000000001".to_owned(), "nobody".to_owned()));
    let outcomes = log_in_all(&site, pairs).await;
    assert!(outcomes[..40].iter().all(|o| matches!(o, Ok(LoginOutcome::LoggedIn { .. }))));
    assert_eq!(outcomes[40], Err(EmCode::PhoneAbsent));
    assert_eq!(outcomes[41], Err(EmCode::UserAbsent));
    assert_eq!((site.sessions().len(), site.events().len()), (40, 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_request_never_fails_its_neighbours() {
    for failure in ["planted", "canceling statement due to statement timeout"] {
        let site = crowd(10);
        // A row that the rules would never write: the insert of u0's session breaks whatever batch it is in.
        site.write(|tx| {
            use diesel::connection::SimpleConnection;
            tx.connection().batch_execute(&format!(
                "ALTER TABLE sessions ADD CONSTRAINT planted CHECK (phone_pk <> (-1)); \
                 CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF EXISTS (SELECT FROM objects WHERE pk = NEW.user_pk AND name = 'u0') THEN \
                 RAISE EXCEPTION '{failure}'; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER planted BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION planted();",
            ))?;
            Ok(())
        });
        let pairs = (0..10).map(|i| (format!("SEP0000000000{i:02X}"), format!("u{i}"))).collect();
        let outcomes = log_in_all(&site, pairs).await;
        assert_eq!(outcomes[0], Err(EmCode::Database));
        let others = &outcomes[1..];
        assert!(others.iter().all(|o| matches!(o, Ok(LoginOutcome::LoggedIn { .. }))), "{outcomes:?}");
        assert_eq!((site.sessions().len(), site.events().len()), (9, 9));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_and_logouts_in_a_muddle_leave_a_log_that_agrees_with_the_sessions() {
    let site = crowd(6);
    site.parameter("MultipleLoginBehavior", "Auto Logout");
    let tasks: Vec<_> = (0..12_usize)
        .map(|n| {
            let site = Arc::clone(&site);
            tokio::spawn(async move {
                for round in 0..25_usize {
                    let phone = format!("SEP0000000000{:02X}", (n * 7 + round * 3) % 6);
                    if (n + round) % 3 == 0 {
                        let outcome = site.log_out(&phone, LogoutOrigin::Phone).await;
                        assert!(
                            matches!(
                                outcome,
                                Ok(LogoutOutcome::LoggedOut { .. } | LogoutOutcome::NobodyLoggedIn)
                            ),
                            "{outcome:?}"
                        );
                    } else {
                        let outcome = site.log_in(&phone, &format!("u{}", (n + round) % 6)).await;
                        assert!(matches!(outcome, Ok(_) | Err(EmCode::PhoneOccupied)), "{outcome:?}");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        in_time(task).await.unwrap();
    }
    let mut on = std::collections::BTreeMap::new();
    for line in site.story() {
        let words: Vec<&str> = line.split(' ').collect();
        let (phone, user) = (words[1].to_owned(), words[2].to_owned());
        match words[0] {
            "login" => {
                assert!(!on.values().any(|u| *u == user), "{user} twice");
                assert_eq!(on.insert(phone, user), None);
            }
            _ => assert_eq!(on.remove(&phone), Some(user)),
        }
    }
    assert_eq!(site.sessions(), on.into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_connection_costs_no_login() {
    let site = crowd(6);
    for round in 0..3 {
        site.write(|tx| {
            use diesel::connection::SimpleConnection;
            tx.connection().batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )?;
            Ok(())
        });
        // The pool may hand out one more connection that was cut; the writers must not.
        in_time(async { while site.em.conditions(Some("SEP000000000000")).await.is_err() {} }).await;
        let outcome =
            site.em.login(site.attempt(&format!("SEP0000000000{round:02X}"), &format!("u{round}"))).await;
        assert!(matches!(outcome, Ok(LoginOutcome::LoggedIn { .. })), "{outcome:?}");
    }
    assert_eq!((site.sessions().len(), site.events().len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_writers_are_gone_nobody_waits_for_them() {
    let site = crowd(4);
    let gone: emgate::em::Wake = Arc::new(|| panic!("a writer dies"));
    let em = Em::start(site.db.clone(), site.em.verifier().clone(), site.em.origin().clone(), 4, gone);
    for i in 0..4 {
        let attempt = site.attempt(&format!("SEP0000000000{i:02X}"), &format!("u{i}"));
        assert_eq!(in_time(em.login(attempt)).await, Err(EmCode::Database));
    }
    assert!(!em.can_write());
    // The two that each took a writer with them were written before.
    assert_eq!(site.sessions().len(), 2);
}
