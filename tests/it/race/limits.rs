//! Parameters that change while people log in: each login follows the value at its own place on the number line.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, PIN, lines, login, parameter, phone, user};
use super::surfaces;

const BEHAVIOUR: &str = "MultipleLoginBehavior";

#[test]
fn new_logins_follow_the_new_behaviour_and_sessions_of_the_old_one_stay() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        for round in 0..ROUNDS {
            ground.must(parameter(BEHAVIOUR, "Multiple Logins Allowed"));
            ground.news();
            let (ann, changes) = (user(0), (round * 5 + 3) % CROWD);
            let ask = |n: usize| match n {
                n if n == changes => parameter(BEHAVIOUR, "Multiple Logins Not Allowed"),
                n if n % 4 == 1 => Ask::PageLogin(phone(n), ann.clone(), PIN),
                n => login(&phone(n), &ann, ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let news = ground.news();
            let told = lines(&news);
            let change = told.iter().position(|line| line.starts_with("parameter ")).unwrap();
            let after = told.len() - change - 1;
            assert_eq!(after, usize::from(change == 0), "{told:?}");
            assert_eq!(ground.sessions().len(), told.len() - 1);
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != changes) {
                let got_in = told.contains(&format!("login {} {ann}", phone(n)).as_str());
                let expected = match (n % 4 == 1, got_in) {
                    (true, true) => "Login successful",
                    (true, false) => "Multi-Login Not Allowed (25)",
                    (false, true) => "ok",
                    (false, false) => "EM 25",
                };
                assert_eq!(answer, expected, "{n}: {told:?}");
            }
            ground.clear();
        }
    }
}

#[test]
fn a_lower_maximum_holds_for_logins_after_it_and_moves_no_expiry() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        for round in 0..ROUNDS {
            ground.must(parameter("IntraClusterMaxLoginTime", "8:00"));
            ground.news();
            let changes = (round * 5 + 3) % CROWD;
            let ask = |n: usize| match n == changes {
                true => parameter("IntraClusterMaxLoginTime", "1:00"),
                false => surfaces::ask(n + round, &phone(n), &user(n)),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert!(answers.iter().all(surfaces::is_won), "{answers:?}");
            let news = ground.news();
            assert_eq!(news.len(), CROWD);
            let change = news.iter().position(|e| e.line.starts_with("parameter ")).unwrap();
            for (n, event) in news.iter().enumerate().filter(|(n, _)| *n != change) {
                let limit = if n < change { 28_800 } else { 3600 };
                assert_eq!(event.data["maxLoginSeconds"], limit, "{:?}", lines(&news));
            }
            ground.sql(&format!(
                "DO $$ BEGIN ASSERT (SELECT count(*) FILTER (WHERE expires_at - started_at = '8 hours') = {change} \
                 AND count(*) FILTER (WHERE expires_at - started_at = '1 hour') = {} FROM sessions); END $$",
                CROWD - 1 - change
            ));
            ground.clear();
        }
    }
}
