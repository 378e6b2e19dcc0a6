//! One user at many phones.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, PIN, count, lines, login, parameter, phone, user};

#[test]
fn one_user_at_many_phones_gets_one_and_is_told_25_at_the_others() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let ann = user(0);
        for round in 0..ROUNDS {
            let at_phone = |n: usize| [false, true, n.is_multiple_of(2)][round % 3];
            let ask = |n: usize| match at_phone(n) {
                true => Ask::PageLogin(phone(n), ann.clone(), PIN),
                false => login(&phone(n), &ann, ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let won = |a: &String| a == "ok" || a == "Login successful";
            let winner = answers.iter().position(won).expect("one phone gets the user");
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != winner) {
                let refused = if at_phone(n) { "Multi-Login Not Allowed (25)" } else { "EM 25" };
                assert_eq!(answer, refused, "{n} of {answers:?}");
            }
            assert_eq!(lines(&ground.news()), [format!("login {} {ann}", phone(winner))]);
            assert_eq!(ground.sessions(), [(phone(winner), ann.clone())]);
            ground.clear();
        }
    }
}

#[test]
fn with_auto_logout_each_login_ends_the_one_before_it_and_that_is_told_first() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        ground.must(parameter("MultipleLoginBehavior", "Auto Logout"));
        ground.news();
        let ann = user(0);
        for round in 0..ROUNDS {
            let ask = |n: usize| match (n + round).is_multiple_of(3) {
                true => Ask::PageLogin(phone(n), ann.clone(), PIN),
                false => login(&phone(n), &ann, ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert_eq!(count(&answers, "ok") + count(&answers, "Login successful"), CROWD, "{answers:?}");
            let news = ground.news();
            assert_eq!(news.len(), 2 * CROWD - 1, "{:?}", lines(&news));
            let (first, moves) = news.split_first().unwrap();
            let mut on = first;
            for pair in moves.chunks(2) {
                let (left, came) = (&pair[0], &pair[1]);
                let name =
                    |told: &super::ground::Told| told.data["device"]["name"].as_str().unwrap().to_owned();
                assert_eq!(left.line, format!("logout {} {ann} multiple-login", name(on)));
                assert_eq!(came.line, format!("login {} {ann}", name(came)));
                assert_eq!(left.data["sessionId"], on.data["sessionId"]);
                assert_eq!(left.data["replacedBy"]["sessionId"], came.data["sessionId"]);
                assert_eq!(came.data["displaced"][0]["sessionId"], on.data["sessionId"]);
                let operation = &came.group.0;
                assert_eq!(left.group, (operation.clone(), 1, 2));
                assert_eq!(came.group, (operation.clone(), 2, 2));
                on = came;
            }
            let last = on.data["device"]["name"].as_str().unwrap().to_owned();
            assert_eq!(ground.sessions(), [(last, ann.clone())]);
            ground.clear();
        }
    }
}
