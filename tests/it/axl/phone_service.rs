//! Phone services: what they need, their parameters, who subscribes, what a change tells.

use crate::support::axl::Caller;
use crate::support::outside::{Outside, change};

const NEEDED: &str = "<serviceName>Sign in</serviceName><asciiServiceName>Sign in</asciiServiceName><serviceUrl>http://gw:8080/emapp/EMAppServlet?device=#DEVICENAME#</serviceUrl>";

fn parameter(name: &str, more: &str) -> String {
    format!("<parameter><name>{name}</name><displayName>{name}</displayName>{more}</parameter>")
}

fn site() -> (Outside, String) {
    let site = Outside::new();
    let uuid = site.uuid("addIpPhoneServices", &format!("<ipPhoneServices>{NEEDED}</ipPhoneServices>"));
    (site, uuid)
}

fn update(site: &Outside, inner: &str) -> String {
    site.uuid("updateIpPhoneServices", &format!("<serviceName>Sign in</serviceName>{inner}"))
}

#[test]
fn a_service_is_added_changed_and_removed_with_one_event_each() {
    let site = Outside::new();
    let mut uuid = String::new();
    let events = site.events_of(|site| {
        uuid = site.uuid("addIpPhoneServices", &format!("<ipPhoneServices>{NEEDED}</ipPhoneServices>"));
    });
    assert_eq!(events, [change("add", ("IpPhoneServices", &uuid, "Sign in"), &[])]);
    let events = site.events_of(|site| {
        let inner = format!("<newServiceName>Anmelden</newServiceName><serviceDescription>D</serviceDescription><enabled>f</enabled><parameters>{}</parameters>", parameter("p", ""));
        assert_eq!(update(site, &inner), uuid);
    });
    let changed = [
        ("enabled", Some("false")),
        ("parameters", None),
        ("serviceDescription", Some("D")),
        ("serviceName", Some("Anmelden")),
    ];
    assert_eq!(events, [change("update", ("IpPhoneServices", &uuid, "Anmelden"), &changed)]);
    let events = site.events_of(|site| {
        assert_eq!(site.uuid("removeIpPhoneServices", "<serviceName>ANMELDEN</serviceName>"), uuid);
    });
    assert_eq!(events, [change("remove", ("IpPhoneServices", &uuid, "Anmelden"), &[])]);
}

#[test]
fn name_and_address_are_required_and_the_rest_has_defaults() {
    let (site, _) = site();
    let refused = |inner: &str| {
        site.refused("addIpPhoneServices", &format!("<ipPhoneServices>{inner}</ipPhoneServices>"))
    };
    assert_eq!(
        refused("<serviceName>X</serviceName>"),
        (5003, "serviceUrl: give a value, there is no default".to_owned())
    );
    assert_eq!(
        refused("<serviceName>X</serviceName><serviceUrl/>"),
        (5003, "serviceUrl: give a value, there is no default".to_owned())
    );
    assert_eq!(
        refused("<serviceUrl>http://x</serviceUrl>"),
        (5000, "ipPhoneServices/serviceName: a value is required".to_owned())
    );
    assert_eq!(
        refused(&NEEDED.replace("<serviceName>Sign in", "<serviceName>SIGN IN")),
        (
            -239,
            "Could not insert new row - duplicate value in a UNIQUE INDEX column (IpPhoneServices SIGN IN)"
                .to_owned()
        )
    );
    assert_eq!(
        site.shown(
            "IpPhoneServices",
            "<serviceName>sign in</serviceName>",
            &["serviceCategory", "serviceType", "enabled", "enterpriseSubscription", "parameters"]
        ),
        "<serviceCategory>XML Service</serviceCategory><serviceType>Standard IP Phone Service</serviceType><enabled>true</enabled><enterpriseSubscription>false</enterpriseSubscription><parameters/>"
    );
}

#[test]
fn absent_keeps_empty_clears_and_a_value_sets() {
    let (site, uuid) = site();
    let tags = ["serviceDescription", "secureServiceUrl", "serviceType", "serviceVendor", "enabled"];
    let changed = |inner: &str| {
        update(&site, inner);
        site.shown("IpPhoneServices", &format!("<uuid>{uuid}</uuid>"), &tags)
    };
    let fresh = changed("");
    let set = changed(
        "<serviceDescription>D</serviceDescription><secureServiceUrl>https://gw:8443/</secureServiceUrl><serviceType>Directories</serviceType><serviceVendor>V</serviceVendor><enabled>False</enabled>",
    );
    assert_eq!(
        set,
        "<serviceDescription>D</serviceDescription><secureServiceUrl>https://gw:8443/</secureServiceUrl><serviceType>Directories</serviceType><serviceVendor>V</serviceVendor><enabled>false</enabled>"
    );
    assert_eq!(changed(""), set);
    assert_eq!(
        changed(
            "<serviceDescription/><secureServiceUrl xsi:nil=\"true\"/><serviceType/><serviceVendor/><enabled/>"
        ),
        fresh
    );
    site.unmoved(
        "updateIpPhoneServices",
        &format!("<uuid>{uuid}</uuid><enabled>true</enabled><newServiceName/>"),
    );
    let refused =
        site.refused("updateIpPhoneServices", &format!("<uuid>{uuid}</uuid><enabled>maybe</enabled>"));
    assert_eq!(refused, (5000, "enabled: is not a boolean".to_owned()));
}

