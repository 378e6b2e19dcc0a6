//! What operators can count: logins, logouts and refusals by surface and code, under the names of the performance counters too.

use emgate::em::error::EmCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;
use crate::support::site::Site;

const A: &str = "SEP0000000000A1";
const B: &str = "SEP0000000000A2";

/// A gateway with two phones and ada, whose PIN is 12345.
fn gateway() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    let typed = "<product>Cisco 8851</product><protocol>SIP</protocol>";
    for phone in [A, B] {
        let enabled = "<enableExtensionMobility>true</enableExtensionMobility>";
        axl.ok("addPhone", &format!("<phone><name>{phone}</name>{typed}{enabled}</phone>"));
    }
    axl.ok("addDeviceProfile", &format!("<deviceProfile><name>P</name>{typed}</deviceProfile>"));
    let profiles = "<phoneProfiles><profileName>P</profileName></phoneProfiles>";
    let user = format!("<user><lastName>A</lastName><userid>ada</userid><pin>12345</pin>{profiles}</user>");
    axl.ok("addUser", &user);
    (gateway, axl)
}

#[test]
fn logins_logouts_and_refusals_are_counted_by_surface_and_code() {
    let (gateway, axl) = gateway();
    let page =
        |query: &str| assert_eq!(gateway.phone().get(&format!("/emapp/EMAppServlet?{query}")).status, 200);
    page(&format!("device={A}&userid=ada&seq=12345"));
    page(&format!("device={B}&userid=ada&seq=12345"));
    page(&format!("device={B}&userid=ada&seq=1"));
    page(&format!("device={B}&userid=nobody&seq=1"));
    page(&format!("device={A}&doLogout=true"));
    let login = format!("<deviceName>{B}</deviceName><userId>ada</userId>");
    assert_eq!(axl.call("doDeviceLogin", &login).status, 200);
    assert_eq!(axl.call("doDeviceLogin", &login).status, 200, "it is so already");
    let logout = format!("<deviceName>{B}</deviceName>");
    assert_eq!(axl.call("doDeviceLogout", &logout).status, 200);
    assert_eq!(axl.call("doDeviceLogout", &logout).status, 500);
    let metrics = gateway.admin().get("/metrics").body;
    for line in [
        r#"em_requests_handled_total{perfmon="RequestsHandled"} 5"#,
        r#"em_requests_in_progress{perfmon="RequestsInProgress"} 0"#,
        r#"em_logins_total{perfmon="LoginsSuccessful",surface="phone"} 1"#,
        r#"em_logins_total{perfmon="LoginsSuccessful",surface="soap"} 2"#,
        r#"em_logouts_total{perfmon="LogoutsSuccessful",surface="phone"} 1"#,
        r#"em_logouts_total{perfmon="LogoutsSuccessful",surface="soap"} 1"#,
        r#"em_attempts_total{perfmon="Total Login/LogoutRequestsAttempted",surface="phone"} 5"#,
        r#"em_attempts_total{perfmon="Total Login/LogoutRequestsAttempted",surface="soap"} 4"#,
        r#"em_refusals_total{operation="login",surface="phone",code="25",name="user-logged-in-elsewhere"} 1"#,
        r#"em_refusals_total{operation="login",surface="phone",code="201",name="authentication-error"} 2"#,
        r#"em_refusals_total{operation="logout",surface="soap",code="19",name="nobody-logged-in"} 1"#,
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in {metrics}");
    }
}

#[test]
fn requests_told_that_it_is_busy_are_counted_as_throttled() {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    axl.ok("addPhone", &format!("<phone><name>{A}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>"));
    let mut busy = 0;
    for n in 0..14 {
        let answer = gateway.phone().get(&format!("/emapp/EMAppServlet?device={A}&userid=nobody{n}&seq=1"));
        busy += usize::from(answer.body.contains("(26)"));
    }
    assert!(busy > 0, "ten wrong ones at one phone are enough");
    let metrics = gateway.admin().get("/metrics").body;
    let throttled =
        format!(r#"em_requests_throttled_total{{perfmon="RequestsThrottled",surface="phone"}} {busy}"#);
    assert!(metrics.lines().any(|l| l == throttled), "{throttled} in {metrics}");
}

#[tokio::test]
async fn requests_in_progress_are_those_that_hold_a_permit() {
    let site = Site::new();
    let mut registry = Registry::default();
    site.em.register(&mut registry);
    let shown = || {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let line = text
            .lines()
            .find_map(|l| l.strip_prefix("em_requests_in_progress{perfmon=\"RequestsInProgress\"} "));
        line.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let conditions = site.em.conditions(None).await.unwrap();
    let held = [site.em.permit(&conditions).await, site.em.permit(&conditions).await];
    assert!(held.iter().all(Result::is_ok));
    assert_eq!(shown(), "2");
    drop(held);
    assert_eq!(shown(), "0");
    assert_eq!(site.log_in(A, "nobody").await, Err(EmCode::PhoneAbsent));
    assert_eq!(shown(), "0");
}

#[test]
fn the_device_cache_is_counted_and_empty_while_sources_are_not_checked() {
    let (gateway, axl) = gateway();
    let page = |query: &str| gateway.phone().get(&format!("/emapp/EMAppServlet?device={A}{query}"));
    let shows = |line: &str| gateway.admin().get("/metrics").body.lines().any(|l| l == line);
    page("&userid=ada&seq=12345");
    page("");
    assert!(shows("em_trust_cache_entries 0") && shows("em_trust_cache_misses_total 0"));
    axl.ok("updateServiceParameter", "<processNodeName>EnterpriseWideData</processNodeName><name>ValidateIPAddress</name><service>Cisco Extension Mobility</service><value>T</value>");
    page("");
    assert!(shows("em_trust_cache_entries 1") && shows("em_trust_cache_misses_total 1"));
    page("");
    assert!(shows("em_trust_cache_hits_total 1") && shows("em_trust_cache_misses_total 1"));
}
