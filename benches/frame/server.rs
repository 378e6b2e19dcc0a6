//! The private Postgres: statements through `psql`, databases made from templates, restarts with a slow disk.
//!
//! The server itself is started and ended by `scripts/bench`; what is needed of its address stands in `DATABASE_URL`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Outcome;

/// The server and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    host: String,
    port: String,
    user: String,
    password: String,
}

impl Server {
    /// Reads `DATABASE_URL`, as `scripts/postgres env` prints it.
    pub(crate) fn from_environment() -> Outcome<Self> {
        let url = std::env::var("DATABASE_URL")
            .map_err(|_| "DATABASE_URL is not set: run this through `make bench`")?;
        let parts = url.strip_prefix("postgres://").and_then(|rest| {
            let (who, place) = rest.split_once('@')?;
            let (user, password) = who.split_once(':')?;
            let (host, port) = place.split_once('/')?.0.split_once(':')?;
            Some((user, password, host, port))
        });
        let (user, password, host, port) =
            parts.ok_or("DATABASE_URL is not postgres://user:password@host:port/name")?;
        let own = str::to_owned;
        Ok(Self { host: own(host), port: own(port), user: own(user), password: own(password) })
    }

    /// The address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        let Self { host, port, user, password } = self;
        format!("postgres://{user}:{password}@{host}:{port}/{database}")
    }

    /// A program of the Postgres package that talks to a database; the password goes by the environment.
    pub(crate) fn program(&self, name: &str, database: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env("PGHOST", &self.host)
            .env("PGPORT", &self.port)
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", database)
            .env("PGOPTIONS", "-c statement_timeout=0 -c jit=off")
            .stdin(Stdio::null());
        command
    }

    /// Runs statements and gives what they print, columns with tabs between them.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> Outcome<String> {
        let mut psql = self.program("psql", database);
        psql.args(["-qAtX", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().ok_or("psql takes no input")?;
        let statements = statements.to_owned();
        let writer = std::thread::spawn(move || input.write_all(statements.as_bytes()));
        let output = child.wait_with_output()?;
        let _what_psql_left_unread = writer.join();
        if !output.status.success() {
            return Err(format!("SQL on {database}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Makes a database as a copy of another one that nobody uses; one of that name goes first.
    pub(crate) fn copy(&self, name: &str, of: &str) -> Outcome<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name} TEMPLATE {of} STRATEGY file_copy; CHECKPOINT"))
            .map(drop)
    }

    /// Drops a database.
    pub(crate) fn drop(&self, name: &str) -> Outcome<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).map(drop)
    }

    /// Ends what a sample before has left to write, so that the next one does not pay for it.
    pub(crate) fn settle(&self) -> Outcome<()> {
        self.sql("postgres", "CHECKPOINT").map(drop)
    }

    /// The postmaster.
    pub(crate) fn pid(&self) -> Outcome<u32> {
        let file = self.sql("postgres", "SELECT pg_read_file('postmaster.pid')")?;
        Ok(file.lines().next().unwrap_or_default().trim().parse()?)
    }

    /// Restarts the server; with a library named, that is loaded before all others.
    pub(crate) fn restart(&self, preload: Option<&PathBuf>) -> Outcome<()> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
        for step in ["stop", "start"] {
            let mut command = Command::new(script);
            command.arg(step).stdin(Stdio::null()).stderr(Stdio::null());
            if let (Some(library), "start") = (preload, step) {
                command.env("POSTGRES_PRELOAD", library);
            }
            if !command.status()?.success() {
                return Err(format!("scripts/postgres {step} did not succeed").into());
            }
        }
        Ok(())
    }
}
