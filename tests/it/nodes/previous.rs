//! Two programs beside each other: nodes of an earlier commit are replaced by those of this one, under load (EM-152).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use emgate::store::migrate::pending;
use emgate::store::schema::{event_log, objects, sessions};
use serde_json::Value;
use uuid::Uuid;

use crate::support::axl::{AxlClient, Caller, envelope};
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, basic};
use crate::support::http::{Answer, Client, request};
use crate::support::process::{Process, command};
use crate::support::waiting::await_some;

/// People who stay logged in all the time.
const RESTING: usize = 300;
/// Clients at a time, each with a phone and a user of its own, half of them at home at either node.
const CREW: usize = 16;
const PIN: &str = "13579";
/// How long a step of the upgrade lasts, with both programs under load.
const STEP: Duration = Duration::from_secs(3);

/// Where a node is reached.
#[derive(Clone)]
struct Node {
    phones: Client,
    tls: Client,
}

/// The two nodes while they are upgraded.
struct Upgrade {
    database: TestDatabase,
    states: [StateDir; 2],
    /// Those in use.
    nodes: [Mutex<Option<Node>>; 2],
    /// Kafka and the names of this run in it.
    settings: Vec<String>,
    password: String,
}

/// What a client did.
#[derive(Debug, Default)]
struct Done {
    logins: usize,
    logouts: usize,
    changes: usize,
    /// Requests that a node took and did not answer.
    unanswered: usize,
}

/// The door of a node.
#[derive(Clone, Copy)]
enum Door {
    Phones,
    Tls,
}

fn resting(n: usize) -> String {
    format!("SEPB0000000{n:04}")
}

fn phone(n: usize) -> String {
    format!("SEPA0000000{n:04}")
}

impl Upgrade {
    fn new(servers: &str) -> Self {
        let prefix = format!("t{}-previous", std::process::id());
        let settings = ["--kafka", servers, "--topic-prefix", &prefix, "--cluster-id", &prefix];
        let settings = settings.iter().map(|&s| s.to_owned()).collect();
        let states = [StateDir::new(), StateDir::new()];
        let database = TestDatabase::empty();
        Self { database, states, nodes: Default::default(), settings, password: String::new() }
    }

    /// Starts a node of a program; it is in use from then on.
    fn start(&self, n: usize, program: &Path) -> Process {
        let name = format!("--node-name=node-{n}");
        let settings = self.settings.iter().map(String::as_str);
        let arguments: Vec<&str> = ["serve", name.as_str()].into_iter().chain(settings).collect();
        let process = Process::of(command(program, &arguments, &self.database.url, &self.states[n]));
        let certificate = self.states[n].0.join("tls-certificate.pem");
        let tls = Client::tls(process.address("everything, TLS"), &certificate);
        *self.nodes[n].lock().unwrap() = Some(Node { phones: process.client("phones"), tls });
        process
    }

    /// Runs a command of a program to its end, which is a good one.
    fn run(&self, program: &Path, arguments: &[&str]) -> String {
        let settings = self.settings.iter().map(String::as_str);
        let arguments: Vec<&str> = arguments.iter().copied().chain(settings).collect();
        let mut command = command(program, &arguments, &self.database.url, &self.states[0]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// Asks the client's own node while that is in use, else the other, and once more where no answer came.
    fn ask(&self, home: usize, door: Door, bytes: &str, done: &mut Done) -> (Answer, bool) {
        let before = done.unanswered;
        await_some(Duration::from_secs(60), || {
            for n in [home, 1 - home] {
                let node = self.nodes[n].lock().unwrap().clone();
                let client = node.map(|node| match door {
                    Door::Phones => node.phones,
                    Door::Tls => node.tls,
                });
                let Some(mut connection) = client.and_then(|client| client.try_open()) else { continue };
                connection.send(bytes);
                if let Some(answer) = connection.answer() {
                    return Ok((answer, done.unanswered > before));
                }
                done.unanswered += 1;
            }
            Err("no node answers")
        })
    }

    /// Asks for something over SOAP that succeeds; what was asked twice may have been done the first time.
    fn soap(&self, home: usize, operation: &str, inner: &str, done: &mut Done) {
        let authorization = basic("admin", &self.password);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "text/xml")];
        let bytes = request("POST", "/axl/", &headers, &envelope("15.0", operation, inner));
        let (answer, is_repeated) = self.ask(home, Door::Tls, &bytes, done);
        assert!(answer.status == 200 || is_repeated && answer.status == 500, "{operation}: {}", answer.body);
    }

