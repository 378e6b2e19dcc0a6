//! Credentials: who holds them, which kinds are kept, and when failed attempts lock one.

use serde::Serialize;

use super::event::CredentialKind;

/// A person or a program, spelled as events spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum HolderKind {
    /// A person, provisioned as `User`.
    #[serde(rename = "end-user")]
    EndUser,
    /// A program or administrator, provisioned as `AppUser`.
    #[serde(rename = "application-user")]
    AppUser,
}

impl HolderKind {
    /// The object type under which holders of this kind are provisioned.
    pub fn object_type(self) -> &'static str {
        match self {
            Self::EndUser => "User",
            Self::AppUser => "AppUser",
        }
    }
}

/// A secret that is kept as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// Digits, for phones.
    Pin,
    /// Text, for everything else.
    Password,
}

impl From<SecretKind> for CredentialKind {
    fn from(kind: SecretKind) -> Self {
        match kind {
            SecretKind::Pin => Self::Pin,
            SecretKind::Password => Self::Password,
        }
    }
}

/// When failed attempts lock a credential (security.md AUTH-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockoutPolicy {
    /// Attempts before the lock; 0: never.
    pub most: i32,
    /// Seconds after which a failed attempt is forgotten.
    pub reset_seconds: i32,
    /// Seconds of the lock; 0: until somebody unlocks.
    pub lock_seconds: i32,
}

impl Default for LockoutPolicy {
    /// The values of AUTH-1: three attempts, forgotten after half an hour, locked for half an hour.
    fn default() -> Self {
        Self { most: 3, reset_seconds: 1800, lock_seconds: 1800 }
    }
}
