//! How a session ends at its phone: the question whether to log out, the logout, an automatic logout that is near, the session that is
//! extended before it, and why somebody is not logged in any more.
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
use crate::store::names::Named;

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
        let end = self.em.end_at(phone.pk).await?;
        Ok(end.expiring.filter(|session| policy.warns(session, end.now)).map(|session| Near {
            minutes: session.minutes_left(end.now),
            extend: policy.extended_end(&session, end.now).map(|_| session.expires_at.timestamp()),
        }))
    }

    pub(super) async fn log_out(&self, conditions: &Conditions, cause: Cause) -> Result<Screen, EmCode> {
        let phone = self.check_at_phone(conditions).await?;
        let _permit = self.em.permit(conditions).await?;
        let clear_call_log = match self.em.logout(Named::Known(phone.pk), LogoutOrigin::Phone, cause).await? {
            LogoutOutcome::LoggedOut { clear_call_log, .. } => clear_call_log,
            LogoutOutcome::NobodyLoggedIn => false,
        };
        Ok(self.screens.done(Phrase::LogoutDone, clear_call_log))
    }

    /// Extends the session that ends then; where that cannot be, the page says how things are.
    pub(super) async fn extend(
        &self,
        conditions: &Conditions,
        end: i64,
        cause: Cause,
    ) -> Result<Screen, EmCode> {
        let phone = self.check_at_phone(conditions).await?;
        let _permit = self.em.permit(conditions).await?;
        if let Some(minutes) = self.em.extend(phone.pk, end, cause).await? {
            return Ok(self.screens.extended(minutes));
        }
        match &phone.occupant {
            Some((user_id, _)) => Ok(self.screens.confirmation(user_id, self.near(conditions).await?)),
            None => self.open(conditions).await,
        }
    }

    /// Says for a while that a login elsewhere has ended the session here; after that, and where it is not so, the page is as always. Names
    /// nobody: whoever stands here need not be the one who left.
    pub(super) async fn notice(&self, conditions: &Conditions) -> Result<Screen, EmCode> {
        if let Some(phone) = conditions.phone.as_ref().filter(|phone| phone.occupant.is_none()) {
            let end = self.em.end_at(phone.pk).await?;
            if end.replaced_at.is_some_and(|at| end.now - at <= NOTICE) {
                self.phone_to_log_in(conditions).await?;
                return Ok(self.screens.replaced());
            }
        }
        self.open(conditions).await
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
