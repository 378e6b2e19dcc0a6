//! Lock-out under a storm of guesses (AUTH-3, AUTH-4): exactly as many are checked as the policy allows, and one event tells of it.

use std::sync::Barrier;
use std::time::Duration;

use diesel::prelude::*;
use emgate::store::StoreError;

use super::ground::{Ask, CROWD, Ground, PIN, at, lines, phone, user};
use crate::support::axl::envelope;
use crate::support::gateway::basic;
use crate::support::http::{Connection, request};
use crate::support::waiting::await_told_locks;

/// Failed attempts before the lock.
const LIMIT: i32 = 3;
const PASSWORD: &str = "right and long";

diesel::table! {
    witness (n) { n -> BigInt, kind -> Text, failed -> Integer, locked -> Bool }
}

/// One guess: a PIN at a phone, to log in or to change it, or a password over SOAP or the application API.
enum Guess {
    Pin(String),
    OldPin(String),
    Password(String),
    AppPassword(String),
}

/// The user that is guessed at, on two nodes, and a trigger that sees every count.
struct Target {
    ground: Ground,
    user: String,
    guessed: usize,
}

impl Target {
    fn new() -> Self {
        let (mut ground, user) = (Ground::of(2), user(0));
        ground.must(Ask::Soap(
            "updateUser",
            format!("<userid>{user}</userid><password>{PASSWORD}</password><associatedGroups><userGroup><name>Standard AXL API Users</name></userGroup></associatedGroups>"),
        ));
        ground.sql(&format!(
            "CREATE TABLE witness (n bigserial PRIMARY KEY, kind text NOT NULL, failed integer NOT NULL, locked boolean NOT NULL); \
             CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO witness (kind, failed, locked) VALUES (NEW.kind, NEW.failed, NEW.locked_until IS NOT NULL); \
             RETURN NULL; END $$; \
             DO $$ BEGIN EXECUTE format('CREATE TRIGGER witness AFTER UPDATE ON credentials FOR EACH ROW \
             WHEN (NEW.holder_pk = %s) EXECUTE FUNCTION witness()', (SELECT pk FROM objects WHERE type = 'User' AND name = '{user}')); \
             END $$"
        ));
        ground.news();
        Self { ground, user, guessed: 0 }
    }

