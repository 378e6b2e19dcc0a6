//! Logouts by hand, by programs and by the sweep, all at once.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, api_logout, login, logout, phone, user};

#[test]
fn a_session_that_is_due_ends_once_whoever_is_first() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desks = CROWD - 2;
        for _ in 0..ROUNDS {
            let all = (0..desks).map(|n| login(&phone(n), &user(n), "<loginDuration>3600</loginDuration>"));
            assert_eq!(ground.at_once(all.collect()), vec!["ok"; desks]);
            ground.news();
            // those at even phones are due, the others are not
            ground.sql("UPDATE sessions SET expires_at = clock_timestamp() WHERE phone_pk % 2 = 0");
            let ask = |n: usize| match n {
                n if n >= desks => Ask::Sweep,
                n if n % 3 == 0 => Ask::PageLogout(phone(n)),
                n if n % 3 == 1 => api_logout(&phone(n)),
                n => logout(&phone(n)),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let news = ground.news();
            assert_eq!(news.len(), desks, "{news:?}");
            assert_eq!(ground.sessions(), []);
            for (n, answer) in answers[..desks].iter().enumerate() {
                let told = news.iter().find(|e| e.data["device"]["name"] == phone(n).as_str()).unwrap();
                let reason = told.data["reason"].as_str().unwrap();
                match (answer.as_str(), n % 3 == 0) {
                    ("Logout successful", true) => assert!(["user", "timeout"].contains(&reason)),
                    ("ok", false) => assert_eq!(reason, "administrator"),
                    ("EM 19", false) => assert_eq!(reason, "timeout"),
                    _ => panic!("{answer} at {n}, {reason}"),
                }
                let (due, at) = (&told.data["dueAt"], &told.data["logoutTime"]);
                assert_eq!(due.is_string(), reason == "timeout", "{told:?}");
                assert!(due.as_str() <= at.as_str(), "before its time: {told:?}");
            }
        }
    }
}

#[test]
fn of_many_logouts_at_one_phone_one_ends_the_session() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desk = phone(0);
        for _ in 0..ROUNDS {
            ground.must(login(&desk, &user(0), ""));
            ground.news();
            let ask =
                |n: usize| if n.is_multiple_of(2) { Ask::PageLogout(desk.clone()) } else { logout(&desk) };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let by_program = answers.iter().filter(|a| *a == "ok").count();
            let news = ground.news();
            assert_eq!(news.len(), 1);
            let reason = if by_program == 1 { "administrator" } else { "user" };
            assert_eq!(news[0].line, format!("logout {desk} {} {reason}", user(0)));
            for (n, answer) in answers.iter().enumerate().filter(|(_, a)| *a != "ok") {
                assert_eq!(answer, if n.is_multiple_of(2) { "Logout successful" } else { "EM 19" });
            }
            assert_eq!(ground.sessions(), []);
        }
    }
}
