//! One live node a name: a session-level advisory lock that lasts as long as its connection (design.md 21).
//!
//! Postgres gives it back by itself when the process dies, so a restart needs no clean end before it.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer};

use super::{Db, StoreError};
use crate::domain::names::fold;

diesel::define_sql_function! {
    /// Takes a session-level advisory lock if nobody has it.
    fn pg_try_advisory_lock(key: BigInt) -> diesel::sql_types::Bool;
}

/// The server notices within seconds that the other side of the connection is gone; by itself it would hold the lock for hours.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2";
/// How long the lock of a connection that broke may outlive it.
const AFTERLIFE: Duration = Duration::from_secs(5);
/// Between two attempts to take the lock again.
const AGAIN: Duration = Duration::from_millis(100);

/// The right to be the node of a name.
pub struct NodeLock {
    connection: PgConnection,
    key: i64,
}

/// What asking for it came to.
pub enum NodeName {
    /// It is ours.
    Taken(NodeLock),
    /// A live node has it.
    InUse,
}

impl NodeLock {
    /// Asks for a name, once.
    pub fn take(db: &Db, name: &str) -> Result<NodeName, StoreError> {
        let key = key(name);
        let mut connection = connect(db)?;
        if diesel::select(pg_try_advisory_lock(key)).get_result::<bool>(&mut connection)? {
            return Ok(NodeName::Taken(Self { connection, key }));
        }
        Ok(NodeName::InUse)
    }

    /// Sees whether the connection lives; a lock that went with its connection is asked for again, for some seconds: the server may
    /// still be at the end of the old connection.
    pub fn renew(&mut self, db: &Db) -> Result<bool, StoreError> {
        let alive = diesel::select(1.into_sql::<Integer>()).get_result::<i32>(&mut self.connection);
        if alive.is_ok() {
            return Ok(true);
        }
        self.connection = connect(db)?;
        let until = Instant::now() + AFTERLIFE;
        loop {
            if diesel::select(pg_try_advisory_lock(self.key)).get_result::<bool>(&mut self.connection)? {
                return Ok(true);
            }
            if Instant::now() > until {
                return Ok(false);
            }
            std::thread::sleep(AGAIN);
        }
    }
}

fn connect(db: &Db) -> Result<PgConnection, StoreError> {
    let mut connection = db.connect()?;
    connection.batch_execute(KEEPALIVE)?;
    Ok(connection)
}

fn key(name: &str) -> i64 {
    let digest =
        ring::digest::digest(&ring::digest::SHA256, format!("emgate node {}", fold(name)).as_bytes());
    digest.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
