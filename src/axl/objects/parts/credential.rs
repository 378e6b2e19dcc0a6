//! What an administrator decides about a PIN or a password: `pinCredentials` and `passwordCredentials` (axl.md 19.3).
//!
//! Flags act and stand in columns; the policy is carried. When a secret was set and when it was locked is ours to say. A reset of the
//! count is an action and never shown as one. A flag that is empty
//! counts as not given (design.md): only `false` takes it back.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::wire::Reference;
use crate::axl::error::AxlError;
use crate::axl::object::{Ctx, Fields};
use crate::domain::credential::{HolderKind, SecretKind};
use crate::domain::event::{CredentialChange, CredentialChanged, CredentialHolder, Event, Occurred};
use crate::domain::patch::Patch;
use crate::soap::scalar::WireBool;
use crate::store::accounts::kind_name;
use crate::store::credentials::{self, Decisions, LockChange};
use crate::store::objects::Object;
use crate::store::shown::Shown;

/// `pinCredentials`.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct PinCredentials {
    #[yaserde(rename = "pinCredPolicyName")]
    policy: Option<Reference>,
    #[yaserde(rename = "pinCredUserCantChange")]
    cant_change: Option<Patch<WireBool>>,
    #[yaserde(rename = "pinCredUserMustChange")]
    must_change: Option<Patch<WireBool>>,
    #[yaserde(rename = "pinCredDoesNotExpire")]
    never_expires: Option<Patch<WireBool>>,
    #[yaserde(rename = "pinCredLockedByAdministrator")]
    locked: Option<Patch<WireBool>>,
    #[yaserde(rename = "pinResetHackCount")]
    forget: Option<Patch<WireBool>>,
}

/// `passwordCredentials`.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct PasswordCredentials {
    #[yaserde(rename = "pwdCredPolicyName")]
    policy: Option<Reference>,
    #[yaserde(rename = "pwdCredUserCantChange")]
    cant_change: Option<Patch<WireBool>>,
    #[yaserde(rename = "pwdCredUserMustChange")]
    must_change: Option<Patch<WireBool>>,
    #[yaserde(rename = "pwdCredDoesNotExpire")]
    never_expires: Option<Patch<WireBool>>,
    #[yaserde(rename = "pwdCredLockedByAdministrator")]
    locked: Option<Patch<WireBool>>,
    #[yaserde(rename = "pwdResetHackCount")]
    forget: Option<Patch<WireBool>>,
}

/// What is asked for; none: stays as it is.
pub struct Wishes<'c> {
    kind: SecretKind,
    policy: Option<&'c Reference>,
    cant_change: Option<bool>,
    must_change: Option<bool>,
    never_expires: Option<bool>,
    locked: Option<bool>,
    forget: Option<bool>,
}

fn wish(flag: &Option<Patch<WireBool>>) -> Option<bool> {
    match flag {
        None | Some(Patch::Absent | Patch::Clear) => None,
        Some(Patch::Value(WireBool(value))) => Some(*value),
    }
}

impl PinCredentials {
    /// What is asked for.
    pub fn wishes(&self) -> Wishes<'_> {
        let Self { policy, cant_change, must_change, never_expires, locked, forget } = self;
        Wishes {
            kind: SecretKind::Pin,
            policy: policy.as_ref(),
            cant_change: wish(cant_change),
            must_change: wish(must_change),
            never_expires: wish(never_expires),
            locked: wish(locked),
            forget: wish(forget),
        }
    }
}

impl PasswordCredentials {
    /// What is asked for.
    pub fn wishes(&self) -> Wishes<'_> {
        let Self { policy, cant_change, must_change, never_expires, locked, forget } = self;
        Wishes {
            kind: SecretKind::Password,
            policy: policy.as_ref(),
            cant_change: wish(cant_change),
            must_change: wish(must_change),
            never_expires: wish(never_expires),
            locked: wish(locked),
            forget: wish(forget),
        }
    }
}

/// The element of a kind.
fn tag(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Pin => "pinCredentials",
        SecretKind::Password => "passwordCredentials",
    }
}

