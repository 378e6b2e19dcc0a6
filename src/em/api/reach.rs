//! For whom a caller may act (extension-mobility.md 6): application users with the proxy right for anybody, end users for themselves.

use super::percent::readings;
use crate::auth::{Caller, Right};
use crate::domain::credential::HolderKind;
use crate::domain::ids::UserPk;
use crate::domain::names::fold;
use crate::em::error::EmCode;

/// For whom a caller may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// For anybody.
    Anybody,
    /// For the person that it is, whose user id as compared is this.
    Oneself(UserPk, String),
}

impl Reach {
    /// A program without the right may act for nobody.
    pub(super) fn of(caller: &Caller) -> Result<Self, EmCode> {
        let principal = &caller.principal;
        match principal.kind {
            HolderKind::EndUser => Ok(Self::Oneself(UserPk(principal.pk.0), fold(principal.name.as_str()))),
            HolderKind::AppUser if caller.may(Right::EmService) => Ok(Self::Anybody),
            HolderKind::AppUser => Err(EmCode::ProxyRight),
        }
    }

    /// Whether a user id, in one of its readings, means somebody it reaches.
    pub(super) fn covers(&self, id: &str) -> bool {
        match self {
            Self::Anybody => true,
            Self::Oneself(_, own) => readings(id).any(|id| fold(&id) == *own),
        }
    }
}
