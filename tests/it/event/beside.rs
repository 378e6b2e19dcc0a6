//! Intercom lines whose state changes though no event of theirs says so: it stands beside the provisioning event that changed them.

use std::collections::BTreeMap;

use emgate::event::copier::Copier;
use emgate::event::kafka::KafkaSettings;
use emgate::event::sequencer::Leadership;
use serde_json::Value;

use super::republish::{in_tables, said};
use super::state::{assert_never_falling, folded, live, sent};
use super::{copy_all, kafka_settings, lead, number_all, read_states, take_over};
use crate::support::axl::{AxlSite, Caller};

const MODEL: &str = "<product>Cisco 8851</product><class>Phone</class><protocol>SIP</protocol>\
     <protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName>\
     <enableExtensionMobility>true</enableExtensionMobility>";
const TWO: &str = "SEP0000000000A2";

/// A site whose log is copied after every call and compared with the tables.
struct Watched {
    site: AxlSite,
    settings: KafkaSettings,
    leadership: Leadership,
    copier: Copier,
}

impl Watched {
    /// Two phones, and a profile with an intercom line whose default device is the second.
    fn new(test: &str) -> Option<Self> {
        let settings = kafka_settings(test)?;
        let site = AxlSite::new();
        let leadership = lead(&site.site.db);
        let copier = take_over(&site.site.db, &settings, &leadership);
        let mut watched = Self { site, settings, leadership, copier };
        watched.call(
            "addRoutePartition",
            "<routePartition><name>Bells</name><partitionUsage>Intercom</partitionUsage></routePartition>",
        );
        for phone in ["SEP0000000000A1", TWO] {
            watched.call("addPhone", &format!("<phone><name>{phone}</name>{MODEL}</phone>"));
        }
        watched.call(
            "addDeviceProfile",
            "<deviceProfile><name>UDP_ada</name><product>Cisco 8851</product><class>Device Profile</class>\
             <protocol>SIP</protocol><protocolSide>User</protocolSide><lines><line><index>1</index><dirn>\
             <pattern>7001</pattern><routePartitionName>Bells</routePartitionName></dirn></line></lines></deviceProfile>",
        );
        watched.call("updateLine", &format!("{}{}", line("7001"), default_device(TWO)));
        Some(watched)
    }

    /// Makes a call; whatever it was, topics, log and tables agree afterwards. Gives the keys that have a state, with their phone.
    fn call(&mut self, operation: &str, inner: &str) -> BTreeMap<String, Value> {
        self.site.ok(operation, inner);
        let db = &self.site.site.db;
        number_all(db, &mut self.leadership);
        copy_all(db, &mut self.copier);
        let alive = said(&live(&self.settings));
        assert_eq!(alive, said(&folded(db)), "{operation} {inner}");
        assert_eq!(alive, in_tables(db), "{operation} {inner}");
        let intercom = alive.into_iter().filter(|((topic, _), _)| topic == "em.intercom.state.v1");
        intercom.map(|((_, key), data)| (key, data["current"]["name"].clone())).collect()
    }

    /// The state records of the newest event: key and whether there is a value.
    fn newest(&self) -> Vec<(String, bool)> {
        let records = sent(&self.site.site.db);
        let last = records.last().unwrap().position;
        let states = records.iter().filter(|r| r.position == last && r.topic.contains(".state."));
        states.map(|r| (r.key.clone(), !r.is_tombstone)).collect()
    }
}

fn line(pattern: &str) -> String {
    format!("<pattern>{pattern}</pattern><routePartitionName>Bells</routePartitionName>")
}

fn default_device(phone: &str) -> String {
    format!("<defaultActivatedDeviceName>{phone}</defaultActivatedDeviceName>")
}

fn one(key: &str, phone: &str) -> BTreeMap<String, Value> {
    [(key.to_owned(), Value::from(phone))].into()
}

