//! User: a person who logs in with a PIN, the profiles they may use, the phones they own (EM-050, EM-051, EM-072, EM-084).

use serde_json::{Value, json};

use super::parts::credential::{self, PasswordCredentials, PinCredentials};
use super::parts::holder;
use super::parts::wire::{DeviceNames, ProfileReferences, Reference, UserGroups, resolve_all};
use crate::axl::error::AxlError;
use crate::axl::mobility;
use crate::axl::object::{AxlObject, Ctx, Fields, Filter, Members, Pattern, own_key};
use crate::domain::credential::{HolderKind, SecretKind};
use crate::domain::event::LogoutReason;
use crate::domain::ids::{ProfilePk, UserPk};
use crate::domain::login_limit::LONGEST_MINUTES;
use crate::domain::names::{UserId, fold};
use crate::domain::patch::Patch;
use crate::soap::document::TagFilter;
use crate::soap::scalar::{WireBool, WireInteger, WireText};
use crate::soap::tree::Element;
use crate::store::associations::{self, Association};
use crate::store::locks::Locks;
use crate::store::objects::Object;
use crate::store::sessions::SessionsOf;
use crate::store::shown::{Part, Parts, Shown};
use crate::store::users::{self, UserRow};

/// A person.
pub struct User;

/// What rules decide on.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct UserCore {
    #[yaserde(rename = "firstName")]
    first_name: Option<Patch<WireText>>,
    #[yaserde(rename = "lastName")]
    last_name: Option<Patch<WireText>>,
    department: Option<Patch<WireText>>,
    #[yaserde(rename = "emMaxLoginTime")]
    max_login: Option<Patch<WireInteger>>,
    #[yaserde(rename = "homeCluster")]
    home_cluster: Option<Patch<WireBool>>,
    #[yaserde(rename = "selfService")]
    self_service: Option<Patch<WireText>>,
    #[yaserde(rename = "phoneProfiles")]
    profiles: Option<ProfileReferences>,
    #[yaserde(rename = "defaultProfile")]
    default_profile: Option<Reference>,
    #[yaserde(rename = "ctiControlledDeviceProfiles")]
    cti_profiles: Option<ProfileReferences>,
    #[yaserde(rename = "associatedDevices")]
    phones: Option<DeviceNames>,
    #[yaserde(rename = "associatedGroups")]
    groups: Option<UserGroups>,
    #[yaserde(rename = "passwordCredentials")]
    password: Option<PasswordCredentials>,
    #[yaserde(rename = "pinCredentials")]
    pin: Option<PinCredentials>,
}

impl AxlObject for User {
    const TYPE: &'static str = "User";
    const IDENTITY: &'static str = "userid";
    const RENAME: Option<&'static str> = Some("newUserid");
    const DESCRIPTION: Option<&'static str> = None;
    const TYPED: &'static [&'static str] = &[
        "firstName",
        "lastName",
        "department",
        "emMaxLoginTime",
        "homeCluster",
        "selfService",
        "phoneProfiles",
        "defaultProfile",
        "ctiControlledDeviceProfiles",
        "associatedDevices",
        "associatedGroups",
        "passwordCredentials",
        "pinCredentials",
    ];
    const REQUIRED: &'static [&'static str] = &["lastName"];
    const SECRETS: &'static [SecretKind] = &[SecretKind::Pin, SecretKind::Password];
    const HOLDER: HolderKind = HolderKind::EndUser;
    const MEMBERS: &'static [Members] = &[Members {
        collection: "extensionsInfo",
        member: "extension",
        add: "addExtensionsInfo",
        remove: "removeExtensionsInfo",
        keys: &["pattern", "routePartition"],
    }];
    type Core = UserCore;

    fn accept_name(name: &str) -> Result<String, AxlError> {
        let id: UserId = name
            .trim()
            .parse()
            .map_err(|e: crate::domain::names::NameError| AxlError::invalid("userid", e.to_string()))?;
        Ok(id.as_str().to_owned())
    }

    fn locks(
        _ctx: &mut Ctx<'_, '_>,
        object: Option<&Object>,
        _core: Option<&UserCore>,
    ) -> Result<Locks, AxlError> {
        Ok(Locks { users: own_key(object), ..Locks::default() })
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &UserCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        let row = core.over(UserRow::new(object.pk.into()))?;
        users::insert(ctx.tx, &row).map_err(holder::conflict)?;
        for wishes in core.credentials() {
            credential::decide(ctx, object, &wishes)?;
        }
        core.associate(ctx, object)
    }

    fn changed(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &UserCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        let row = core.over(users::get(ctx.tx, object.pk.into())?)?;
        users::update(ctx.tx, &row).map_err(holder::conflict)?;
        for wishes in core.credentials() {
            credential::decide_and_tell(ctx, object, Self::HOLDER, &wishes)?;
        }
        core.associate(ctx, object)
    }

    /// Removing a user ends their sessions in the same transaction (design.md 17).
    fn removing(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        mobility::end_sessions(
            ctx,
            SessionsOf::User(object.pk.into()),
            LogoutReason::UserRemoved,
            Some(object),
        )
    }

    fn parts(wanted: &TagFilter) -> Parts {
        let mut parts = Parts::from([Part::Users, Part::Associations]);
        if wanted.wants("pinCredentials") || wanted.wants("passwordCredentials") {
            parts.insert(Part::Credentials);
        }
        parts
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        if let Some(row) = shown.users.get(&object.pk) {
            show_row(row, fields);
        }
        let mut show = |tag, member, kind| holder::show(shown, object.pk, tag, member, kind, fields);
        show("phoneProfiles", "profileName", Association::Profile);
        show("ctiControlledDeviceProfiles", "profileName", Association::CtiProfile);
        holder::show_phones_and_groups(shown, object.pk, fields);
        credential::show(shown, object, SecretKind::Password, fields);
        credential::show(shown, object, SecretKind::Pin, fields);
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        users::criterion(tag, pattern)
    }
}

