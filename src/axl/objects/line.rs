//! Line: a directory number in a partition; an intercom line is presented on its default device only (EM-119 to EM-122).

use serde_json::{Value, json};

use super::parts::appearance;
use super::parts::wire::Reference;
use crate::axl::announce;
use crate::axl::error::AxlError;
use crate::axl::mobility;
use crate::axl::object::{AxlObject, Ctx, Fields, Filter, Pattern, own_key};
use crate::axl::settings::Target;
use crate::axl::verb;
use crate::domain::ids::{LinePk, ObjectPk, PhonePk};
use crate::domain::names::fold;
use crate::soap::document::TagFilter;
use crate::soap::tree::Element;
use crate::soap::typed;
use crate::store::StoreError;
use crate::store::intercom;
use crate::store::lines::{self, LineRow};
use crate::store::locks::Locks;
use crate::store::objects::{self, NewObject, Object, Selector};
use crate::store::shown::{Part, Parts, Shown};

/// A directory number.
pub struct Line;

/// What rules decide on.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct LineCore {
    usage: Option<String>,
    #[yaserde(rename = "routePartitionName")]
    partition: Option<Reference>,
    #[yaserde(rename = "newPattern")]
    new_pattern: Option<String>,
    #[yaserde(rename = "newRoutePartitionName")]
    new_partition: Option<Reference>,
    #[yaserde(rename = "defaultActivatedDeviceName")]
    default_device: Option<Reference>,
}

impl AxlObject for Line {
    const TYPE: &'static str = "Line";
    const IDENTITY: &'static str = "pattern";
    const RENAME: Option<&'static str> = Some("newPattern");
    const TYPED: &'static [&'static str] =
        &["usage", "routePartitionName", "newPattern", "newRoutePartitionName", "defaultActivatedDeviceName"];
    type Core = LineCore;

    fn identify(ctx: &mut Ctx<'_, '_>, body: &Element) -> Result<(String, String), AxlError> {
        let pattern = Self::accept_name(body.text_of("pattern").unwrap_or_default())?;
        let partition = read(body)?.partition_key(ctx)?;
        let key = key_of(&pattern, partition);
        Ok((pattern, key))
    }

    fn rename(ctx: &mut Ctx<'_, '_>, object: &Object, body: &Element) -> Result<(String, String), AxlError> {
        let core = read(body)?;
        let row = lines::get(ctx.tx, object.pk.into())?;
        let pattern = match core.new_pattern.as_deref().map(str::trim).filter(|p| !p.is_empty()) {
            Some(pattern) => Self::accept_name(pattern)?,
            None => object.name.clone(),
        };
        let partition = match &core.new_partition {
            Some(reference) => reference.resolve(ctx, "newRoutePartitionName", "RoutePartition")?,
            None => row.partition,
        };
        let key = key_of(&pattern, partition);
        Ok((pattern, key))
    }

    /// By pattern and partition; without a partition the one line of that pattern that has none.
    fn selector(body: &Element) -> Result<Option<Selector>, AxlError> {
        let pattern = selected_pattern(body)?;
        let inside = read(body)?.partition.is_some_and(|partition| !partition.is_empty());
        Ok((!inside).then(|| Selector::Key(key_of(pattern, None))))
    }

    /// The key of a line has that of its partition in it.
    fn select(ctx: &mut Ctx<'_, '_>, body: &Element) -> Result<Selector, AxlError> {
        let partition = read(body)?.partition_key(ctx)?;
        Ok(Selector::Key(key_of(selected_pattern(body)?, partition)))
    }

    fn event_name(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<String, AxlError> {
        Ok(lines::event_name(ctx.tx, object.pk.into())?.name)
    }

    fn locks(
        ctx: &mut Ctx<'_, '_>,
        object: Option<&Object>,
        core: Option<&LineCore>,
    ) -> Result<Locks, AxlError> {
        let mut locks = Locks { lines: own_key(object), ..Locks::default() };
        if let Some(reference) = core.and_then(|c| c.default_device.as_ref()) {
            locks.phones.extend(reference.resolve(ctx, "defaultActivatedDeviceName", "Phone")?.map(|p| p.0));
        }
        Ok(locks)
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &LineCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        let usage = core.usage.clone().filter(|u| !u.is_empty()).unwrap_or_else(|| "Device".to_owned());
        let partition = core.partition_key(ctx)?;
        let row = LineRow {
            pk: object.pk.into(),
            pattern: object.name.clone(),
            partition,
            usage,
            default_device: None,
        };
        lines::insert(ctx.tx, &row)?;
        if row.usage == intercom::USAGE {
            mobility::touch_line(ctx, row.pk);
        }
        core.choose_device(ctx, object, &row)
    }

    fn changed(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &LineCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        let mut row = lines::get(ctx.tx, object.pk.into())?;
        row.pattern = object.name.clone();
        if let Some(reference) = &core.new_partition {
            row.partition = reference.resolve(ctx, "newRoutePartitionName", "RoutePartition")?;
        }
        lines::update(ctx.tx, &row)?;
        core.choose_device(ctx, object, &row)
    }

    /// A directory number that is assigned is taken off the phones and profiles it stands on (axl.md 12).
    fn removing(ctx: &mut Ctx<'_, '_>, object: &Object) -> Result<(), AxlError> {
        let name = Self::event_name(ctx, object)?;
        for owner in lines::owners(ctx.tx, object.pk.into())? {
            announce::cascade(ctx, &owner, ["lines"], (Self::TYPE, &name))?;
            appearance::take_off(ctx, owner.pk, object.pk.into())?;
        }
        Ok(())
    }

    fn parts(wanted: &TagFilter) -> Parts {
        let mut parts = Parts::from([Part::Lines]);
        parts.extend(wanted.wants("associatedDevices").then_some(Part::LinePhones));
        parts
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        let reference = |key: Option<i64>| key.map_or(Value::Null, |key| json!({ "ref": key }));
        if let Some(row) = shown.lines.get(&object.pk) {
            fields.put("usage", || Value::from(row.usage.clone()));
            fields.put("routePartitionName", || reference(row.partition.map(|p| p.0)));
            fields.put("defaultActivatedDeviceName", || reference(row.default_device.map(|p| p.0)));
        }
        let phones = shown.line_phones.get(&object.pk);
        fields.put("associatedDevices", || phones.map_or(Value::Null, |names| json!({ "device": names })));
    }

    fn criterion(tag: &str, pattern: &Pattern) -> Option<Filter> {
        lines::criterion(tag, pattern)
    }
}

