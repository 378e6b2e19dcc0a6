//! What is asked of the writers, and its place in a batch: names become keys, and no phone and no user is in a batch twice.

use std::collections::HashSet;

use super::error::EmCode;
use super::outcome::{LoginOutcome, LogoutOutcome};
use crate::domain::event::{Cause, LogoutReason};
use crate::domain::ids::{PhonePk, ProfilePk, UserPk};
use crate::domain::login::{LoginRequest, OccupantRule};
use crate::domain::logout::LogoutOrigin;
use crate::store::names::{Names, Resolved};

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The phone, for a login the user and perhaps the profile, for a logout the user who alone may be logged out.
    pub(super) names: Names,
    /// What for.
    pub(super) task: Task,
    /// Who asks.
    pub(super) cause: Cause,
}

/// What is to be done on a phone.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// Log the user in; the profile of the request is filled in when its name is looked up.
    Login(LoginRequest),
    /// End the session.
    Logout(AskedEnding),
}

/// Which kind of ending is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedEnding {
    /// Somebody asks.
    By(LogoutOrigin),
    /// The time is over: the longest that was allowed, or a time of day.
    Expired(LogoutReason),
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Login(LoginOutcome),
    Logout(LogoutOutcome),
    Refused(EmCode),
    /// Somebody unexpected is on the phone, or it is in this batch already: the request must be tried again.
    Again,
}

/// A request whose names were looked up.
#[derive(Debug)]
pub(super) enum Placed<'a> {
    /// A login, of nobody where nobody has the name: that is refused in its turn, after the phone.
    Login { user: Option<UserPk>, phone: PhonePk, request: LoginRequest, cause: &'a Cause },
    /// A logout, of this user only where one is named, or the end of an expired session.
    Logout { phone: PhonePk, whose: Option<UserPk>, ending: AskedEnding, cause: &'a Cause },
}

/// The phones and users of a batch so far.
#[derive(Debug, Default)]
pub(super) struct Places {
    phones: HashSet<PhonePk>,
    users: HashSet<UserPk>,
}

impl Places {
    /// Gives a request its place, or the reply where there is none.
    pub(super) fn place<'a>(&mut self, asked: &'a Asked, found: &Resolved) -> Result<Placed<'a>, Reply> {
        let placed = Placed::of(asked, found).map_err(Reply::Refused)?;
        // Both grow also for a request that has no place, so that later ones do not overtake it.
        let is_free_phone = self.phones.insert(placed.phone());
        let is_free_user = placed.user().is_none_or(|user| self.users.insert(user));
        if is_free_phone && is_free_user { Ok(placed) } else { Err(Reply::Again) }
    }
}

impl<'a> Placed<'a> {
    fn of(asked: &'a Asked, found: &Resolved) -> Result<Self, EmCode> {
        let (phone, cause) = (found.phone.ok_or(EmCode::PhoneAbsent)?, &asked.cause);
        match &asked.task {
            Task::Login(request) => {
                // a profile that does not exist is refused in its turn, after what is on the phone
                let named = asked.names.profile.as_ref().map(|_| ProfilePk::NOTHING);
                let request = LoginRequest { profile: found.profile.or(named), ..*request };
                Ok(Self::Login { user: found.user, phone, request, cause })
            }
            // whoever does not exist is on no phone
            Task::Logout(_) if asked.names.user.is_some() && found.user.is_none() => Err(EmCode::UserAbsent),
            Task::Logout(ending) => Ok(Self::Logout { phone, whose: found.user, ending: *ending, cause }),
        }
    }

    pub(super) fn phone(&self) -> PhonePk {
        match self {
            Self::Login { phone, .. } | Self::Logout { phone, .. } => *phone,
        }
    }

    pub(super) fn user(&self) -> Option<UserPk> {
        match self {
            Self::Login { user, .. } => *user,
            Self::Logout { .. } => None,
        }
    }

    pub(super) fn cause(&self) -> &'a Cause {
        match self {
            Self::Login { cause, .. } | Self::Logout { cause, .. } => cause,
        }
    }

    /// Whether a session on the phone is to end.
    pub(super) fn ends_occupant(&self) -> bool {
        match self {
            Self::Login { request, .. } => request.occupant == OccupantRule::Displace,
            Self::Logout { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::event::{LoginMethod, Via};
    use crate::domain::login::ProfileRight;
    use crate::store::names::Named;

    fn login() -> Asked {
        let request = LoginRequest {
            method: LoginMethod::Api,
            profile: None,
            right: ProfileRight::Any,
            duration: None,
            pin_version: None,
            occupant: OccupantRule::Keep,
        };
        let names = Names { phone: Named::Known(PhonePk(0)), user: None, profile: None };
        Asked { names, task: Task::Login(request), cause: Cause::by_system(Uuid::nil(), Via::Timer) }
    }

    #[test]
    fn what_means_a_phone_or_user_of_the_batch_goes_back_and_is_not_overtaken() {
        let (asked, mut places) = (login(), Places::default());
        let mut place = |phone, user| {
            let found = Resolved { phone: Some(PhonePk(phone)), user: Some(UserPk(user)), profile: None };
            places.place(&asked, &found).map(|_| ()).map_err(|reply| reply == Reply::Again)
        };
        assert_eq!(place(1, 1), Ok(()));
        assert_eq!(place(1, 2), Err(true), "its phone is taken");
        assert_eq!(place(3, 2), Err(true), "its user is the one of the request that went back");
        assert_eq!(place(3, 3), Err(true), "and so on");
        assert_eq!(place(4, 1), Err(true), "its user is taken");
        assert_eq!(place(5, 5), Ok(()));
    }

    #[test]
    fn a_phone_that_does_not_exist_is_refused_and_who_or_what_else_does_not_in_its_turn() {
        let (mut asked, mut places) = (login(), Places::default());
        asked.names.profile = Some(Named::By(crate::store::objects::Selector::name("none")));
        assert_eq!(
            places.place(&asked, &Resolved::default()).err(),
            Some(Reply::Refused(EmCode::PhoneAbsent))
        );
        let found = Resolved { phone: Some(PhonePk(1)), ..Resolved::default() };
        let Ok(Placed::Login { request, user, .. }) = places.place(&asked, &found) else {
            panic!("has a place")
        };
        assert_eq!((user, request.profile), (None, Some(ProfilePk::NOTHING)));
    }
}
