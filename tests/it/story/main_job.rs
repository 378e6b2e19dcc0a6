//! The main job in one thread: provision over SOAP, log in and out at a phone, read every event from Kafka.

use std::time::Duration;

use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::kafka::{DeliveryMode, Incoming, KafkaSettings, ReadFrom};
use emgate::event::tail::{self, TailArgs};
use insta::assert_snapshot;
use serde_json::Value;

use super::caller::{Browser, Script};
use super::kafka;
use crate::event::{assert_rising, block_on, read, unique_prefix};
use crate::support::gateway::TestGateway;
use crate::support::waiting::await_some;

const PHONE: &str = "SEP00112233440A";

/// A small site: what is added, in this order.
const SITE: [(&str, &str); 9] = [
    ("addRoutePartition", "<routePartition><name>Desks</name></routePartition>"),
    (
        "addRoutePartition",
        "<routePartition><name>Intercom</name><partitionUsage>Intercom</partitionUsage></routePartition>",
    ),
    (
        "addCss",
        "<css><members><member><routePartitionName>Intercom</routePartitionName><index>1</index></member></members>\
         <partitionUsage>Intercom</partitionUsage><name>Intercom Calls</name></css>",
    ),
    (
        "addLine",
        "<line><pattern>7001</pattern><usage>Device</usage><routePartitionName>Desks</routePartitionName></line>",
    ),
    (
        "addLine",
        "<line><pattern>7901</pattern><usage>Device Intercom</usage><routePartitionName>Intercom</routePartitionName>\
         <shareLineAppearanceCssName>Intercom Calls</shareLineAppearanceCssName></line>",
    ),
    (
        "addPhone",
        "<phone><name>SEP00112233440A</name><product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol>\
         <protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName>\
         <enableExtensionMobility>true</enableExtensionMobility></phone>",
    ),
    (
        "addDeviceProfile",
        "<deviceProfile><name>Ann anywhere</name><product>Cisco 8851</product><class>Device Profile</class>\
         <protocol>SIP</protocol><protocolSide>User</protocolSide><lines>\
         <line><index>1</index><label>Ann</label><dirn><pattern>7001</pattern>\
         <routePartitionName>Desks</routePartitionName></dirn></line>\
         <line><index>2</index><label>Intercom</label><dirn><pattern>7901</pattern>\
         <routePartitionName>Intercom</routePartitionName></dirn><partitionUsage>Intercom</partitionUsage></line>\
         </lines></deviceProfile>",
    ),
    (
        "addUser",
        "<user><firstName>Ann</firstName><lastName>Archer</lastName><userid>ann</userid><pin>97531</pin>\
         <phoneProfiles><profileName>Ann anywhere</profileName></phoneProfiles>\
         <presenceGroupName>Standard Presence group</presenceGroupName></user>",
    ),
    (
        "updateServiceParameter",
        "<processNodeName>EnterpriseWideData</processNodeName><name>ClearCallLogs</name>\
         <service>Cisco Extension Mobility</service><value>T</value>",
    ),
];

