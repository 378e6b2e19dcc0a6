//! The composition root: settings in, a running gateway out. The only place that wires things together.
//!
//! Refuses to start, with a text that says what to do, when the database is away or older than this binary, when
//! another live node has the name, or when an address is taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::{Clock, IdSource};
use crate::config::{Config, ConfigError};
use crate::http::health::{Copying, Health};
use crate::http::{Addresses, Front, HttpError, PasswordCheck, Servers};
use crate::shutdown;
use crate::store::node_lock::{NodeLock, NodeName};
use crate::store::{Db, StoreError, migrate};
use crate::telemetry::Metrics;

/// How often the node makes sure that it still has its name.
const RENEW: Duration = Duration::from_secs(2);

/// How long a start waits for the name, so that a restart may overlap the end of the process before it.
const NAME_WAIT: Duration = Duration::from_millis(1_500);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database does not answer.
    #[error("the database cannot be used: {0}; look at DATABASE_URL")]
    Database(#[from] StoreError),
    /// The database is older than this binary.
    #[error(
        "the database lacks {0} migrations, the first is {1}; run `emgate migrate`, or start with --migrate"
    )]
    Migrations(usize, String),
    /// Another live node has the name.
    #[error("another live node is called \"{0}\"; give this one another --node-name")]
    NodeName(String),
    /// The state directory cannot be made.
    #[error("node.state_dir: cannot make {path}: {source}", path = path.display())]
    StateDir {
        /// The directory.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A listener or the certificate.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Whether a start may change the shape of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrations {
    /// They were run before.
    Refuse,
    /// Run what is missing.
    Run,
}

/// A running gateway.
pub struct App {
    servers: Servers,
    health: Health,
    metrics: Metrics,
    name_lost: watch::Receiver<bool>,
    name: JoinHandle<()>,
}

impl App {
    /// Starts everything that the settings ask for.
    pub async fn start(config: &Config, migrations: Migrations) -> Result<Self, StartError> {
        make_state_dir(config)?;
        let db = Db::open(config.database.url(), config.database.pool, Clock::Database, IdSource::Random)?;
        let metrics = Metrics::default();
        check_migrations(&db, migrations).await?;
        let lock = take_name(&db, &config.node.name).await?;
        let (lost, name_lost) = watch::channel(false);
        let health = Health::new(db.clone(), &config.node.name, Arc::new(|| Copying::Off), warnings(config));
        let servers = Servers::start(&Front {
            http: config.http.clone(),
            limits: config.limits.clone(),
            state_dir: config.node.state_dir.clone(),
            ids: IdSource::Random,
            metrics: metrics.clone(),
            passwords: Arc::new(|_, _| Box::pin(async { PasswordCheck::Refused })),
            health: health.clone(),
            phone: Arc::new(|_| ()),
            soap: Arc::new(|_| ()),
        })?;
        let name = tokio::spawn(keep_name(db, lock, lost));
        Ok(Self { servers, health, metrics, name_lost, name })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.servers.addresses()
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Waits until another node has taken the name over, which only a lost database connection allows.
    pub async fn name_lost(&self) {
        let mut lost = self.name_lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends in order: accept nothing, finish requests, flush, give the name back.
    pub async fn stop(self) {
        self.health.stop();
        self.servers.drain().await;
        self.name.abort();
        shutdown::within("http", shutdown::FLUSH, self.servers.stop()).await;
    }
}

/// Runs a closure that blocks, off the async threads.
async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let joined = tokio::task::spawn_blocking(f).await;
    joined.unwrap_or_else(|e| Err(StoreError::Broken(format!("start: {e}"))))
}

fn make_state_dir(config: &Config) -> Result<(), StartError> {
    use std::os::unix::fs::DirBuilderExt;
    let path = &config.node.state_dir;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| StartError::StateDir { path: path.clone(), source })
}

async fn check_migrations(db: &Db, migrations: Migrations) -> Result<(), StartError> {
    let db = db.clone();
    let pending = blocking(move || {
        let mut connection = db.connect()?;
        match migrations {
            Migrations::Run => migrate::run(&mut connection).map(|_| Vec::new()),
            Migrations::Refuse => migrate::pending(&mut connection),
        }
    })
    .await?;
    match pending.first() {
        Some(first) => Err(StartError::Migrations(pending.len(), first.clone())),
        None => Ok(()),
    }
}

async fn take_name(db: &Db, name: &str) -> Result<NodeLock, StartError> {
    let until = tokio::time::Instant::now() + NAME_WAIT;
    loop {
        let (db, wanted) = (db.clone(), name.to_owned());
        match blocking(move || NodeLock::take(&db, &wanted)).await? {
            NodeName::Taken(lock) => return Ok(lock),
            NodeName::InUse if tokio::time::Instant::now() > until => {
                return Err(StartError::NodeName(name.to_owned()));
            }
            NodeName::InUse => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Keeps the name through reconnections; a node whose name went to another must end.
async fn keep_name(db: Db, mut lock: NodeLock, lost: watch::Sender<bool>) {
    loop {
        tokio::time::sleep(RENEW).await;
        let db = db.clone();
        let renewed = tokio::task::spawn_blocking(move || {
            let outcome = lock.renew(&db);
            (lock, outcome)
        });
        let Ok((kept, outcome)) = renewed.await else { return };
        lock = kept;
        match outcome {
            Ok(true) => (),
            Ok(false) => {
                tracing::error!("another node took the name of this one; this one ends");
                lost.send_replace(true);
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the node name cannot be renewed while the database is away")
            }
        }
    }
}

fn warnings(config: &Config) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if config.kafka.is_embedded() {
        warnings.push("embedded broker: events live in its memory only; replay needs the database");
    }
    warnings
}
