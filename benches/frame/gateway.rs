//! A gateway process with limits raised so that a bench measures the work and not the limits.

use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;

/// The settings that differ from the defaults, as the gateway reads them.
pub(crate) const SETTINGS: &str = "\
[limits]
connections = 20000
connections_per_address = 20000
handshakes_per_worker = 4096
soap_in_flight = 20000
keep_alive_seconds = 3600
";

/// What one gateway does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Role {
    /// Comma-separated roles; all when empty.
    pub(crate) roles: &'static str,
    /// Broker and topic prefix, when it copies events.
    pub(crate) kafka: Option<(String, String)>,
}

/// A running gateway; it ends with this value.
pub(crate) struct Gateway {
    child: Child,
    folder: PathBuf,
    /// Its TLS listener.
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// Starts one on a database, with its state in a folder, and waits until it accepts connections.
    pub(crate) fn start(folder: &Path, database_url: &str, role: &Role) -> Outcome<Self> {
        Self::launch(folder, database_url, role).map(|(gateway, _)| gateway)
    }

    /// Starts one and says how long it took from there to the first accepted connection.
    pub(crate) fn launch(folder: &Path, database_url: &str, role: &Role) -> Outcome<(Self, Duration)> {
        let taken = |outcome: &Outcome<_>| outcome.as_ref().is_err_and(|e| e.to_string().contains("in use"));
        let mut outcome = Self::launch_once(folder, database_url, role);
        // a port that was free a moment ago may have become the near end of a connection
        for _ in 0..4 {
            if taken(&outcome) {
                outcome = Self::launch_once(folder, database_url, role);
            }
        }
        outcome
    }

    fn launch_once(folder: &Path, database_url: &str, role: &Role) -> Outcome<(Self, Duration)> {
        std::fs::create_dir_all(folder)?;
        let settings = folder.join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;
        let ports = [free_port()?, free_port()?, free_port()?];
        let log = File::create(folder.join("gateway.log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_emgate"));
        command
            .args(["serve", "--address", "127.0.0.1", "--node-name", "bench", "--log", "warn"])
            .arg("--config")
            .arg(&settings)
            .arg("--state-dir")
            .arg(folder)
            .arg("--first-secret-file")
            .arg(folder.join("admin-secret"));
        for (flag, port) in ["--http-port", "--https-port", "--admin-port"].iter().zip(ports) {
            command.arg(flag).arg(port.to_string());
        }
        if !role.roles.is_empty() {
            command.args(["--roles", role.roles]);
        }
        if let Some((kafka, prefix)) = &role.kafka {
            command.args(["--kafka", kafka, "--topic-prefix", prefix]);
        }
        command.env("DATABASE_URL", database_url).stdin(Stdio::null()).stderr(log.try_clone()?).stdout(log);
        let begun = Instant::now();
        let child = command.spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], ports[1]));
        let mut gateway = Self { child, folder: folder.to_owned(), address };
        std::fs::write(gateway.pid_file(), gateway.pid().to_string())?;
        while TcpStream::connect(address).is_err() {
            if gateway.child.try_wait()?.is_some() || begun.elapsed() > Duration::from_secs(30) {
                let said = std::fs::read_to_string(folder.join("gateway.log")).unwrap_or_default();
                return Err(format!("the gateway did not start: {said}").into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok((gateway, begun.elapsed()))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Password of `admin`.
    pub(crate) fn password(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.folder.join("admin-secret"))?.trim().to_owned())
    }

    /// The certificate to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("tls-certificate.pem")
    }

    /// Asks it to end and waits for that.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.ask_to_end();
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > Duration::from_secs(20) {
                return Err("the gateway did not end within 20 seconds".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Where `scripts/stop` looks, should this program be killed.
    fn pid_file(&self) -> PathBuf {
        self.folder.with_file_name("gateway.pid")
    }

    fn ask_to_end(&self) {
        let _gone = Command::new("kill").arg(self.child.id().to_string()).stderr(Stdio::null()).status();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _gone = self.child.kill();
            let _waited_for = self.child.wait();
        }
        let _gone = std::fs::remove_file(self.pid_file());
    }
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
