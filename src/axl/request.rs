//! One call after its shape was checked: what the verbs read.

use std::sync::Arc;

use super::error::AxlError;
use crate::domain::credential::SecretKind;
use crate::soap::shape::{Field, Group, Operation, Schema, Version};
use crate::soap::tree::Element;
use crate::store::accounts::StoredHash;

/// A normalised call and what was prepared for it outside the transaction.
#[derive(Debug)]
pub struct Request {
    /// Its operation in the schema.
    pub operation: &'static Operation,
    /// The normalised operation element.
    pub body: Element,
    /// Hashes of the secrets it carries.
    pub secrets: Secrets,
    /// Schema version asked for.
    pub version: Version,
    /// Most bytes of an answer.
    pub largest_answer: usize,
}

/// Secrets of one request, hashed before the transaction so that no lock is held meanwhile.
#[derive(Debug, Default, Clone)]
pub struct Secrets {
    /// A new PIN.
    pub pin: Option<StoredHash>,
    /// A new password.
    pub password: Option<StoredHash>,
}

impl Secrets {
    /// Those of the kinds that a type keeps.
    pub fn of<'s>(&'s self, kinds: &'s [SecretKind]) -> impl Iterator<Item = (SecretKind, &'s StoredHash)> {
        kinds.iter().filter_map(|kind| {
            let hash = match kind {
                SecretKind::Pin => self.pin.as_ref(),
                SecretKind::Password => self.password.as_ref(),
            };
            hash.map(|hash| (*kind, hash))
        })
    }
}

impl Request {
    /// The element of one object in the answer of a get or list, with its group.
    pub fn row(&self) -> Result<(&'static Field, Arc<Group>), AxlError> {
        let row = self.operation.object_field();
        let found = row.and_then(|field| field.group().map(|group| (field, Arc::clone(group))));
        found.ok_or_else(|| AxlError::Internal("an answer without a row".into()))
    }

    /// Takes the one element that an add wraps its object in, with its group.
    pub fn take_wrapped(&mut self) -> Result<(Arc<Group>, Element), AxlError> {
        let field = self.operation.object_field();
        let group = field
            .and_then(Field::group)
            .ok_or_else(|| AxlError::Internal("an add without a wrapper".into()))?;
        let name = field.map(|f| f.name.as_str()).unwrap_or_default();
        let body = self.body.children.iter_mut().find(|child| child.name == name);
        let body = body.ok_or_else(|| AxlError::invalid(name, "the object to add is missing"))?;
        Ok((Arc::clone(group), std::mem::take(body)))
    }
}

/// The shape in which `get` shows objects of a type.
pub fn shown_by_get(type_: &str) -> Option<Arc<Group>> {
    Schema::get()
        .operation(&format!("get{type_}"))
        .and_then(Operation::object_field)
        .and_then(Field::group)
        .cloned()
}

/// The shape of one group of an add, such as the lines of a phone.
pub fn shape_of_add(type_: &str, tag: &str) -> Result<Arc<Group>, AxlError> {
    let object = Schema::get()
        .operation(&format!("add{type_}"))
        .and_then(Operation::object_field)
        .and_then(Field::group);
    let group = object.and_then(|g| g.field(tag)).and_then(Field::group).cloned();
    group.ok_or_else(|| AxlError::Internal(format!("add{type_} without {tag}")))
}