    /// Guesses in the same moment, each from an address of its own; says whose were right.
    fn storm(&mut self, guesses: Vec<Guess>) -> Vec<bool> {
        self.ground.sql("TRUNCATE witness");
        let (start, user) = (&Barrier::new(guesses.len()), &self.user);
        let mut open = |n: usize, guess: Guess| {
            self.guessed += 1;
            let gateway = &self.ground.gateways[n % self.ground.gateways.len()];
            let client = match guess {
                Guess::Pin(_) | Guess::OldPin(_) | Guess::AppPassword(_) => gateway.phone(),
                Guess::Password(_) => gateway.tls(),
            };
            (n, at(client, self.guessed).open(), guess)
        };
        let ready: Vec<_> = guesses.into_iter().enumerate().map(|(n, guess)| open(n, guess)).collect();
        std::thread::scope(|scope| {
            let each = ready.into_iter().map(|(n, connection, guess)| {
                scope.spawn(move || {
                    start.wait();
                    match guess {
                        Guess::Pin(pin) => guess_at_phone(connection, &phone(n / 4 % CROWD), user, &pin),
                        Guess::OldPin(pin) => guess_to_change(connection, &phone(n / 4 % CROWD), user, &pin),
                        Guess::Password(password) => guess_over_soap(connection, user, &password),
                        Guess::AppPassword(password) => guess_as_program(connection, user, &password),
                    }
                })
            });
            each.collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    /// Every count since the storm began: failures so far, and whether that locks.
    fn counts(&self, kind: &str) -> Vec<(i32, bool)> {
        let read = self.ground.db.write_blocking(|tx| -> Result<_, StoreError> {
            let rows = witness::table.filter(witness::kind.eq(kind)).order(witness::n);
            Ok(rows.select((witness::failed, witness::locked)).load(tx.connection())?)
        });
        read.unwrap()
    }

    /// What the storm tells, once every lock is told of.
    #[track_caller]
    fn told(&mut self) -> Vec<String> {
        await_told_locks(&self.ground.db, Duration::from_secs(20));
        let mut told: Vec<String> = lines(&self.ground.news()).into_iter().map(str::to_owned).collect();
        told.sort();
        told
    }
}

fn guess_at_phone(mut connection: Connection, phone: &str, user: &str, pin: &str) -> bool {
    let query = format!("/emapp/EMAppServlet?device={phone}&userid={user}&seq={pin}");
    connection.send(request("GET", &query, &[], ""));
    let answer = connection.answer().expect("an answer");
    let refused = ["again (201)", "unavailable(26)", "unavailable(6)"];
    let right = answer.body.contains("Login successful");
    // or it came too late for a gateway that waits five seconds
    let is_refused = answer.status == 408 || refused.iter().any(|text| answer.body.contains(text));
    assert!(right || is_refused, "{answer:?}");
    right
}

fn guess_to_change(mut connection: Connection, phone: &str, user: &str, pin: &str) -> bool {
    let query = format!(
        "/changecredential/ChangeCredentialServlet?changePin=true&device={phone}&userid={user}&oldpin={pin}&newpin=70531&confirmnewpin=70531"
    );
    connection.send(request("GET", &query, &[], ""));
    let answer = connection.answer().expect("an answer");
    let refused = ["PIN is wrong", "Contact system administrator", "unavailable(26)", "unavailable(6)"];
    let right = answer.body.contains("PIN change is complete");
    let is_refused = answer.status == 408 || refused.iter().any(|text| answer.body.contains(text));
    assert!(right || is_refused, "{answer:?}");
    right
}

fn guess_over_soap(mut connection: Connection, user: &str, password: &str) -> bool {
    let headers = [("Authorization", &*basic(user, password)), ("Content-Type", "text/xml")];
    connection.send(request("POST", "/axl/", &headers, &envelope("15.0", "getCCMVersion", "")));
    let answer = connection.answer().expect("an answer");
    assert!([200, 401, 408, 503].contains(&answer.status), "{answer:?}");
    answer.status == 200
}

/// A person may ask the application API too, about themselves.
fn guess_as_program(mut connection: Connection, user: &str, password: &str) -> bool {
    let app = format!("<appInfo><appID>{user}</appID><appCertificate>{password}</appCertificate></appInfo>");
    let query = format!("xml=<query>{app}<checkUser><userID>{user}</userID></checkUser></query>");
    connection.send(request("POST", "/emservice/EMServiceServlet", &[], &query));
    let answer = connection.answer().expect("an answer");
    let right = answer.body.contains(&format!("<user id=\"{user}\">"));
    let refused = [3, 6, 26].map(|code| format!("<error code=\"{code}\">"));
    let is_refused = answer.status == 408 || refused.iter().any(|text| answer.body.contains(text));
    assert!(right || is_refused, "{answer:?}");
    right
}

/// A hundred guesses, half of them PINs on both pages of phones and half passwords over both interfaces of programs, all different and wrong.
fn wrong() -> Vec<Guess> {
    let guess = |n: usize| match n % 4 {
        0 => Guess::Pin(format!("2{n:04}")),
        1 => Guess::OldPin(format!("2{n:04}")),
        2 => Guess::AppPassword(format!("guess number {n}")),
        _ => Guess::Password(format!("guess number {n}")),
    };
    (0..100).map(guess).collect()
}

#[test]
fn of_a_hundred_guesses_at_once_three_of_each_kind_are_checked_and_one_event_tells_of_each_lock() {
    let mut target = Target::new();
    let checked: Vec<_> = (1..=LIMIT).map(|n| (n, n == LIMIT)).collect();
    let locked = ["password", "pin"].map(|kind| format!("credential {} {kind} locked", user(0)));
    assert!(target.storm(wrong()).iter().all(|right| !right));
    assert_eq!((target.counts("pin"), target.counts("password")), (checked.clone(), checked.clone()));
    assert_eq!(target.told(), locked);
    // while it is locked the right ones are wrong too, and nothing is counted
    let mut guesses = wrong();
    (guesses[40], guesses[51]) = (Guess::Pin(PIN.into()), Guess::Password(PASSWORD.into()));
    guesses[50] = Guess::AppPassword(PASSWORD.into());
    assert!(target.storm(guesses).iter().all(|right| !right));
    assert_eq!((target.counts("pin"), target.counts("password")), (vec![], vec![]));
    assert_eq!(target.told(), [""; 0]);
    // after its time there is one lock more
    target
        .ground
        .sql("UPDATE credentials SET locked_until = clock_timestamp() WHERE locked_until IS NOT NULL");
    assert!(target.storm(wrong()).iter().all(|right| !right));
    assert_eq!((target.counts("pin"), target.counts("password")), (checked.clone(), checked));
    assert_eq!(target.told(), locked);
}

#[test]
fn a_right_pin_in_the_storm_is_counted_before_the_lock_or_refused() {
    let mut target = Target::new();
    let (mut successes, rounds) = (0, 12_usize);
    for round in 0..rounds {
        // as a new one, so that no success before it is remembered
        let again = format!("<userid>{}</userid><pin>{PIN}</pin>", target.user);
        target.ground.must(Ask::Soap("updateUser", again));
        target.ground.news();
        // with three wrong ones it is often in time, with eleven seldom
        let (place, all) = (round % 4, if round.is_multiple_of(2) { 4 } else { 12 });
        let guess = |n: usize| Guess::Pin(if n == place { PIN.into() } else { format!("3{round:02}{n:02}") });
        let right = target.storm((0..all).map(guess).collect());
        assert!(right.iter().enumerate().all(|(n, right)| n == place || !right));
        let (mut failed, mut settled) = (0, 0);
        let counts = target.counts("pin");
        for (now, locked) in &counts {
            if *now == 0 {
                settled += 1;
            } else {
                assert_eq!((*now, *locked), (failed + 1, *now == LIMIT), "{counts:?}");
            }
            failed = *now;
        }
        assert_eq!(settled, usize::from(right[place]), "{counts:?}");
        let told = target.told();
        let locks = usize::from(failed == LIMIT);
        assert_eq!(told.iter().filter(|line| line.ends_with("pin locked")).count(), locks, "{counts:?}");
        assert_eq!(told.len(), locks + settled, "{told:?}");
        successes += settled;
        target.ground.clear();
    }
    eprintln!("the right PIN got in {successes} times of {rounds}");
}
