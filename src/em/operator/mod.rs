//! What operators do with sessions by hand: see them, and end one or many, each with who asked and why in its event.
//!
//! Works on the database alone, so that it does not matter which nodes run. Each session ends in a transaction of its own: what one
//! costs, none of the others pays. Filters and results are the same on the command line and over HTTP.

pub mod command;
pub(super) mod door;
pub mod http;
pub(super) mod members;
pub(super) mod terminal;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::asked::{Asked, AskedEnding, Reply, Task};
use super::batch;
use super::error::EmCode;
use super::outcome::LogoutOutcome;
use crate::domain::event::Cause;
use crate::domain::logout::LogoutOrigin;
use crate::domain::names::fold;
use crate::event::{EventError, Origin};
use crate::store::names::{Named, Names};
use crate::store::objects::Selector;
use crate::store::presence;
use crate::store::session_list::{self, ListedSession, SessionFilter};
use crate::store::{self, Db, StoreError, Tx};

/// How often a logout is tried while somebody else logs in and out on its phone.
const TRIES: u32 = 10;

/// Which sessions are meant, as operators write it. In names `*` stands for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SessionsMeant {
    /// Name of the phone
    #[arg(long, value_name = "NAME")]
    pub phone: Option<String>,
    /// User id
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// Name of the device profile
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Device pool of the phone
    #[arg(long, value_name = "NAME")]
    pub site: Option<String>,
    /// Sessions that have lasted so long, as hours:minutes
    #[arg(long, value_name = "HH:MM")]
    pub longer_than: Option<String>,
}

/// A session as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionShown {
    /// Name of the phone.
    pub phone: String,
    /// Model of the phone.
    pub model: String,
    /// Device pool of the phone.
    pub site: Option<String>,
    /// Who is logged in.
    pub user: String,
    /// With which profile.
    pub profile: String,
    /// How they signed in.
    pub login_method: String,
    /// Since when.
    pub login_time: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where that comes from.
    pub max_login_source: Option<String>,
    /// Its identity.
    pub session_id: Uuid,
}

/// A session that is to end: that on a phone, and of whom it was when it was looked up, if it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// Name of the phone.
    pub phone: String,
    /// User id.
    pub user: Option<String>,
}

/// What became of a session that was to end, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It has ended.
    LoggedOut,
    /// There was none.
    NobodyLoggedIn,
    /// It goes on.
    Refused,
    /// It would end if that were not a dry run.
    WouldLogOut,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::LoggedOut => "logged-out",
            Self::NobodyLoggedIn => "nobody-logged-in",
            Self::Refused => "refused",
            Self::WouldLogOut => "would-log-out",
        })
    }
}

impl Serialize for Ended {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What became of one session that was to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogoutResult {
    /// Name of the phone.
    pub phone: String,
    /// Who was logged in.
    pub user: Option<String>,
    /// What became of it.
    pub result: Ended,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
}

impl LogoutResult {
    fn of(result: Ended) -> Self {
        Self { phone: String::new(), user: None, result, code: None, advice: None }
    }
}

impl From<Result<LogoutOutcome, EmCode>> for LogoutResult {
    /// That of a phone which is named later.
    fn from(outcome: Result<LogoutOutcome, EmCode>) -> Self {
        match outcome {
            Ok(LogoutOutcome::LoggedOut { user_id, .. }) => {
                Self { user: Some(user_id), ..Self::of(Ended::LoggedOut) }
            }
            Ok(LogoutOutcome::NobodyLoggedIn) => Self::of(Ended::NobodyLoggedIn),
            Err(code) => {
                let entry = code.entry();
                Self { code: Some(entry.number), advice: Some(entry.advice), ..Self::of(Ended::Refused) }
            }
        }
    }
}

impl Meant {
    /// Whoever is there.
    pub fn at(phone: &str) -> Self {
        Self { phone: phone.to_owned(), user: None }
    }

    /// What locks are taken by: the session of another person is not ended.
    fn names(&self) -> Names {
        let user = self.user.as_deref().map(|user| Named::By(Selector::name(user)));
        Names { phone: Named::By(Selector::name(&self.phone)), user, profile: None }
    }

    /// Where somebody else has come meanwhile, the session that was meant has ended.
    fn became(&self, outcome: Result<LogoutOutcome, EmCode>) -> LogoutResult {
        let result = match outcome {
            Err(EmCode::ProxyRight | EmCode::UserAbsent) if self.user.is_some() => {
                LogoutResult::of(Ended::NobodyLoggedIn)
            }
            outcome => outcome.into(),
        };
        LogoutResult { phone: self.phone.clone(), ..result }
    }
}

/// A duration that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give hours:minutes, such as 8:00")]
pub struct NoDuration;

impl SessionsMeant {
    /// Whether it means all sessions, in whatever words.
    pub fn is_everything(&self) -> bool {
        let Self { phone, user, profile, site, longer_than } = self;
        let is_any = |name: &Option<String>| {
            name.as_deref().is_none_or(|name| !name.is_empty() && name.bytes().all(|b| b == b'*'))
        };
        let any_age = longer_than.as_deref().is_none_or(|text| age(text) == Some(TimeDelta::zero()));
        [phone, user, profile, site].into_iter().all(is_any) && any_age
    }

