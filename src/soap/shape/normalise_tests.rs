//! Tests of the canonical form: what is taken, what is put right, what is refused and where.

use super::*;
use crate::soap::envelope::read_call;
use crate::soap::shape::Schema;

/// Normalises the operation in this XML and prints it without white space, nothing as `<x/>`.
fn canonical(xml: &str) -> Result<String, ShapeError> {
    normalised(xml).map(|normalised| print(&normalised.element))
}

fn normalised(xml: &str) -> Result<Normalised, ShapeError> {
    let envelope = format!(
        "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{xml}</Body></Envelope>"
    );
    let call = read_call(envelope.as_bytes()).unwrap();
    normalise(&Schema::get().operation(&call.operation).unwrap().request, call.body)
}

fn print(element: &Element) -> String {
    let only: Vec<&str> = element.children.iter().map(|child| child.name.as_str()).collect();
    String::from_utf8(crate::soap::typed::to_canonical_bytes(element, &only)).unwrap()
}

fn refusal(xml: &str) -> String {
    canonical(xml).unwrap_err().to_string()
}

#[test]
fn order_is_restored_and_scalars_get_one_spelling() {
    let xml = "<addPhone sequence='?'><phone ctiid='?'>
        <isProtected>False</isProtected><isActive> True </isActive><packetCaptureDuration>+05</packetCaptureDuration>
        <devicePoolName uuid='1b2c0000-0000-0000-0000-0000000000ff'> Default </devicePoolName>
        <locationName uuid=''/><model>Cisco 8851</model><description> Lobby </description><name>SEP1</name>
    </phone></addPhone>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<addPhone><phone><name>SEP1</name><description>Lobby</description><devicePoolName uuid=\"{1B2C0000-0000-0000-0000-0000000000FF}\">Default</devicePoolName><locationName/><packetCaptureDuration>5</packetCaptureDuration><isActive>true</isActive><isProtected>false</isProtected></phone></addPhone>"
    );
    assert_eq!(normalised(xml).unwrap().unknown, ["phone/model"]);
}

#[test]
fn empty_and_nil_both_become_cleared_elements() {
    let xml = "<updatePhone><name>SEP1</name><uuid/><description xsi:nil='true'>old</description>
        <isProtected/><packetCaptureDuration></packetCaptureDuration><devicePoolName xsi:nil='1' uuid=''/><services/>
        <vendorConfig/></updatePhone>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<updatePhone><name>SEP1</name><description/><devicePoolName/><vendorConfig/><services/><packetCaptureDuration/><isProtected/></updatePhone>"
    );
}

#[test]
fn the_last_duplicate_wins_except_where_it_says_who_or_what_is_meant() {
    let xml = "<updatePhone><name>SEP1</name><description>a</description><description>b</description></updatePhone>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<updatePhone><name>SEP1</name><description>b</description></updatePhone>"
    );
    assert_eq!(refusal("<getPhone><name>a</name><name>b</name></getPhone>"), "name: may be given only once");
    assert_eq!(refusal("<addPhone><phone/><phone/></addPhone>"), "phone: may be given only once");
    let user = "<updateUser><userid>u</userid><pin>1</pin><pin>2</pin></updateUser>";
    assert_eq!(refusal(user), "pin: may be given only once");
}

#[test]
fn a_selector_ignores_empty_alternatives_and_prefers_the_uuid() {
    let uuid = "{1B2C0000-0000-0000-0000-0000000000FF}";
    assert_eq!(
        canonical("<getPhone><name>a</name><uuid/></getPhone>").unwrap(),
        "<getPhone><name>a</name></getPhone>"
    );
    let both = format!("<getPhone><name>a</name><uuid>{uuid}</uuid></getPhone>");
    assert_eq!(canonical(&both).unwrap(), format!("<getPhone><uuid>{uuid}</uuid></getPhone>"));
    assert_eq!(refusal("<getPhone><name/></getPhone>"), "name: a value is required");
    assert_eq!(refusal("<getPhone/>"), "name: a value is required");
    let line = "<getLine><routePartitionName>p</routePartitionName></getLine>";
    assert_eq!(refusal(line), "pattern: a value is required");
    assert_eq!(
        canonical("<getLine><pattern>1</pattern><routePartitionName/></getLine>").unwrap(),
        "<getLine><pattern>1</pattern><routePartitionName/></getLine>"
    );
}