#[test]
fn a_line_that_is_renamed_or_removed_takes_its_key_along() {
    let Some(mut site) = Watched::new("beside-line") else { return };
    let renamed = format!("{}<newPattern>7002</newPattern>", line("7001"));
    assert_eq!(site.call("updateLine", &renamed), one("7002|Bells", TWO));
    assert_eq!(site.newest(), [("7001|Bells".to_owned(), false), ("7002|Bells".to_owned(), true)]);
    // both at once: the event of the new device tells of the new key
    let both = format!("{}<newPattern>7003</newPattern>{}", line("7002"), default_device("SEP0000000000A1"));
    assert_eq!(site.call("updateLine", &both), one("7003|Bells", "SEP0000000000A1"));
    let out = format!("{}<newRoutePartitionName/>", line("7003"));
    assert_eq!(site.call("updateLine", &out), one("7003|", "SEP0000000000A1"));
    assert_eq!(site.call("removeLine", "<pattern>7003</pattern>"), BTreeMap::new());
    assert_eq!(site.newest(), [("7003|".to_owned(), false)]);
    assert_never_falling(&read_states(&site.settings));
}

#[test]
fn a_partition_that_is_renamed_takes_the_keys_of_its_lines_along() {
    let Some(mut site) = Watched::new("beside-partition") else { return };
    site.call("addLine", &format!("<line>{}<usage>Device Intercom</usage></line>", line("7009")));
    let alive = site.call("updateRoutePartition", "<name>Bells</name><newName>Chimes</newName>");
    assert_eq!(alive.keys().collect::<Vec<_>>(), ["7001|Chimes", "7009|Chimes"]);
    assert_eq!(site.newest().iter().filter(|(_, has_value)| !has_value).count(), 2);
    assert_never_falling(&read_states(&site.settings));
}

#[test]
fn a_phone_or_profile_that_is_renamed_or_removed_shows_in_the_states_of_its_lines() {
    let Some(mut site) = Watched::new("beside-phone") else { return };
    let renamed = format!("<name>{TWO}</name><newName>SEP0000000000A9</newName>");
    assert_eq!(site.call("updatePhone", &renamed), one("7001|Bells", "SEP0000000000A9"));
    let owner = |site: &Watched| {
        let states = in_tables(&site.site.site.db);
        states.values().next().unwrap()["owner"]["name"].as_str().map(str::to_owned)
    };
    site.call("updateDeviceProfile", "<name>UDP_ada</name><newName>UDP_eve</newName>");
    assert_eq!(owner(&site).as_deref(), Some("UDP_eve"));
    let on_button = format!(
        "<name>SEP0000000000A1</name><lines><line><index>1</index><dirn>{}</dirn></line></lines>",
        line("7001")
    );
    site.call("updatePhone", &on_button);
    assert_eq!(site.newest(), [("7001|Bells".to_owned(), true)]);
    assert_eq!(owner(&site).as_deref(), Some("UDP_eve"), "a profile comes before a phone");
    site.call("removeDeviceProfile", "<name>UDP_eve</name>");
    assert_eq!(owner(&site).as_deref(), Some("SEP0000000000A1"));
    site.call("updatePhone", "<name>SEP0000000000A1</name><description>Lobby</description>");
    assert_eq!(site.newest(), [], "what says nothing new is not said");
    let alive = site.call("removePhone", "<name>SEP0000000000A9</name>");
    assert_eq!(alive, [("7001|Bells".to_owned(), Value::Null)].into());
    site.call("updatePhone", "<name>SEP0000000000A1</name><lines/>");
    assert_eq!(owner(&site), None);
    assert_never_falling(&read_states(&site.settings));
}

#[test]
fn a_phone_that_is_renamed_ends_its_session_first() {
    let Some(mut site) = Watched::new("beside-session") else { return };
    let user = "<user><lastName>Ada</lastName><userid>ada</userid><pin>97531</pin>\
                <phoneProfiles><profileName>UDP_ada</profileName></phoneProfiles></user>";
    site.call("addUser", user);
    site.call(
        "doDeviceLogin",
        &format!("<deviceName>{TWO}</deviceName><loginDuration>0</loginDuration><profileName>UDP_ada</profileName><userId>ada</userId>"),
    );
    assert_eq!(live(&site.settings).len(), 2);
    let before = site.site.site.story().len();
    site.call("updatePhone", &format!("<name>{TWO}</name><newName>SEP0000000000A9</newName>"));
    let told = site.site.site.story().split_off(before);
    assert_eq!(told, [&format!("logout {TWO} ada administrator"), "em.provisioning.changed.v1"]);
    assert_eq!(live(&site.settings).len(), 1, "the intercom line alone");
    // what was asked for in secret is in no byte of any state
    for record in read_states(&site.settings) {
        let all = format!("{} {:?} {:?}", record.key, record.value, record.headers);
        assert!(!all.contains("97531") && !all.contains("argon2"), "{all}");
    }
}