    /// All sessions of somebody, or of everybody, are another matter than some (events.md 6.2).
    pub(super) fn origin(&self) -> LogoutOrigin {
        let is_of_one = self.user.as_deref().is_some_and(|user| !user.contains('*'))
            && Self { user: None, ..self.clone() }.is_everything();
        if is_of_one || self.is_everything() { LogoutOrigin::All } else { LogoutOrigin::Api }
    }

    fn filter(&self) -> Result<SessionFilter, NoDuration> {
        let Self { phone, user, profile, site, longer_than } = self.clone();
        let longer_than = longer_than.map(|text| age(&text).ok_or(NoDuration)).transpose()?;
        Ok(SessionFilter { phone, user, profile, site, longer_than })
    }
}

fn age(text: &str) -> Option<TimeDelta> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let minutes: i64 = minutes.parse().ok().filter(|m| (0..60).contains(m))?;
    let hours: i64 = hours.parse().ok().filter(|h| (0..1_000_000).contains(h))?;
    Some(TimeDelta::minutes(hours * 60 + minutes))
}

/// The sessions of a filter, by name of their phone, so many at most.
pub fn list(db: &Db, filter: &SessionFilter, most: usize) -> Result<Vec<SessionShown>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let listed = db.read_blocking(|tx| session_list::list(tx, filter, most))?;
    Ok(listed.into_iter().map(shown).collect())
}

fn shown(session: ListedSession) -> SessionShown {
    let ListedSession {
        session_id,
        phone,
        model,
        site,
        user_id,
        profile,
        method,
        started_at,
        expires_at,
        limit_source,
    } = session;
    SessionShown {
        phone,
        model,
        site,
        user: user_id,
        profile,
        login_method: method,
        login_time: started_at,
        expires_at,
        max_login_source: limit_source,
        session_id,
    }
}

/// What a logout of these phones would come to.
pub(super) fn foresee(tx: &mut Tx<'_>, phones: &[String]) -> Result<Vec<LogoutResult>, StoreError> {
    let keys: Vec<String> = phones.iter().map(|phone| fold(phone)).collect();
    let disabled = store::phones::without_em(tx, &keys)?;
    let found = presence::phones(tx, &[keys])?.concat();
    let mut left: HashMap<String, Option<String>> =
        found.into_iter().map(|phone| (phone.key, phone.user)).collect();
    let foreseen = |phone: &String| {
        let key = fold(phone);
        let result = match left.get_mut(&key).map(Option::take) {
            None => Err(EmCode::PhoneAbsent).into(),
            Some(None) if disabled.contains(&key) => Err(EmCode::LogoutDisabled).into(),
            Some(None) => LogoutResult::of(Ended::NobodyLoggedIn),
            Some(user) => LogoutResult { user, ..LogoutResult::of(Ended::WouldLogOut) },
        };
        LogoutResult { phone: phone.clone(), ..result }
    };
    Ok(phones.iter().map(foreseen).collect())
}

/// Ends the session on a phone, for a program that runs beside the gateway.
pub fn log_out(db: &Db, origin: &Origin, meant: &Meant, asked: LogoutOrigin, cause: &Cause) -> LogoutResult {
    let task = Task::Logout(AskedEnding::By(asked));
    let asked = Asked { names: meant.names(), task, cause: cause.clone() };
    meant.became(end(db, origin, &asked))
}

fn end(db: &Db, origin: &Origin, asked: &Asked) -> Result<LogoutOutcome, EmCode> {
    for _ in 0..TRIES {
        let replied = db.write_blocking(|tx| Ok::<_, EventError>(batch::run(tx, &[asked], origin)?.replies));
        match replied.map(|replies| replies.into_iter().next()) {
            Ok(Some(Reply::Logout(outcome))) => return Ok(outcome),
            Ok(Some(Reply::Refused(code))) => return Err(code),
            Ok(Some(Reply::Again)) => {}
            Ok(Some(Reply::Login(_)) | None) => return Err(EmCode::Unknown),
            // a lock that somebody keeps has been waited for already
            Err(EventError::Store(StoreError::Busy(_))) => {}
            Err(error) => {
                tracing::error!(error = %error, "a logout by hand was not written");
                return Err(EmCode::Database);
            }
        }
    }
    Err(EmCode::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_hours_and_minutes() {
        assert_eq!(age("8:00"), Some(TimeDelta::hours(8)));
        assert_eq!(age("0:05"), Some(TimeDelta::minutes(5)));
        for wrong in ["8", "8:60", "-1:00", "x:00", ""] {
            assert_eq!(age(wrong), None, "{wrong}");
        }
    }
}
