//! Many at one phone.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, PIN, a_profile, count, lines, login, phone, user};

#[test]
fn of_many_users_at_one_phone_one_gets_it_and_the_others_are_told_18() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        let desk = phone(0);
        for round in 0..ROUNDS {
            // over SOAP, at the phone, and by turns
            let at_phone = |n: usize| [false, true, n.is_multiple_of(2)][round % 3];
            let ask = |n: usize| match at_phone(n) {
                true => Ask::PageLogin(desk.clone(), user(n), PIN),
                false => login(&desk, &user(n), ""),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let won = |a: &String| a == "ok" || a == "Login successful";
            let winner = answers.iter().position(won).expect("somebody gets the phone");
            for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != winner) {
                let refused = if at_phone(n) { "Login is unavailable(18)" } else { "EM 18" };
                assert_eq!(answer, refused, "{n} of {answers:?}");
            }
            assert_eq!(lines(&ground.news()), [format!("login {desk} {}", user(winner))]);
            assert_eq!(ground.sessions(), [(desk.clone(), user(winner))]);
            ground.clear();
        }
    }
}

#[test]
fn the_same_login_again_is_a_success_without_an_event_and_another_profile_is_18() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        ground.must(a_profile("UDP_other"));
        ground.news();
        let (desk, ann) = (phone(0), user(0));
        let profile = |n: usize| if n.is_multiple_of(2) { "UDP_00" } else { "UDP_other" };
        for _ in 0..ROUNDS {
            // each with a duration of its own, so that an expiry that moved would show
            let ask = |n: usize| {
                let more = format!(
                    "<profileName>{}</profileName><loginDuration>{}</loginDuration>",
                    profile(n),
                    1000 + n
                );
                login(&desk, &ann, &more)
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            let news = ground.news();
            assert_eq!(lines(&news), [format!("login {desk} {ann}")]);
            let (won, expires) = (&news[0].data["profile"]["name"], &news[0].data["expiresAt"]);
            for (n, answer) in answers.iter().enumerate() {
                assert_eq!(answer, if won == profile(n) { "ok" } else { "EM 18" });
            }
            let again = ground.at_once((0..CROWD).map(|_| login(&desk, &ann, "")).collect());
            assert_eq!(count(&again, "ok"), CROWD);
            assert!(ground.news().is_empty());
            ground.sql(&format!(
                "DO $$ BEGIN ASSERT (SELECT array_agg(expires_at) FROM sessions) = ARRAY[{expires}::timestamptz]; END $$"
            ).replace('"', "'"));
            ground.clear();
        }
    }
}
