//! A database for one test, cloned from a template that holds the migrated schema.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::{TimeZone, Utc};
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use emgate::clock::{Clock, IdSource, ManualClock};
use emgate::store::{Db, migrate};

use super::waiting::await_some;

/// A migrated database that is dropped with this value.
pub struct TestDatabase {
    name: String,
    /// Address of the database.
    pub url: String,
    /// The role made for it.
    role: Option<String>,
}

fn server() -> (String, String) {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the test server; `make test` sets it");
    let (server, _) = url.rsplit_once('/').expect("DATABASE_URL ends in a database name");
    (server.to_owned(), url)
}

/// Makes the template once a test run; its name carries this process, so that two runs never share one.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let (server, url) = server();
        let name = format!("emgate_template_{}", std::process::id());
        let mut root = PgConnection::establish(&url).expect("test server");
        root.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
        root.batch_execute(&format!(
            "CREATE DATABASE {name} ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0"
        ))
        .unwrap();
        let mut inside = PgConnection::establish(&format!("{server}/{name}")).unwrap();
        migrate::run(&mut inside).expect("migrations");
        name
    })
}

impl TestDatabase {
    /// Clones the template.
    pub fn new() -> Self {
        Self::cloned_from(template())
    }

    /// Makes one without any table.
    pub fn empty() -> Self {
        Self::cloned_from("template0")
    }

    /// Makes one without any table that belongs to a role without rights beyond it, as operators make them.
    pub fn of_an_ordinary_role() -> Self {
        let mut database = Self::empty();
        let (server, root_url) = server();
        let mut root = PgConnection::establish(&root_url).unwrap();
        let role = database.name.clone();
        root.batch_execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{role}'; ALTER DATABASE {role} OWNER TO {role}"
        ))
        .unwrap();
        let (scheme, rest) = server.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        database.url = format!("{scheme}://{role}:{role}@{host}/{role}");
        database.role = Some(role);
        database
    }

    fn cloned_from(template: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
        let (server, root_url) = server();
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let name = format!("emgate_test_{}_{n}", std::process::id());
        let mut root = PgConnection::establish(&root_url).unwrap();
        root.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
        root.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
        Self { url: format!("{server}/{name}"), name, role: None }
    }

    /// Opens it with seeded ids and a clock that stands at 2026-03-02 08:00 UTC.
    pub fn open(&self) -> (Db, ManualClock) {
        let clock = ManualClock::at(Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap());
        let db = Db::open(&self.url, 8, Clock::Manual(clock.clone()), IdSource::counted()).unwrap();
        (db, clock)
    }

    /// Opens it as production does: the database's clock, random ids.
    pub fn open_real(&self) -> Db {
        Db::open(&self.url, 8, Clock::Database, IdSource::Random).unwrap()
    }
}

/// Waits until so many transactions of a database wait for a lock.
#[track_caller]
pub fn await_lock_waiters(database: &TestDatabase, count: i64) {
    use diesel::prelude::*;
    diesel::table! {
        pg_stat_activity (pid) { pid -> Integer, datname -> Text, wait_event_type -> Nullable<Text> }
    }
    // on a connection of its own, each look outside a transaction, which would see the same list for ever
    let mut watcher = PgConnection::establish(&database.url).unwrap();
    await_some(Duration::from_secs(30), || {
        let waiting: i64 = pg_stat_activity::table
            .filter(pg_stat_activity::wait_event_type.eq("Lock"))
            .filter(pg_stat_activity::datname.eq(&database.name))
            .count()
            .get_result(&mut watcher)
            .unwrap();
        if waiting >= count { Ok(()) } else { Err(format!("{waiting} of {count} wait for a lock")) }
    });
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (_, root_url) = server();
        if let Ok(mut root) = PgConnection::establish(&root_url) {
            let _ = root.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
            if let Some(role) = &self.role {
                let _ = root.batch_execute(&format!("DROP ROLE IF EXISTS {role}"));
            }
        }
    }
}
