//! Default profiles of models: one a product and protocol, their services, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change};

const MODEL: &str = "<product>Cisco 8851</product><protocol>SIP</protocol>";
const NAME: &str = "<name>8851 default</name>";

fn service(name: &str) -> String {
    format!(
        "<services><service><telecasterServiceName>{name}</telecasterServiceName><name>{name}</name></service></services>"
    )
}

/// A phone service, a search space, and the default profile of one model.
fn site() -> (Outside, String) {
    let site = Outside::new();
    site.uuid("addIpPhoneServices", "<ipPhoneServices><serviceName>Sign in</serviceName><asciiServiceName>Sign in</asciiServiceName><serviceUrl>http://gw</serviceUrl></ipPhoneServices>");
    site.uuid("addCss", "<css><name>All</name></css>");
    let uuid = add(&site, &format!("{NAME}{MODEL}"));
    (site, uuid)
}

fn wrapped(inner: &str) -> String {
    format!("<defaultDeviceProfile>{inner}</defaultDeviceProfile>")
}

fn add(site: &Outside, inner: &str) -> String {
    site.uuid("addDefaultDeviceProfile", &wrapped(inner))
}

#[test]
fn a_default_profile_is_added_changed_and_removed_with_one_event_each() {
    let (site, _) = site();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        let inner = "<name>7960 default</name><description>Old</description><product>Cisco 7960</product><protocol>SCCP</protocol>";
        uuid = add(site, &format!("{inner}{}", service("Sign in")));
    });
    assert_eq!(events, [change("add", ("DefaultDeviceProfile", &uuid, "7960 default"), &[])]);
    let events = site.events_of(|site| {
        let inner = format!("<name>7960 DEFAULT</name><description>Older</description><privacy>On</privacy><emccCallingSearchSpace>all</emccCallingSearchSpace>{}", "<services/>");
        assert_eq!(site.uuid("updateDefaultDeviceProfile", &inner), uuid);
    });
    let changed = [
        ("description", Some("Older")),
        ("emccCallingSearchSpace", Some("All")),
        ("privacy", Some("On")),
        ("services", None),
    ];
    assert_eq!(events, [change("update", ("DefaultDeviceProfile", &uuid, "7960 default"), &changed)]);
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeDefaultDeviceProfile", &format!("<uuid>{uuid}</uuid>")), uuid);
    });
    assert_eq!(events, [change("remove", ("DefaultDeviceProfile", &uuid, "7960 default"), &[])]);
}

#[test]
fn name_product_and_protocol_are_required_and_must_fit() {
    let (site, _) = site();
    let refused = |inner: &str| site.refused("addDefaultDeviceProfile", &wrapped(inner));
    let needs = |tag: &str| (5003, format!("{tag}: give a value, there is no default"));
    assert_eq!(refused(MODEL), (5000, "defaultDeviceProfile/name: a value is required".to_owned()));
    assert_eq!(refused("<name>N</name><protocol>SIP</protocol>"), needs("product"));
    assert_eq!(refused("<name>N</name><product/><protocol>SIP</protocol>"), needs("product"));
    assert_eq!(refused("<name>N</name><product>Cisco 8851</product>"), needs("protocol"));
    let model = |product: &str, protocol: &str| {
        format!("<name>N</name><product>{product}</product><protocol>{protocol}</protocol>")
    };
    assert_eq!(
        refused(&model("Cisco 8851", "SCCP")),
        (5003, "protocol: Cisco 8851 does not speak SCCP".to_owned())
    );
    assert_eq!(refused(&model("Cisco 1", "SIP")), (5003, "product: no product named Cisco 1".to_owned()));
}

/// An unknown product is told as what it is, whatever else is unknown.
#[test]
fn the_product_is_checked_before_what_is_referred_to() {
    let (site, _) = site();
    let unknown = "<emccCallingSearchSpace>None</emccCallingSearchSpace>";
    let inner = format!("<name>N</name><product>Cisco 1</product><protocol>SIP</protocol>{unknown}");
    let refused = site.refused("addDefaultDeviceProfile", &wrapped(&inner));
    assert_eq!(refused, (5003, "product: no product named Cisco 1".to_owned()));
    let inner = format!("<name>N</name><product>Cisco 7960</product><protocol>SIP</protocol>{unknown}");
    let refused = site.refused("addDefaultDeviceProfile", &wrapped(&inner));
    assert_eq!(refused, (5003, "emccCallingSearchSpace: no Css named None".to_owned()));
}

#[test]
fn there_is_one_a_name_and_one_a_product_and_protocol() {
    let (site, uuid) = site();
    let duplicate = |name: &str| {
        let text = "Could not insert new row - duplicate value in a UNIQUE INDEX column";
        (-239, format!("{text} (DefaultDeviceProfile {name})"))
    };
    let refused = |inner: &str| site.refused("addDefaultDeviceProfile", &wrapped(inner));
    let other = "<product>Cisco 7960</product><protocol>SIP</protocol>";
    assert_eq!(refused(&format!("<name>8851 Default</name>{other}")), duplicate("8851 Default"));
    let same = "<name>N</name><product>cisco 8851</product><protocol>sip</protocol>";
    assert_eq!(refused(same), duplicate("Cisco 8851 SIP"));
    add(&site, &format!("<name>7960 SIP</name>{other}"));
    add(&site, "<name>7960 SCCP</name><product>Cisco 7960</product><protocol>SCCP</protocol>");
    site.uuid("removeDefaultDeviceProfile", &format!("<uuid>{uuid}</uuid>"));
    add(&site, same);
}

