//! RegistrationDynamic: where a phone is and when that was told last, as a call-processing system reports or as phones show by logging in
//! (design.md 22); read only.
//!
//! Not rows of `objects`: there is one for each phone of which something is known, under the uuid of that phone. A list is one statement.

use serde_json::Value;

use super::Entry;
use crate::axl::answer::{Page, Rows};
use crate::axl::error::AxlError;
use crate::axl::listing::{criteria_of, page_of};
use crate::axl::request::Request;
use crate::axl::settings::reference_to;
use crate::axl::verb::{Answer, Work};
use crate::soap::document::{RowShape, TagFilter};
use crate::soap::scalar::{format_uuid, parse_uuid};
use crate::soap::tree::Element;
use crate::store::objects::{Names, Pattern, Selector};
use crate::store::registrations::{self, PhoneKnown};

/// Get and list.
pub const ENTRY: Entry = Entry {
    name: "RegistrationDynamic",
    add: None,
    update: None,
    get: Some(get),
    remove: None,
    list: Some(list),
};

/// No row of an answer is shorter, so that a list need not read more of them than fit.
const SHORTEST_ROW: usize = 64;

type Shown = [(&'static str, Value); 5];

/// The words of the wire for what is known; what was only seen is nothing that a call-processing system knows.
fn shown(known: PhoneKnown) -> Shown {
    let PhoneKnown { phone, status, address, reported_at, .. } = known;
    let status = match status.as_str() {
        registrations::REGISTERED => "Registered",
        registrations::UNREGISTERED => "Unregistered",
        _ => "Unknown",
    };
    [
        ("@uuid", format_uuid(phone.uuid).into()),
        ("device", reference_to(&phone)),
        ("lastKnownIpAddress", address.into()),
        ("lastSeen", reported_at.timestamp().to_string().into()),
        ("risStatus", status.into()),
    ]
}

fn value_of<'s>(shown: &'s Shown, tag: &str) -> Option<&'s Value> {
    shown.iter().find(|(name, _)| *name == tag).map(|(_, value)| value)
}

/// The phone that a request names.
fn selector(body: &Element) -> Result<Selector, AxlError> {
    let device = body.child("device");
    let uuid = body.text_of("uuid").or_else(|| device.and_then(|device| device.attribute("uuid")));
    if let Some(uuid) = uuid.and_then(parse_uuid) {
        return Ok(Selector::Uuid(uuid));
    }
    let name = device.map(|device| device.text.trim()).filter(|name| !name.is_empty());
    name.map(Selector::name).ok_or_else(|| AxlError::invalid("device", "give this or uuid"))
}

fn get(request: Request) -> Result<Work, AxlError> {
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    let selector = selector(&request.body)?;
    Ok(Work::transaction(move |ctx| {
        let known = registrations::find(ctx.tx, &selector)?;
        let known = known.ok_or_else(|| AxlError::ItemNotFound { named: ENTRY.name.to_owned() })?;
        let (shape, shown) = (RowShape::of(&row.name, &group, &tags, request.version), shown(known));
        let page = Page { shape: &shape, names: &Names::default() };
        Ok(Answer::Written(page.write(|tag| value_of(&shown, tag))))
    }))
}

fn list(request: Request) -> Result<Work, AxlError> {
    let tags = TagFilter::from_tags(request.body.child("returnedTags"));
    let (row, group) = request.row()?;
    // the name of the phone is the one criterion
    let pattern = criteria_of(&request.body)?.pop().map_or_else(|| Pattern::of(""), |(_, pattern)| pattern);
    let (skip, first) = page_of(&request.body)?;
    let Request { version, largest_answer, .. } = request;
    let most = first.unwrap_or(usize::MAX).min(largest_answer / SHORTEST_ROW + 1);
    Ok(Work::transaction(move |ctx| {
        let known = registrations::matching(ctx.tx, &pattern, skip, most)?;
        let shown: Vec<Shown> = known.into_iter().map(shown).collect();
        let shape = RowShape::of(&row.name, &group, &tags, version);
        let page = Page { shape: &shape, names: &Names::default() };
        let mut rows = Rows::begin(largest_answer);
        match rows.append(&page, shown.iter().map(|shown| |tag: &str| value_of(shown, tag))) {
            Ok(()) => Ok(Answer::Written(rows.finish())),
            Err(overflow) => Err(overflow.refuse(registrations::count(ctx.tx, &pattern)?)),
        }
    }))
}
