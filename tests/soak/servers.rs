//! A private Postgres that keeps what it was told to keep, and a private Apache Kafka: started, stopped, killed and frozen at will.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server that one of the scripts runs.
pub(crate) struct Server {
    script: PathBuf,
    run_dir: PathBuf,
    name: &'static str,
}

/// Sends a signal, by its name without SIG, to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    // the shell's own kill: a bare machine has no other
    let done = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).stderr(Stdio::null()).status();
    drop(done);
}

/// Whether a process is there and not just waiting to be forgotten.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

impl Server {
    /// The Postgres of a run.
    pub(crate) fn postgres(run_dir: &Path) -> Self {
        Self::of(run_dir, "postgres")
    }

    /// The Kafka of a run.
    pub(crate) fn kafka(run_dir: &Path) -> Self {
        Self::of(run_dir, "kafka")
    }

    fn of(run_dir: &Path, name: &'static str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name);
        Self { script, run_dir: run_dir.to_owned(), name }
    }

    fn run(&self, verb: &str) -> Result<(), String> {
        let jars = Path::new(env!("CARGO_MANIFEST_DIR")).join(".run/kafka-jars");
        let mut command = Command::new(&self.script);
        command
            .arg(verb)
            .env("EMGATE_RUN_DIR", &self.run_dir)
            .env("POSTGRES_OPTIONS", "-c max_connections=200 -c synchronous_commit=on")
            .env("KAFKA_HEAP", "384m")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        if std::env::var_os("EMGATE_JARS").is_none() {
            command.env("EMGATE_JARS", jars);
        }
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("scripts/{} {verb}: {other:?}", self.name)),
        }
    }

    /// Starts it and waits until it is ready; the time that took.
    pub(crate) fn start(&self) -> Result<Duration, String> {
        let begun = Instant::now();
        self.run("start").map(|()| begun.elapsed())
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(&self) {
        drop(self.run("stop"));
    }

    /// Stops it and deletes what it kept.
    pub(crate) fn remove(&self) {
        drop(self.run("remove"));
    }

    fn kept(&self, file: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.run_dir.join(self.name).join(file)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.kept("port").and_then(|p| p.parse().ok()).unwrap()
    }

    /// The secret of its superuser `em`.
    pub(crate) fn secret(&self) -> String {
        self.kept("password").unwrap()
    }

    fn pid(&self) -> Option<u32> {
        let text = match self.name {
            "kafka" => self.kept("pid")?,
            _ => std::fs::read_to_string(format!("{}/postmaster.pid", self.kept("data-folder")?)).ok()?,
        };
        text.lines().next()?.trim().parse().ok().filter(|pid| lives(*pid))
    }

    /// Sends it a signal and, when that ends it, waits for the end; an error: there is no process.
    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        let pid = self.pid().ok_or_else(|| format!("SIG{name}: {} has no process", self.name))?;
        signal(pid, name);
        if ["KILL", "QUIT"].contains(&name) {
            let until = Instant::now() + Duration::from_secs(20);
            while lives(pid) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(())
    }
}
