//! AppUser: a program or administrator, its groups, and what it controls (EM-003 to EM-005).

use super::parts::credential::{self, PasswordCredentials};
use super::parts::holder;
use super::parts::wire::{DeviceNames, UserGroups, resolve_names};
use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Fields, own_key};
use crate::domain::credential::SecretKind;
use crate::soap::document::TagFilter;
use crate::soap::tree::Element;
use crate::store::associations::{self, Association};
use crate::store::locks::Locks;
use crate::store::objects::Object;
use crate::store::shown::{Part, Parts, Shown};
use crate::store::users;

/// A program or administrator.
pub struct AppUser;

/// What rules decide on.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct AppUserCore {
    #[yaserde(rename = "associatedDevices")]
    phones: Option<DeviceNames>,
    #[yaserde(rename = "associatedGroups")]
    groups: Option<UserGroups>,
    #[yaserde(rename = "ctiControlledDeviceProfiles")]
    cti_profiles: Option<ProfileNames>,
    #[yaserde(rename = "passwordCredentials")]
    password: Option<PasswordCredentials>,
}

/// `deviceProfile` members: plain names, unlike those of a user (axl.md 13).
#[derive(Debug, Default, yaserde::YaDeserialize)]
struct ProfileNames {
    #[yaserde(rename = "deviceProfile")]
    profiles: Vec<String>,
}

impl AxlObject for AppUser {
    const TYPE: &'static str = "AppUser";
    const IDENTITY: &'static str = "userid";
    const RENAME: Option<&'static str> = Some("newUserid");
    const DESCRIPTION: Option<&'static str> = None;
    const TYPED: &'static [&'static str] =
        &["associatedDevices", "associatedGroups", "ctiControlledDeviceProfiles", "passwordCredentials"];
    const SECRETS: &'static [SecretKind] = &[SecretKind::Password];
    type Core = AppUserCore;

    fn accept_name(name: &str) -> Result<String, AxlError> {
        super::user::User::accept_name(name)
    }

    /// Logins list who controls the phone: whoever changes that waits for those who log in there or with the profiles (events.md 13.1).
    fn locks(
        ctx: &mut Ctx<'_, '_>,
        object: Option<&Object>,
        core: Option<&AppUserCore>,
    ) -> Result<Locks, AxlError> {
        let mut locks = Locks { app_users: own_key(object), ..Locks::default() };
        if core.is_none_or(|c| c.cti_profiles.is_some()) {
            locks.profiles.extend(held(ctx, object, Association::CtiProfile)?);
            let names = core.and_then(|c| c.cti_profiles.as_ref()).map(|l| l.profiles.as_slice());
            let wanted = resolve_names(ctx, "deviceProfile", "DeviceProfile", names.unwrap_or_default())?;
            locks.profiles.extend(wanted.into_iter().map(|p| p.0));
        }
        if core.is_none_or(|c| c.phones.is_some()) {
            locks.phones.extend(held(ctx, object, Association::Phone)?);
            let names = core.and_then(|c| c.phones.as_ref()).map(|l| l.devices.as_slice());
            let wanted = resolve_names(ctx, "associatedDevices", "Phone", names.unwrap_or_default())?;
            locks.phones.extend(wanted.into_iter().map(|p| p.0));
        }
        Ok(locks)
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &AppUserCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        users::insert_app_user(ctx.tx, object.pk)?;
        if let Some(wishes) = core.credentials() {
            credential::decide(ctx, object, &wishes)?;
        }
        core.associate(ctx, object)
    }

    fn changed(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &AppUserCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        if let Some(wishes) = core.credentials() {
            credential::decide_and_tell(ctx, object, Self::HOLDER, &wishes)?;
        }
        core.associate(ctx, object)
    }

    fn parts(wanted: &TagFilter) -> Parts {
        let credentials = wanted.wants("passwordCredentials").then_some(Part::Credentials);
        [Part::Associations].into_iter().chain(credentials).collect()
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        let (tag, kind) = ("ctiControlledDeviceProfiles", Association::CtiProfile);
        holder::show(shown, object.pk, tag, "deviceProfile", kind, fields);
        holder::show_phones_and_groups(shown, object.pk, fields);
        credential::show(shown, object, SecretKind::Password, fields);
    }
}

impl AppUserCore {
    fn credentials(&self) -> Option<credential::Wishes<'_>> {
        self.password.as_ref().map(PasswordCredentials::wishes)
    }

    fn associate(&self, ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        if let Some(list) = &self.cti_profiles {
            let profiles = resolve_names(ctx, "deviceProfile", "DeviceProfile", &list.profiles)?;
            associations::associate(ctx.tx, object.pk, Association::CtiProfile, &profiles)?;
        }
        holder::associate_phones_and_groups(ctx, object.pk, self.phones.as_ref(), self.groups.as_ref())
    }
}

/// The keys of what an application user is associated with until now.
fn held(ctx: &mut Ctx<'_, '_>, object: Option<&Object>, kind: Association) -> Result<Vec<i64>, AxlError> {
    let Some(object) = object else { return Ok(Vec::new()) };
    let held = associations::associated(ctx.tx, &[object.pk], kind)?;
    Ok(held.into_iter().map(|(_, named)| named.pk.0).collect())
}
