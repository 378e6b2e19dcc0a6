//! Sixteen clients at three doors at once: SOAP, the application API, the pages of phones. One rule decides for all of them.

use super::ROUNDS;
use super::ground::{
    Ask, CROWD, Ground, PIN, a_phone, api_login, api_logout, count, lines, login, logout, parameter, phone,
    user,
};

/// Asks for a login at one of the doors.
pub(super) fn ask(door: usize, phone: &str, user: &str) -> Ask {
    match door % 3 {
        0 => login(phone, user, ""),
        1 => api_login(phone, user),
        _ => Ask::PageLogin(phone.to_owned(), user.to_owned(), PIN),
    }
}

pub(super) fn is_won(answer: &String) -> bool {
    answer == "ok" || answer == "Login successful"
}

/// Checks that one of those who came to these doors got what all wanted, and what the others were told; gives the one.
fn winner(answers: &[String], door: impl Fn(usize) -> usize, code: &str, prompt: &str) -> usize {
    let winner = answers.iter().position(is_won).expect("somebody gets it");
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != winner) {
        assert_eq!(answer, if door(n) % 3 == 2 { prompt } else { code }, "{n} of {answers:?}");
    }
    winner
}

#[test]
fn of_many_users_at_one_phone_one_gets_it() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desk = phone(0);
        for round in 0..ROUNDS {
            let door = |n: usize| n + round;
            let answers = ground.at_once((0..CROWD).map(|n| ask(door(n), &desk, &user(n))).collect());
            let won = winner(&answers, door, "EM 18", "Login is unavailable(18)");
            assert_eq!(lines(&ground.news()), [format!("login {desk} {}", user(won))]);
            assert_eq!(ground.sessions(), [(desk.clone(), user(won))]);
            ground.clear();
        }
    }
}

#[test]
fn one_user_at_many_phones_gets_one() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let ann = user(0);
        for round in 0..ROUNDS {
            let door = |n: usize| n + round;
            let answers = ground.at_once((0..CROWD).map(|n| ask(door(n), &phone(n), &ann)).collect());
            let won = winner(&answers, door, "EM 25", "Multi-Login Not Allowed (25)");
            assert_eq!(lines(&ground.news()), [format!("login {} {ann}", phone(won))]);
            assert_eq!(ground.sessions(), [(phone(won), ann.clone())]);
            ground.clear();
        }
    }
}

#[test]
fn the_same_again_at_any_door_is_no_second_login() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let (desk, ann) = (phone(0), user(0));
        for round in 0..ROUNDS {
            let answers = ground.at_once((0..CROWD).map(|n| ask(n + round, &desk, &ann)).collect());
            assert!(answers.iter().all(is_won), "{answers:?}");
            assert_eq!(lines(&ground.news()), [format!("login {desk} {ann}")]);
            ground.clear();
        }
    }
}

#[test]
fn a_phone_that_is_removed_lets_nobody_stay_through_any_door() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desk = phone(0);
        for round in 0..ROUNDS {
            let (removes, door) = (round * 5 % CROWD, |n: usize| n + round);
            let ask = |n: usize| match n == removes {
                true => Ask::Soap("removePhone", format!("<name>{desk}</name>")),
                false => ask(door(n), &desk, &user(n)),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert_eq!(answers[removes], "ok");
            let mut expected = Vec::new();
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != removes) {
                let refused = match door(n) % 3 {
                    0 => ["5007", "EM 18"],
                    1 => ["EM 11", "EM 18"],
                    _ => ["Login is unavailable(11)", "Login is unavailable(18)"],
                };
                if is_won(answer) {
                    expected.push(format!("login {desk} {}", user(n)));
                    expected.push(format!("logout {desk} {} device-removed", user(n)));
                } else {
                    assert!(refused.contains(&answer.as_str()), "{n} of {answers:?}");
                }
            }
            expected.push(format!("remove Phone {desk}"));
            assert_eq!(lines(&ground.news()), expected);
            assert!(expected.len() <= 3 && ground.sessions().is_empty(), "{answers:?}");
            ground.must(a_phone(0));
            ground.news();
        }
    }
}

