//! Where races run: one or two gateways on one database, sixteen clients with open connections, and the number line to read from.

use std::net::Ipv4Addr;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use emgate::em::service::Em;
use emgate::em::sweep;
use emgate::store::Db;
use emgate::store::number_line;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::axl::{envelope, told};
use crate::support::gateway::TestGateway;
use crate::support::http::{Answer, Client, Connection, request};
use crate::support::site;
use crate::support::waiting::await_numbers;

/// Clients at once, and phones and users for them.
pub(super) const CROWD: usize = 16;
/// The PIN of every user.
pub(super) const PIN: &str = "13579";

/// A site of sixteen phones and sixteen users, each with a profile.
pub(super) struct Ground {
    pub(super) gateways: Vec<TestGateway>,
    clients: Vec<RaceClient>,
    pub(super) db: Db,
    read_to: i64,
    sweeper: Em,
    runtime: Runtime,
}

/// One client with a connection to each listener of its gateway.
struct RaceClient {
    soap: Line,
    phone: Line,
    authorization: String,
    app: String,
}

/// A listener and the connection to it, which a gateway ends when it hears nothing for some seconds.
struct Line {
    client: Client,
    open: Option<(Connection, Instant)>,
}

/// What one client asks for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// An operation over SOAP.
    Soap(&'static str, String),
    /// Log in at the phone: phone, user, PIN.
    PageLogin(String, String, &'static str),
    /// Log out at the phone.
    PageLogout(String),
    /// A request of the application API.
    Api(String),
    /// Not a client: a node that looks for sessions past their time at this very moment.
    Sweep,
}

/// An event on the number line.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// In a line: what, where, who, why.
    pub(super) line: String,
    pub(super) data: Value,
    /// Identity of its operation, place in it, and how many it has.
    pub(super) group: (String, u64, u64),
}

pub(super) fn phone(n: usize) -> String {
    format!("SEP0000000000{n:02X}")
}

pub(super) fn user(n: usize) -> String {
    format!("u{n:02}")
}

/// `addPhone`.
pub(super) fn a_phone(n: usize) -> Ask {
    Ask::Soap(
        "addPhone",
        format!(
            "<phone><name>{}</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>",
            phone(n)
        ),
    )
}

/// `addDeviceProfile`.
pub(super) fn a_profile(name: &str) -> Ask {
    Ask::Soap(
        "addDeviceProfile",
        format!(
            "<deviceProfile><name>{name}</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>"
        ),
    )
}

/// `doDeviceLogin`; `more` may name profile or duration.
pub(super) fn login(phone: &str, user: &str, more: &str) -> Ask {
    Ask::Soap("doDeviceLogin", format!("<deviceName>{phone}</deviceName><userId>{user}</userId>{more}"))
}

/// `doDeviceLogout`.
pub(super) fn logout(phone: &str) -> Ask {
    Ask::Soap("doDeviceLogout", format!("<deviceName>{phone}</deviceName>"))
}

/// A login over the application API.
pub(super) fn api_login(phone: &str, user: &str) -> Ask {
    Ask::Api(format!("<login><deviceName>{phone}</deviceName><userID>{user}</userID></login>"))
}

/// A logout over the application API.
pub(super) fn api_logout(phone: &str) -> Ask {
    Ask::Api(format!("<logout><deviceName>{phone}</deviceName></logout>"))
}

/// `updateServiceParameter`.
pub(super) fn parameter(name: &str, value: &str) -> Ask {
    let whose = "<processNodeName>EnterpriseWideData</processNodeName>";
    let service = "<service>Cisco Extension Mobility</service>";
    Ask::Soap("updateServiceParameter", format!("{whose}<name>{name}</name>{service}<value>{value}</value>"))
}