fn show_row(row: &UserRow, fields: &mut Fields<'_>) {
    let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::from);
    fields.put("firstName", || text(&row.first_name));
    fields.put("lastName", || Value::from(row.last_name.clone()));
    fields.put("department", || text(&row.department));
    fields.put("emMaxLoginTime", || text(&row.max_login_seconds.map(|s| (s / 60).to_string())));
    fields.put("homeCluster", || Value::from(row.home_cluster.to_string()));
    fields.put("selfService", || text(&row.self_service));
    let profile = || row.default_profile.map_or(Value::Null, |p| json!({ "ref": p.0 }));
    fields.put("defaultProfile", profile);
    fields.put("status", || Value::from("1"));
}

fn laid_over(patch: &Option<Patch<WireText>>, before: Option<String>) -> Option<String> {
    patch
        .clone()
        .unwrap_or_default()
        .over(before.map(WireText))
        .map(|t| t.0.trim().to_owned())
        .filter(|t| !t.is_empty())
}

impl UserCore {
    fn credentials(&self) -> impl Iterator<Item = credential::Wishes<'_>> {
        let password = self.password.as_ref().map(PasswordCredentials::wishes);
        let pin = self.pin.as_ref().map(PinCredentials::wishes);
        password.into_iter().chain(pin)
    }

    fn over(&self, before: UserRow) -> Result<UserRow, AxlError> {
        let max_login_seconds = match &self.max_login {
            None | Some(Patch::Absent) => before.max_login_seconds,
            Some(Patch::Clear) => None,
            Some(Patch::Value(WireInteger(minutes)))
                if (0..=i64::from(LONGEST_MINUTES)).contains(minutes) =>
            {
                i32::try_from(*minutes * 60).ok()
            }
            Some(Patch::Value(_)) => {
                return Err(AxlError::invalid("emMaxLoginTime", "give minutes from 0 to 10080"));
            }
        };
        let self_service = laid_over(&self.self_service, before.self_service);
        Ok(UserRow {
            pk: before.pk,
            first_name: laid_over(&self.first_name, before.first_name),
            last_name: laid_over(&self.last_name, Some(before.last_name)).unwrap_or_default(),
            department: laid_over(&self.department, before.department),
            home_cluster: match self.home_cluster {
                Some(Patch::Value(WireBool(home))) => home,
                Some(Patch::Clear) => true,
                None | Some(Patch::Absent) => before.home_cluster,
            },
            max_login_seconds,
            default_profile: before.default_profile,
            self_service_key: self_service.as_deref().map(fold),
            self_service,
        })
    }

    fn associate(&self, ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        if let Some(list) = &self.profiles {
            let profiles = resolve_all(ctx, "phoneProfiles", "DeviceProfile", &list.profiles)?;
            mobility::unassign_profiles(ctx, object.pk, &profiles)?;
            associations::associate(ctx.tx, object.pk, Association::Profile, &profiles)?;
        }
        self.choose_default(ctx, object.pk.into())?;
        if let Some(list) = &self.cti_profiles {
            let profiles = resolve_all(ctx, "ctiControlledDeviceProfiles", "DeviceProfile", &list.profiles)?;
            associations::associate(ctx.tx, object.pk, Association::CtiProfile, &profiles)?;
        }
        holder::associate_phones_and_groups(ctx, object.pk, self.phones.as_ref(), self.groups.as_ref())
    }

    /// The default profile must be one of the user's; when it leaves the list it is emptied (axl.md 11).
    fn choose_default(&self, ctx: &mut Ctx<'_, '_>, user: UserPk) -> Result<(), AxlError> {
        let held = associations::associated(ctx.tx, &[user.into()], Association::Profile)?;
        let holds = |profile: ProfilePk| held.iter().any(|(_, named)| named.pk == profile.into());
        let before = users::get(ctx.tx, user)?.default_profile;
        let wanted = match &self.default_profile {
            None => before.filter(|p| holds(*p)),
            Some(reference) => {
                let chosen = reference.resolve(ctx, "defaultProfile", "DeviceProfile")?.map(ProfilePk::from);
                if chosen.is_some_and(|p| !holds(p)) {
                    return Err(AxlError::invalid("defaultProfile", "name one of phoneProfiles"));
                }
                chosen
            }
        };
        if wanted != before {
            users::set_default_profile(ctx.tx, user, wanted)?;
        }
        Ok(())
    }
}
