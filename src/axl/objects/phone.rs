//! Phone: a physical phone; what it shows is its own until somebody logs in (EM-001, EM-026, EM-054).

use serde_json::{Value, json};

use super::parts::appearance::{self, LinesCore};
use super::parts::phone_model;
use super::parts::session;
use super::parts::wire::Reference;
use crate::axl::error::AxlError;
use crate::axl::mobility;
use crate::axl::object::{AxlObject, Ctx, Fields, Filter, Pattern, own_key};
use crate::axl::request::shape_of_add;
use crate::domain::event::LogoutReason;
use crate::domain::ids::ObjectPk;
use crate::domain::names::DeviceName;
use crate::domain::patch::Patch;
use crate::soap::document::TagFilter;
use crate::soap::scalar::WireBool;
use crate::soap::tree::Element;
use crate::store::effective_config;
use crate::store::locks::Locks;
use crate::store::objects::{self, Object};
use crate::store::phones::{self, PhoneRow};
use crate::store::sessions::SessionsOf;
use crate::store::shown::{Part, Parts, Shown};

/// A phone.
pub struct Phone;

/// The element that names who is logged in.
const LOGIN_USER: &str = "loginUserId";

/// What rules decide on.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct PhoneCore {
    product: Option<String>,
    protocol: Option<String>,
    #[yaserde(rename = "enableExtensionMobility")]
    em_enabled: Option<Patch<WireBool>>,
    #[yaserde(rename = "defaultProfileName")]
    logout_profile: Option<Reference>,
    lines: Option<LinesCore>,
    #[yaserde(rename = "addLines")]
    add_lines: Option<LinesCore>,
    #[yaserde(rename = "removeLines")]
    remove_lines: Option<LinesCore>,
}

impl AxlObject for Phone {
    const TYPE: &'static str = "Phone";
    const TYPED: &'static [&'static str] = &[
        "product",
        "protocol",
        "enableExtensionMobility",
        "defaultProfileName",
        "lines/line/index",
        "lines/line/dirn",
        "lines/lineIdentifier",
        "addLines/line/index",
        "addLines/line/dirn",
        "addLines/lineIdentifier",
        "removeLines",
    ];
    const REQUIRED: &'static [&'static str] = &["product", "protocol"];
    const CHANGES: &'static [(&'static str, &'static str)] =
        &[("addLines", "lines"), ("removeLines", "lines")];
    type Core = PhoneCore;

    fn accept_name(name: &str) -> Result<String, AxlError> {
        let parsed: DeviceName = name.trim().parse().map_err(|_| AxlError::DeviceName)?;
        let prefixed = name.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("SEP"));
        let has_mac =
            parsed.as_str().len() == 15 && parsed.as_str().chars().skip(3).all(|c| c.is_ascii_hexdigit());
        if prefixed && !has_mac { Err(AxlError::DeviceName) } else { Ok(parsed.as_str().to_owned()) }
    }

    fn not_found_as(given: &str) -> String {
        given.to_owned()
    }

    /// The templates that a product brings are no news about an unknown product.
    fn check(ctx: &mut Ctx<'_, '_>, core: &PhoneCore) -> Result<(), AxlError> {
        phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref()).map(drop)
    }

    fn complete(body: &mut Element) {
        complete_templates(body);
    }

    fn locks(
        _ctx: &mut Ctx<'_, '_>,
        object: Option<&Object>,
        _core: Option<&PhoneCore>,
    ) -> Result<Locks, AxlError> {
        Ok(Locks { phones: own_key(object), ..Locks::default() })
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &PhoneCore,
        body: &Element,
    ) -> Result<(), AxlError> {
        let model = phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref())?;
        let row = PhoneRow {
            pk: object.pk.into(),
            model: model.model,
            protocol: model.protocol,
            em_enabled: matches!(core.em_enabled, Some(Patch::Value(WireBool(true)))),
            logout_profile: logout_profile(ctx, core, None)?,
        };
        phones::insert(ctx.tx, &row)?;
        change_lines(ctx, object.pk, core, body)
    }

    fn changed(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &PhoneCore,
        body: &Element,
    ) -> Result<(), AxlError> {
        let mut row = phones::get(ctx.tx, object.pk.into())?;
        let was_enabled = row.em_enabled;
        match core.em_enabled {
            None | Some(Patch::Absent) => {}
            Some(Patch::Clear) => row.em_enabled = false,
            Some(Patch::Value(WireBool(enabled))) => row.em_enabled = enabled,
        }
        row.logout_profile = logout_profile(ctx, core, row.logout_profile)?;
        if renames(ctx, object, body)? {
            // its name is the address of the handset and the key of its state: what was on it is elsewhere from now on
            let phone = SessionsOf::Phone(object.pk.into());
            mobility::end_sessions(ctx, phone, LogoutReason::Administrator, None)?;
        }
        if was_enabled && !row.em_enabled {
            mobility::end_sessions(
                ctx,
                SessionsOf::Phone(object.pk.into()),
                LogoutReason::DeviceDisabled,
                None,
            )?;
        }
        phones::update(ctx.tx, &row)?;
        change_lines(ctx, object.pk, core, body)
    }

    /// Removing a phone ends its session and empties the default device of its intercom lines (design.md 17, 18).
    fn removing(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        mobility::end_sessions(
            ctx,
            SessionsOf::Phone(object.pk.into()),
            LogoutReason::DeviceRemoved,
            Some(object),
        )?;
        mobility::clear_default_device(ctx, object)
    }

    fn parts(wanted: &TagFilter) -> Parts {
        let mut parts = Parts::from([Part::Phones]);
        parts.extend(wanted.wants("lines").then_some(Part::Buttons));
        let of_session = session::TAGS.iter().chain(&[LOGIN_USER]).any(|tag| wanted.wants(tag));
        parts.extend(of_session.then_some(Part::Sessions));
        parts.extend(wanted.wants("currentConfig").then_some(Part::Configs));
        parts
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        if let Some(row) = shown.phones.get(&object.pk) {
            fields.put_attribute("@ctiid", object.pk.0.to_string());
            fields.put("product", || Value::from(row.model.clone()));
            fields.put("model", || Value::from(row.model.clone()));
            fields.put("protocol", || Value::from(row.protocol.clone()));
            fields.put("enableExtensionMobility", || Value::from(row.em_enabled.to_string()));
            let profile = || row.logout_profile.map_or(Value::Null, |p| json!({ "ref": p.0 }));
            fields.put("defaultProfileName", profile);
        }
        appearance::show(shown, object.pk, fields);
        if let Some(session) = shown.sessions.get(&object.pk) {
            fields.put(LOGIN_USER, || Value::from(session.user_id.clone()));
            session::show(session, fields);
        }
        // what it shows now (design.md 19)
        if shown.configs.contains_key(&object.pk) {
            let config = || effective_config::of(shown, object.pk).map_or(Value::Null, Value::from);
            fields.put("currentConfig", config);
        }
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        (tag == "protocol").then(|| phones::protocol_like(pattern))
    }
}

