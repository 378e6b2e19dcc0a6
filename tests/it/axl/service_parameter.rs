//! Service parameters: ranges, spellings, nodes, what one change implies, and that it counts at once.

use emgate::domain::parameter::{self, Scope};
use serde_json::{Value, json};

use crate::support::axl::Caller;
use crate::support::outside::{Outside, event, together};

const SERVICE: &str = "Cisco Extension Mobility";

fn named(name: &str, node: &str) -> String {
    format!("<processNodeName>{node}</processNodeName><name>{name}</name><service>{SERVICE}</service>")
}

fn cluster(name: &str) -> String {
    named(name, "EnterpriseWideData")
}

fn value(site: &Outside, selector: &str) -> String {
    let shown = site.shown("ServiceParameter", selector, &["value"]);
    shown.trim_start_matches("<value>").trim_end_matches("</value>").to_owned()
}

fn set(site: &Outside, selector: &str, value: &str) -> String {
    site.uuid("updateServiceParameter", &format!("{selector}<value>{value}</value>"))
}

fn changed(name: &str, node: Option<&str>, values: [&str; 3]) -> Value {
    let [previous, value, default] = values;
    event(
        "em.serviceparameter.changed.v1",
        &format!("ServiceParameter/{SERVICE}/{name}"),
        json!({
            "service": SERVICE, "name": name, "node": node, "previousValue": previous, "value": value,
            "defaultValue": default, "implied": false
        }),
    )
}

#[test]
fn every_parameter_has_its_type_and_default_and_takes_its_range_only() {
    let site = Outside::new();
    for (name, type_, default, good, bad) in [
        ("EnforceIntraClusterMaxLoginTime", "boolean", "F", "1=T 0=F True=T false=F", "yes 2"),
        ("IntraClusterMaxLoginTime", "string", "0:00", "8:00=8:00 :30=0:30 168:00=168:00", "8h 8:60 168:01"),
        ("InterClusterMaxLoginTime", "string", "10:00", "0:00=0:00", "-1:00 168:01"),
        ("MaximumConcurrentRequests", "long", "5", "1=1 1000=1000", "0 1001 ten"),
        (
            "MultipleLoginBehavior",
            "string",
            "Multiple Logins Not Allowed",
            "allowed=Multiple+Logins+Allowed auto+logout=Auto+Logout",
            "sometimes +",
        ),
        ("AlphanumericUserID", "boolean", "T", "F=F", "no"),
        ("RememberLastUserLoggedIn", "boolean", "F", "t=T", "yes"),
        ("ClearCallLogs", "boolean", "F", "TRUE=T", "on"),
        ("ValidateIPAddress", "boolean", "F", "T=T", "on"),
        (
            "TrustedListOfIPs",
            "string",
            "",
            "10.0.0.1;10.1.0.0/16;proxy1=10.0.0.1;10.1.0.0/16;proxy1",
            "10.0.0.1;10.0.* 10.0.0.0/33",
        ),
        ("AllowProxy", "boolean", "F", "T=T", "on"),
        ("ExtensionMobilityCacheSize", "long", "10000", "1000=1000 20000=20000", "999 20001"),
        ("StrictEMServiceRequests", "boolean", "F", "T=T", "strict"),
    ] {
        let selector = cluster(name);
        let shown = site.shown("ServiceParameter", &selector, &["name", "service", "valueType"]);
        assert_eq!(
            shown,
            format!("<name>{name}</name><service>{SERVICE}</service><valueType>{type_}</valueType>")
        );
        let blank = |text: &str| text.replace('+', " ");
        assert_eq!(value(&site, &selector).trim_end_matches("<value/>"), default, "{name}");
        for (sent, stored) in good.split(' ').map(|pair| pair.split_once('=').unwrap()) {
            set(&site, &selector, &blank(sent));
            assert_eq!(value(&site, &selector), blank(stored), "{name}");
        }
        let before = value(&site, &selector);
        for sent in bad.split(' ').filter(|sent| !sent.is_empty()) {
            let (code, text) =
                site.refused("updateServiceParameter", &format!("{selector}<value>{}</value>", blank(sent)));
            assert!(code == 5003 && text.starts_with(&format!("value: {name} is ")), "{text}");
        }
        assert_eq!(value(&site, &selector), before, "{name}");
    }
    let long = format!("{}<value>{}</value>", cluster("TrustedListOfIPs"), "1".repeat(1025));
    let refused = site.refused("updateServiceParameter", &long);
    assert_eq!(refused, (5003, "value: TrustedListOfIPs is text of at most 1024 characters".to_owned()));
}