impl LineCore {
    fn partition_key(&self, ctx: &mut Ctx<'_, '_>) -> Result<Option<ObjectPk>, AxlError> {
        match &self.partition {
            Some(reference) => reference.resolve(ctx, "routePartitionName", "RoutePartition"),
            None => Ok(None),
        }
    }

    /// Sets, changes or empties the default device as the call says (design.md 18).
    fn choose_device(&self, ctx: &mut Ctx<'_, '_>, object: &Object, row: &LineRow) -> Result<(), AxlError> {
        let Some(reference) = &self.default_device else { return Ok(()) };
        let wanted: Option<PhonePk> =
            reference.resolve(ctx, "defaultActivatedDeviceName", "Phone")?.map(Into::into);
        if wanted.is_some() && row.usage != intercom::USAGE {
            return Err(AxlError::invalid(
                "defaultActivatedDeviceName",
                "only a line of usage Device Intercom has one",
            ));
        }
        mobility::set_default_device(ctx, object.pk.into(), wanted)
    }
}

fn selected_pattern(body: &Element) -> Result<&str, AxlError> {
    let pattern = body.text_of("pattern").map(str::trim).filter(|p| !p.is_empty());
    pattern.ok_or_else(|| AxlError::invalid("pattern", "give this or uuid"))
}

/// Reads the typed core where only the body is at hand.
fn read(body: &Element) -> Result<LineCore, AxlError> {
    typed::read(&typed::to_canonical_bytes(body, Line::TYPED))
        .map_err(|e| AxlError::invalid(Line::TYPE, e.to_string()))
}

fn key_of(pattern: &str, partition: Option<ObjectPk>) -> String {
    format!("{}|{}", fold(pattern.trim()), partition.map(|p| p.0.to_string()).unwrap_or_default())
}

/// The line that a number means elsewhere: in the partition named beside it, else the only one, else the one without a partition.
pub fn find_by_number(ctx: &mut Ctx<'_, '_>, target: &Target) -> Result<Option<LinePk>, AxlError> {
    let found = lines::of_pattern(ctx.tx, target.name.trim())?;
    let partition = target.partition.as_deref().map(fold).filter(|p| !p.is_empty());
    if partition.is_none() && found.len() == 1 {
        return Ok(found.first().map(|(line, _)| *line));
    }
    let named = found.iter().find(|(_, name)| name.as_deref().map(fold) == partition).map(|(line, _)| *line);
    if named.is_none() && partition.is_none() && !found.is_empty() {
        return Err(AxlError::invalid(&target.field, "several lines have this number, name the partition"));
    }
    Ok(named)
}

/// Somebody else created the same number in this moment: the next try of the transaction finds it.
fn just_created(error: StoreError) -> StoreError {
    if error.is_conflict_with("one_name_per_type") {
        return StoreError::Busy("a directory number was created meanwhile".into());
    }
    error
}

/// Finds a directory number, or creates it with its provisioning event; in an intercom partition it becomes an intercom line.
pub fn find_or_create(
    ctx: &mut Ctx<'_, '_>,
    pattern: &str,
    partition: Option<ObjectPk>,
) -> Result<LinePk, AxlError> {
    let pattern = Line::accept_name(pattern)?;
    let key = key_of(&pattern, partition);
    if let Some(line) = objects::find(ctx.tx, Line::TYPE, &Selector::Key(key.clone()))? {
        return Ok(line.pk.into());
    }
    let intercom = match partition {
        Some(partition) => {
            let carried = objects::get(ctx.tx, partition)?.carried;
            carried.get("partitionUsage").and_then(Value::as_str) == Some("Intercom")
        }
        None => false,
    };
    let usage = if intercom { intercom::USAGE } else { "Device" };
    let carried = verb::defaults_of_add::<Line>(ctx)?;
    let new =
        NewObject { type_: Line::TYPE, name: &pattern, name_key: &key, description: None, carried: &carried };
    let object = objects::insert(ctx.tx, &new).map_err(just_created)?;
    let row =
        LineRow { pk: object.pk.into(), pattern, partition, usage: usage.to_owned(), default_device: None };
    lines::insert(ctx.tx, &row)?;
    if intercom {
        mobility::touch_line(ctx, row.pk);
    }
    announce::created::<Line>(ctx, &object)?;
    Ok(row.pk)
}