/// Whether an update gives the phone another name; its row still has the former one.
fn renames(ctx: &mut Ctx<'_, '_>, object: &Object, body: &Element) -> Result<bool, AxlError> {
    let names = body.text_of("newName").is_some_and(|name| !name.is_empty());
    Ok(names && objects::get(ctx.tx, object.pk)?.name != object.name)
}

fn logout_profile(
    ctx: &mut Ctx<'_, '_>,
    core: &PhoneCore,
    before: Option<crate::domain::ids::ProfilePk>,
) -> Result<Option<crate::domain::ids::ProfilePk>, AxlError> {
    match &core.logout_profile {
        None => Ok(before),
        Some(reference) => Ok(reference.resolve(ctx, "defaultProfileName", "DeviceProfile")?.map(Into::into)),
    }
}

fn change_lines(
    ctx: &mut Ctx<'_, '_>,
    owner: ObjectPk,
    core: &PhoneCore,
    body: &Element,
) -> Result<(), AxlError> {
    let group = shape_of_add("Phone", "lines")?;
    if let Some(lines) = &core.remove_lines {
        appearance::remove(ctx, owner, lines)?;
    }
    if let (Some(lines), Some(sent)) = (&core.add_lines, body.child("addLines")) {
        appearance::add(ctx, owner, lines, &group, sent)?;
    }
    if let (Some(lines), Some(sent)) = (&core.lines, body.child("lines")) {
        appearance::replace(ctx, owner, lines, &group, sent)?;
    }
    Ok(())
}

/// The button template and security profile that a product has when none is named.
pub fn complete_templates(body: &mut Element) {
    let product = body.text_of("product").unwrap_or_default().trim().to_owned();
    let protocol = body.text_of("protocol").unwrap_or_default().trim().to_ascii_uppercase();
    let is_phone = body.name == "phone";
    let short = product.strip_prefix("Cisco ").unwrap_or(&product);
    if !matches!(protocol.as_str(), "SIP" | "SCCP") || !short.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    put_default(body, "phoneTemplateName", &format!("Standard {short} {protocol}"));
    if is_phone {
        put_default(
            body,
            "securityProfileName",
            &format!("{product} - Standard {protocol} Non-Secure Profile"),
        );
    }
}

fn put_default(body: &mut Element, tag: &str, name: &str) {
    match body.children.iter_mut().find(|c| c.name == tag) {
        Some(child) if child.is_blank() && child.attributes.iter().all(|(_, value)| value.is_empty()) => {
            child.text = name.to_owned()
        }
        Some(_) => {}
        None => body.children.push(Element::with_text(tag, name)),
    }
}
