//! An Apache Kafka of one test's own, which it may stop, kill and start again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A broker; its topics end with this value.
pub struct Broker {
    dir: PathBuf,
    settings: Vec<(&'static str, String)>,
}

impl Broker {
    /// Starts one; `None`: the jars or Java are not here.
    pub fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new())
    }

    /// Starts one with variables of scripts/kafka, which are told its folder.
    pub fn start_with(settings: impl FnOnce(&Path) -> Vec<(&'static str, String)>) -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !jars().is_dir() || !java.is_ok_and(|s| s.success()) {
            eprintln!("not run: no jars of Apache Kafka in {}, or no Java", jars().display());
            return None;
        }
        let n = NEXT.fetch_add(1, Ordering::SeqCst);
        let dir = std::env::temp_dir().join(format!("emgate-broker-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let broker = Self { settings: settings(&dir), dir };
        broker.run("start");
        Some(broker)
    }

    /// Starts it again, on the port it had.
    pub fn start_again(&self) {
        self.run("start");
    }

    /// Stops it as an operator does.
    pub fn stop(&self) {
        self.run("stop");
    }

    /// Kills it with -9.
    pub fn kill(&self) {
        let done =
            Command::new("sh").args(["-c", &format!("kill -9 {}", self.read("pid"))]).status().unwrap();
        assert!(done.success());
    }

    /// Its address.
    pub fn servers(&self) -> String {
        format!("127.0.0.1:{}", self.read("port"))
    }

    fn run(&self, verb: &str) {
        let done = Command::new(root().join("scripts/kafka"))
            .arg(verb)
            .env("EMGATE_RUN_DIR", &self.dir)
            .env("EMGATE_JARS", jars())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .status()
            .unwrap();
        assert!(done.success(), "scripts/kafka {verb}");
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.dir.join("kafka").join(file)).unwrap().trim().to_owned()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.run("remove");
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn jars() -> PathBuf {
    std::env::var_os("EMGATE_JARS").map_or_else(|| root().join(".run/kafka-jars"), PathBuf::from)
}
