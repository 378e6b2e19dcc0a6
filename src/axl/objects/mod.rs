//! The object types that are served: one line each.
//!
//! To add one: its schema in `wsdl/objects` with its line in `soap/wsdl.rs`, a migration when it has a typed core, its file here, and
//! its line in [`OBJECTS`]. What several types share stands in [`parts`].

pub mod app_user;
pub mod css;
pub mod default_profile;
pub mod device_profile;
pub mod line;
pub mod parts;
pub mod phone;
pub mod phone_service;
pub mod process_node;
pub mod registration;
pub mod route_partition;
pub mod service_parameter;
pub mod user;
pub mod user_profile;

use super::error::AxlError;
use super::object::AxlObject;
use super::request::Request;
use super::verb::{self, Work};
use crate::soap::shape::OperationKind;

/// Reads a request and gives back what is left to do inside the transaction.
pub type Start = fn(Request) -> Result<Work, AxlError>;

/// One served type: what starts each verb; none where the type does not have it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Name in operations and events.
    pub name: &'static str,
    add: Option<Start>,
    update: Option<Start>,
    get: Option<Start>,
    remove: Option<Start>,
    list: Option<Start>,
}

/// Every type that is served.
pub const OBJECTS: [Entry; 13] = [
    entry::<phone::Phone>(),
    entry::<device_profile::DeviceProfile>(),
    entry::<default_profile::DefaultProfile>(),
    entry::<user::User>(),
    entry::<app_user::AppUser>(),
    entry::<line::Line>(),
    entry::<phone_service::PhoneService>(),
    entry::<route_partition::RoutePartition>(),
    entry::<css::Css>(),
    entry::<user_profile::UserProfile>(),
    read_only::<process_node::ProcessNode>(),
    service_parameter::ENTRY,
    registration::ENTRY,
];

const fn entry<O: AxlObject + 'static>() -> Entry {
    Entry {
        name: O::TYPE,
        add: Some(verb::add::<O>),
        update: Some(verb::update::<O>),
        get: Some(verb::get::<O>),
        remove: Some(verb::remove::<O>),
        list: Some(verb::list::<O>),
    }
}

const fn read_only<O: AxlObject + 'static>() -> Entry {
    Entry { add: None, update: None, remove: None, ..entry::<O>() }
}

impl Entry {
    /// What starts a verb of this type.
    pub fn start(&self, kind: OperationKind) -> Option<Start> {
        match kind {
            OperationKind::Add => self.add,
            OperationKind::Update => self.update,
            OperationKind::Get => self.get,
            OperationKind::Remove => self.remove,
            OperationKind::List => self.list,
            OperationKind::Named => None,
        }
    }
}

/// The entry of a type.
pub fn find(name: &str) -> Option<&'static Entry> {
    const TABLE: &[Entry] = &OBJECTS;
    TABLE.iter().find(|e| e.name == name)
}

/// Whether objects of this type can be provisioned, so that an unknown name of it is refused.
pub fn is_served(name: &str) -> bool {
    find(name).is_some()
}
