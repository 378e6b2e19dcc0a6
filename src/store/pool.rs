//! Connections that wait to be used.
//!
//! Promises that a connection which stood idle is looked at before it is given out, so that one the server has cut meanwhile fails nobody.
//! One that was used well a moment ago is given out as it is: asking the server first takes as long as a lookup by key.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::r2d2::{self, ConnectionManager, ManageConnection};

/// How long a connection is trusted after its last use; a server does not start again sooner.
pub(super) const TRUSTED: Duration = Duration::from_millis(100);

/// Is refused over a connection to a server that has become a standby: such a connection holds, and nothing can be written over it.
const CAN_WRITE: &str = "DO $$ BEGIN IF current_setting('transaction_read_only')::boolean THEN \
    RAISE read_only_sql_transaction; END IF; END $$";

/// The pool.
pub(super) type Pool = r2d2::Pool<Connections>;

/// Opens connections and knows which still hold.
#[derive(Debug)]
pub(super) struct Connections {
    manager: ConnectionManager<PgConnection>,
    session: &'static str,
}

/// A connection and when it came back.
pub(super) struct Pooled {
    connection: PgConnection,
    /// None: something has failed over it.
    used_at: Option<Instant>,
    failed: bool,
}

impl Connections {
    /// To this address, each set by these statements.
    pub(super) fn to(url: &str, session: &'static str) -> Self {
        Self { manager: ConnectionManager::new(url), session }
    }
}

impl ManageConnection for Connections {
    type Connection = Pooled;
    type Error = r2d2::Error;

    fn connect(&self) -> Result<Pooled, r2d2::Error> {
        let mut connection = self.manager.connect()?;
        connection.batch_execute(self.session).map_err(r2d2::Error::QueryError)?;
        Ok(Pooled { connection, used_at: Some(Instant::now()), failed: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), r2d2::Error> {
        match pooled.used_at {
            Some(at) if at.elapsed() < TRUSTED => Ok(()),
            Some(_) => self.manager.is_valid(pooled),
            None => pooled.batch_execute(CAN_WRITE).map_err(r2d2::Error::QueryError),
        }
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        let failed = std::mem::take(&mut pooled.failed);
        pooled.used_at = (!failed).then(Instant::now);
        self.manager.has_broken(pooled)
    }
}

impl Pooled {
    /// Something has failed over it: it is looked at before it is used again.
    pub(super) fn doubt(&mut self) {
        self.failed = true;
    }
}

impl Deref for Pooled {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
