//! How a session ends at its phone: the question whether to log out, the logout, an automatic logout that is near and may be put off, and
//! why somebody is not logged in any more.
//!
//! No credential is asked: whoever stands at the phone may end or keep the session on it, within what the policy allows.

use chrono::TimeDelta;

use super::Conversation;
use super::screens::Near;
use crate::domain::event::Cause;
use crate::domain::logout::LogoutOrigin;
use crate::em::conditions::{Conditions, PhoneState};
use crate::em::error::EmCode;
use crate::em::outcome::LogoutOutcome;
use crate::em::screen::Screen;
use crate::em::service::Em;
use crate::em::texts::Phrase;
use crate::store::objects::Selector;

/// How long a phone says that a login elsewhere has ended the session on it.
const NOTICE: TimeDelta = TimeDelta::minutes(15);

impl Conversation<'_> {
    /// The question whether to log out; near an automatic logout it says so.
    pub(super) async fn question(&self, conditions: &Conditions, user_id: &str) -> Result<Screen, EmCode> {
        Em::check_is_active(conditions)?;
        self.em.trust(conditions, self.visit.route).await?;
        Ok(self.screens.confirmation(user_id, self.near(conditions).await?))
    }

    async fn near(&self, conditions: &Conditions) -> Result<Option<Near>, EmCode> {
        let policy = conditions.parameters.expiry;
        let Some(phone) = conditions.phone.as_ref().filter(|_| !policy.warning.is_zero()) else {
            return Ok(None);
        };
        let found = self.em.ending_on(phone.pk).await?;
        Ok(found.filter(|(ending, now)| policy.warns(ending, *now)).map(|(ending, now)| Near {
            minutes: ending.minutes_left(now),
            put_off: policy.put_off(&ending, now).map(|_| ending.expires_at.timestamp()),
        }))
    }

    pub(super) async fn log_out(&self, conditions: &Conditions, cause: Cause) -> Result<Screen, EmCode> {
        self.check_at_phone(conditions).await?;
        let _permit = self.em.permit(conditions).await?;
        let phone = Selector::name(self.screens.phone.as_str());
        let clear_call_log = match self.em.logout(phone, LogoutOrigin::Phone, cause).await? {
            LogoutOutcome::LoggedOut { clear_call_log, .. } => clear_call_log,
            LogoutOutcome::NobodyLoggedIn => false,
        };
        Ok(self.screens.done(Phrase::LogoutDone, clear_call_log))
    }

    /// Puts the automatic logout off that was due then; where that cannot be, the page says how things are.
    pub(super) async fn put_off(
        &self,
        conditions: &Conditions,
        due: i64,
        cause: Cause,
    ) -> Result<Screen, EmCode> {
        let phone = self.check_at_phone(conditions).await?;
        let _permit = self.em.permit(conditions).await?;
        match self.em.put_off(phone.pk, due, conditions.parameters.expiry, cause).await? {
            Some(minutes) => Ok(self.screens.put_off(minutes)),
            None => self.open(conditions).await,
        }
    }

    /// Says that a login elsewhere has ended the session here, for a while; after it, and where that is not so, the page is as always.
    pub(super) async fn notice(&self, conditions: &Conditions) -> Result<Screen, EmCode> {
        let Some(phone) = conditions.phone.as_ref().filter(|phone| phone.occupant.is_none()) else {
            return self.open(conditions).await;
        };
        self.phone_to_log_in(conditions).await?;
        let replaced = self.em.replaced_on(phone.pk).await?.filter(|(at, now)| *now - *at <= NOTICE);
        match phone.last_user.as_ref().filter(|_| replaced.is_some()) {
            Some(user_id) => Ok(self.screens.replaced(user_id)),
            None => self.open(conditions).await,
        }
    }

    /// Whether this may come from whoever stands at the phone.
    async fn check_at_phone<'c>(&self, conditions: &'c Conditions) -> Result<&'c PhoneState, EmCode> {
        Em::check_is_active(conditions)?;
        let phone = conditions.phone.as_ref().ok_or(EmCode::PhoneAbsent)?;
        self.em.trust(conditions, self.visit.route).await?;
        self.em.check_logout_from_elsewhere(conditions, self.visit.route).await?;
        Ok(phone)
    }
}
