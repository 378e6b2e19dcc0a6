//! Messages that can be carried out, made from the schema: what a sample names exists, what must differ differs.

use std::collections::BTreeMap;

use diesel::prelude::*;
use emgate::axl::objects::{self, OBJECTS};
use emgate::soap::shape::sample::{self, Picks, Size};
use emgate::soap::shape::{Field, Group, Kind, Operation, OperationKind, Schema};
use emgate::soap::tree::Element;
use emgate::store::schema;

use crate::support::axl::{AxlSite, Caller, to_xml};

/// Elements without which some type cannot be added.
const ESSENTIAL: [&str; 8] =
    ["name", "product", "protocol", "userid", "lastName", "pattern", "serviceName", "serviceUrl"];

/// A site on which everything exists twice that samples point at.
pub(super) struct Stage {
    pub(super) axl: AxlSite,
    seeded: BTreeMap<String, Vec<String>>,
}

/// The types that can be added: name and shape.
pub(super) fn addable() -> Vec<(&'static str, &'static Group)> {
    let start = |kind| OBJECTS.iter().filter(move |entry| entry.start(kind).is_some());
    start(OperationKind::Add)
        .map(|entry| (entry.name, wrapper(entry.name).group().unwrap().as_ref()))
        .collect()
}

/// The element that an add wraps its object in.
pub(super) fn wrapper(type_: &str) -> &'static Field {
    operation("add", type_).object_field().unwrap()
}

pub(super) fn operation(verb: &str, type_: &str) -> &'static Operation {
    Schema::get().operation(&format!("{verb}{type_}")).unwrap()
}

/// The element that names an object of a type.
pub(super) fn identity(type_: &str) -> &'static str {
    match type_ {
        "User" | "AppUser" => "userid",
        "Line" => "pattern",
        "IpPhoneServices" => "serviceName",
        _ => "name",
    }
}

