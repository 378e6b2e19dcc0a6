//! Carries out what a program asks to be changed, through the same service as every other surface.

use super::document::{Login, Request};
use super::percent::readings;
use super::reach::Reach;
use crate::domain::event::Cause;
use crate::domain::login::OccupantRule;
use crate::domain::logout::LogoutOrigin;
use crate::em::error::EmCode;
use crate::em::outcome::{LoginOutcome, LogoutOutcome};
use crate::em::service::{Authority, Em, LoginAttempt};
use crate::store::names::Named;
use crate::store::objects::Selector;

/// Refuses what concerns others than those the caller may act for; whose session is on a phone is seen when it is to end.
pub(super) fn check_reach(request: &Request, reach: &Reach) -> Result<(), EmCode> {
    let may = match request {
        Request::Login(login) => reach.covers(&login.user),
        Request::Logout(_) => true,
        Request::LogoutAll => *reach == Reach::Anybody,
    };
    if may { Ok(()) } else { Err(EmCode::ProxyRight) }
}

/// Carries out one request.
pub(super) async fn carry_out(
    em: &Em,
    request: &Request,
    reach: &Reach,
    cause: &Cause,
) -> Result<(), EmCode> {
    match request {
        Request::Login(login) => log_in(em, login, reach, cause).await,
        Request::Logout(phone) => log_out(em, phone, reach, cause.clone()).await,
        Request::LogoutAll => em.log_out_all(cause.clone()).await,
    }
}

/// Any profile may be named by a program, by a person only their own.
async fn log_in(em: &Em, login: &Login, reach: &Reach, cause: &Cause) -> Result<(), EmCode> {
    for authority in authorities(&login.user, reach) {
        let attempt = LoginAttempt {
            phone: Named::By(Selector::name(&login.phone)),
            authority,
            profile: login.profile.as_deref().map(Selector::name),
            duration: login.duration,
            occupant: OccupantRule::Keep,
            cause: cause.clone(),
        };
        match em.login(attempt).await {
            Ok(LoginOutcome::LoggedIn { .. } | LoginOutcome::Unchanged { .. }) => return Ok(()),
            // phones have a number of their own for a user without a profile, programs have not
            Ok(LoginOutcome::ChooseProfile(_)) | Err(EmCode::ProfileAbsent) => {
                return Err(EmCode::ProfileNotFound);
            }
            Err(EmCode::UserAbsent) => {}
            Err(code) => return Err(code),
        }
    }
    Err(EmCode::UserAbsent)
}

/// On whose authority to try a login, one after the other as long as there is no such user.
fn authorities(user: &str, reach: &Reach) -> Vec<Authority> {
    match reach {
        Reach::Oneself(user, _) => vec![Authority::Oneself(*user)],
        Reach::Anybody => readings(user).map(|id| Authority::Program(id.parse().ok())).collect(),
    }
}

async fn log_out(em: &Em, phone: &str, reach: &Reach, cause: Cause) -> Result<(), EmCode> {
    let phone = Named::By(Selector::name(phone));
    let ended = match reach {
        Reach::Anybody => em.logout(phone, LogoutOrigin::Api, cause).await?,
        Reach::Oneself(user, _) => em.log_out_own(phone, *user, cause).await?,
    };
    match ended {
        LogoutOutcome::LoggedOut { .. } => Ok(()),
        LogoutOutcome::NobodyLoggedIn => Err(EmCode::NobodyLoggedIn),
    }
}