    /// Asks for a page whose prompt is known.
    fn page(&self, home: usize, query: &str, prompt: &str, done: &mut Done) {
        let bytes = request("GET", &format!("/emapp/EMAppServlet?{query}"), &[], "");
        let (answer, _) = self.ask(home, Door::Phones, &bytes, done);
        assert!(
            answer.status == 200 && answer.body.contains(prompt),
            "{query}: {} {}",
            answer.status,
            answer.body
        );
    }

    /// Logs in and out, changes objects and PINs until told to stop, and sees that every answer is right.
    fn work(&self, n: usize, stop: &AtomicBool) -> Done {
        let (mut done, phone, user, mut pin) =
            (Done::default(), phone(n), format!("crew{n}"), PIN.to_owned());
        let (home, device) = (n % 2, format!("<deviceName>{}</deviceName>", phone));
        while !stop.load(Ordering::SeqCst) {
            match n / 2 % 4 {
                0 => {
                    self.soap(home, "doDeviceLogin", &format!("{device}<userId>{user}</userId>"), &mut done);
                    self.soap(home, "doDeviceLogout", &device, &mut done);
                }
                1 => {
                    done.changes += 2;
                    let text = format!("<name>{phone}</name><description>{}</description>", done.changes);
                    self.soap(home, "updatePhone", &text, &mut done);
                    let name = format!("<name>UDP_{n}_{}</name>", done.changes);
                    let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
                    let profile = format!("<deviceProfile>{name}{model}</deviceProfile>");
                    self.soap(home, "addDeviceProfile", &profile, &mut done);
                    self.soap(home, "removeDeviceProfile", &name, &mut done);
                    continue;
                }
                work => {
                    if work == 3 {
                        done.changes += 1;
                        pin = format!("{}", 241_357 + 11 * done.changes);
                        let change = format!("<userid>{user}</userid><pin>{pin}</pin>");
                        self.soap(home, "updateUser", &change, &mut done);
                    }
                    // a refusal, which this program tells on a topic of its own
                    let nowhere = format!("device=SEP{:012}&userid={user}&seq=1", done.logins);
                    self.page(home, &nowhere, "unavailable(11)", &mut done);
                    // at the other node what was changed at this one counts
                    let login = format!("device={phone}&userid={user}&seq={pin}");
                    self.page(1 - home, &login, "Login successful", &mut done);
                    self.page(home, &format!("device={phone}&doLogout=true"), "Logout successful", &mut done);
                }
            }
            done.logins += 1;
            done.logouts += 1;
        }
        done
    }

    /// Phones, users and profiles, and a login of everybody who rests.
    fn provision(&self) {
        let node = self.nodes[0].lock().unwrap().clone().unwrap();
        let axl = AxlClient::at(node.tls, basic("admin", &self.password));
        let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
        let add = |phone: &str, user: &str, pin: &str| {
            axl.uuid("addPhone", &format!("<phone><name>{phone}</name>{model}<enableExtensionMobility>true</enableExtensionMobility></phone>"));
            axl.uuid(
                "addDeviceProfile",
                &format!("<deviceProfile><name>UDP_{user}</name>{model}</deviceProfile>"),
            );
            axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{user}</userid>{pin}<phoneProfiles><profileName>UDP_{user}</profileName></phoneProfiles></user>"));
        };
        for n in 0..=CREW {
            add(&phone(n), &format!("crew{n}"), &format!("<pin>{PIN}</pin>"));
        }
        for n in 0..RESTING {
            add(&resting(n), &format!("rest{n}"), "");
            axl.ok(
                "doDeviceLogin",
                &format!("<deviceName>{}</deviceName><userId>rest{n}</userId>", resting(n)),
            );
        }
    }

    /// A session that is about to end, which this program tells before, while a node of the earlier one numbers and publishes.
    fn let_one_expire(&self) {
        let done = &mut Done::default();
        let parameter = "<processNodeName>EnterpriseWideData</processNodeName><name>AutomaticLogoutWarning</name><service>Cisco Extension Mobility</service><value>1</value>";
        self.soap(0, "updateServiceParameter", parameter, done);
        let phone = phone(CREW);
        let login = format!("<deviceName>{phone}</deviceName><loginDuration>61</loginDuration>");
        self.soap(0, "doDeviceLogin", &format!("{login}<userId>crew{CREW}</userId>"), done);
    }

