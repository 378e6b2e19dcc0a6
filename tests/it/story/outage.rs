//! Kafka goes away and comes back, the gateway is killed in between, clients never stop: every acknowledged change is on its topic
//! once, in order, on a line without a gap.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use emgate::event::chain::{ChainState, verify_chain};
use emgate::event::kafka::{DeliveryMode, Incoming, KafkaSettings};
use emgate::store::number_line;
use serde_json::Value;

use super::caller::Script;
use super::clients::{Foreman, Place, Work, at_a_line, at_a_phone};
use crate::event::{assert_rising, block_on, line_of, read};
use crate::support::broker::Broker;
use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::http::Client;
use crate::support::process::Process;
use crate::support::waiting::await_numbers;

const PHONES: usize = 4;
const LINES: usize = 2;
const PIN: &str = "97531";
const CLUSTER: &str = "outage";
/// For events to get their numbers, and to be copied.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn kafka_away_and_a_killed_gateway_lose_and_repeat_no_acknowledged_change() {
    let Some(broker) = Broker::start() else { return };
    story(&broker, 1, 40);
}

#[test]
#[ignore = "five outages of a broker of its own, some minutes; `make soak` runs it"]
fn five_outages_and_killed_gateways_lose_and_repeat_no_acknowledged_change() {
    let Some(broker) = Broker::start() else { return };
    story(&broker, 5, 400);
}

/// What outlives a gateway.
struct Site<'a> {
    broker: &'a Broker,
    database: TestDatabase,
    state: StateDir,
    password: String,
}

/// So many outages, with so many acknowledged changes at least in each part of each.
fn story(broker: &Broker, outages: usize, changes: usize) {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let mut site = Site { broker, database, state, password: String::new() };
    let mut gateway = site.serve();
    site.password = secret(&gateway);
    provision(&mut Script::new(site.place(&gateway).tls, &site.password));
    let work = Work::default();
    let (gateway, done) = std::thread::scope(|scope| {
        let work = &work;
        let phones: Vec<_> = (0..PHONES)
            .map(|n| scope.spawn(move || at_a_phone(work, &phone(n), &format!("ann{n}"), PIN)))
            .collect();
        let lines: Vec<_> =
            (0..LINES).map(|n| scope.spawn(move || at_a_line(work, &format!("700{n}")))).collect();
        let foreman = Foreman(work);
        work.is_at(Some(site.place(&gateway)));
        for _ in 0..outages {
            gateway = site.outage(gateway, work, changes);
        }
        drop(foreman);
        let mut done = BTreeMap::new();
        for (n, journal) in phones.into_iter().enumerate() {
            done.insert(phone(n), journal.join().unwrap().into_iter().map(str::to_owned).collect());
        }
        for (n, journal) in lines.into_iter().enumerate() {
            done.insert(format!("700{n}|Desks"), journal.join().unwrap());
        }
        (gateway, done)
    });
    site.check(gateway, &done);
}

