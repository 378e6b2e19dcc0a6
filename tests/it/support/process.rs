//! The program in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::gateway::StateDir;
use super::http::Client;
use super::waiting::{await_some, look_for};

/// Longest that a start or an end may take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program with free ports on loopback and nothing of the caller's settings.
pub fn emgate(arguments: &[&str], database: &str, state: &StateDir) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_emgate")), arguments, database, state)
}

/// The same of another program, such as that of an earlier commit.
pub fn command(program: &Path, arguments: &[&str], database: &str, state: &StateDir) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EMGATE_")) {
        command.env_remove(name);
    }
    command
        .env_remove("KAFKA_PASSWORD")
        .args(arguments)
        .env("DATABASE_URL", database)
        .env("EMGATE_STATE_DIR", &state.0)
        .env("EMGATE_ADDRESS", "127.0.0.1")
        .envs([("EMGATE_HTTP_PORT", "0"), ("EMGATE_HTTPS_PORT", "0"), ("EMGATE_ADMIN_PORT", "0")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program to its end, which must come within this; says how it ended and what it logged.
#[track_caller]
pub fn run(mut command: Command, most: Duration) -> (ExitStatus, String) {
    let mut child = command.spawn().unwrap();
    let log = keep_log(&mut child);
    end_of(&mut child, log, most)
}

fn keep_log(child: &mut Child) -> JoinHandle<String> {
    let mut stderr = child.stderr.take().unwrap();
    std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    })
}

/// Waits for the end; what does not end is killed and its log shown.
#[track_caller]
fn end_of(child: &mut Child, log: JoinHandle<String>, most: Duration) -> (ExitStatus, String) {
    match look_for(most, || child.try_wait().unwrap().ok_or(())) {
        Ok(status) => (status, log.join().unwrap()),
        Err(()) => {
            child.kill().unwrap();
            panic!("it did not end in time: {}", log.join().unwrap());
        }
    }
}

/// A gateway in a process of its own, once it said that it is ready.
pub struct Process {
    child: Child,
    /// What it printed until it was ready.
    pub printed: String,
    log: Option<JoinHandle<String>>,
}

impl Process {
    /// Starts it and waits until it is ready.
    pub fn start(arguments: &[&str], database: &str, state: &StateDir) -> Self {
        Self::of(emgate(arguments, database, state))
    }

    /// Starts what a command says and waits until it is ready.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let log = keep_log(&mut child);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (heard, lines) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| heard.send(line))
        });
        let (mut printed, until) = (String::new(), Instant::now() + PATIENCE);
        while !printed.contains("health, metrics") {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => printed += &(line + "\n"),
                Err(why) => {
                    child.kill().unwrap();
                    panic!("not ready ({why}): {printed}{}", log.join().unwrap());
                }
            }
        }
        Self { child, printed, log: Some(log) }
    }

    /// A client of the plain listener whose printed line holds this.
    pub fn client(&self, label: &str) -> Client {
        Client::plain(self.address(label))
    }

    /// Where the listener is whose printed line holds this.
    pub fn address(&self, label: &str) -> SocketAddr {
        let line = self.printed.lines().find(|l| l.contains(label)).unwrap();
        line.rsplit("://").next().unwrap().trim_end_matches('/').parse().unwrap()
    }

    /// Kibibytes that are in memory now.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How many files and connections are open now.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// What a metric without labels says.
    pub fn gauge(&self, name: &str) -> i64 {
        value(&self.metrics(), name)
    }

    /// Waits until a metric says something; gives what it says.
    #[track_caller]
    pub fn await_gauge(&self, within: Duration, name: &str, holds: impl Fn(i64) -> bool) -> i64 {
        await_some(within, || {
            let metrics = self.metrics();
            let value = value(&metrics, name);
            if holds(value) { Ok(value) } else { Err(metrics) }
        })
    }

    /// Waits until health says this of Kafka, which leaves a node ready and is degraded or not.
    #[track_caller]
    pub fn await_kafka(&self, within: Duration, standing: &str) {
        await_some(within, || {
            let answer = self.client("health, metrics").get("/health/ready");
            let report: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!((answer.status, &report["status"]), (200, &"ready".into()), "{report}");
            if report["kafka"] != standing {
                return Err(report);
            }
            assert_eq!(report["degraded"], standing != "connected", "{report}");
            Ok(())
        });
    }

    fn metrics(&self) -> String {
        self.client("health, metrics").get("/metrics").body
    }

    /// Sends a signal by its name without SIG.
    pub fn signal(&self, name: &str) {
        // the shell's own kill: a bare machine has no other
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Sends SIGTERM and gives back what was logged.
    #[track_caller]
    pub fn end(mut self) -> String {
        self.signal("TERM");
        let (status, log) = end_of(&mut self.child, self.log.take().unwrap(), PATIENCE);
        assert!(status.success(), "{log}");
        log
    }
}

/// The value of a metric without labels in the text of `/metrics`.
fn value(metrics: &str, name: &str) -> i64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap().trim().parse().unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.log.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