impl Ground {
    /// So many nodes, clients by turns at each.
    pub(super) fn of(nodes: usize) -> Self {
        let first = TestGateway::start_with(|config| config.http.workers = 2);
        let mut gateways = vec![first];
        for n in 1..nodes {
            let more = gateways[0].another_node(&format!("node-{n}"), |config| config.http.workers = 2);
            gateways.push(more);
        }
        let clients = (0..CROWD).map(|n| RaceClient::of(&gateways[n % nodes], n)).collect();
        let db = gateways[0].database.open_real();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sweeper = {
            let _inside = runtime.enter();
            site::service(&db, "sweeper", Arc::new(|| ()))
        };
        let mut ground = Self { gateways, clients, db, read_to: 0, sweeper, runtime };
        ground.provision();
        ground
    }

    fn provision(&mut self) {
        let phones = (0..CROWD).map(a_phone).collect();
        let profiles = (0..CROWD).map(|n| a_profile(&format!("UDP_{n:02}"))).collect();
        let users = (0..CROWD)
            .map(|n| {
                Ask::Soap(
                    "addUser",
                    format!(
                        "<user><lastName>User</lastName><userid>{}</userid><pin>{PIN}</pin><phoneProfiles><profileName>UDP_{n:02}</profileName></phoneProfiles></user>",
                        user(n)
                    ),
                )
            })
            .collect();
        for all in [phones, profiles, users] {
            assert_eq!(self.at_once(all), vec!["ok"; CROWD]);
        }
        self.news();
    }

