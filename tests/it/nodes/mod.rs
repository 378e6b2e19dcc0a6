//! Two nodes on one database, each a process of its own, and clients behind a balancer: what upgrades, restarts and kills leave alone
//! (EM-123, EM-152).

mod killed;
mod previous;
mod rolling;

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use emgate::event::chain::{ChainState, verify_chain};
use emgate::store::number_line;
use serde_json::Value;

use crate::support::axl::{AxlClient, Caller};
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, basic};
use crate::support::http::{Client, request};
use crate::support::process::Process;
use crate::support::waiting::{await_numbers, await_some};

/// Clients at a time, each with a phone and a user of its own.
const CREW: usize = 16;
const PIN: &str = "13579";

/// The two nodes, and where clients find each of them while it is in use.
struct Pair {
    database: TestDatabase,
    states: [StateDir; 2],
    found_at: [Mutex<Option<SocketAddr>>; 2],
    password: String,
}

/// What a client did.
#[derive(Debug, Default)]
struct Done {
    logins: usize,
    logouts: usize,
    /// Requests that a node took and did not answer.
    unanswered: [usize; 2],
}

/// What a client may be told.
struct Said {
    text: String,
    /// Whether it asked once more, since a node took the request and did not answer.
    is_repeated: bool,
}

impl Pair {
    /// Starts both, the first with these arguments more, and provisions what clients need.
    fn start(database: TestDatabase, more: &[&str]) -> (Self, [Process; 2]) {
        let states = [StateDir::new(), StateDir::new()];
        let mut pair = Self { database, states, found_at: Default::default(), password: String::new() };
        let first = pair.start_node(0, more);
        let printed = first.printed.lines().find_map(|line| line.trim().strip_prefix("password"));
        pair.password = printed.expect("a first start").trim().to_owned();
        std::fs::copy(pair.states[0].0.join("pepper"), pair.states[1].0.join("pepper")).unwrap();
        pair.provision(&first);
        let second = pair.start_node(1, &[]);
        (pair, [first, second])
    }

    /// Starts a node; it is in use from then on.
    fn start_node(&self, n: usize, more: &[&str]) -> Process {
        let name = format!("--node-name=node-{n}");
        let process =
            Process::start(&[&["serve", &name], more].concat(), &self.database.url, &self.states[n]);
        *self.found_at[n].lock().unwrap() = Some(process.address("phones"));
        process
    }

    /// Takes a node out of use; what is under way there goes on.
    fn take_out(&self, n: usize) {
        *self.found_at[n].lock().unwrap() = None;
    }

    fn provision(&self, node: &Process) {
        let certificate = self.states[0].0.join("tls-certificate.pem");
        let tls = Client::tls(node.address("everything, TLS"), &certificate);
        let axl = AxlClient::at(tls, basic("admin", &self.password));
        // on a busy machine five at a time would keep some of the crew waiting for more than a second
        axl.uuid("updateServiceParameter", "<processNodeName>EnterpriseWideData</processNodeName><name>MaximumConcurrentRequests</name><service>Cisco Extension Mobility</service><value>100</value>");
        for n in 0..CREW {
            let model = "<product>Cisco 8851</product><protocol>SIP</protocol>";
            axl.uuid("addPhone", &format!("<phone><name>{}</name>{model}<enableExtensionMobility>true</enableExtensionMobility></phone>", phone(n)));
            axl.uuid(
                "addDeviceProfile",
                &format!("<deviceProfile><name>UDP_{n}</name>{model}</deviceProfile>"),
            );
            axl.uuid("addUser", &format!("<user><lastName>Test</lastName><userid>{}</userid><pin>{PIN}</pin><phoneProfiles><profileName>UDP_{n}</profileName></phoneProfiles></user>", user(n)));
        }
    }

