//! What is told of refused logins and logouts (events.md 6.9).

use super::Model;

impl Model {
    /// Tells of an action that was refused, if it is one of those.
    pub(super) fn audit(&self, words: &[&str], answer: &str) -> Option<String> {
        let (operation, phone, user) = match *words {
            ["login" | "pin-login", phone, user, ..] => ("login", phone, user),
            ["extend", phone] => ("login", phone, "-"), // the page is opened first
            ["logout" | "leave", phone] => ("logout", phone, "-"),
            _ => return None,
        };
        let code = match answer.strip_prefix("EM ") {
            _ if answer == "ok" => return None,
            Some(number) => number,
            None if !self.phones.contains_key(phone) => "11",
            None if !self.users.contains_key(user) => "23",
            None => "12",
        };
        if !self.phones.contains_key(phone) {
            return Some(format!("rejected {operation} - - {code} x1"));
        }
        let known = if self.users.contains_key(user) { user } else { "-" };
        let behind = match code {
            "25" => format!(" behind {}", self.phones_of(|s| s.user == user)[0]),
            _ => String::new(),
        };
        Some(format!("rejected {operation} {phone} {known} {code} x1{behind}"))
    }
}