    /// Asks everything in the same moment, each by a client of its own; answers in the order asked. Over SOAP and the application API
    /// `ok` or `EM 18`, over SOAP the code of other faults too, at phones the prompt.
    pub(super) fn at_once(&mut self, asks: Vec<Ask>) -> Vec<String> {
        assert!(asks.len() <= CROWD);
        let (start, sweeper, runtime) = (&Barrier::new(asks.len()), &self.sweeper, &self.runtime);
        std::thread::scope(|scope| {
            let asked: Vec<_> = self
                .clients
                .iter_mut()
                .zip(asks)
                .map(|(client, ask)| {
                    scope.spawn(move || {
                        client.get_ready(&ask);
                        start.wait();
                        match ask {
                            Ask::Soap(operation, inner) => client.soap(operation, &inner),
                            Ask::PageLogin(phone, user, pin) => {
                                client.page(&format!("device={phone}&userid={user}&seq={pin}"))
                            }
                            Ask::Api(request) => client.api(&request),
                            Ask::PageLogout(phone) => client.page(&format!("device={phone}&doLogout=true")),
                            Ask::Sweep => runtime.block_on(sweep::step(sweeper)).unwrap().to_string(),
                        }
                    })
                })
                .collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    /// Asks one thing that succeeds.
    pub(super) fn must(&mut self, ask: Ask) {
        assert_eq!(self.at_once(vec![ask.clone()]), ["ok"], "{ask:?}");
    }

    /// Logs out whoever is on a phone, and reads what that tells.
    pub(super) fn clear(&mut self) {
        let all = self.sessions();
        let asks = all.iter().map(|(phone, _)| logout(phone)).collect();
        self.at_once(asks);
        assert_eq!(self.sessions(), []);
        self.news();
    }

    /// The events since the last look but those of refusals, which come when they come, in the order of the number line, once all that is committed has a number.
    #[track_caller]
    pub(super) fn news(&mut self) -> Vec<Told> {
        await_numbers(&self.db, Duration::from_secs(20));
        let read_to = self.read_to;
        let rows = self.db.write_blocking(|tx| number_line::after(tx, read_to, 10_000)).unwrap();
        self.read_to = rows.last().map_or(read_to, |row| row.pos);
        let changes = rows.iter().filter(|row| row.topic != "em.audit.v1");
        changes.map(|row| Told::read(&row.envelope)).collect()
    }

    /// Who is on which phone.
    pub(super) fn sessions(&self) -> Vec<(String, String)> {
        site::sessions(&self.db)
    }

    /// Runs statements in the database: what no client can do, and what none can see.
    pub(super) fn sql(&self, statements: &str) {
        self.gateways[0].sql(statements);
    }
}

impl RaceClient {
    fn of(gateway: &TestGateway, n: usize) -> Self {
        // each at an address of its own, since failures count by address
        let place = Ipv4Addr::new(127, 0, 1, u8::try_from(n + 1).unwrap()).into();
        Self {
            soap: Line { client: gateway.tls().at(place), open: None },
            phone: Line { client: gateway.phone().at(place), open: None },
            authorization: gateway.authorization(),
            app: format!("<appID>admin</appID><appCertificate>{}</appCertificate>", gateway.password),
        }
    }

    /// Opens what it needs, so that only the request itself is left to do.
    fn get_ready(&mut self, ask: &Ask) {
        match ask {
            Ask::Soap(..) => self.soap.get_ready(),
            Ask::PageLogin(..) | Ask::PageLogout(_) | Ask::Api(_) => self.phone.get_ready(),
            Ask::Sweep => {}
        }
    }

    fn soap(&mut self, operation: &str, inner: &str) -> String {
        let headers = [("Authorization", self.authorization.as_str()), ("Content-Type", "text/xml")];
        let answer = self.soap.ask(&request("POST", "/axl/", &headers, &envelope("15.0", operation, inner)));
        if answer.status == 200 {
            return "ok".to_owned();
        }
        let part = |tag: &str| {
            let (_, rest) =
                answer.body.split_once(&format!("<{tag}>")).unwrap_or_else(|| panic!("{answer:?}"));
            rest.split_once('<').unwrap().0.to_owned()
        };
        let message = part("axlmessage");
        match message.strip_prefix("EM ").and_then(|rest| rest.split_once(':')) {
            Some((number, _)) => format!("EM {number}"),
            None if part("axlcode") == "5004" => panic!("{answer:?}"),
            None => part("axlcode"),
        }
    }

    fn api(&mut self, inside: &str) -> String {
        let document = format!("xml=<request><appInfo>{}</appInfo>{inside}</request>", self.app);
        let answer = self.phone.ask(&request("POST", "/emservice/EMServiceServlet", &[], &document));
        match answer.body.split_once("<error code=\"") {
            Some((_, rest)) => format!("EM {}", rest.split_once('"').unwrap().0),
            None if answer.body.contains("<success/>") => "ok".to_owned(),
            None => panic!("{answer:?}"),
        }
    }

    fn page(&mut self, query: &str) -> String {
        let answer = self.phone.ask(&request("GET", &format!("/emapp/EMAppServlet?{query}"), &[], ""));
        let (_, rest) = answer.body.split_once("<Prompt>").unwrap_or_else(|| panic!("{answer:?}"));
        rest.split_once('<').unwrap().0.to_owned()
    }
}

impl Line {
    fn get_ready(&mut self) {
        let is_fresh = |used: Instant| used.elapsed() < Duration::from_secs(2);
        if self.open.as_ref().is_none_or(|(_, used)| !is_fresh(*used)) {
            self.open = Some((self.client.open(), Instant::now()));
        }
    }

    fn ask(&mut self, bytes: &str) -> Answer {
        let (connection, used) = self.open.as_mut().expect("is ready");
        connection.send(bytes);
        *used = Instant::now();
        connection.answer().expect("an answer")
    }
}

impl Told {
    fn read(envelope: &str) -> Self {
        let event: Value = serde_json::from_str(envelope).unwrap();
        let (type_, data) = (event["type"].as_str().unwrap(), event["data"].clone());
        let group = (
            event["correlationid"].as_str().unwrap().to_owned(),
            event["emopindex"].as_u64().unwrap(),
            event["emopcount"].as_u64().unwrap(),
        );
        Self { line: told(&site::told(type_, &data), type_, &data), data, group }
    }
}

/// The lines of events.
pub(super) fn lines(events: &[Told]) -> Vec<&str> {
    events.iter().map(|e| e.line.as_str()).collect()
}

/// How many answers are this one.
pub(super) fn count(answers: &[String], wanted: &str) -> usize {
    answers.iter().filter(|a| *a == wanted).count()
}

/// A client of a listener at an address of its own, for those who need more of them than the crowd has.
pub(super) fn at(client: Client, n: usize) -> Client {
    let part = |n: usize| u8::try_from(n).unwrap();
    client.at(Ipv4Addr::new(127, 1, part(n / 250), part(n % 250 + 1)).into())
}