/// Neither name nor model can be changed: the update has no element for them.
#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let (site, uuid) = site();
    let tags = [
        "description",
        "userLocale",
        "phoneButtonTemplate",
        "privacy",
        "ignorePi",
        "dndOption",
        "emccCallingSearchSpace",
    ];
    let changed = |inner: &str| {
        site.uuid("updateDefaultDeviceProfile", &format!("<uuid>{uuid}</uuid>{inner}"));
        site.shown("DefaultDeviceProfile", NAME, &tags)
    };
    let fresh = changed("");
    let set = changed(
        "<description>D</description><userLocale>English United States</userLocale><phoneButtonTemplate>Standard 8851 SIP</phoneButtonTemplate><privacy>Off</privacy><ignorePi>1</ignorePi><dndOption>Call Reject</dndOption><emccCallingSearchSpace>ALL</emccCallingSearchSpace>",
    );
    for part in [
        "<description>D</description>",
        "<userLocale>English United States</userLocale>",
        "}\">Standard 8851 SIP</phoneButtonTemplate>",
        "<privacy>Off</privacy><ignorePi>true</ignorePi><dndOption>Call Reject</dndOption>",
        "}\">All</emccCallingSearchSpace>",
    ] {
        assert!(set.contains(part), "{part}: {set}");
    }
    assert_eq!(changed(""), set);
    assert_eq!(changed("<newName>Other</newName><product>Cisco 7960</product>"), set);
    assert_eq!(
        changed(
            "<description/><userLocale/><phoneButtonTemplate xsi:nil=\"true\"/><privacy/><ignorePi/><dndOption></dndOption><emccCallingSearchSpace/>"
        ),
        fresh
    );
    let update =
        |inner: &str| site.refused("updateDefaultDeviceProfile", &format!("<uuid>{uuid}</uuid>{inner}"));
    assert_eq!(
        update("<phoneButtonTemplate>None</phoneButtonTemplate>"),
        (5003, "phoneButtonTemplate: no PhoneButtonTemplate named None".to_owned())
    );
    assert_eq!(update("<ignorePi>maybe</ignorePi>"), (5000, "ignorePi: is not a boolean".to_owned()));
}

#[test]
fn services_are_ours_and_shown_only_when_named() {
    let (site, uuid) = site();
    let update = |inner: &str| site.uuid("updateDefaultDeviceProfile", &format!("{NAME}{inner}"));
    let services = || site.shown("DefaultDeviceProfile", NAME, &["services"]);
    assert_eq!(services(), "<services/>");
    update(&service("sign IN"));
    let shown = services();
    assert!(shown.contains("}\">Sign in</telecasterServiceName><name>sign IN</name>"), "{shown}");
    site.unmoved("updateDefaultDeviceProfile", &format!("{NAME}{}", service("sign IN")));
    let whole = site.ok("getDefaultDeviceProfile", NAME);
    assert!(whole.contains("<model>Cisco 8851</model>") && !whole.contains("<services"), "{whole}");
    update("<description>D</description>");
    assert_eq!(services(), shown);
    let refused = site.refused("updateDefaultDeviceProfile", &format!("{NAME}{}", service("Weather")));
    assert_eq!(refused, (5003, "telecasterServiceName: no IpPhoneServices named Weather".to_owned()));
    let used = site.refused("removeIpPhoneServices", "<serviceName>Sign in</serviceName>");
    assert_eq!(
        used,
        (-692, "IpPhoneServices Sign in is still used by DefaultDeviceProfile 8851 default".to_owned())
    );
    update("<services/>");
    assert_eq!(services(), "<services/>");
    site.uuid("removeIpPhoneServices", "<serviceName>Sign in</serviceName>");
    site.uuid("removeDefaultDeviceProfile", &format!("<uuid>{uuid}</uuid>"));
}

#[test]
fn default_profiles_are_found_and_listed_and_what_is_not_there_is_named() {
    let (site, uuid) = site();
    add(&site, "<name>7960 SIP</name><product>Cisco 7960</product><protocol>SIP</protocol>");
    for selector in [NAME.to_owned(), format!("<uuid>{uuid}</uuid>"), "<name>8851 DEFAULT</name>".to_owned()]
    {
        let shown = site.shown("DefaultDeviceProfile", &selector, &["name", "product", "protocol", "class"]);
        assert_eq!(
            shown,
            format!(
                "{NAME}<product>Cisco 8851</product><class>Device Profile</class><protocol>SIP</protocol>"
            )
        );
    }
    let found = |criteria: &str| site.listed("DefaultDeviceProfile", criteria, "", "product");
    assert_eq!(found("<name>%</name>"), ["Cisco 7960", "Cisco 8851"]);
    assert_eq!(found("<name>8851%</name>"), ["Cisco 8851"]);
    assert_eq!(found("<name/>"), [""; 0]);
    let missing = (5007, "Item not valid: The specified DefaultDeviceProfile was not found".to_owned());
    for selector in ["<name>None</name>", "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>"] {
        assert_eq!(site.refused("getDefaultDeviceProfile", selector), missing);
        assert_eq!(site.refused("removeDefaultDeviceProfile", selector), missing);
    }
    let refused = site.refused("updateDefaultDeviceProfile", "<name>None</name>");
    assert_eq!(refused, (5003, "DefaultDeviceProfile None not found".to_owned()));
}
