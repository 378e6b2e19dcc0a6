//! The cookies of a phone: four a host, eight hosts, 255 bytes each, thirty minutes.
//!
//! A phone knows no paths and no attributes: a cookie goes to the host that set it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const HOSTS: usize = 8;
const OF_HOST: usize = 4;
const BYTES: usize = 255;
const LIFE: Duration = Duration::from_secs(30 * 60);

struct Cookie {
    name: String,
    value: String,
    since: Instant,
}

/// All that a phone keeps; what came first goes first.
#[derive(Default)]
pub(super) struct Cookies(VecDeque<(String, VecDeque<Cookie>)>);

impl Cookies {
    /// Keeps what a `Set-Cookie` of a host says; one without a value forgets it.
    pub(super) fn set(&mut self, host: &str, header: &str, now: Instant) {
        let pair = header.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=').filter(|_| pair.len() <= BYTES) else { return };
        let at = self.0.iter().position(|(own, _)| own == host).unwrap_or_else(|| {
            self.0.push_back((host.to_owned(), VecDeque::new()));
            keep_newest(&mut self.0, HOSTS);
            self.0.len() - 1
        });
        let Some((_, cookies)) = self.0.get_mut(at) else { return };
        let name = name.trim();
        cookies.retain(|cookie| cookie.name != name);
        if !value.is_empty() {
            cookies.push_back(Cookie { name: name.to_owned(), value: value.to_owned(), since: now });
            keep_newest(cookies, OF_HOST);
        }
    }

    /// The header `Cookie` for a host.
    pub(super) fn header(&mut self, host: &str, now: Instant) -> Option<String> {
        let (_, cookies) = self.0.iter_mut().find(|(own, _)| own == host)?;
        cookies.retain(|cookie| now.duration_since(cookie.since) < LIFE);
        let pairs: Vec<_> = cookies.iter().map(|c| format!("{}={}", c.name, c.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn keep_newest<T>(all: &mut VecDeque<T>, most: usize) {
    let surplus = all.len().saturating_sub(most);
    all.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_keeps_few_cookies_and_not_for_long() {
        let (mut cookies, now) = (Cookies::default(), Instant::now());
        for n in 0..5 {
            cookies.set("gate", &format!("c{n}={n}; Path=/; HttpOnly"), now);
        }
        cookies.set("gate", "c2=", now);
        cookies.set("gate", &format!("long={}", "x".repeat(251)), now);
        assert_eq!(cookies.header("gate", now).unwrap(), "c1=1; c3=3; c4=4");
        assert_eq!(cookies.header("other", now), None);
        for n in 0..8 {
            cookies.set(&format!("host{n}"), "a=1", now);
        }
        assert_eq!(cookies.header("gate", now), None, "eight other hosts");
        assert_eq!(cookies.header("host0", now).unwrap(), "a=1");
        assert_eq!(cookies.header("host0", now + LIFE), None);
    }
}