#[test]
fn without_a_value_a_parameter_goes_back_to_its_default() {
    let site = Outside::new();
    let selector = cluster("AlphanumericUserID");
    for nothing in ["", "<value/>", "<value xsi:nil=\"true\"/>"] {
        set(&site, &selector, "F");
        let events = site.events_of(|site| {
            site.uuid("updateServiceParameter", &format!("{selector}{nothing}"));
        });
        assert_eq!(events, [changed("AlphanumericUserID", None, ["F", "T", "T"])], "{nothing}");
    }
    assert_eq!(site.events_of(|site| drop(set(site, &selector, "true"))), [Value::Null; 0]);
}

#[test]
fn a_change_that_implies_another_tells_both() {
    let site = Outside::new();
    let (maximum, enforce) = ("IntraClusterMaxLoginTime", "EnforceIntraClusterMaxLoginTime");
    let implied = |mut event: Value| {
        event["data"]["implied"] = json!(true);
        event["data"]["requestedBy"] =
            json!({ "kind": "system", "id": null, "address": null, "via": "cascade" });
        event
    };
    let pair = |first: Value, second: Value| together(vec![first, implied(second)]);
    let events = |f: &dyn Fn(&Outside)| {
        let mut events = site.events_of(f);
        let cause = events[1].as_object_mut().unwrap().remove("causationid");
        assert!(cause.is_some_and(|id| id.is_string()));
        events
    };
    assert_eq!(
        events(&|site| drop(set(site, &cluster(maximum), "8:00"))),
        pair(changed(maximum, None, ["0:00", "8:00", "0:00"]), changed(enforce, None, ["F", "T", "F"]))
    );
    assert_eq!(
        events(&|site| drop(set(site, &cluster(enforce), "F"))),
        pair(changed(enforce, None, ["T", "F", "F"]), changed(maximum, None, ["8:00", "0:00", "0:00"]))
    );
}

#[test]
fn a_cluster_parameter_has_one_value_and_a_node_parameter_one_for_each_node() {
    let site = Outside::new();
    set(&site, &named("Clear Call Logs on Intra-cluster EM", "anywhere"), "T");
    assert_eq!(value(&site, &cluster("clearcalllogs")), "T");
    let (of_cluster, of_node) =
        (cluster("MaximumConcurrentRequests"), named("maximum concurrent requests", "TEST"));
    set(&site, &of_cluster, "20");
    assert_eq!(value(&site, &of_node), "20");
    let events = site.events_of(|site| drop(set(site, &of_node, "30")));
    assert_eq!(events, [changed("MaximumConcurrentRequests", Some("test"), ["20", "30", "5"])]);
    assert_eq!((value(&site, &of_node), value(&site, &of_cluster)), ("30".to_owned(), "20".to_owned()));
    let uuid = site.uuid("updateServiceParameter", &format!("{of_node}<value/>"));
    assert_eq!(value(&site, &format!("<uuid>{uuid}</uuid>")), "20");
}

