//! Tests of carried settings: what goes in comes out, in the shape of the answer.

use super::*;
use crate::soap::shape::{Schema, normalise};
use crate::soap::write::Writer;

fn refuse(field: &Field, _: &Element, _: &str, _: Option<Uuid>) -> Result<i64, String> {
    Err(field.name.clone())
}

fn text(name: &str, text: &str) -> Element {
    Element::with_text(name, text)
}

fn phone(children: Vec<Element>) -> Element {
    let request = Element::with_children("phone", children);
    normalise(Schema::get().group_of("XPhone").unwrap(), request_with_name(request)).unwrap().element
}

fn request_with_name(mut phone: Element) -> Element {
    phone.children.push(text("name", "SEP1"));
    phone
}

#[test]
fn a_document_holds_every_kind_of_element() {
    let schema = Schema::get();
    let mut load = text("loadInformation", "sip88");
    load.attributes.push(("special".to_owned(), "1".to_owned()));
    let mut free = text("webAccess", " 0 ");
    free.attributes.push(("a".to_owned(), "b".to_owned()));
    let nested = Element::with_children("ssh", vec![text("x", "1"), Element::new("y")]);
    let phone = phone(vec![
        text("devicePoolName", "Default"),
        Element::new("locationName"),
        text("description", "Lobby"),
        load,
        Element::with_children("vendorConfig", vec![free, nested]),
        Element::new("services"),
        text("sshPwd", "secret"),
        Element::with_children(
            "speeddials",
            vec![Element::with_children(
                "speeddial",
                vec![text("index", "01"), text("dirn", "9"), text("label", "")],
            )],
        ),
    ]);
    let group = schema.group_of("XPhone").unwrap();
    let mut asked = Vec::new();
    let document = to_document::<()>(group, &phone, &mut |field, holder, name, uuid| {
        asked.push((field.refers.clone(), holder.name.clone(), name.to_owned(), uuid));
        Ok(41)
    })
    .unwrap();
    assert_eq!(asked, [(Some("DevicePool".to_owned()), "phone".to_owned(), "Default".to_owned(), None)]);
    assert_eq!(
        Value::Object(document.clone()),
        json!({
            "name": "SEP1",
            "devicePoolName": {"ref": 41},
            "locationName": null,
            "description": "Lobby",
            "loadInformation": {"$": "sip88", "@special": "true"},
            "vendorConfig": [["webAccess", " 0 ", {"a": "b"}], ["ssh", [["x", "1"], ["y", ""]]]],
            "services": null,
            "speeddials": {"speeddial": [{"dirn": "9", "label": null, "index": "1"}]},
        })
    );
    assert_eq!(references(document.values()), [41]);
    assert_eq!(to_document(group, &phone, &mut refuse), Err("devicePoolName".to_owned()));
}

fn written(document: &Document, tags: &TagFilter, group: &str, version: (u8, u8)) -> String {
    let mut writer = Writer::new();
    let group = Schema::get().group_of(group).unwrap();
    let uuid = Uuid::from_u128(10);
    let shape = RowShape::of("x", group, tags, version);
    shape.write(&mut writer, |tag| document.get(tag), &|key| (key == 41).then_some(("R&D", uuid)));
    String::from_utf8(writer.finish()).unwrap()
}

fn only(names: &[&str]) -> TagFilter {
    TagFilter::Only(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn an_answer_has_exactly_the_tags_asked_for_in_schema_order() {
    let Value::Object(document) = json!({
        "@uuid": "{A}", "@ctiid": 12,
        "name": "SEP1",
        "devicePoolName": {"ref": 41},
        "locationName": null,
        "currentProfileName": {"name": "UDP", "uuid": "{B}"},
        "loadInformation": {"$": "sip88", "@special": "true"},
        "vendorConfig": [["webAccess", " 0 ", {"a": "b"}], ["ssh", ["t", ["x", "1"], ["y", ""]]]],
        "sshPwd": "must not show",
        "lines": {"line": [{"@uuid": "{C}", "index": 1, "dirn": {"pattern": "9", "routePartitionName": null}}]},
    }) else {
        panic!("not an object")
    };
    let tags = only(&[
        "currentProfileName",
        "name",
        "locationName",
        "devicePoolName",
        "description",
        "loadInformation",
        "vendorConfig",
        "sshPwd",
        "services",
        "enableExtensionMobility",
        "isProtected",
        "unknown",
    ]);
    assert_eq!(
        written(&document, &tags, "RPhone", (15, 0)),
        "<x ctiid=\"12\" uuid=\"{A}\"><name>SEP1</name><description/><devicePoolName uuid=\"{00000000-0000-0000-0000-00000000000A}\">R&amp;D</devicePoolName><locationName/><loadInformation special=\"true\">sip88</loadInformation><vendorConfig><webAccess a=\"b\"> 0 </webAccess><ssh>t<x>1</x><y/></ssh></vendorConfig><services/><enableExtensionMobility>false</enableExtensionMobility><currentProfileName uuid=\"{B}\">UDP</currentProfileName><isProtected>false</isProtected><sshPwd/></x>"
    );
    let lines = written(&document, &only(&["lines"]), "RPhone", (15, 0));
    let start = "<x ctiid=\"12\" uuid=\"{A}\"><lines><line uuid=\"{C}\"><index>1</index><label/><display/><dirn><pattern>9</pattern><routePartitionName/></dirn><ringSetting>Ring</ringSetting>";
    assert!(lines.starts_with(start), "{lines}");
}

#[test]
fn elements_newer_than_the_version_asked_are_left_out() {
    let document = Document::new();
    let tags = only(&["associatedHeadsets", "userid", "customerName"]);
    assert_eq!(
        written(&document, &tags, "RUser", (15, 0)),
        "<x><userid/><customerName/><associatedHeadsets/></x>"
    );
    assert_eq!(written(&document, &tags, "RUser", (12, 5)), "<x><userid/><customerName/></x>");
    assert_eq!(written(&document, &tags, "RUser", (12, 0)), "<x><userid/></x>");
    assert_eq!(written(&document, &tags, "LUser", (12, 5)), "<x><userid/></x>");
}

#[test]
fn services_of_a_default_profile_are_answered_only_when_named() {
    let document = Document::new();
    let all = written(&document, &TagFilter::All, "RDefaultDeviceProfile", (15, 0));
    assert!(!all.contains("services"), "{all}");
    assert_eq!(
        written(&document, &only(&["services"]), "RDefaultDeviceProfile", (15, 0)),
        "<x><services/></x>"
    );
}

#[test]
fn returned_tags_select_by_name_and_empty_ones_select_everything() {
    let tags = Element::with_children("returnedTags", vec![text("name", "?"), Element::new("lines")]);
    assert_eq!(TagFilter::from_tags(Some(&tags)), only(&["name", "lines"]));
    assert_eq!(TagFilter::from_tags(Some(&Element::new("returnedTags"))), TagFilter::All);
    assert_eq!(TagFilter::from_tags(None), TagFilter::All);
}
