//! The screens of the Extension Mobility service, in the language of the phone; every address leads back to the service.

use super::request::LOGIN_TYPES;
use crate::domain::event::LoginMethod;
use crate::domain::names::DeviceName;
use crate::em::credential;
use crate::em::error::{Doing, EmCode};
use crate::em::screen::{InputItem, MenuItem, Screen, SoftKey};
use crate::em::texts::{Language, Phrase};
use crate::em::visit::{Refusal, Visit};

/// Entries of a menu that phones show at most.
pub(super) const MENU: usize = 100;

/// Where addresses in screens lead, and in which language screens are.
pub(super) struct Screens<'v> {
    /// Scheme and host of this service as the phone reached it.
    pub(super) base: &'v str,
    /// The phone.
    pub(super) phone: &'v DeviceName,
    /// What it says who it is with.
    pub(super) login_type: LoginMethod,
    /// The language it asks for.
    pub(super) language: &'v Language,
}

/// An automatic logout that is near.
#[derive(Debug, Clone, Copy)]
pub(super) struct Near {
    /// Minutes until then.
    pub(super) minutes: i64,
    /// What asks to extend the session, where that may be.
    pub(super) extend: Option<i64>,
}

/// A profile of the menu.
pub(super) struct Choice {
    /// Its name.
    pub(super) name: String,
    /// What the address says of it.
    pub(super) id: String,
}

impl<'v> Screens<'v> {
    /// In answer to a request.
    pub(super) fn of(visit: &'v Visit, phone: &'v DeviceName, login_type: LoginMethod) -> Self {
        Self { base: &visit.base, phone, login_type, language: &visit.language }
    }

    /// The service, as this phone called it.
    fn page(&self) -> String {
        let named = LOGIN_TYPES.iter().find(|(_, method)| *method == self.login_type);
        let login_type = named.filter(|(_, method)| *method != LoginMethod::UserId);
        let login_type = login_type.map(|(name, _)| format!("&loginType={name}")).unwrap_or_default();
        format!("{}{}?device={}{login_type}", self.base, super::PATH, self.phone)
    }

    fn text(&self, phrase: Phrase) -> String {
        self.language.phrase(phrase).to_owned()
    }

    fn key(&self, phrase: Phrase, position: u8, url: &str) -> SoftKey {
        SoftKey { name: self.text(phrase), position, url: url.to_owned() }
    }

    fn exit(&self) -> SoftKey {
        self.key(Phrase::Exit, 3, "SoftKey:Exit")
    }

    /// The form that asks who it is.
    pub(super) fn form(&self, letters: bool, last_user: Option<String>) -> Screen {
        let (prompt, label) = match self.login_type {
            LoginMethod::PrimaryExtension => (Phrase::EnterExtension, Phrase::Extension),
            LoginMethod::SelfServiceId => (Phrase::EnterSelfServiceId, Phrase::SelfServiceId),
            LoginMethod::UserId | LoginMethod::Api => (Phrase::EnterUserId, Phrase::UserId),
        };
        let is_number = self.login_type == LoginMethod::PrimaryExtension
            || self.login_type == LoginMethod::UserId && !letters;
        let flags = if is_number { "N" } else { self.language.letters() };
        let item = |label, parameter, flags: &str, default_value| InputItem {
            display_name: self.text(label),
            parameter,
            flags: flags.to_owned(),
            default_value,
        };
        Screen::Input {
            title: self.text(Phrase::Title),
            prompt: self.text(prompt),
            keys: vec![
                self.key(Phrase::Submit, 1, "SoftKey:Submit"),
                SoftKey { name: "<<".to_owned(), position: 2, url: "SoftKey:<<".to_owned() },
                self.exit(),
            ],
            url: self.page(),
            items: vec![
                item(label, "userid", flags, last_user.unwrap_or_default()),
                item(Phrase::Pin, "seq", "NP", String::new()),
            ],
        }
    }

