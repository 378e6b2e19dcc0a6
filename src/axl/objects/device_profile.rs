//! DeviceProfile: a user's virtual device for one model, mapped onto a phone at login (EM-045 to EM-053).

use super::parts::appearance::{self, LinesCore};
use super::parts::phone_model;
use super::parts::session;
use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Fields, own_key};
use crate::axl::request::shape_of_add;
use crate::domain::ids::{ObjectPk, ProfilePk};
use crate::soap::document::TagFilter;
use crate::soap::tree::Element;
use crate::store::locks::Locks;
use crate::store::objects::Object;
use crate::store::profiles::ProfileUse;
use crate::store::shown::{Part, Parts, Shown};
use crate::store::{objects, profiles};

/// A device profile.
pub struct DeviceProfile;

/// What rules decide on.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct DeviceProfileCore {
    product: Option<String>,
    protocol: Option<String>,
    lines: Option<LinesCore>,
}

impl AxlObject for DeviceProfile {
    const TYPE: &'static str = "DeviceProfile";
    const TYPED: &'static [&'static str] =
        &["product", "protocol", "lines/line/index", "lines/line/dirn", "lines/lineIdentifier"];
    const REQUIRED: &'static [&'static str] = &["product", "protocol"];
    type Core = DeviceProfileCore;

    /// The templates that a product brings are no news about an unknown product.
    fn check(ctx: &mut Ctx<'_, '_>, core: &DeviceProfileCore) -> Result<(), AxlError> {
        phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref()).map(drop)
    }

    fn complete(body: &mut Element) {
        super::phone::complete_templates(body);
    }

    fn locks(
        _ctx: &mut Ctx<'_, '_>,
        object: Option<&Object>,
        _core: Option<&DeviceProfileCore>,
    ) -> Result<Locks, AxlError> {
        Ok(Locks { profiles: own_key(object), ..Locks::default() })
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &DeviceProfileCore,
        body: &Element,
    ) -> Result<(), AxlError> {
        let model = phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref())?;
        profiles::insert_profile(ctx.tx, object.pk, &model.model, &model.protocol)?;
        put_lines(ctx, object.pk, core, body)
    }

    fn changed(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &DeviceProfileCore,
        body: &Element,
    ) -> Result<(), AxlError> {
        put_lines(ctx, object.pk, core, body)
    }

    /// A profile that is active or a phone's default is not removed (design.md 17).
    fn removing(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        let by = match profiles::find_use(ctx.tx, ProfilePk::from(object.pk))? {
            None => return Ok(()),
            Some(ProfileUse::Session(phone)) => {
                let phone = objects::get(ctx.tx, phone.into())?.name;
                format!("the session on {phone}; log it out first")
            }
            Some(ProfileUse::LogoutProfile(phone)) => {
                let phone = objects::get(ctx.tx, phone.into())?.name;
                format!("Phone {phone} as its default profile")
            }
        };
        Err(AxlError::InUse { what: format!("DeviceProfile {}", object.name), by })
    }

    fn parts(wanted: &TagFilter) -> Parts {
        let mut parts = Parts::from([Part::Models]);
        parts.extend(wanted.wants("lines").then_some(Part::Buttons));
        let of_session = session::TAGS.iter().any(|tag| wanted.wants(tag));
        parts.extend(of_session.then_some(Part::Sessions));
        parts
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        phone_model::show(shown, object.pk, fields);
        fields.put_attribute("@ctiid", object.pk.0.to_string());
        appearance::show(shown, object.pk, fields);
        if let Some(session) = shown.sessions.get(&object.pk) {
            session::show(session, fields);
        }
    }
}

fn put_lines(
    ctx: &mut Ctx<'_, '_>,
    owner: ObjectPk,
    core: &DeviceProfileCore,
    body: &Element,
) -> Result<(), AxlError> {
    let (Some(lines), Some(sent)) = (&core.lines, body.child("lines")) else { return Ok(()) };
    appearance::replace(ctx, owner, lines, shape_of_add("DeviceProfile", "lines")?.as_ref(), sent)
}
