//! Clients that go on working through outages and note what was acknowledged, each for one phone or one line.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::caller::{Browser, Script, between};
use crate::support::http::Client;

/// Between an answer and the next question: the broker, which comes back meanwhile, needs the processor too.
const PACE: Duration = Duration::from_millis(20);

/// Where clients find the gateway, and how far they are.
#[derive(Default)]
pub(super) struct Work {
    place: Mutex<Option<Place>>,
    moved: Condvar,
    over: AtomicBool,
    acknowledged: AtomicUsize,
    slowest: Mutex<Duration>,
    noted: Condvar,
}

/// The listeners of a gateway and its administrator's secret.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) phone: Client,
    pub(super) tls: Client,
    pub(super) password: String,
}

/// Ends the work when it goes, so that a failed test ends too.
pub(super) struct Foreman<'a>(pub(super) &'a Work);

impl Drop for Foreman<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
        self.0.is_at(None);
    }
}

impl Work {
    /// Says where the gateway is now; nowhere while it is away.
    pub(super) fn is_at(&self, place: Option<Place>) {
        *self.place.lock().unwrap() = place;
        self.moved.notify_all();
    }

    /// Waits for so many more acknowledgements; gives the slowest of them.
    pub(super) fn await_more(&self, count: usize) -> Duration {
        let wanted = self.acknowledged.load(Ordering::SeqCst) + count;
        *self.slowest.lock().unwrap() = Duration::ZERO;
        let begun = Instant::now();
        let mut slowest = self.slowest.lock().unwrap();
        while self.acknowledged.load(Ordering::SeqCst) < wanted {
            assert!(begun.elapsed() < Duration::from_secs(60), "the clients stand still");
            slowest = self.noted.wait_timeout(slowest, Duration::from_secs(1)).unwrap().0;
        }
        *slowest
    }

    fn place(&self) -> Option<Place> {
        let wait = self.moved.wait_while(self.place.lock().unwrap(), |place| {
            place.is_none() && !self.over.load(Ordering::SeqCst)
        });
        wait.unwrap().clone()
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn note(&self, took: Duration) {
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
        {
            let mut slowest = self.slowest.lock().unwrap();
            *slowest = took.max(*slowest);
        }
        self.noted.notify_all();
        std::thread::sleep(PACE);
    }
}

/// Logs in and out at one phone; gives what was acknowledged, in order. What was asked when the gateway went away counts if it
/// had happened: the page of the phone tells.
pub(super) fn at_a_phone(work: &Work, phone: &str, user: &str, pin: &str) -> Vec<&'static str> {
    let (mut done, mut asked) = (Vec::new(), None);
    while let Some(place) = work.place() {
        let mut browser = Browser::new(place.phone);
        let Some(page) = browser.get(&format!("device={phone}")) else { continue };
        let mut logged_in = page.contains("Log out?");
        assert!(logged_in || page.contains("Enter user ID and PIN"), "{page}");
        if let Some(action) = asked.take()
            && (action == "login") == logged_in
        {
            done.push(action);
        }
        loop {
            if work.is_over() {
                return done;
            }
            let (action, query) = match logged_in {
                false => ("login", format!("device={phone}&userid={user}&seq={pin}")),
                true => ("logout", format!("device={phone}&doLogout=true")),
            };
            let begun = Instant::now();
            let Some(page) = browser.get(&query) else {
                asked = Some(action);
                break;
            };
            assert!(page.contains("successful"), "{query}: {page}");
            work.note(begun.elapsed());
            done.push(action);
            logged_in = !logged_in;
        }
    }
    done
}

/// Changes the description of one line; gives the descriptions that were acknowledged, in order.
pub(super) fn at_a_line(work: &Work, pattern: &str) -> Vec<String> {
    let line = format!("<pattern>{pattern}</pattern><routePartitionName>Desks</routePartitionName>");
    let (mut done, mut asked, mut count) = (Vec::new(), None, 0);
    while let Some(place) = work.place() {
        let mut script = Script::new(place.tls, &place.password);
        let Some(answer) = script.call("getLine", &line) else { continue };
        let is = between(&answer.body, "<description>", "</description>").unwrap_or_default().to_owned();
        if asked.take().is_some_and(|asked| asked == is) {
            done.push(is);
        }
        loop {
            if work.is_over() {
                return done;
            }
            count += 1;
            let text = format!("{pattern} for the {count}th time");
            let begun = Instant::now();
            let Some(answer) = script.call("updateLine", &format!("{line}<description>{text}</description>"))
            else {
                asked = Some(text);
                break;
            };
            assert_eq!(answer.status, 200, "{text}: {}", answer.body);
            work.note(begun.elapsed());
            done.push(text);
        }
    }
    done
}
