//! Operations that are not a verb of an object: device login and logout, the version.

use super::error::AxlError;
use super::request::Request;
use super::verb::Answer;
use crate::domain::event::Cause;
use crate::domain::login::OccupantRule;
use crate::domain::login_limit::LoginLimit;
use crate::domain::logout::LogoutOrigin;
use crate::domain::names::UserId;
use crate::em::audit::Attempt;
use crate::em::error::{Doing, EmCode};
use crate::em::outcome::{LoginOutcome, LogoutOutcome};
use crate::em::service::{Authority, Em, LoginAttempt};
use crate::soap::scalar::parse_uuid;
use crate::soap::tree::Element;
use crate::soap::write::Writer;
use crate::store::names::Named;
use crate::store::objects::Selector;

/// The version that probing clients are told; they take its first two numbers.
const VERSION: &str = "15.0.1.10000(1)";

/// One named operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedOperation {
    /// Logs a user in on a phone.
    DeviceLogin,
    /// Logs a phone out.
    DeviceLogout,
    /// Says which version this is.
    CcmVersion,
}

/// Finds a named operation.
pub fn find(name: &str) -> Option<NamedOperation> {
    match name {
        "doDeviceLogin" => Some(NamedOperation::DeviceLogin),
        "doDeviceLogout" => Some(NamedOperation::DeviceLogout),
        "getCCMVersion" => Some(NamedOperation::CcmVersion),
        _ => None,
    }
}

impl NamedOperation {
    /// Carries it out.
    pub async fn run(self, em: &Em, request: &Request, cause: Cause) -> Result<Answer, AxlError> {
        match self {
            Self::DeviceLogin => login(em, &request.body, cause).await,
            Self::DeviceLogout => logout(em, &request.body, cause).await,
            Self::CcmVersion => {
                let mut writer = Writer::new();
                writer.start("return").start("componentVersion").element("version", VERSION);
                Ok(Answer::Written(writer.finish()))
            }
        }
    }
}

/// A reference by uuid or name, and what a fault calls it.
fn reference(body: &Element, tag: &str) -> Option<(Selector, String)> {
    let element = body.child(tag)?;
    let name = element.text.trim();
    match element.attribute("uuid").and_then(parse_uuid) {
        Some(uuid) => Some((Selector::Uuid(uuid), name.to_owned())),
        None => (!name.is_empty()).then(|| (Selector::name(name), name.to_owned())),
    }
}

/// `loginDuration` is in seconds, 0 or absent is none; without a profile the user's default (axl.md 19.1).
async fn login(em: &Em, body: &Element, cause: Cause) -> Result<Answer, AxlError> {
    let (phone, phone_name) =
        reference(body, "deviceName").ok_or_else(|| AxlError::invalid("deviceName", "name the phone"))?;
    let user: UserId = body
        .text_of("userId")
        .unwrap_or_default()
        .trim()
        .parse()
        .map_err(|_| AxlError::invalid("userId", "name the user who logs in"))?;
    let profile = reference(body, "profileName");
    let seconds = body.text_of("loginDuration").map(str::trim).filter(|t| !t.is_empty());
    let seconds: Option<i64> = seconds
        .map(str::parse)
        .transpose()
        .map_err(|_| AxlError::invalid("loginDuration", "give seconds"))?;
    let duration = match seconds.filter(|s| *s > 0) {
        None => None,
        Some(seconds) => LoginLimit::from_seconds(seconds),
    };
    let asked = Attempt {
        doing: Doing::Login,
        phone: Some(phone.clone()),
        user: Some(user.as_str().to_owned()),
        cause: cause.clone(),
    };
    asked.look_at();
    let attempt = LoginAttempt {
        phone: Named::By(phone),
        authority: Authority::Program(Some(user)),
        profile: profile.as_ref().map(|(selector, _)| selector.clone()),
        duration,
        occupant: OccupantRule::Keep,
        cause,
    };
    match em.login(attempt).await {
        Ok(LoginOutcome::LoggedIn { .. } | LoginOutcome::Unchanged { .. }) => Ok(Answer::True),
        Ok(LoginOutcome::ChooseProfile(_)) => {
            Err(refuse(em, asked, EmCode::ProfileNotFound, &phone_name, None))
        }
        Err(code) => Err(refuse(em, asked, code, &phone_name, profile.map(|(_, name)| name))),
    }
}

async fn logout(em: &Em, body: &Element, cause: Cause) -> Result<Answer, AxlError> {
    let (phone, phone_name) =
        reference(body, "deviceName").ok_or_else(|| AxlError::invalid("deviceName", "name the phone"))?;
    let asked =
        Attempt { doing: Doing::Logout, phone: Some(phone.clone()), user: None, cause: cause.clone() };
    asked.look_at();
    match em.logout(Named::By(phone), LogoutOrigin::Api, cause).await {
        Ok(LogoutOutcome::LoggedOut { .. }) => Ok(Answer::True),
        Ok(LogoutOutcome::NobodyLoggedIn) => {
            Err(refuse(em, asked, EmCode::NobodyLoggedIn, &phone_name, None))
        }
        Err(code) => Err(refuse(em, asked, code, &phone_name, None)),
    }
}

/// Refuses a login or logout, for the caller and for the audit.
fn refuse(em: &Em, asked: Attempt, code: EmCode, phone: &str, profile: Option<String>) -> AxlError {
    em.rejected(asked, code);
    fault(code, phone, profile)
}

/// A named object that does not exist is 5007; everything else has its number in the text (axl.md 19.1).
fn fault(code: EmCode, phone: &str, profile: Option<String>) -> AxlError {
    let named = |name: &str, kind: &str| AxlError::ItemNotFound {
        named: if name.is_empty() { kind } else { name }.to_owned(),
    };
    match (code, profile) {
        (EmCode::PhoneAbsent, _) => named(phone, "Phone"),
        (EmCode::UserAbsent, _) => named("User", "User"),
        (EmCode::ProfileNotFound, Some(_)) => named("", "DeviceProfile"),
        (code, _) => AxlError::Mobility(code),
    }
}