#[test]
fn what_is_provisioned_and_who_logs_in_and_out_is_read_from_kafka_once_and_in_order() {
    let Some(servers) = kafka() else { return };
    let prefix = unique_prefix("main-job");
    let gateway = TestGateway::start_with(|config| {
        config.kafka.bootstrap = servers.clone();
        config.kafka.topic_prefix = prefix.clone();
        config.node.cluster_id = prefix.clone();
    });
    let mut script = Script::new(gateway.tls(), &gateway.password);
    for (operation, inside) in SITE {
        script.must(operation, inside);
    }
    let mut phone = Browser::new(gateway.phone());
    let page = phone.get(&format!("device={PHONE}&userid=ann&seq=97531")).unwrap();
    assert!(page.contains("Init:CallHistory"), "{page}");
    let shown = script.must("getPhone", &format!("<name>{PHONE}</name>"));
    assert!(shown.contains("<loginUserId>ann</loginUserId>"), "{shown}");
    let page = phone.get(&format!("device={PHONE}&doLogout=true")).unwrap();
    assert!(page.contains("Init:CallHistory"), "{page}");
    script.must("removePhone", &format!("<name>{PHONE}</name>"));

    let db = gateway.database.open_real();
    // all of it is numbered and shown once the removal of the phone is
    let shown = await_some(Duration::from_secs(20), || {
        let shown = show(&servers, &prefix);
        let is_whole = shown.lines().last().is_some_and(|l| l.contains(&format!("remove {PHONE}")));
        if is_whole { Ok(shown) } else { Err(shown) }
    });
    let last = db.write_blocking(emgate::store::number_line::line).unwrap().last_pos;
    assert_snapshot!(shown, @r"
    1 provisioning.changed ProcessNode/… add test by system via cli
    2 provisioning.changed AppUser/… add admin by system via cli
    3 provisioning.changed RoutePartition/… add Desks by admin via soap
    4 provisioning.changed RoutePartition/… add Intercom by admin via soap
    5 provisioning.changed Css/… add Intercom Calls by admin via soap
    6 provisioning.changed Line/… add 7001|Desks by admin via soap
    7 provisioning.changed Line/… add 7901|Intercom by admin via soap
    8 provisioning.changed Phone/… add SEP00112233440A by admin via soap
    9 provisioning.changed DeviceProfile/… add Ann anywhere by admin via soap
    10 provisioning.changed User/… add ann by admin via soap
    11 serviceparameter.changed ServiceParameter/Cisco Extension Mobility/ClearCallLogs F -> T by admin via soap
    12 device.login SEP00112233440A ann with Ann anywhere by ann via phone
    13 calllog.cleared SEP00112233440A ann (manual-login)
    14 intercom.defaultdevice.changed 7901|Intercom none -> SEP00112233440A (auto-selected) by ann via phone
    15 device.logout SEP00112233440A ann (user) by user via phone
    16 calllog.cleared SEP00112233440A ann (manual-logout)
    17 intercom.defaultdevice.changed 7901|Intercom SEP00112233440A -> none (cleared-device-removed) by admin via cascade
    18 provisioning.changed Line/… update 7901|Intercom by admin via cascade
    19 provisioning.changed Phone/… remove SEP00112233440A by admin via soap
    ");
    let records = read(&KafkaSettings::at(&servers, DeliveryMode::Transactional, &prefix, &prefix), None);
    assert_rising(&records);
    assert_snapshot!(addresses(records), @r"
    1 1/1 .provisioning.v1 ProcessNode/test
    2 1/1 .provisioning.v1 AppUser/admin
    3 1/1 .provisioning.v1 RoutePartition/Desks
    4 1/1 .provisioning.v1 RoutePartition/Intercom
    5 1/1 .provisioning.v1 Css/Intercom Calls
    6 1/1 .provisioning.v1 Line/7001|Desks
    7 1/1 .provisioning.v1 Line/7901|Intercom
    8 1/1 .provisioning.v1 Phone/SEP00112233440A
    9 1/1 .provisioning.v1 DeviceProfile/Ann anywhere
    10 1/1 .provisioning.v1 User/ann
    11 1/1 .provisioning.v1 ServiceParameter/Cisco Extension Mobility/ClearCallLogs
    12 1/3 .session.v1 SEP00112233440A
    13 2/3 .session.v1 SEP00112233440A
    14 3/3 .intercom.v1 7901|Intercom
    15 1/2 .session.v1 SEP00112233440A
    16 2/2 .session.v1 SEP00112233440A
    17 1/3 .intercom.v1 7901|Intercom
    18 2/3 .provisioning.v1 Line/7901|Intercom
    19 3/3 .provisioning.v1 Phone/SEP00112233440A
    ");
    assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last });
}

/// What `emgate events tail` shows to a subscriber that reads from the beginning: all but the time.
fn show(servers: &str, prefix: &str) -> String {
    let args = TailArgs {
        json: false,
        from: ReadFrom::Beginning,
        types: Vec::new(),
        device: None,
        user: None,
        count: None,
        timeout: Some(30),
        no_follow: true,
        config: None,
        kafka: Some(servers.to_owned()),
        topic_prefix: Some(prefix.to_owned()),
        kafka_password_file: None,
        client: Vec::new(),
    };
    let mut out = Vec::new();
    tail::show(&args, &mut out, &mut Vec::new()).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| without_time(line) + "\n").collect()
}

/// A line of the tail without its time, and with no more than single spaces.
fn without_time(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words.remove(1);
    // keys of provisioning events hold an identity that differs in every run
    let words: Vec<String> = words
        .into_iter()
        .map(|w| match w.split_once('/') {
            Some((kind, uuid)) if uuid.len() == 36 => format!("{kind}/…"),
            _ => w.to_owned(),
        })
        .collect();
    words.join(" ")
}

/// Number, place in its operation, topic, and what the record key says about the object, in order of the numbers.
fn addresses(mut records: Vec<Incoming>) -> String {
    records.sort_by_key(|r| r.position);
    records
        .iter()
        .map(|record| {
            let event: Value = serde_json::from_str(record.text()).unwrap();
            let header = |name: &str| record.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
            assert_eq!(event["partitionkey"], record.key);
            assert_eq!(event["sequence"], header("ce_sequence"));
            assert_eq!(event["emopindex"].to_string(), header("ce_emopindex"));
            let data = &event["data"];
            let key = match data["objectUuid"].as_str() {
                Some(uuid) => record.key.replace(uuid, data["objectName"].as_str().unwrap()),
                None => record.key.clone(),
            };
            let topic = record.topic.rsplit_once("main-job").unwrap().1;
            let number = event["sequence"].as_str().unwrap().trim_start_matches('0');
            format!("{number} {}/{} {topic} {key}\n", event["emopindex"], event["emopcount"])
        })
        .collect()
}