#[test]
fn logins_through_any_door_follow_the_behaviour_at_their_place() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let (ann, behaviour) = (user(0), "MultipleLoginBehavior");
        for round in 0..ROUNDS {
            ground.must(parameter(behaviour, "Multiple Logins Allowed"));
            ground.news();
            let (changes, door) = (round * 5 % CROWD, |n: usize| n + round);
            let ask = |n: usize| match n == changes {
                true => parameter(behaviour, "Multiple Logins Not Allowed"),
                false => ask(door(n), &phone(n), &ann),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let news = ground.news();
            let told = lines(&news);
            let change = told.iter().position(|line| line.starts_with("parameter ")).unwrap();
            assert_eq!(told.len() - change - 1, usize::from(change == 0), "{told:?}");
            assert_eq!(ground.sessions().len(), told.len() - 1);
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != changes) {
                let refused = if door(n) % 3 == 2 { "Multi-Login Not Allowed (25)" } else { "EM 25" };
                let got_in = told.contains(&format!("login {} {ann}", phone(n)).as_str());
                assert!(
                    if got_in { is_won(answer) } else { answer == refused },
                    "{n} of {answers:?}: {told:?}"
                );
            }
            ground.clear();
        }
    }
}

#[test]
fn sixteen_clients_at_every_door_are_never_told_that_it_is_busy() {
    let mut ground = Ground::of(1);
    for round in 0..20 {
        let answers = ground.at_once((0..CROWD).map(|n| ask(n + round, &phone(n), &user(n))).collect());
        assert!(answers.iter().all(is_won), "{answers:?}");
        let leave = |n: usize| match (n + round) % 3 {
            0 => logout(&phone(n)),
            1 => api_logout(&phone(n)),
            _ => Ask::PageLogout(phone(n)),
        };
        let answers = ground.at_once((0..CROWD).map(leave).collect());
        assert_eq!(count(&answers, "ok") + count(&answers, "Logout successful"), CROWD, "{answers:?}");
    }
    assert_eq!(ground.news().len(), 20 * 2 * CROWD);
}

#[test]
fn with_auto_logout_all_succeed_one_after_another() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        ground.must(parameter("MultipleLoginBehavior", "Auto Logout"));
        ground.news();
        let ann = user(0);
        for round in 0..ROUNDS {
            let answers = ground.at_once((0..CROWD).map(|n| ask(n + round, &phone(n), &ann)).collect());
            assert!(answers.iter().all(is_won), "{answers:?}");
            let news = ground.news();
            let told = lines(&news);
            assert_eq!(told.len(), 2 * CROWD - 1, "{told:?}");
            let mut at: Option<&str> = None;
            for line in &told {
                let words: Vec<&str> = line.split(' ').collect();
                match (words[0], at) {
                    ("login", None) => at = Some(words[1]),
                    ("logout", Some(phone)) if phone == words[1] && words[3] == "multiple-login" => at = None,
                    other => panic!("{other:?} in {told:?}"),
                }
            }
            assert_eq!(ground.sessions().len(), 1);
            ground.clear();
        }
    }
}

#[test]
fn the_end_of_a_session_is_told_once_whoever_asked_and_all_of_them_at_once() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let (desk, ann) = (phone(0), user(0));
        for round in 0..ROUNDS {
            ground.must(api_login(&desk, &ann));
            ground.must(api_login(&phone(1), &user(1)));
            ground.news();
            let ask = |n: usize| match (n + round) % 4 {
                0 => logout(&desk),
                1 => api_logout(&desk),
                2 => Ask::PageLogout(desk.clone()),
                _ => Ask::Api("<logoutAll/>".to_owned()),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let told = ground.news();
            let of = |phone: &str| told.iter().filter(|event| event.line.contains(phone)).count();
            assert_eq!((of(&desk), of(&phone(1)), told.len()), (1, 1, 2), "{:?}", lines(&told));
            let refused = count(&answers, "EM 19");
            assert_eq!(
                refused + count(&answers, "ok") + count(&answers, "Logout successful"),
                CROWD,
                "{answers:?}"
            );
            assert_eq!(ground.sessions(), []);
        }
    }
}
