//! Products: which there are, which protocols they speak, how they are shown.

use serde_json::Value;

use crate::axl::error::AxlError;
use crate::axl::object::{Ctx, Fields};
use crate::domain::ids::ObjectPk;
use crate::store::profiles;
use crate::store::shown::Shown;

/// A product with one of its protocols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Spelling of the API, such as `Cisco 8851`.
    pub model: String,
    /// `SIP` or `SCCP` for phones.
    pub protocol: String,
}

/// Checks that a product exists and speaks a protocol (EM-046).
pub fn check(
    ctx: &mut Ctx<'_, '_>,
    product: Option<&str>,
    protocol: Option<&str>,
) -> Result<Model, AxlError> {
    let (product, protocol) = (product.unwrap_or_default(), protocol.unwrap_or_default());
    let Some(known) = profiles::phone_model(ctx.tx, product)? else {
        return Err(AxlError::Unresolved {
            field: "product".into(),
            kind: "product".into(),
            name: shortened(product),
        });
    };
    let spelled = match &known.protocols {
        None => Some(protocol.to_owned()),
        Some(spoken) => spoken.iter().find(|p| p.eq_ignore_ascii_case(protocol)).cloned(),
    };
    match spelled {
        Some(protocol) => Ok(Model { model: known.model, protocol }),
        None => Err(AxlError::invalid(
            "protocol",
            format!("{} does not speak {}", known.model, shortened(protocol)),
        )),
    }
}

/// What a fault repeats of a value whose type has no length.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Shows product, model and protocol of a profile.
pub fn show(shown: &Shown, profile: ObjectPk, fields: &mut Fields<'_>) {
    if let Some((model, protocol)) = shown.models.get(&profile) {
        fields.put("product", || Value::from(model.clone()));
        fields.put("model", || Value::from(model.clone()));
        fields.put("protocol", || Value::from(protocol.clone()));
    }
}