    /// Session of each phone where somebody rests.
    fn resting(&self, inside: &mut PgConnection) -> BTreeMap<String, Uuid> {
        let rows = sessions::table.inner_join(objects::table.on(objects::pk.eq(sessions::phone_pk)));
        let rows = rows.filter(objects::name.like("SEPB%")).select((objects::name, sessions::session_id));
        rows.load::<(String, Uuid)>(inside).unwrap().into_iter().collect()
    }
}

/// Logins and logouts that are told of each phone.
fn told(inside: &mut PgConnection) -> BTreeMap<String, (usize, usize)> {
    let types = ["em.device.login.v1", "em.device.logout.v1"];
    let events = event_log::table.filter(event_log::type_.eq_any(types)).select(event_log::envelope);
    let mut told = BTreeMap::<String, (usize, usize)>::new();
    for event in events.load::<Value>(inside).unwrap() {
        let of = told.entry(event["data"]["device"]["name"].as_str().unwrap().to_owned()).or_default();
        match event["type"] == types[0] {
            true => of.0 += 1,
            false => of.1 += 1,
        }
    }
    told
}

fn count(inside: &mut PgConnection, type_: &str) -> i64 {
    event_log::table.filter(event_log::type_.eq(type_)).count().get_result(inside).unwrap()
}

#[test]
#[ignore = "needs the program of an earlier commit as EMGATE_PREVIOUS; `make soak` builds it and runs this"]
fn an_earlier_program_and_this_one_work_beside_each_other_and_no_session_ends() {
    let before = PathBuf::from(
        std::env::var_os("EMGATE_PREVIOUS").expect("EMGATE_PREVIOUS: scripts/previous prints it"),
    );
    let servers = std::env::var("KAFKA_BOOTSTRAP").expect("KAFKA_BOOTSTRAP; `make soak` sets it");
    let now = Path::new(env!("CARGO_BIN_EXE_emgate"));
    let mut upgrade = Upgrade::new(&servers);
    upgrade.run(&before, &["migrate"]);
    let first = upgrade.start(0, &before);
    let printed = first.printed.lines().find_map(|line| line.trim().strip_prefix("password"));
    upgrade.password = printed.expect("a first start").trim().to_owned();
    std::fs::copy(upgrade.states[0].0.join("pepper"), upgrade.states[1].0.join("pepper")).unwrap();
    upgrade.provision();
    let mut nodes = [Some(first), Some(upgrade.start(1, &before))];
    let mut inside = PgConnection::establish(&upgrade.database.url).unwrap();
    let sessions = upgrade.resting(&mut inside);
    assert_eq!(sessions.len(), RESTING);
    let steps = pending(&mut inside).unwrap();
    assert!(!steps.is_empty(), "the database of the earlier program lacks steps");
    let (stop, upgrade) = (&AtomicBool::new(false), &upgrade);
    let all: Vec<Done> = std::thread::scope(|scope| {
        let crew: Vec<_> = (0..CREW).map(|n| scope.spawn(move || upgrade.work(n, stop))).collect();
        std::thread::sleep(STEP);
        upgrade.run(now, &["migrate"]);
        assert_eq!(pending(&mut inside).unwrap(), [""; 0]);
        std::thread::sleep(STEP);
        for (n, node) in nodes.iter_mut().enumerate() {
            *upgrade.nodes[n].lock().unwrap() = None;
            node.take().unwrap().end();
            *node = Some(upgrade.start(n, now));
            if n == 0 {
                upgrade.let_one_expire();
            }
            std::thread::sleep(STEP);
        }
        stop.store(true, Ordering::SeqCst);
        crew.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let sum = |of: fn(&Done) -> usize| all.iter().map(of).sum::<usize>();
    println!(
        "{} steps of the database; {} logins, {} changes, {} requests asked twice",
        steps.len(),
        sum(|d| d.logins),
        sum(|d| d.changes),
        sum(|d| d.unanswered)
    );
    assert!(all.iter().all(|done| done.logins + done.changes > 10), "{all:?}");
    assert_eq!(upgrade.resting(&mut inside), sessions, "none has ended and none has begun anew");
    let told = told(&mut inside);
    assert!((0..RESTING).all(|n| told[&resting(n)] == (1, 0)), "no logout of who rests");
    for (n, done) in all.iter().enumerate() {
        let of = told.get(&phone(n)).copied().unwrap_or_default();
        assert_eq!(of, (done.logins, done.logouts), "each login and logout is told once");
    }
    assert_eq!(count(&mut inside, "em.session.expiring.v1"), 1);
    assert!(count(&mut inside, "em.login.rejected.v1") > 0);
    println!("{}", upgrade.run(now, &["events", "verify"]));
    for node in nodes.into_iter().flatten() {
        node.end();
    }
}