    /// The menu of profiles, from the one after those that were shown.
    pub(super) fn menu(&self, choices: &[Choice], shown: usize, ticket: &str) -> Screen {
        let address = |rest: &str| format!("{}&t={ticket}{rest}", self.page());
        let page = choices.iter().skip(shown).take(MENU);
        let items = page
            .map(|choice| MenuItem { name: choice.name.clone(), url: address(&format!("&p={}", choice.id)) });
        let next = shown.saturating_add(MENU);
        let more = (next < choices.len()).then(|| self.key(Phrase::More, 2, &address(&format!("&n={next}"))));
        let select = self.key(Phrase::Select, 1, "SoftKey:Select");
        Screen::Menu {
            title: self.text(Phrase::Title),
            prompt: self.text(Phrase::ChooseProfile),
            keys: [select].into_iter().chain(more).chain([self.exit()]).collect(),
            items: items.collect(),
        }
    }

    /// The question whether to log out, with the automatic logout that is near and the key that extends the session.
    pub(super) fn confirmation(&self, user_id: &str, near: Option<Near>) -> Screen {
        let change = self.change_pin(user_id);
        let extend = near.and_then(|near| near.extend);
        let extend = extend.map(|end| self.key(Phrase::Extend, 4, &format!("{}&extend={end}", self.page())));
        let keys = [
            self.key(Phrase::Yes, 1, &format!("{}&doLogout=true", self.page())),
            self.key(Phrase::No, 2, "SoftKey:Exit"),
            self.key(Phrase::ChangePin, 3, &change),
        ];
        let here = self.language.filled(Phrase::LoggedInHere, &[("user", user_id)]);
        Screen::Text {
            title: self.text(Phrase::Title),
            prompt: self.text(Phrase::LogOut),
            keys: keys.into_iter().chain(extend).collect(),
            text: near.map_or(here.clone(), |near| format!("{here} {}", self.logs_out_in(near.minutes))),
        }
    }

    fn logs_out_in(&self, minutes: i64) -> String {
        self.language.filled(Phrase::LogsOutIn, &[("n", &minutes.to_string())])
    }

    /// The session was extended.
    pub(super) fn extended(&self, minutes: i64) -> Screen {
        Screen::Text {
            title: self.text(Phrase::Title),
            prompt: self.text(Phrase::SessionExtended),
            keys: vec![self.exit()],
            text: self.logs_out_in(minutes),
        }
    }

    /// The user of this phone has logged in at another one.
    pub(super) fn replaced(&self) -> Screen {
        Screen::Text {
            title: self.text(Phrase::Title),
            prompt: self.text(Phrase::LoggedOut),
            keys: vec![self.key(Phrase::LogIn, 1, &self.page()), self.exit()],
            text: self.text(Phrase::LoggedInElsewhere),
        }
    }

    /// Where a PIN is changed; that page asks for a user id that is too long for an address.
    fn change_pin(&self, user_id: &str) -> String {
        credential::page::address(self.base, self.phone, Some(user_id).filter(|id| !id.is_empty()))
    }

    /// What comes of a login; who has a PIN that ends soon is told.
    pub(super) fn logged_in(&self, clear_call_log: bool, pin_ends_in: Option<i64>) -> Screen {
        let mut screen = self.done(Phrase::LoginDone, clear_call_log);
        if let (Screen::Text { text, .. }, Some(days)) = (&mut screen, pin_ends_in) {
            *text = format!("{text} {}", self.language.filled(Phrase::PinEnds, &[("n", &days.to_string())]));
        }
        screen
    }

    /// What comes of a login or logout.
    pub(super) fn done(&self, what: Phrase, clear_call_log: bool) -> Screen {
        if clear_call_log {
            return Screen::Execute(vec!["Init:CallHistory", "Init:Services"]);
        }
        Screen::Text {
            title: self.text(Phrase::Title),
            prompt: self.text(what),
            keys: vec![self.exit()],
            text: self.text(Phrase::PhoneRestarts),
        }
    }

    /// What a refusal looks like. A PIN that must be changed leads to where that is done.
    pub(super) fn refused(&self, refusal: &Refusal<'_>) -> Screen {
        let Refusal { code, .. } = *refusal;
        let first = match (refusal.doing, code) {
            (Doing::Login, EmCode::PinMustChange | EmCode::PinExpired) => {
                let user_id = refusal.user_id.unwrap_or_default();
                Some(self.key(Phrase::ChangePin, 1, &self.change_pin(user_id)))
            }
            (Doing::Login, _) => Some(self.key(Phrase::Retry, 1, &self.page())),
            (Doing::Logout, _) => None,
        };
        refusal.screen(self.language, first)
    }
}