    /// Logs in and out until told to stop, at the phone's page or over the application API, and sees that every answer is right.
    fn work(&self, n: usize, stop: &AtomicBool) -> Done {
        let (mut done, (phone, user)) = (Done::default(), (phone(n), user(n)));
        let is_page = n.is_multiple_of(4) || n % 4 == 3;
        let page =
            |query: &str| request("GET", &format!("/emapp/EMAppServlet?device={phone}&{query}"), &[], "");
        let api = |inside: &str| {
            let app = format!("<appID>admin</appID><appCertificate>{}</appCertificate>", self.password);
            let document = format!("xml=<request><appInfo>{app}</appInfo>{inside}</request>");
            request("POST", "/emservice/EMServiceServlet", &[], &document)
        };
        let device = format!("<deviceName>{phone}</deviceName>");
        let (log_in, log_out) = match is_page {
            true => (page(&format!("userid={user}&seq={PIN}")), page("doLogout=true")),
            false => (
                api(&format!("<login>{device}<userID>{user}</userID></login>")),
                api(&format!("<logout>{device}</logout>")),
            ),
        };
        while !stop.load(Ordering::SeqCst) {
            let said = self.ask(n % 2, &log_in, &mut done);
            assert!(
                said.text.contains(if is_page { "Login successful" } else { "<success/>" }),
                "{}",
                said.text
            );
            done.logins += 1;
            let said = self.ask(n % 2, &log_out, &mut done);
            let is_right = said.text.contains(if is_page { "Logout successful" } else { "<success/>" });
            // the first time it may have been carried out
            let was_done = said.is_repeated && said.text.contains("<error code=\"19\">");
            assert!(is_right || was_done, "{}", said.text);
            done.logouts += 1;
        }
        done
    }

    /// Runs something while the whole crew works.
    fn while_all_work(&self, f: impl FnOnce()) -> Vec<Done> {
        let stop = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            let crew: Vec<_> = (0..CREW).map(|n| scope.spawn(move || self.work(n, stop))).collect();
            f();
            stop.store(true, Ordering::SeqCst);
            crew.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    /// Asks the client's own node while that is in use, else the other, and once more where no answer came.
    fn ask(&self, home: usize, bytes: &str, done: &mut Done) -> Said {
        let mut is_repeated = false;
        await_some(Duration::from_secs(60), || {
            for n in [home, 1 - home] {
                let place = *self.found_at[n].lock().unwrap();
                let Some(mut connection) = place.and_then(|place| Client::plain(place).try_open()) else {
                    continue;
                };
                connection.send(bytes);
                if let Some(answer) = connection.answer() {
                    return Ok(Said { text: answer.body, is_repeated });
                }
                done.unanswered[n] += 1;
                is_repeated = true;
            }
            Err("no node answers")
        })
    }

    /// Every login and logout at the phones of the crew and beyond, once the line is whole, and how many of each the crew had.
    fn check(&self, all: &[Done]) {
        let db = self.database.open_real();
        await_numbers(&db, Duration::from_secs(60));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // a refusal is told a moment later, perhaps between two of these looks
        let rows = await_some(Duration::from_secs(10), || {
            let rows = db.write_blocking(|tx| number_line::after(tx, 0, 1_000_000)).unwrap();
            let last = rows.last().unwrap().pos;
            match runtime.block_on(verify_chain(&db)).unwrap() {
                state if state == (ChainState::Whole { first: 1, last }) => Ok(rows),
                state => Err(format!("{last} were there: {state:?}")),
            }
        });
        assert!(rows.iter().map(|row| row.pos).eq(1..=i64::try_from(rows.len()).unwrap()), "a gap");
        let mut told = [(0, 0); CREW];
        for row in &rows {
            let event: Value = serde_json::from_str(&row.envelope).unwrap();
            let at = (0..CREW).find(|n| event["data"]["device"]["name"] == phone(*n));
            match (event["type"].as_str().unwrap(), at) {
                ("em.device.login.v1", Some(n)) => told[n].0 += 1,
                ("em.device.logout.v1", Some(n)) => told[n].1 += 1,
                ("em.device.login.v1" | "em.device.logout.v1", None) => panic!("{event}"),
                _ => {}
            }
        }
        let asked: Vec<_> = all.iter().map(|done| (done.logins, done.logouts)).collect();
        assert_eq!(asked, told, "each login and logout is told once");
        assert!(asked.iter().all(|(logins, _)| *logins > 0), "{asked:?}");
    }
}

fn phone(n: usize) -> String {
    format!("SEPA0000000{n:04}")
}

fn user(n: usize) -> String {
    format!("crew{n}")
}

/// Sums what nodes left unanswered.
fn unanswered(all: &[Done], node: usize) -> usize {
    all.iter().map(|done| done.unanswered[node]).sum()
}
