//! Sixteen clients that log people in and out, change policies, phones and lines, and keep a journal of every answer.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::checker::journal::{Answer, Entry, Micros, Request};
use super::client::{Client, Nodes, now};
use super::random::Random;
use super::site::{COMING_AND_GOING, INTERCOMS, PHONES, intercom, phone, profile, soap, user};

/// How many clients there are.
pub(crate) const CLIENTS: usize = 16;
/// Between two requests of a client, in milliseconds.
const THOUGHT: (u64, u64) = (50, 200);
/// Between two changes of the policy.
const POLICY_LASTS: Duration = Duration::from_secs(6);
/// The policies.
const POLICIES: [&str; 3] = ["Multiple Logins Not Allowed", "Multiple Logins Allowed", "Auto Logout"];

/// What all clients share.
#[derive(Default)]
pub(crate) struct Work {
    ended: AtomicBool,
    journal: Mutex<Vec<Entry>>,
    odd: Mutex<Vec<String>>,
    /// Answers of each kind so far.
    pub(crate) ok: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unknown: AtomicU64,
    /// When the last request was sent that succeeded.
    last_ok: AtomicI64,
}

impl Work {
    /// Tells clients to end after what they are at.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Whether something was asked after a moment and succeeded.
    pub(crate) fn succeeded_since(&self, moment: Micros) -> bool {
        self.last_ok.load(Ordering::SeqCst) > moment
    }

    /// Waits until something that is asked from now on succeeds; the time that took.
    pub(crate) fn await_success(&self, most: Duration) -> Option<Duration> {
        let (begun, moment) = (Instant::now(), now());
        while !self.succeeded_since(moment) {
            if begun.elapsed() > most {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(begun.elapsed())
    }

    /// Takes the journal, and the answers that must never be given.
    pub(crate) fn take(&self) -> (Vec<Entry>, Vec<String>) {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        let mut odd = self.odd.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut journal), std::mem::take(&mut odd))
    }

    fn keep(&self, entry: Entry, odd: Option<String>) {
        let counter = match entry.answer {
            Answer::Ok => &self.ok,
            Answer::Refused(_) => &self.refused,
            Answer::Unknown(_) => &self.unknown,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        if entry.answer == Answer::Ok {
            self.last_ok.fetch_max(entry.sent, Ordering::SeqCst);
        }
        if let Some(text) = odd {
            let text = format!("{text} to {:?} (request {:?})", entry.request, entry.id);
            self.odd.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}

/// One client, until it is told to end.
pub(crate) fn run(work: &Work, nodes: &Nodes, number: usize, seed: u64) {
    let mut client = Client::new(nodes, number);
    let mut random = Random::new(seed, number as u64 + 1);
    let mut policy_due = Instant::now() + POLICY_LASTS;
    let mut again: Option<Request> = None;
    while !work.ended.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(random.between(THOUGHT.0, THOUGHT.1)));
        let wishes_policy = number == 0 && Instant::now() > policy_due;
        if wishes_policy {
            policy_due = Instant::now() + POLICY_LASTS;
        }
        let wish = match again.take() {
            Some(request) => request,
            None if wishes_policy => Request::Policy { value: POLICIES[one_of(&mut random, 3)].into() },
            None => wish(&mut random),
        };
        let (operation, inside) = soap(&wish);
        let Some(mut heard) = client.call(&operation, &inside) else { continue };
        let odd = heard.odd.take();
        // who does not know asks again, as the protocol allows
        if matches!(heard.answer, Answer::Unknown(_)) && random.chance(70) {
            again = Some(wish.clone());
        }
        work.keep(heard.entry(number, wish), odd);
    }
}

fn one_of(random: &mut Random, n: u64) -> usize {
    usize::try_from(random.below(n)).unwrap()
}

fn wish(random: &mut Random) -> Request {
    let phone = phone(random.below(PHONES));
    match random.below(100) {
        0..50 => {
            let n = random.below(PHONES);
            let profile = random.chance(50).then(|| profile(n, random.below(2)));
            let seconds = random.chance(8).then(|| random.between(1, 6));
            Request::Login { phone, user: user(n), profile, seconds }
        }
        50..92 => Request::Logout { phone },
        92..96 => {
            let device = random.chance(75).then_some(phone);
            Request::Intercom { line: intercom(random.below(INTERCOMS)), phone: device }
        }
        n => {
            let phone = super::site::phone(PHONES - COMING_AND_GOING + random.below(COMING_AND_GOING));
            if n < 98 { Request::RemovePhone { phone } } else { Request::AddPhone { phone } }
        }
    }
}