/// Beginnings of the elements of a kind.
fn prefix(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Pin => "pin",
        SecretKind::Password => "pwd",
    }
}

/// Writes what is asked for; gives the change of a lock, which is an event of its own.
pub fn decide(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    wishes: &Wishes<'_>,
) -> Result<Option<LockChange>, AxlError> {
    let kind = wishes.kind;
    let before = credentials::decisions(ctx.tx, object.pk, kind)?;
    let policy = match wishes.policy {
        None => before.policy,
        Some(reference) => {
            reference.resolve(ctx, &format!("{}CredPolicyName", prefix(kind)), "CredentialPolicy")?
        }
    };
    let wanted = Decisions {
        policy,
        cant_change: wishes.cant_change.unwrap_or(before.cant_change),
        must_change: wishes.must_change.unwrap_or(before.must_change),
        never_expires: wishes.never_expires.unwrap_or(before.never_expires),
        locked: wishes.locked.unwrap_or(before.locked),
    };
    let forgets = wishes.forget == Some(true);
    if wanted == before && !forgets {
        return Ok(None);
    }
    Ok(credentials::decide(ctx.tx, object.pk, kind, wanted, forgets)?)
}

/// The same for a holder that is there already: a lock that begins or ends is told of after the change of the object.
pub fn decide_and_tell(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    holder: HolderKind,
    wishes: &Wishes<'_>,
) -> Result<(), AxlError> {
    let change = match decide(ctx, object, wishes)? {
        None => return Ok(()),
        Some(LockChange::Locked) => CredentialChange::Locked,
        Some(LockChange::Unlocked) => CredentialChange::Unlocked,
    };
    let holder = CredentialHolder { kind: holder, user_id: object.name.clone(), uuid: object.uuid };
    let credential = wishes.kind.into();
    let event = CredentialChanged {
        holder,
        credential,
        change,
        device: None,
        requested_by: ctx.actor(),
        comment: None,
    };
    ctx.after.push(Occurred::of(Event::CredentialChanged(event)));
    Ok(())
}

/// Shows what is set for one credential.
pub fn show(shown: &Shown, object: &Object, kind: SecretKind, fields: &mut Fields<'_>) {
    fields.put(tag(kind), || group(shown, object, kind));
}

fn group(shown: &Shown, object: &Object, kind: SecretKind) -> Value {
    let all = shown.credentials.get(&object.pk).into_iter().flatten();
    let state = all.into_iter().find(|c| c.kind == kind_name(kind));
    let flag = |value: Option<bool>| Value::from(value.unwrap_or_default().to_string());
    let moment = |value: Option<DateTime<Utc>>| value.map_or(Value::Null, |at| Value::from(moment_text(at)));
    let changed_at = state.and_then(|s| s.changed_at);
    let locked_at = state.and_then(|s| s.admin_locked_at);
    let policy = state.and_then(|s| s.policy).map_or(Value::Null, |p| json!({ "ref": p.0 }));
    let entries = [
        ("CredPolicyName", policy),
        ("CredUserCantChange", flag(state.map(|s| s.cant_change))),
        ("CredUserMustChange", flag(state.map(|s| s.must_change))),
        ("CredDoesNotExpire", flag(state.map(|s| s.never_expires))),
        // the schema has a boolean for PINs and a text for passwords
        (
            "CredTimeChanged",
            match kind {
                SecretKind::Pin => flag(Some(changed_at.is_some())),
                SecretKind::Password => moment(changed_at),
            },
        ),
        ("CredTimeAdminLockout", moment(locked_at)),
        ("CredLockedByAdministrator", flag(Some(locked_at.is_some()))),
        ("ResetHackCount", flag(None)),
    ];
    let prefix = prefix(kind);
    Value::Object(entries.into_iter().map(|(name, v)| (format!("{prefix}{name}"), v)).collect::<Map<_, _>>())
}

/// A moment as clients of this API know it.
fn moment_text(moment: DateTime<Utc>) -> String {
    moment.format("%B %-d, %Y %H:%M:%S UTC").to_string()
}
