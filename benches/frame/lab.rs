//! What a bench is given: how long and how often to measure, the servers, sites of many phones.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::Outcome;
use super::cpu::{CpuTime, Meter};
use super::gateway::{Gateway, Role};
use super::requests::Sender;
use super::server::Server;
use super::site;

/// The means of one run of benches.
pub(crate) struct Lab {
    /// Rounds of each bench.
    pub(crate) rounds: usize,
    /// Whether everything is cut short: for trying out, not for results.
    pub(crate) quick: bool,
    /// Events of `event-catchup`.
    pub(crate) events: usize,
    /// Postgres.
    pub(crate) server: Server,
    /// Where files of a run go.
    pub(crate) folder: PathBuf,
    filled: Mutex<BTreeSet<usize>>,
}

impl Lab {
    /// The lab of a run.
    pub(crate) fn new(rounds: usize, quick: bool, events: usize) -> Outcome<Self> {
        let folder = PathBuf::from(std::env::var("EMGATE_RUN_DIR").unwrap_or_else(|_| "target/bench".into()));
        std::fs::create_dir_all(&folder)?;
        let server = Server::from_environment()?;
        Ok(Self { rounds, quick, events, server, folder, filled: Mutex::default() })
    }

    /// How long one sample lasts.
    pub(crate) fn sample(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 4 })
    }

    /// How long the same load runs before a sample of ours and of the peer alike.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { 2 })
    }

    /// Phones of a site where their number is not what is measured.
    pub(crate) fn usual_phones(&self) -> usize {
        if self.quick { 10_000 } else { 100_000 }
    }

    /// Broker and a topic prefix of its own, where there is Apache Kafka.
    pub(crate) fn kafka(&self, what: &str) -> Option<(String, String)> {
        let broker = std::env::var("KAFKA_BOOTSTRAP").ok()?;
        Some((broker, format!("bench-{}-{what}", std::process::id())))
    }

    /// Drops a database, a template included.
    pub(crate) fn forget(&self, name: &str) -> Outcome<()> {
        let mut filled = self.filled.lock().map_err(|_| "another bench has panicked")?;
        filled.retain(|phones| format!("bench_{phones}") != name);
        self.server.drop(name)
    }

    /// The name of a database with so many phones, which nobody may change; filled when it is first asked for.
    pub(crate) fn template(&self, phones: usize) -> Outcome<String> {
        let name = format!("bench_{phones}");
        let mut filled = self.filled.lock().map_err(|_| "another bench has panicked")?;
        if !filled.contains(&phones) {
            site::make(self, &name, phones)?;
            filled.insert(phones);
        }
        Ok(name)
    }

    /// Makes a database with so many phones that may be changed.
    pub(crate) fn copy(&self, name: &str, phones: usize) -> Outcome<()> {
        let template = self.template(phones)?;
        self.server.copy(name, &template)
    }

    /// Starts a gateway on a database.
    pub(crate) fn gateway(&self, database: &str, role: &Role) -> Outcome<Gateway> {
        Gateway::start(&self.state(), &self.server.url(database), role)
    }

    /// Where all gateways of a run have their state: the databases share one pepper and one administrator.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Requests of the administrator.
    pub(crate) fn admin(&self, gateway: &Gateway) -> Outcome<Sender> {
        Ok(Sender::admin(&gateway.password()?))
    }

    /// Measures the CPU time of gateway and Postgres while something runs, after what was left to write is written.
    pub(crate) fn metered<T>(
        &self,
        gateway: Option<&Gateway>,
        run: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<(T, CpuTime)> {
        self.server.settle()?;
        self.metered_as_it_is(gateway, run)
    }

    /// The same for load that has a peer: checkpoint, warm-up and sample, in this order as the peer has them.
    pub(crate) fn metered_warm<T>(
        &self,
        gateway: &Gateway,
        time: Duration,
        run: impl Fn(Duration) -> Outcome<T>,
    ) -> Outcome<(T, CpuTime)> {
        self.server.settle()?;
        run(self.warm_up())?;
        self.metered_as_it_is(Some(gateway), || run(time))
    }

    fn metered_as_it_is<T>(
        &self,
        gateway: Option<&Gateway>,
        run: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<(T, CpuTime)> {
        let meter = Meter { gateway: gateway.map(Gateway::pid), postgres: self.server.pid()? };
        let before = meter.read()?;
        let done = run()?;
        Ok((done, meter.since(before)?))
    }
}