#[test]
fn what_is_not_there_is_named_in_the_fault() {
    let site = Outside::new();
    let missing = (5007, "Item not valid: The specified ServiceParameter was not found".to_owned());
    let unknown = "{1B2C0000-0000-0000-0000-0000000000FF}";
    let by_uuid = format!("<uuid>{unknown}</uuid>");
    let elsewhere = named("MaximumConcurrentRequests", "nowhere");
    let other = cluster("ClearCallLogs").replace(SERVICE, "Cisco CallManager");
    for selector in [&cluster("Nothing"), &by_uuid, &elsewhere, &other] {
        assert_eq!(site.refused("getServiceParameter", selector), missing, "{selector}");
    }
    let update =
        |selector: &str| site.refused("updateServiceParameter", &format!("{selector}<value>1</value>"));
    assert_eq!(update(&cluster("Nothing")), (5003, "ServiceParameter Nothing not found".to_owned()));
    assert_eq!(update(&by_uuid), (5003, format!("ServiceParameter {unknown} not found")));
    assert_eq!(update(&elsewhere).0, 5003);
    assert_eq!(update(&other).0, 5003);
    for operation in ["addServiceParameter", "removeServiceParameter"] {
        let fault = site.fault(operation, &cluster("ClearCallLogs"));
        assert_eq!((fault.code, fault.faultcode.as_str()), (5002, "soapenv:Client"), "{fault:?}");
    }
}

#[test]
fn lists_go_by_node_and_service_with_the_patterns_of_every_list() {
    let site = Outside::new();
    let found = |criteria: &str, page: &str| site.listed("ServiceParameter", criteria, page, "name");
    let all = found("<service>%</service>", "");
    let own = parameter::PARAMETERS.iter().filter(|p| p.scope == Scope::Node).map(|p| p.name);
    let own: Vec<_> = own.collect();
    assert_eq!(
        all.len(),
        parameter::PARAMETERS.len() + own.len(),
        "those of nodes once more for the cluster"
    );
    assert_eq!(found("<processNodeName>%</processNodeName><service>cisco extension%</service>", ""), all);
    assert_eq!(found("<processNodeName>t_st</processNodeName>", ""), own);
    assert_eq!(
        found("<processNodeName>enterprise%</processNodeName>", "").len(),
        parameter::PARAMETERS.len()
    );
    assert_eq!(found("<processNodeName/><service>%</service>", ""), [""; 0]);
    assert_eq!(found("<service>%</service>", "<skip>1</skip><first>2</first>"), all[1..3]);
    let long = format!(
        "<searchCriteria><service>{}</service></searchCriteria><returnedTags><name/></returnedTags>",
        "%a".repeat(9)
    );
    let refused = site.refused("listServiceParameter", &long);
    assert_eq!(refused, (5003, "service: a pattern has at most 128 characters and 8 of %".to_owned()));
}

#[test]
fn a_change_counts_for_the_next_login() {
    let site = Outside::new();
    for phone in ["SEP0000000000A1", "SEP0000000000A2"] {
        site.uuid("addPhone", &format!("<phone><name>{phone}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"));
    }
    site.uuid("addDeviceProfile", "<deviceProfile><name>UDP_a</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    site.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><phoneProfiles><profileName>UDP_a</profileName></phoneProfiles></user>");
    let login = |phone: &str| format!("<deviceName>{phone}</deviceName><userId>ada</userId>");
    set(&site, &cluster("IntraClusterMaxLoginTime"), "0:30");
    site.ok("doDeviceLogin", &login("SEP0000000000A1"));
    assert_eq!(
        site.shown("Phone", "<name>SEP0000000000A1</name>", &["loginDuration"]),
        "<loginDuration>1800</loginDuration>"
    );
    let second = site.refused("doDeviceLogin", &login("SEP0000000000A2"));
    assert!(second.0 == 5003 && second.1.starts_with("EM 25: "), "{second:?}");
    set(&site, &cluster("MultipleLoginBehavior"), "Auto Logout");
    site.ok("doDeviceLogin", &login("SEP0000000000A2"));
    assert_eq!(site.shown("Phone", "<name>SEP0000000000A1</name>", &["loginUserId"]), "<loginUserId/>");
    set(&site, &cluster("MultipleLoginBehavior"), "Allowed");
    site.ok("doDeviceLogin", &login("SEP0000000000A1"));
    assert_eq!(
        site.shown("Phone", "<name>SEP0000000000A2</name>", &["loginUserId"]),
        "<loginUserId>ada</loginUserId>"
    );
}