/// The name of the n-th object of a type.
pub(super) fn name_of(type_: &str, n: usize) -> String {
    match type_ {
        "Phone" => format!("SEP00000000000{n}"),
        "User" | "AppUser" => format!("sample{n}"),
        "Line" => format!("200{n}"),
        _ => format!("Sample {n}"),
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        use schema::objects::dsl;
        let axl = AxlSite::new();
        let rows: Vec<(String, String)> = axl.site.write(|tx| {
            Ok(dsl::objects
                .filter(dsl::seeded)
                .order(dsl::pk)
                .select((dsl::type_, dsl::name))
                .load(tx.connection())?)
        });
        let mut seeded: BTreeMap<String, Vec<String>> = BTreeMap::new();
        rows.into_iter().for_each(|(type_, name)| seeded.entry(type_).or_default().push(name));
        let stage = Self { axl, seeded };
        for (type_, group) in addable().into_iter().rev() {
            for n in [1, 2] {
                stage.add(type_, &stage.smallest(type_, group, n));
            }
        }
        for n in [1, 2] {
            let (line, partition) = (name_of("Line", n), name_of("RoutePartition", n));
            let inner = format!(
                "<line><pattern>{line}</pattern><routePartitionName>{partition}</routePartitionName></line>"
            );
            stage.axl.uuid("addLine", &inner);
        }
        stage
    }

    /// The n-th object with as little as can be.
    pub(super) fn smallest(&self, type_: &str, group: &Group, n: usize) -> Element {
        let mut element = Element::new(&wrapper(type_).name);
        let essential = group.fields.iter().filter(|field| ESSENTIAL.contains(&field.name.as_str()));
        element.children = essential.map(|field| Element::with_text(&field.name, "s")).collect();
        self.realise(type_, group, &mut element, n);
        element
    }

    /// The n-th object with all that can be, taking some branches of choices.
    pub(super) fn largest(&self, type_: &str, group: &Group, picks: &Picks, n: usize) -> Element {
        let mut element = sample::filled(&wrapper(type_).name, group, Size::Largest, picks, "");
        self.realise(type_, group, &mut element, n);
        element
    }

    pub(super) fn add(&self, type_: &str, element: &Element) -> String {
        self.axl.uuid(&format!("add{type_}"), &to_xml(element))
    }

    /// Makes what a sample says true: names of the n-th object, and of things that exist.
    pub(super) fn realise(&self, type_: &str, group: &Group, element: &mut Element, n: usize) {
        for child in &mut element.children {
            if child.name == identity(type_) {
                child.text = name_of(type_, n);
            } else if let Some(field) = group.field(&child.name) {
                self.realise_field(type_, field, child, n);
            }
        }
        self.realise_members(group, element);
        if type_ == "Line" && element.child("usage").is_some() {
            set(element, "usage", "Device Intercom");
        }
    }

    /// Inside groups: the number of a member tells it apart.
    fn realise_members(&self, group: &Group, element: &mut Element) {
        for field in &group.fields {
            let Kind::Group(inner) = &field.kind else { continue };
            let mut number = 0;
            for child in element.children.iter_mut().filter(|child| child.name == field.name) {
                number += 1;
                self.realise_member(inner, child, number);
            }
        }
        let plain = [("device", "Phone"), ("deviceProfile", "DeviceProfile")];
        for (tag, type_) in plain {
            let named = element.children.iter_mut().filter(|child| child.name == tag);
            named.zip(1..).for_each(|(child, n)| child.text = name_of(type_, n));
        }
    }

    fn realise_member(&self, group: &Group, element: &mut Element, n: usize) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for child in &mut element.children {
            let number = counts.entry(child.name.clone()).or_default();
            *number += 1;
            let number = if group.field(&child.name).is_some_and(Field::is_repeated) { *number } else { n };
            match child.name.as_str() {
                "index" => child.text = number.to_string(),
                "pattern" | "directoryNumber" if element.name != "extension" => {
                    child.text = name_of("Line", number)
                }
                "name" if element.name == "userGroup" => {
                    child.text = ["Standard CCM End Users", "Standard CTI Enabled"][number - 1].to_owned();
                }
                _ => {
                    if let Some(field) = group.field(&child.name) {
                        self.realise_field("", field, child, number);
                    }
                }
            }
            if let Some(field) = group.field(&child.name)
                && let Kind::Group(inner) = &field.kind
            {
                self.realise_member(inner, child, number);
            }
        }
        let partition = if element.name == "extension" { "routePartition" } else { "routePartitionName" };
        if ["extension", "lineIdentifier"].contains(&element.name.as_str()) {
            set(element, partition, &name_of("RoutePartition", n));
        }
        self.realise_members(group, element);
    }

    fn realise_field(&self, type_: &str, field: &Field, child: &mut Element, n: usize) {
        match (&field.kind, child.name.as_str()) {
            (Kind::Reference, _) => {
                child.attributes.clear();
                child.text = self.target(field.refers.as_deref().unwrap(), n);
            }
            (Kind::Text(_), "product") => {
                child.text = ["Cisco 8851", "Cisco 8861", "Cisco 8841"][n - 1].to_owned()
            }
            (Kind::Text(_), "protocol") => child.text = "SIP".into(),
            (Kind::Text(_), "pin") => child.text = "12345".into(),
            (Kind::Text(_), "selfService") => child.text = format!("{type_}{n}"),
            _ => {}
        }
    }

    /// The name of the n-th thing of a type that a reference may point at.
    fn target(&self, type_: &str, n: usize) -> String {
        if objects::is_served(type_) && operation_exists("add", type_) {
            return name_of(type_, n.min(2));
        }
        match self.seeded.get(type_) {
            Some(names) => names[n.min(names.len()) - 1].clone(),
            None => format!("Sample {n}"),
        }
    }
}

fn operation_exists(verb: &str, type_: &str) -> bool {
    Schema::get().operation(&format!("{verb}{type_}")).is_some()
}

fn set(element: &mut Element, tag: &str, text: &str) {
    if let Some(child) = element.children.iter_mut().find(|child| child.name == tag) {
        child.text = text.to_owned();
    }
}