#[test]
fn parameters_are_replaced_added_removed_and_cleared() {
    let (site, _) = site();
    let names = || {
        let shown = site.shown("IpPhoneServices", "<serviceName>Sign in</serviceName>", &["parameters"]);
        shown.split("<name>").skip(1).map(|p| p.split('<').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let changed = |inner: String| {
        update(&site, &inner);
        names()
    };
    assert_eq!(
        changed(format!("<parameters>{}{}</parameters>", parameter("a", ""), parameter("b", ""))),
        ["a", "b"]
    );
    assert_eq!(
        changed(format!("<addParameters>{}</addParameters>", parameter("c", "<default>1</default>"))),
        ["a", "b", "c"]
    );
    assert_eq!(changed(format!("<removeParameters>{}</removeParameters>", parameter("b", ""))), ["a", "c"]);
    assert_eq!(changed(String::new()), ["a", "c"]);
    assert_eq!(changed(format!("<parameters>{}</parameters>", parameter("d", ""))), ["d"]);
    assert_eq!(changed("<parameters/>".to_owned()), [""; 0]);
    let both = format!(
        "<serviceName>Sign in</serviceName><parameters>{0}</parameters><addParameters>{0}</addParameters>",
        parameter("a", "")
    );
    let refused = site.refused("updateIpPhoneServices", &both);
    assert!(refused.0 == 5000 && refused.1.contains("cannot be combined with"), "{refused:?}");
}

#[test]
fn a_service_that_somebody_subscribes_to_stays_and_shows_its_new_name() {
    let (site, uuid) = site();
    let services = |reference: &str| {
        format!(
            "<services><service><telecasterServiceName{reference}</telecasterServiceName><name>Sign in</name><urlButtonIndex>0</urlButtonIndex></service></services>"
        )
    };
    let phone = "<name>SEP0000000000A1</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    site.uuid("addPhone", &format!("<phone>{phone}{}</phone>", services(">sign IN")));
    let profile = "<name>UDP_a</name><product>Cisco 8851</product><protocol>SIP</protocol>";
    site.uuid(
        "addDeviceProfile",
        &format!("<deviceProfile>{profile}{}</deviceProfile>", services(&format!(" uuid=\"{uuid}\">"))),
    );
    let refused =
        site.refused("updatePhone", &format!("<name>SEP0000000000A1</name>{}", services(">Weather")));
    assert_eq!(refused, (5003, "telecasterServiceName: no IpPhoneServices named Weather".to_owned()));
    update(&site, "<newServiceName>Anmelden</newServiceName>");
    for (type_, name) in [("Phone", "SEP0000000000A1"), ("DeviceProfile", "UDP_a")] {
        let shown = site.shown(type_, &format!("<name>{name}</name>"), &["services"]);
        assert!(
            shown.contains(&format!(
                "<telecasterServiceName uuid=\"{uuid}\">Anmelden</telecasterServiceName>"
            )),
            "{shown}"
        );
        let refused = site.refused("removeIpPhoneServices", "<serviceName>Anmelden</serviceName>");
        assert_eq!(refused, (-692, format!("IpPhoneServices Anmelden is still used by {type_} {name}")));
        site.uuid(&format!("update{type_}"), &format!("<name>{name}</name><services/>"));
    }
    site.uuid("removeIpPhoneServices", "<serviceName>Anmelden</serviceName>");
}

#[test]
fn services_are_found_and_listed_and_what_is_not_there_is_named() {
    let (site, uuid) = site();
    site.uuid("addIpPhoneServices", "<ipPhoneServices><serviceName>Weather</serviceName><serviceUrl>http://w</serviceUrl><serviceDescription>Rain</serviceDescription></ipPhoneServices>");
    let found = |criteria: &str| site.listed("IpPhoneServices", criteria, "", "serviceName");
    assert_eq!(found("<serviceName>%</serviceName>"), ["Sign in", "Weather"]);
    assert_eq!(
        found("<serviceName>sign%</serviceName><serviceDescription>%</serviceDescription>"),
        ["Sign in"]
    );
    assert_eq!(found("<serviceDescription>r%</serviceDescription>"), ["Weather"]);
    assert_eq!(found("<serviceName/>"), [""; 0]);
    let missing = (5007, "Item not valid: The specified IpPhoneServices was not found".to_owned());
    for selector in ["<serviceName>None</serviceName>", "<uuid>{1B2C0000-0000-0000-0000-0000000000FF}</uuid>"]
    {
        assert_eq!(site.refused("getIpPhoneServices", selector), missing);
        assert_eq!(site.refused("removeIpPhoneServices", selector), missing);
    }
    assert_eq!(
        site.refused("updateIpPhoneServices", "<serviceName>None</serviceName>"),
        (5003, "IpPhoneServices None not found".to_owned())
    );
    assert_eq!(
        site.refused(
            "updateIpPhoneServices",
            &format!("<uuid>{uuid}</uuid><newServiceName>weather</newServiceName>")
        ),
        (
            -239,
            "Could not insert new row - duplicate value in a UNIQUE INDEX column (IpPhoneServices weather)"
                .to_owned()
        )
    );
}
