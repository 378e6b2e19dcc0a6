//! The fields of an object as answers show them and as an update compares them.

use serde_json::Value;
use uuid::Uuid;

use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Fields, Own};
use crate::soap::document::TagFilter;
use crate::soap::scalar::format_uuid;
use crate::store::objects::{Carried, Object};
use crate::store::shown::{self, Shown};

/// The document of an object as an update compares it: carried settings as far as it mentions them, and all typed fields, since a change
/// of one may bring a change of another.
pub(super) fn document<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    object: &Object,
    mentioned: &TagFilter,
) -> Result<Carried, AxlError> {
    let mut document = into_carried(object.carried.clone());
    document.retain(|tag, _| mentioned.wants(tag));
    let shown = shown::load(ctx.tx, &[object.pk], &O::parts(mentioned))?;
    let own = own_fields::<O>(object, &TagFilter::All, &shown).into_iter();
    document.extend(own.map(|(tag, value)| (tag.to_owned(), value)));
    Ok(document)
}

/// The named, typed and computed fields of an object, which count before what it carries.
pub(super) fn own_fields<O: AxlObject>(object: &Object, wanted: &TagFilter, shown: &Shown) -> Own {
    let mut fields = Fields::new(wanted);
    fields.put_attribute("@uuid", format_uuid(object.uuid));
    fields.put(O::IDENTITY, || Value::from(object.name.clone()));
    if let Some(tag) = O::DESCRIPTION {
        fields.put(tag, || object.description.clone().map_or(Value::Null, Value::from));
    }
    fields.put("versionStamp", || Value::from(version_stamp(object)));
    O::view(shown, object, &mut fields);
    fields.into_own()
}

pub(super) fn version_stamp(object: &Object) -> String {
    let stamp = Uuid::new_v5(&object.uuid, &object.revision.to_be_bytes());
    format!("{{{}-{}}}", object.changed_at.timestamp(), stamp.to_string().to_uppercase())
}

/// The value of an element, or of an attribute under `@name`, as answers show it.
pub(super) fn value_of<'d>(own: &'d Own, object: &'d Object, tag: &str) -> Option<&'d Value> {
    let own = own.iter().find(|(name, _)| *name == tag).map(|(_, value)| value);
    own.or_else(|| object.carried.get(tag))
}

pub(super) fn into_carried(value: Value) -> Carried {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Carried::new()
        }
    }
}