impl Site<'_> {
    fn serve(&self) -> Process {
        let servers = self.broker.servers();
        let arguments = ["serve", "--kafka", &servers, "--cluster-id", CLUSTER];
        Process::start(&arguments, &self.database.url, &self.state)
    }

    fn place(&self, gateway: &Process) -> Place {
        let certificate = self.state.0.join("tls-certificate.pem");
        Place {
            phone: gateway.client("phones"),
            tls: Client::tls(gateway.address("everything, TLS"), &certificate),
            password: self.password.clone(),
        }
    }

    /// Kafka goes, the gateway is killed and comes back without it, Kafka comes back; clients work all the time.
    fn outage(&self, gateway: Process, work: &Work, changes: usize) -> Process {
        work.await_more(changes);
        gateway.await_gauge(PATIENCE, "em_stream_confirmed_sequence", |confirmed| confirmed > 0);
        let asked = Instant::now();
        self.broker.stop();
        let slowest = work.await_more(changes);
        gateway.await_kafka(Duration::from_secs(20), "away");
        eprintln!(
            "degraded {:?} after the broker was told to stop, slowest answer {slowest:?}",
            asked.elapsed()
        );
        work.await_more(changes);
        work.is_at(None);
        // with -9
        drop(gateway);
        let gateway = self.serve();
        work.is_at(Some(self.place(&gateway)));
        work.await_more(changes);
        self.broker.start_again();
        work.await_more(changes);
        gateway
    }

    /// Kafka holds what clients did, each once and in order, and the line is whole.
    fn check(&self, gateway: Process, done: &BTreeMap<String, Vec<String>>) {
        let begun = Instant::now();
        let db = self.database.open_real();
        await_numbers(&db, PATIENCE);
        let last = db.write_blocking(number_line::line).unwrap().last_pos;
        gateway.await_gauge(PATIENCE, "em_stream_confirmed_sequence", |confirmed| confirmed == last);
        eprintln!("all copied {:?} after the last change", begun.elapsed());
        gateway.await_kafka(Duration::from_secs(20), "connected");
        let count: usize = done.values().map(Vec::len).sum();
        eprintln!("{count} changes by clients, {last} events, {} KiB resident", gateway.resident_kib());
        gateway.end();
        let settings = KafkaSettings::at(&self.broker.servers(), DeliveryMode::Transactional, "em", CLUSTER);
        let records = read(&settings, None);
        assert_eq!(line_of(&records), (1..=last).collect::<Vec<_>>());
        assert_rising(&records);
        assert_eq!(changes_in(records), *done);
        assert_eq!(block_on(verify_chain(&db)).unwrap(), ChainState::Whole { first: 1, last });
    }
}

fn secret(gateway: &Process) -> String {
    let line = gateway.printed.lines().find(|l| l.contains("password  ")).unwrap();
    line.trim().trim_start_matches("password").trim().to_owned()
}

fn phone(n: usize) -> String {
    format!("SEP00112233450{n}")
}

/// A phone, a profile with a line and a person for each client at a phone; a line for each that changes one.
fn provision(script: &mut Script) {
    script.must("addRoutePartition", "<routePartition><name>Desks</name></routePartition>");
    let typed = "<product>Cisco 8851</product>";
    let sip = "<protocol>SIP</protocol><protocolSide>User</protocolSide>";
    for n in 0..LINES {
        let line = format!(
            "<pattern>700{n}</pattern><usage>Device</usage><routePartitionName>Desks</routePartitionName>"
        );
        script.must("addLine", &format!("<line>{line}</line>"));
    }
    for n in 0..PHONES {
        let name = phone(n);
        script.must(
            "addPhone",
            &format!(
                "<phone><name>{name}</name>{typed}<class>Phone</class>{sip}<devicePoolName>Default</devicePoolName>\
                 <enableExtensionMobility>true</enableExtensionMobility></phone>"
            ),
        );
        script.must(
            "addDeviceProfile",
            &format!(
                "<deviceProfile><name>At {n}</name>{typed}<class>Device Profile</class>{sip}</deviceProfile>"
            ),
        );
        script.must(
            "addUser",
            &format!(
                "<user><firstName>Ann</firstName><lastName>No. {n}</lastName><userid>ann{n}</userid><pin>{PIN}</pin>\
                 <phoneProfiles><profileName>At {n}</profileName></phoneProfiles>\
                 <presenceGroupName>Standard Presence group</presenceGroupName></user>"
            ),
        );
    }
}

/// What records say of phones and lines, in the order of their numbers: logins, logouts, descriptions.
fn changes_in(mut records: Vec<Incoming>) -> BTreeMap<String, Vec<String>> {
    records.sort_by_key(|r| r.position);
    let mut changes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let event: Value = serde_json::from_str(record.text()).unwrap();
        let data = &event["data"];
        let (about, what) = match event["type"].as_str().unwrap() {
            "em.device.login.v1" => (record.key.as_str(), "login"),
            "em.device.logout.v1" => (record.key.as_str(), "logout"),
            _ => match (data["objectName"].as_str(), data["changed"][0]["value"].as_str()) {
                (Some(name), Some(text)) if data["action"] == "update" => (name, text),
                _ => continue,
            },
        };
        changes.entry(about.to_owned()).or_default().push(what.to_owned());
    }
    changes
}
