//! Gateways as processes of their own, on ports that they keep over restarts.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::checker::journal::Micros;
use super::client::now;
use super::servers::signal;

/// What all nodes of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The program.
    pub(crate) program: PathBuf,
    /// Where logs and state are kept.
    pub(crate) run_dir: PathBuf,
    /// The database, as gateways reach it.
    pub(crate) database: String,
    /// Further flags of `serve`.
    pub(crate) kafka: Vec<String>,
}

/// One node, running or not.
pub(crate) struct Gateway {
    settings: Settings,
    name: String,
    /// Where TLS is.
    pub(crate) tls: SocketAddr,
    admin: SocketAddr,
    phones: SocketAddr,
    child: Option<Child>,
    started: Instant,
    /// When it was killed.
    pub(crate) kills: Vec<Micros>,
}

/// A loopback port that nobody has.
pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Gateway {
    /// A node that does not run yet.
    pub(crate) fn new(settings: &Settings, name: &str) -> Self {
        let (tls, admin, phones) = (free_port(), free_port(), free_port());
        let settings = settings.clone();
        std::fs::create_dir_all(settings.run_dir.join(name)).unwrap();
        Self {
            settings,
            name: name.to_owned(),
            tls,
            admin,
            phones,
            child: None,
            started: Instant::now(),
            kills: Vec::new(),
        }
    }

    /// Where it keeps its certificate and pepper.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.settings.run_dir.join(&self.name)
    }

    /// Its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.settings.run_dir.join(format!("{}.log", self.name))
    }

    /// Starts it and does not wait.
    pub(crate) fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut command = Command::new(&self.settings.program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("EMGATE_")) {
            command.env_remove(name);
        }
        let config = self.settings.run_dir.join("gateway.toml");
        command
            .args(["serve", "--migrate", "--node-name", &self.name, "--address", "127.0.0.1"])
            .arg("--config")
            .arg(config)
            .arg("--state-dir")
            .arg(self.state_dir())
            .arg("--first-secret-file")
            .arg(self.settings.run_dir.join("secret"))
            .args([
                "--https-port",
                &self.tls.port().to_string(),
                "--admin-port",
                &self.admin.port().to_string(),
            ])
            .args(["--http-port", &self.phones.port().to_string()])
            .args(&self.settings.kafka)
            .env("DATABASE_URL", &self.settings.database)
            // Ctrl-C is for the harness, which ends what it started
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.started = Instant::now();
        let child = command.spawn().unwrap();
        note_pid(&self.settings.run_dir, &self.name, child.id());
        self.child = Some(child);
    }

    /// Waits until it is ready; the time since its start.
    pub(crate) fn await_ready(&mut self, most: Duration) -> Result<Duration, String> {
        let until = Instant::now() + most;
        loop {
            if self.is_ready() {
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.ended() {
                return Err(format!("node {} ended: {status}, see {}", self.name, self.log().display()));
            }
            if Instant::now() > until {
                return Err(format!("node {} is not ready, see {}", self.name, self.log().display()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How it ended, when it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        Some(status.to_string())
    }

    /// Whether it is meant to run.
    pub(crate) fn is_started(&self) -> bool {
        self.child.is_some()
    }

    fn is_ready(&self) -> bool {
        get(self.admin, "/health/ready").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// The value of a metric without labels.
    pub(crate) fn gauge(&self, name: &str) -> Option<i64> {
        let metrics = get(self.admin, "/metrics")?;
        let value = metrics.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// Whether it numbers and publishes.
    pub(crate) fn leads(&self) -> bool {
        self.is_started() && self.gauge("em_relay_is_leader") == Some(1)
    }

    /// Waits until all that it refused is in the event log.
    pub(crate) fn await_audit(&self, most: Duration) -> Result<(), String> {
        let until = Instant::now() + most;
        while self.gauge("em_audit_waiting") != Some(0) {
            if Instant::now() > until {
                return Err(format!("node {} does not tell of all that it refused", self.name));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Kills it with -9 and waits for the end.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
            self.kills.push(now());
        }
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            signal(child.id(), name);
        }
    }

    /// Ends it as an operator does; the text says what was wrong with that.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        signal(child.id(), "TERM");
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match child.try_wait().unwrap() {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("node {} ended with {status}", self.name)),
                None if Instant::now() > until => {
                    drop(child.kill());
                    drop(child.wait());
                    return Err(format!("node {} did not end within 30 s of SIGTERM", self.name));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.signal("CONT");
        self.kill();
    }
}

/// Notes a process, so that the script that started the harness can end it when the harness could not.
pub(crate) fn note_pid(run_dir: &Path, name: &str, pid: u32) {
    std::fs::write(run_dir.join(format!("{name}.pid")), pid.to_string()).unwrap();
}

/// GET on a plain listener; none: it does not answer.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let wait = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, wait).ok()?;
    stream.set_read_timeout(Some(wait)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