#[test]
fn both_branches_of_a_choice_are_refused_when_both_say_something() {
    let line = "<line><index>1</index><dirn><pattern>9</pattern></dirn></line>";
    let both =
        format!("<updatePhone><name>a</name><lines>{line}</lines><addLines>{line}</addLines></updatePhone>");
    assert_eq!(refusal(&both), "addLines: cannot be combined with \"lines\"");
    let mixed = format!(
        "<updatePhone><name>a</name><lines>{line}<lineIdentifier><directoryNumber>9</directoryNumber></lineIdentifier></lines></updatePhone>"
    );
    assert_eq!(refusal(&mixed), "lines/lineIdentifier[1]: cannot be combined with \"line\"");
    let empty =
        format!("<updatePhone><name>a</name><lines/><addLines>{line}</addLines><removeLines/></updatePhone>");
    assert_eq!(
        canonical(&empty).unwrap(),
        format!("<updatePhone><name>a</name><removeLines/><addLines>{line}</addLines></updatePhone>")
    );
    let all_empty = "<updatePhone><name>a</name><removeLines/><addLines/><lines/></updatePhone>";
    assert_eq!(canonical(all_empty).unwrap(), "<updatePhone><name>a</name><lines/></updatePhone>");
}

#[test]
fn a_member_to_be_removed_needs_no_index() {
    let line = "<line><dirn><pattern>9</pattern></dirn></line>";
    let request = |tag: &str| format!("<updatePhone><name>a</name><{tag}>{line}</{tag}></updatePhone>");
    assert!(canonical(&request("removeLines")).is_ok());
    assert_eq!(refusal(&request("addLines")), "addLines/line[1]/index: a value is required");
}

#[test]
fn what_is_refused_names_the_element_and_never_the_value() {
    let phone = |inner: &str| format!("<addPhone><phone><name>a</name>{inner}</phone></addPhone>");
    let long = "x".repeat(129);
    for (inner, text) in [
        (format!("<description>{long}</description>"), "phone/description: is longer than 128 characters"),
        ("<isProtected>maybe</isProtected>".to_owned(), "phone/isProtected: is not a boolean"),
        ("<devicePoolName uuid='?'>x</devicePoolName>".to_owned(), "phone/devicePoolName/@uuid: is not a uuid"),
        ("<description><b/></description>".to_owned(), "phone/description: must hold text only"),
        (
            "<speeddials><speeddial><index>1</index><dirn>1</dirn></speeddial><speeddial><dirn>1</dirn></speeddial></speeddials>"
                .to_owned(),
            "phone/speeddials/speeddial[2]/index: a value is required",
        ),
        (
            format!("<addOnModules>{}</addOnModules>", "<addOnModule><index>1</index></addOnModule>".repeat(4)),
            "phone/addOnModules/addOnModule[4]: may hold at most 3 members",
        ),
    ] {
        assert_eq!(refusal(&phone(&inner)), text);
    }
    assert_eq!(refusal("<addPhone><phone><name/></phone></addPhone>"), "phone/name: a value is required");
    assert_eq!(refusal("<addPhone/>"), "phone: a value is required");
}

#[test]
fn secrets_are_taken_as_they_are() {
    let xml = "<updateUser><userid> u </userid><password> p w </password></updateUser>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<updateUser><userid>u</userid><password> p w </password></updateUser>"
    );
}

#[test]
fn returned_tags_select_by_name_alone() {
    let xml = "<listPhone><searchCriteria><name>%</name><description/></searchCriteria>
        <returnedTags uuid='?'><name>?</name><name/><devicePoolName uuid='?'>?</devicePoolName><foo/></returnedTags>
        <skip>0</skip><first/></listPhone>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<listPhone><searchCriteria><name>%</name><description/></searchCriteria><returnedTags><name/><devicePoolName/></returnedTags><skip>0</skip><first/></listPhone>"
    );
}

#[test]
fn a_group_of_unknown_elements_does_not_empty_the_known_ones() {
    let xml = "<updatePhone><name>a</name><services><Service/></services></updatePhone>";
    assert_eq!(canonical(xml).unwrap(), "<updatePhone><name>a</name></updatePhone>");
    assert_eq!(normalised(xml).unwrap().unknown, ["services/Service"]);
}

#[test]
fn free_content_is_kept_as_sent() {
    let xml = "<updatePhone><name>a</name><vendorConfig>
        <webAccess x='y'> 0 </webAccess><ssh> <a>1</a> </ssh></vendorConfig></updatePhone>";
    assert_eq!(
        canonical(xml).unwrap(),
        "<updatePhone><name>a</name><vendorConfig><webAccess x=\"y\"> 0 </webAccess><ssh><a>1</a></ssh></vendorConfig></updatePhone>"
    );
}

#[test]
fn a_login_needs_neither_duration_nor_profile() {
    assert_eq!(
        canonical(
            "<doDeviceLogin><userId>u</userId><deviceName>SEP1</deviceName><profileName/></doDeviceLogin>"
        )
        .unwrap(),
        "<doDeviceLogin><deviceName>SEP1</deviceName><profileName/><userId>u</userId></doDeviceLogin>"
    );
}
