//! The object that a request names, and what is said when there is none.

use uuid::Uuid;

use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx};
use crate::soap::scalar::{format_uuid, parse_uuid};
use crate::soap::tree::Element;
use crate::store::objects::{self, Object, Selector};

/// How a request names its object, as far as the request alone says it.
pub(super) fn selector<O: AxlObject>(body: &Element) -> Result<Option<Selector>, AxlError> {
    uuid_of(body).map_or_else(|| O::selector(body), |uuid| Ok(Some(Selector::Uuid(uuid))))
}

pub(super) fn uuid_of(body: &Element) -> Option<Uuid> {
    body.text_of("uuid").filter(|u| !u.is_empty()).and_then(parse_uuid)
}

/// What is said of the uuid or name of a request when there is no such object.
pub(super) fn missing<O: AxlObject>(body: &Element, say: fn(Option<Uuid>, &str) -> AxlError) -> AxlError {
    say(uuid_of(body), body.text_of(O::IDENTITY).unwrap_or_default())
}

/// The object that a request names by uuid or by its own name, or what is said when it does not exist.
pub(super) fn select<O: AxlObject>(
    ctx: &mut Ctx<'_, '_>,
    body: &Element,
    say: fn(Option<Uuid>, &str) -> AxlError,
) -> Result<Object, AxlError> {
    let selector = selector::<O>(body)?.map_or_else(|| O::select(ctx, body), Ok)?;
    objects::find(ctx.tx, O::TYPE, &selector)?.ok_or_else(|| missing::<O>(body, say))
}

/// The fault for an update of what is not there.
pub(super) fn nothing_to_update<O: AxlObject>(uuid: Option<Uuid>, name: &str) -> AxlError {
    AxlError::UpdateTargetMissing { kind: O::TYPE, name: uuid.map_or_else(|| name.to_owned(), format_uuid) }
}

/// The fault for a get or removal of what is not there.
pub(super) fn not_found<O: AxlObject>(uuid: Option<Uuid>, name: &str) -> AxlError {
    let named = if uuid.is_some() { O::TYPE.to_owned() } else { O::not_found_as(name) };
    AxlError::ItemNotFound { named }
}
