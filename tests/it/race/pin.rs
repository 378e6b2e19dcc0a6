//! A PIN that is changed while people log in with the old one.

use super::ROUNDS;
use super::ground::{Ask, CROWD, Ground, PIN, lines, parameter, phone, user};

const NEW_PIN: &str = "97531";

#[test]
fn nobody_gets_in_with_the_old_pin_after_the_new_one_is_committed() {
    for nodes in [1, 2] {
        let mut ground = Ground::of(nodes);
        ground.must(parameter("MultipleLoginBehavior", "Multiple Logins Allowed"));
        for round in 0..ROUNDS {
            // a user for each round: those who come too late may lock their PIN
            let ann = user(round);
            let changes = round * 5 % CROWD;
            ground.news();
            let ask = |n: usize| match n == changes {
                true => Ask::Soap("updateUser", format!("<userid>{ann}</userid><pin>{NEW_PIN}</pin>")),
                false => Ask::PageLogin(phone(n), ann.clone(), PIN),
            };
            let answers = ground.at_once((0..CROWD).map(ask).collect());
            assert_eq!(answers[changes], "ok");
            let in_with_it = answers.iter().filter(|a| *a == "Login successful").count();
            let too_late = answers.iter().filter(|a| *a == "Please try to login again (201)").count();
            assert_eq!(in_with_it + too_late, CROWD - 1, "{answers:?}");
            let news = ground.news();
            let locked = format!("credential {ann} pin locked");
            let mut told = lines(&news);
            // a lock is told by itself, so that of the round before may come only now
            told.retain(|line| !line.ends_with(" pin locked") || *line == locked);
            let reset = told.iter().position(|line| *line == format!("credential {ann} pin reset")).unwrap();
            assert_eq!(reset, in_with_it, "{told:?}");
            assert!(told[..reset].iter().all(|line| line.starts_with("login ")), "{told:?}");
            // what comes after can only be the lock that too many of them lead to
            assert!(
                told[reset + 1..].iter().all(|line| *line == locked) && told.len() <= reset + 2,
                "{told:?}"
            );
            assert_eq!(ground.sessions().len(), in_with_it);
            ground.clear();
        }
    }
}

#[test]
fn a_pin_that_its_holder_changed_on_one_node_is_dead_on_the_other_at_once() {
    let mut ground = Ground::of(2);
    let (ann, place) = (user(0), phone(0));
    let (here, there) = (ground.gateways[0].tls(), ground.gateways[1].phone());
    let prompt = |body: String| {
        let (_, rest) = body.split_once("<Prompt>").unwrap_or_else(|| panic!("{body}"));
        rest.split_once('<').unwrap().0.to_owned()
    };
    let mut pin = PIN.to_owned();
    for round in 0..4 {
        let new = format!("7053{round}");
        // so that the old one is remembered there
        let log_in = |pin: &str| format!("/emapp/EMAppServlet?device={place}&userid={ann}&seq={pin}");
        assert_eq!(prompt(there.get(&log_in(&pin)).body), "Login successful");
        there.get(&format!("/emapp/EMAppServlet?device={place}&doLogout=true"));
        let change = format!(
            "/changecredential/ChangeCredentialServlet?changePin=true&device={place}&userid={ann}&oldpin={pin}&newpin={new}&confirmnewpin={new}"
        );
        assert_eq!(prompt(here.get(&change).body), "PIN change is complete");
        assert_eq!(prompt(there.get(&log_in(&pin)).body), "Please try to login again (201)");
        assert_eq!(prompt(there.get(&change).body), "User ID or current PIN is wrong");
        assert_eq!(prompt(there.get(&log_in(&new)).body), "Login successful");
        there.get(&format!("/emapp/EMAppServlet?device={place}&doLogout=true"));
        pin = new;
    }
    let told = ground.news();
    let changed = format!("credential {ann} pin changed");
    assert_eq!(lines(&told).into_iter().filter(|line| **line == changed).count(), 4);
}
