//! Who asks, and what they may: principals, roles from groups, one table from kind of operation to role (AUTHZ-1, AUTHZ-2).
//!
//! Checking a secret is the business of `verify`, what comes of it that of `proof`; reading it from a request is up to `basic`; the cookie
//! that stands for it, to `sign_in`.

mod attempts;
pub mod basic;
pub mod hash;
mod hash_pool;
mod limiter;
mod memory;
pub mod page;
pub mod pepper;
pub mod proof;
pub mod sign_in;
pub mod ticket;
mod turns;
pub mod verify;

pub use limiter::Source;

use std::net::IpAddr;

use uuid::Uuid;

use crate::domain::credential::HolderKind;
use crate::domain::event::{Actor, ActorKind, AuthType, Cause, Via};
use crate::domain::ids::ObjectPk;
use crate::domain::names::UserId;

/// A right that operations ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Reads over AXL.
    AxlRead,
    /// Changes over AXL.
    AxlWrite,
    /// Logs users in and out on their behalf.
    EmProxy,
    /// Reads the event stream.
    EventReader,
    /// Works in the console.
    Admin,
    /// Reads history.
    Auditor,
}

/// A set of rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles(u8);

/// The rights that membership in a group gives; groups not listed give none.
const GROUPS: &[(&str, &[Role])] = &[
    (SUPER_USERS, &[Role::AxlWrite, Role::EmProxy, Role::EventReader, Role::Admin, Role::Auditor]),
    ("Standard CCM Admin Users", &[Role::AxlWrite, Role::EventReader, Role::Admin, Role::Auditor]),
    ("Standard AXL API Access", &[Role::AxlWrite]),
    ("Standard AXL API Users", &[Role::AxlRead]),
    ("Standard AXL Read Only API Access", &[Role::AxlRead]),
    ("Standard EM Authentication Proxy Rights", &[Role::EmProxy]),
];

/// The group whose members may do everything.
pub const SUPER_USERS: &str = "Standard CCM Super Users";

impl Role {
    fn bit(self) -> u8 {
        match self {
            Self::AxlRead => 1,
            Self::AxlWrite => 2 | 1,
            Self::EmProxy => 4,
            Self::EventReader => 8,
            Self::Admin => 16,
            Self::Auditor => 32,
        }
    }
}

impl Roles {
    /// The rights of a member of these groups; names compare without case.
    pub fn of_groups<'g>(names: impl IntoIterator<Item = &'g str>) -> Self {
        let granted = |name: &str| GROUPS.iter().find(|(group, _)| group.eq_ignore_ascii_case(name));
        let roles = names.into_iter().filter_map(granted).flat_map(|(_, roles)| roles.iter());
        Self(roles.fold(0, |bits, role| bits | role.bit()))
    }

    /// Whether a right is among them.
    pub fn allow(self, role: Role) -> bool {
        self.0 & role.bit() == role.bit()
    }
}

/// Somebody whose account exists; only a check of the secret makes it a `Verified` one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Row of the account.
    pub pk: ObjectPk,
    /// Identity of the account.
    pub uuid: Uuid,
    /// Name as stored.
    pub name: UserId,
    /// Person or program.
    pub kind: HolderKind,
    /// Whether it belongs to [`SUPER_USERS`].
    pub is_super: bool,
    /// Rights, as its groups give them at this moment.
    pub roles: Roles,
}

impl Principal {
    /// What its groups give it, as one number to compare; nothing else can be done with it.
    fn rights(&self) -> u8 {
        self.roles.0 | if self.is_super { 0x80 } else { 0 }
    }
}

/// Who acts in one request: a principal that proved itself, and where the request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub principal: Principal,
    /// Source address of the connection.
    pub source: Option<IpAddr>,
    /// The request.
    pub request_id: Uuid,
}

/// What can be asked of the gateway by programs, as far as rights tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// The banner of the AXL service.
    AxlBanner,
    /// get, list, options, listChange, read-only SQL.
    AxlRead,
    /// Everything else over AXL.
    AxlWrite,
    /// The application API of Extension Mobility.
    EmService,
    /// The event stream.
    EventStream,
    /// What operators do by hand.
    Operate,
}

/// The right that a kind of operation asks for; what is not listed cannot be asked.
pub const REQUIRED: &[(Right, Role)] = &[
    (Right::AxlBanner, Role::AxlRead),
    (Right::AxlRead, Role::AxlRead),
    (Right::AxlWrite, Role::AxlWrite),
    (Right::EmService, Role::EmProxy),
    (Right::EventStream, Role::EventReader),
    (Right::Operate, Role::Admin),
];

impl Caller {
    /// The request as the cause of events, in their words (design.md, rulings).
    pub fn cause(&self, via: Via) -> Cause {
        let (kind, auth_type) = match (self.principal.kind, self.principal.is_super) {
            (HolderKind::AppUser, true) => (ActorKind::Administrator, AuthType::User),
            (HolderKind::AppUser, false) => (ActorKind::Application, AuthType::ServiceAccount),
            (HolderKind::EndUser, _) => (ActorKind::User, AuthType::AppUser),
        };
        let id = Some(self.principal.name.as_str().to_owned());
        let address = self.source.map(|a| a.to_string());
        let actor = Actor { kind, id: id.clone(), address, via };
        Cause { actor, auth_type, auth_id: id, ..Cause::by_system(self.request_id, via) }
    }

    /// Whether this caller may do it; a person is never a proxy (AUTHZ-2).
    pub fn may(&self, kind: Right) -> bool {
        let role = REQUIRED.iter().find_map(|(k, role)| (*k == kind).then_some(*role));
        let proxy_person = role == Some(Role::EmProxy) && self.principal.kind == HolderKind::EndUser;
        role.is_some_and(|role| self.principal.roles.allow(role)) && !proxy_person
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(kind: HolderKind, groups: &[&str]) -> Caller {
        let principal = Principal {
            pk: ObjectPk(1),
            uuid: Uuid::nil(),
            name: "x".parse().unwrap(),
            kind,
            is_super: false,
            roles: Roles::of_groups(groups.iter().copied()),
        };
        Caller { principal, source: None, request_id: Uuid::nil() }
    }

    fn allowed(kind: HolderKind, groups: &[&str]) -> Vec<Right> {
        let caller = caller(kind, groups);
        REQUIRED.iter().map(|(k, _)| *k).filter(|k| caller.may(*k)).collect()
    }

    #[test]
    fn groups_give_what_the_table_says() {
        use HolderKind::*;
        use Right::*;
        assert_eq!(allowed(AppUser, &[]), []);
        assert_eq!(allowed(AppUser, &["standard axl api USERS"]), [AxlBanner, AxlRead]);
        assert_eq!(allowed(AppUser, &["Standard AXL Read Only API Access"]), [AxlBanner, AxlRead]);
        assert_eq!(allowed(AppUser, &["Standard AXL API Access"]), [AxlBanner, AxlRead, AxlWrite]);
        assert_eq!(allowed(AppUser, &["Standard EM Authentication Proxy Rights"]), [EmService]);
        assert_eq!(allowed(AppUser, &[SUPER_USERS]).len(), REQUIRED.len());
        assert_eq!(allowed(AppUser, &["Standard CCM End Users"]), []);
    }

    #[test]
    fn a_person_is_never_a_proxy() {
        assert_eq!(allowed(HolderKind::EndUser, &["Standard EM Authentication Proxy Rights"]), []);
    }
}
