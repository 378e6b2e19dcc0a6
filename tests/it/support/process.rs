//! The program in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use super::gateway::StateDir;
use super::http::Client;

/// The program with free ports on loopback and nothing of the caller's settings.
pub fn emgate(arguments: &[&str], database: &str, state: &StateDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emgate"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EMGATE_")) {
        command.env_remove(name);
    }
    command
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
        let mut child = emgate(arguments, database, state).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut printed = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !printed.contains("health, metrics") {
            match lines.next() {
                Some(line) => printed += &(line.unwrap() + "\n"),
                None => panic!("ended early: {printed}{}", log.join().unwrap()),
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

    /// Sends a signal by its name without SIG.
    pub fn signal(&self, name: &str) {
        // the shell's own kill: a bare machine has no other
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Sends SIGTERM and gives back what was logged.
    pub fn end(mut self) -> String {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success());
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.log.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
