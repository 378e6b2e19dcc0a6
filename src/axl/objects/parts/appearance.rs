//! Lines on the buttons of phones and device profiles: replaced, added, removed, shown.
//!
//! A directory number that does not exist is created (axl.md 10). What a line entry leaves out has its default, also when it is sent
//! again (axl.md 11). An intercom line without a default device may choose the phone it is put on (design.md 18).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::wire::Reference;
use crate::axl::error::AxlError;
use crate::axl::mobility;
use crate::axl::object::{Ctx, Fields};
use crate::axl::objects::line;
use crate::axl::settings;
use crate::domain::ids::{LinePk, ObjectPk};
use crate::soap::scalar::format_uuid;
use crate::soap::shape::{Field, Group};
use crate::soap::tree::Element;
use crate::store::appearances::{self, Appearance};
use crate::store::objects::{self, Carried};
use crate::store::shown::{Button, Shown};
use crate::store::snapshot;

/// The typed part of `lines`, `addLines` and `removeLines`.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct LinesCore {
    #[yaserde(rename = "line")]
    lines: Vec<ButtonCore>,
    #[yaserde(rename = "lineIdentifier")]
    identifiers: Vec<LineIdentifier>,
}

#[derive(Debug, Default, yaserde::YaDeserialize)]
struct ButtonCore {
    index: Option<String>,
    dirn: Dirn,
}

#[derive(Debug, Default, yaserde::YaDeserialize)]
struct Dirn {
    pattern: Option<String>,
    #[yaserde(rename = "routePartitionName")]
    partition: Option<Reference>,
}

#[derive(Debug, Default, yaserde::YaDeserialize)]
struct LineIdentifier {
    #[yaserde(rename = "directoryNumber")]
    pattern: Option<String>,
    #[yaserde(rename = "routePartitionName")]
    partition: Option<String>,
}

/// Most bytes that the lines of one phone or profile may take in an event: what a login tells of must fit into one record (EVT-4).
const MOST_EVENT_BYTES: usize = 48 * 1024;

/// What a line may take in an event beside its settings: its number, the names of its partition and recording profile, its members.
const MOST_BESIDE_SETTINGS: usize = 2048;

/// One line as a request puts it on a button.
struct Wanted {
    index: i32,
    line: LinePk,
    settings: Carried,
}

impl LinesCore {
    /// Finds or creates the directory numbers and reads what is set for each.
    fn read(&self, ctx: &mut Ctx<'_, '_>, group: &Group, element: &Element) -> Result<Vec<Wanted>, AxlError> {
        let shape = group.field("line").and_then(Field::group).cloned();
        let shape = shape.ok_or_else(|| AxlError::Internal("lines without a shape".into()))?;
        let mut wanted = Vec::new();
        for (core, sent) in self.lines.iter().zip(element.children_named("line")) {
            let index = core.index.as_deref().unwrap_or_default().parse().ok().filter(|i: &i32| *i > 0);
            let index =
                index.ok_or_else(|| AxlError::invalid("index", "give the number of the button, from 1"))?;
            let line = core.dirn.line(ctx)?;
            let mut rest = sent.clone();
            rest.attributes.clear();
            rest.children.retain(|c| c.name != "index" && c.name != "dirn");
            wanted.push(Wanted { index, line, settings: settings::carry(ctx, &shape, &rest)? });
        }
        for (core, index) in self.identifiers.iter().zip(1..) {
            let line = core.line(ctx)?;
            let mut defaults = Element::new("line");
            settings::complete(&shape, &mut defaults);
            wanted.push(Wanted { index, line, settings: settings::carry(ctx, &shape, &defaults)? });
        }
        Ok(wanted)
    }

    /// The directory numbers named, for removal.
    fn lines(&self, ctx: &mut Ctx<'_, '_>) -> Result<Vec<LinePk>, AxlError> {
        let by_line = self.lines.iter().map(|l| l.dirn.line(ctx)).collect::<Result<Vec<_>, _>>()?;
        let by_identifier = self.identifiers.iter().map(|l| l.line(ctx)).collect::<Result<Vec<_>, _>>()?;
        Ok(by_line.into_iter().chain(by_identifier).collect())
    }
}

impl Dirn {
    fn line(&self, ctx: &mut Ctx<'_, '_>) -> Result<LinePk, AxlError> {
        let partition = match &self.partition {
            Some(reference) => reference.resolve(ctx, "routePartitionName", "RoutePartition")?,
            None => None,
        };
        line::find_or_create(ctx, self.pattern.as_deref().unwrap_or_default(), partition)
    }
}

impl LineIdentifier {
    fn line(&self, ctx: &mut Ctx<'_, '_>) -> Result<LinePk, AxlError> {
        let partition = match self.partition.as_deref().map(str::trim).filter(|p| !p.is_empty()) {
            Some(name) => {
                super::wire::resolve_names(ctx, "routePartitionName", "RoutePartition", &[name.to_owned()])?
                    .pop()
            }
            None => None,
        };
        line::find_or_create(ctx, self.pattern.as_deref().unwrap_or_default(), partition)
    }
}

