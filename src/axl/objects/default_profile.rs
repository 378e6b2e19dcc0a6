//! DefaultDeviceProfile: what a phone model shows when the profile of its user is for another model (EM-010).

use crate::axl::error::AxlError;
use crate::axl::object::{AxlObject, Ctx, Fields};
use crate::axl::objects::parts::phone_model;
use crate::soap::document::TagFilter;
use crate::soap::tree::Element;
use crate::store::StoreError;
use crate::store::objects::Object;
use crate::store::profiles;
use crate::store::shown::{Part, Parts, Shown};

/// The default profile of a model.
pub struct DefaultProfile;

/// What decides which phones it is for.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct DefaultProfileCore {
    product: Option<String>,
    protocol: Option<String>,
}

impl AxlObject for DefaultProfile {
    const TYPE: &'static str = "DefaultDeviceProfile";
    const RENAME: Option<&'static str> = None;
    const TYPED: &'static [&'static str] = &["product", "protocol"];
    const REQUIRED: &'static [&'static str] = &["product", "protocol"];
    type Core = DefaultProfileCore;

    /// What a default profile brings along is no news about an unknown product.
    fn check(ctx: &mut Ctx<'_, '_>, core: &DefaultProfileCore) -> Result<(), AxlError> {
        phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref()).map(drop)
    }

    fn created(
        ctx: &mut Ctx<'_, '_>,
        object: &Object,
        core: &DefaultProfileCore,
        _body: &Element,
    ) -> Result<(), AxlError> {
        let model = phone_model::check(ctx, core.product.as_deref(), core.protocol.as_deref())?;
        profiles::insert_default_profile(ctx.tx, object.pk, &model.model, &model.protocol)
            .map_err(|e| one_per_model(e, &model))
    }

    fn parts(_wanted: &TagFilter) -> Parts {
        Parts::from([Part::Models])
    }

    fn view(shown: &Shown, object: &Object, fields: &mut Fields<'_>) {
        phone_model::show(shown, object.pk, fields);
    }
}

fn one_per_model(error: StoreError, model: &phone_model::Model) -> AxlError {
    if error.is_conflict_with("one_default_profile_per_model") {
        return AxlError::Duplicate {
            kind: "DefaultDeviceProfile".into(),
            name: format!("{} {}", model.model, model.protocol),
        };
    }
    error.into()
}
