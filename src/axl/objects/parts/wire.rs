//! Pieces of typed cores that several objects share: references, lists of names.

use uuid::Uuid;

use crate::axl::error::AxlError;
use crate::axl::object::Ctx;
use crate::axl::settings::{Target, resolve};
use crate::domain::ids::ObjectPk;
use crate::soap::scalar::WireUuid;

/// A reference: a name, a uuid, both (the uuid decides) or neither (cleared).
#[derive(Debug, Default, Clone, yaserde::YaDeserialize)]
pub struct Reference {
    #[yaserde(attribute = true)]
    uuid: Option<WireUuid>,
    #[yaserde(text = true)]
    name: Option<String>,
}

impl Reference {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.uuid.is_none() && self.name.as_deref().is_none_or(|name| name.trim().is_empty())
    }

    fn target(&self, field: &str, refers: &str) -> Option<Target> {
        let name = self.name.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let uuid: Option<Uuid> = self.uuid.map(|u| u.0);
        let given = uuid.is_some() || !name.is_empty();
        given.then(|| Target {
            field: field.to_owned(),
            refers: refers.to_owned(),
            name,
            uuid,
            partition: None,
        })
    }

    /// The row it means; none when it is empty.
    pub fn resolve(
        &self,
        ctx: &mut Ctx<'_, '_>,
        field: &str,
        refers: &str,
    ) -> Result<Option<ObjectPk>, AxlError> {
        let Some(target) = self.target(field, refers) else { return Ok(None) };
        Ok(resolve(ctx, &[target])?.first().copied().map(ObjectPk))
    }
}

/// The rows that a list of references means, in order; empty ones are left out.
pub fn resolve_all(
    ctx: &mut Ctx<'_, '_>,
    field: &str,
    refers: &str,
    references: &[Reference],
) -> Result<Vec<ObjectPk>, AxlError> {
    let targets: Vec<Target> = references.iter().filter_map(|r| r.target(field, refers)).collect();
    Ok(resolve(ctx, &targets)?.into_iter().map(ObjectPk).collect())
}

/// The rows that a list of plain names means, in order; empty ones are left out.
pub fn resolve_names(
    ctx: &mut Ctx<'_, '_>,
    field: &str,
    refers: &str,
    names: &[String],
) -> Result<Vec<ObjectPk>, AxlError> {
    let references: Vec<Reference> =
        names.iter().map(|n| Reference { uuid: None, name: Some(n.clone()) }).collect();
    resolve_all(ctx, field, refers, &references)
}

/// `device` members.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct DeviceNames {
    /// Phone names.
    #[yaserde(rename = "device")]
    pub devices: Vec<String>,
}

/// `profileName` members.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct ProfileReferences {
    /// Device profiles.
    #[yaserde(rename = "profileName")]
    pub profiles: Vec<Reference>,
}

/// `userGroup` members; their roles are informative and not read.
#[derive(Debug, Default, yaserde::YaDeserialize)]
pub struct UserGroups {
    #[yaserde(rename = "userGroup")]
    groups: Vec<UserGroup>,
}

#[derive(Debug, Default, yaserde::YaDeserialize)]
struct UserGroup {
    name: Option<String>,
}

impl UserGroups {
    /// Names of the groups.
    pub fn names(&self) -> Vec<String> {
        self.groups.iter().filter_map(|g| g.name.clone()).collect()
    }
}
