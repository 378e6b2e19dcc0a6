//! PINs: three wrong ones lock for half an hour, and a phone with ten is left alone for a while (security.md AUTH-1, AUTH-3, AUTH-6).

use super::{Expected, Model};

const HALF_AN_HOUR: i64 = 1800;

impl Model {
    pub(super) fn pin_login(&mut self, phone: &str, user: &str, pin: &str) -> Expected {
        match self.phones.get(phone) {
            None => return Expected::refused("EM 11"),
            Some(here) if !here.enabled => return Expected::refused("EM 22"),
            Some(_) => {}
        }
        let wrong = self.wrong_at.entry(phone.to_owned()).or_default();
        if *wrong >= 10 {
            return Expected::refused("EM 26");
        }
        let now = self.now;
        let Some(person) = self.users.get_mut(user) else {
            *wrong += 1;
            return Expected::refused("EM 201");
        };
        let is_locked = person.locked_until.is_some_and(|at| at > now);
        if is_locked || person.pin != pin {
            *wrong += 1;
            let mut told = Vec::new();
            if !is_locked {
                let anew = person.locked_until.is_some() || person.failed_at <= now - HALF_AN_HOUR;
                person.failed = if anew { 1 } else { person.failed + 1 };
                person.failed_at = now;
                person.locked_until = (person.failed == 3).then_some(now + HALF_AN_HOUR);
                if person.failed == 3 {
                    told.push(format!("credential {user} pin locked"));
                }
            }
            return Expected { answer: "EM 201".into(), told, is_refusal: is_locked };
        }
        let counted = person.failed > 0;
        (person.failed, person.locked_until) = (0, None);
        let mut expected = Expected::of(self.admit(phone, user, None, None, true));
        // the count is taken back even where the login is refused
        expected.is_refusal &= !counted;
        expected
    }

    pub(super) fn give_pin(&mut self, user: &str, pin: &str) -> Expected {
        let Some(person) = self.users.get_mut(user) else { return Expected::refused("5003") };
        pin.clone_into(&mut person.pin);
        (person.failed, person.locked_until) = (0, None);
        Expected::ok(vec![format!("credential {user} pin reset")])
    }
}