/// Replaces all lines of a phone or profile.
pub fn replace(
    ctx: &mut Ctx<'_, '_>,
    owner: ObjectPk,
    core: &LinesCore,
    group: &Group,
    sent: &Element,
) -> Result<(), AxlError> {
    let wanted = core.read(ctx, group, sent)?;
    let held = appearances::of(ctx.tx, &[owner])?;
    if !held.is_empty() {
        appearances::remove_all(ctx.tx, owner)?;
    }
    put(ctx, owner, wanted, &held)
}

/// Adds lines on free buttons.
pub fn add(
    ctx: &mut Ctx<'_, '_>,
    owner: ObjectPk,
    core: &LinesCore,
    group: &Group,
    sent: &Element,
) -> Result<(), AxlError> {
    let wanted = core.read(ctx, group, sent)?;
    let held = appearances::of(ctx.tx, &[owner])?;
    if let Some(taken) = wanted.iter().find(|w| held.iter().any(|h| h.index == w.index)) {
        return Err(AxlError::invalid("index", format!("button {} is in use", taken.index)));
    }
    put(ctx, owner, wanted, &[])
}

/// Removes lines by their directory number.
pub fn remove(ctx: &mut Ctx<'_, '_>, owner: ObjectPk, core: &LinesCore) -> Result<(), AxlError> {
    for line in core.lines(ctx)? {
        if appearances::remove_line(ctx.tx, owner, line)? == 0 {
            return Err(AxlError::invalid("dirn", "this line is not on the phone"));
        }
    }
    refer(ctx, owner).map(drop)
}

/// Takes a line that is about to go off a phone or profile.
pub fn take_off(ctx: &mut Ctx<'_, '_>, owner: ObjectPk, line: LinePk) -> Result<(), AxlError> {
    appearances::remove_line(ctx.tx, owner, line)?;
    refer(ctx, owner).map(drop)
}

/// What the settings of lines point at is in use by the phone or profile that they stand on; gives its lines.
fn refer(ctx: &mut Ctx<'_, '_>, owner: ObjectPk) -> Result<Vec<Appearance>, AxlError> {
    let held = appearances::of(ctx.tx, &[owner])?;
    objects::refer(ctx.tx, owner, "lines", held.iter().map(|a| &a.settings))?;
    Ok(held)
}

fn put(
    ctx: &mut Ctx<'_, '_>,
    owner: ObjectPk,
    wanted: Vec<Wanted>,
    held: &[Appearance],
) -> Result<(), AxlError> {
    let mut seen = BTreeMap::new();
    let mut held: Vec<&Appearance> = held.iter().collect();
    for Wanted { index, line, settings } in wanted {
        if seen.insert(index, line).is_some() {
            return Err(AxlError::invalid("index", format!("button {index} is given twice")));
        }
        // A line keeps its identity when it is sent again; on two buttons it has two.
        let kept = held.iter().position(|h| h.line == line).map(|at| held.remove(at).uuid);
        let uuid: Uuid = kept.unwrap_or_else(|| ctx.tx.new_id());
        let row = Appearance { owner, index, line, uuid, settings: Value::Object(settings) };
        appearances::insert(ctx.tx, &row)?;
    }
    let lines = refer(ctx, owner)?;
    fits_into_an_event(ctx, owner, &lines)?;
    if seen.is_empty() { Ok(()) } else { mobility::select_default_device(ctx, owner) }
}

/// Refuses lines that no login could tell of, while whoever provisions them can still change something.
fn fits_into_an_event(ctx: &mut Ctx<'_, '_>, owner: ObjectPk, lines: &[Appearance]) -> Result<(), AxlError> {
    let most = lines.iter().map(|line| line.settings.to_string().len() + MOST_BESIDE_SETTINGS).sum::<usize>();
    if most <= MOST_EVENT_BYTES {
        return Ok(());
    }
    let shown = snapshot::appearances(ctx.tx, vec![owner.0])?;
    let lines = shown.get(&owner.0).into_iter().flatten().map(|a| serde_json::to_string(&a.for_event()));
    let bytes = lines.map(|line| line.map_or(0, |text| text.len() + 1)).sum::<usize>();
    if bytes > MOST_EVENT_BYTES {
        return Err(AxlError::invalid(
            "lines",
            "too many or too long for one event, use fewer or shorter labels",
        ));
    }
    Ok(())
}

/// Shows the `lines` of a phone or profile.
pub fn show(shown: &Shown, owner: ObjectPk, fields: &mut Fields<'_>) {
    let lines = || shown.buttons.get(&owner).into_iter().flatten().map(entry).collect::<Vec<_>>();
    let some = |lines: Vec<Value>| if lines.is_empty() { Value::Null } else { json!({ "line": lines }) };
    fields.put("lines", || some(lines()));
}

fn entry(button: &Button) -> Value {
    let mut entry = button.settings.as_object().cloned().unwrap_or_default();
    entry.insert("index".into(), Value::from(button.index.to_string()));
    let partition = button.partition.map_or(Value::Null, |key| json!({ "ref": key.0 }));
    let uuid = format_uuid(button.line_uuid);
    let dirn = json!({ "pattern": button.pattern, "routePartitionName": partition, "@uuid": uuid });
    entry.insert("dirn".into(), dirn);
    entry.insert("@uuid".into(), Value::from(format_uuid(button.uuid)));
    entry.insert("@ctiid".into(), Value::from(button.line.0.to_string()));
    Value::Object(entry)
}
