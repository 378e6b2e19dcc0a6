//! Phones, profiles and users that go while people log in with them.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, PIN, a_phone, a_profile, lines, login, phone, user};

#[test]
fn a_phone_that_is_removed_ends_its_session_or_lets_nobody_in() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desk = phone(0);
        for round in 0..2 * ROUNDS {
            let at_phone = |n: usize| n % 3 == 1;
            let ask = |n: usize| match n {
                n if n == round % CROWD => Ask::Soap("removePhone", format!("<name>{desk}</name>")),
                n if at_phone(n) => Ask::PageLogin(desk.clone(), user(n), PIN),
                n => login(&desk, &user(n), ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert_eq!(answers[round % CROWD], "ok");
            let won = |a: &String| a == "ok" || a == "Login successful";
            let mut expected = Vec::new();
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != round % CROWD) {
                if won(answer) {
                    expected.push(format!("login {desk} {}", user(n)));
                    expected.push(format!("logout {desk} {} device-removed", user(n)));
                } else {
                    let refused = if at_phone(n) {
                        ["Login is unavailable(11)", "Login is unavailable(18)"]
                    } else {
                        ["5007", "EM 18"]
                    };
                    assert!(refused.contains(&answer.as_str()), "{n} of {answers:?}");
                }
            }
            assert!(expected.len() <= 2, "one login at most: {answers:?}");
            if expected.is_empty() {
                assert!(!answers.iter().any(|a| a.ends_with("18") || a.ends_with("(18)")), "{answers:?}");
            }
            expected.push(format!("remove Phone {desk}"));
            assert_eq!(lines(&ground.news()), expected);
            assert_eq!(ground.sessions(), []);
            ground.must(a_phone(0));
            ground.news();
        }
    }
}

#[test]
fn a_profile_is_removed_or_in_use_and_nobody_shows_one_that_is_gone() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        for n in 0..CROWD {
            ground.must(Ask::Soap("updateUser", format!("<userid>{}</userid><phoneProfiles/>", user(n))));
        }
        for round in 0..2 * ROUNDS {
            ground.must(a_profile("Shared"));
            // the third is a user who holds it, and asks for no name
            let holder = (round + 2) % CROWD;
            ground.must(Ask::Soap(
                "updateUser",
                format!(
                    "<userid>{}</userid><phoneProfiles><profileName>Shared</profileName></phoneProfiles>",
                    user(holder)
                ),
            ));
            ground.news();
            let ask = |n: usize| match n {
                n if n == round % CROWD => Ask::Soap("removeDeviceProfile", "<name>Shared</name>".into()),
                n if n == holder => login(&phone(n), &user(n), ""),
                n => login(&phone(n), &user(n), "<profileName>Shared</profileName>"),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let removed = answers[round % CROWD] == "ok";
            let news = ground.news();
            for (n, answer) in answers.iter().enumerate() {
                let expected = match (n, removed) {
                    (n, true) if n == round % CROWD => "ok",
                    (n, false) if n == round % CROWD => "-692",
                    (n, true) if n == holder => "EM 205",
                    (_, true) => "5007",
                    (_, false) => "ok",
                };
                assert_eq!(answer, expected, "{n} of {answers:?}");
            }
            if removed {
                let loses = format!("update User {} phoneProfiles=-", user(holder));
                assert_eq!(lines(&news), [loses.as_str(), "remove DeviceProfile Shared"]);
                assert_eq!(ground.sessions(), []);
            } else {
                assert_eq!((news.len(), ground.sessions().len()), (CROWD - 1, CROWD - 1));
                assert!(news.iter().all(|e| e.data["profile"]["name"] == "Shared"));
                ground.clear();
                ground.must(Ask::Soap("removeDeviceProfile", "<name>Shared</name>".into()));
                ground.news();
            }
        }
    }
}

#[test]
fn a_user_who_is_removed_is_logged_out_first_or_gets_in_nowhere() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        for round in 0..2 * ROUNDS {
            let ann = user(0);
            let ask = |n: usize| match n {
                n if n == round % CROWD => Ask::Soap("removeUser", format!("<userid>{ann}</userid>")),
                n if n % 3 == 1 => Ask::PageLogin(phone(n), ann.clone(), PIN),
                n => login(&phone(n), &ann, ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert_eq!(answers[round % CROWD], "ok");
            let mut expected = Vec::new();
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != round % CROWD) {
                match answer.as_str() {
                    "ok" | "Login successful" => {
                        expected.push(format!("login {} {ann}", phone(n)));
                        expected.push(format!("logout {} {ann} user-removed", phone(n)));
                    }
                    "EM 25" | "5007" => assert!(n % 3 != 1),
                    "Multi-Login Not Allowed (25)" | "Please try to login again (201)" => assert!(n % 3 == 1),
                    other => panic!("{other} at {n}"),
                }
            }
            assert!(expected.len() <= 2, "one login at most: {answers:?}");
            expected.push(format!("remove User {ann}"));
            assert_eq!(lines(&ground.news()), expected);
            assert_eq!(ground.sessions(), []);
            ground.must(Ask::Soap("addUser", format!("<user><lastName>User</lastName><userid>{ann}</userid><pin>{PIN}</pin><phoneProfiles><profileName>UDP_00</profileName></phoneProfiles></user>")));
            ground.news();
        }
    }
}
