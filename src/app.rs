//! The composition root: settings in, a running gateway out. The only place that wires things together.
//!
//! Refuses to start, with a text that says what to do, when the database is away or older than this binary, when
//! another live node has the name, or when an address is taken.

mod first_administrator;
mod node;
mod publishing;
mod services;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::pepper::PepperError;
use crate::axl::Axl;
use crate::clock::{Clock, IdSource};
use crate::config::{Config, ConfigError, NodeRole};
use crate::em::api::{self, Api};
use crate::em::phone_app;
use crate::em::service::Em;
use crate::em::texts::{Texts, TextsError};
use crate::em::visit::PhonePage;
use crate::em::{audit, credential, lockout_event, operator, sweep};
use crate::event::EventError;
use crate::event::gauges;
use crate::event::publisher::Publisher;
use crate::http::health::{Health, Told};
use crate::http::{Addresses, Doors, Front, HttpError, Servers};
use crate::shutdown;
use crate::store::node_lock::{NodeLock, NodeName};
use crate::store::{Db, StoreError, migrate};
use crate::telemetry::Metrics;

pub use first_administrator::FirstSecret;

/// How often the node makes sure that it still has its name.
const RENEW: Duration = Duration::from_secs(2);

/// How often the node makes sure that all its parts still run.
const LOOK: Duration = Duration::from_secs(1);

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
    /// The pepper.
    #[error(transparent)]
    Pepper(#[from] PepperError),
    /// The system has no randomness, or the hash settings are out of range.
    #[error("secrets cannot be made or hashed; look at the settings under [credentials]")]
    Randomness,
    /// A mistake of ours.
    #[error("a part of the start has panicked; the log says where")]
    Panicked,
    /// The first secret cannot be kept.
    #[error("node.first_secret_file: cannot write {path}: {source}", path = path.display())]
    SecretFile {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What a start adds by itself cannot be added.
    #[error("the first rows of this node cannot be made: {0}")]
    Event(#[from] EventError),
    /// The threads of the publisher.
    #[error("the publisher cannot start: {0}")]
    Publisher(#[source] std::io::Error),
    /// A file of texts for phones.
    #[error(transparent)]
    Texts(#[from] TextsError),
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
    publisher: Option<Publisher>,
    em: Em,
    first_secret: Option<FirstSecret>,
    name_lost: watch::Receiver<bool>,
    name: JoinHandle<()>,
    sweep: Option<JoinHandle<()>>,
    audit: Option<JoinHandle<()>>,
}

impl App {
    /// Starts everything that the settings ask for.
    pub async fn start(config: &Config, migrations: Migrations) -> Result<Self, StartError> {
        make_state_dir(config)?;
        let db = Db::open(config.database.url(), config.database.pool, Clock::Database, IdSource::Random)?;
        let metrics = Metrics::default();
        check_migrations(&db, migrations).await?;
        let lock = take_name(&db, &config.node.name).await?;
        let origin = services::origin(&db, config).await?;
        let publisher = publishing::start(&db, config, &origin)?;
        if let Some(publisher) = &publisher {
            metrics.register(|registry| gauges::register(registry, publisher.waker()));
        }
        let wake = publishing::wake(publisher.as_ref());
        let locked = lockout_event::listener(db.clone(), origin.clone(), Arc::clone(&wake));
        let verifier = services::verifier(&db, config, locked).await?;
        node::register(&db, &origin).await?;
        let secret_file = config.node.first_secret_file.as_deref();
        let first_secret = first_administrator::ensure(&db, &verifier, &origin, secret_file).await?;
        let (lost, name_lost) = watch::channel(false);
        let most_waiting = config.limits.logins_waiting;
        let em = Em::start(db.clone(), verifier.clone(), origin, most_waiting, Arc::clone(&wake));
        let em = if config.events.audit { em.with_audit() } else { em };
        let audit = config.events.audit.then(|| tokio::spawn(audit::run(em.clone())));
        metrics.register(|registry| em.register(registry));
        let axl = Axl::new(em.clone(), wake);
        let copying = publishing::copying(publisher.as_ref(), config);
        let sign_ins = services::sign_ins(&db, verifier).await?;
        let proxies = em.clone();
        let told = Told {
            copying,
            last_proxy: Arc::new(move || proxies.last_proxy()),
            standing: services::warnings(&db, config).await?,
        };
        let health = Health::new(db.clone(), &config.node.name, told);
        metrics.register(|registry| health.register(registry));
        let page = PhonePage {
            em: em.clone(),
            default_authority: services::default_authority(config),
            texts: Arc::new(Texts::load(config.phone.texts_dir.as_deref())?),
        };
        let api = Api::new(em.clone());
        let operated = em.clone();
        let doors = if config.node.has_role(NodeRole::Http) { Doors::All } else { Doors::AdminOnly };
        let servers = Servers::start(&Front {
            doors,
            http: config.http.clone(),
            limits: config.limits.clone(),
            state_dir: config.node.state_dir.clone(),
            ids: IdSource::Random,
            metrics: metrics.clone(),
            admit: services::admit(sign_ins),
            health: health.clone(),
            phone: Arc::new(move |routes| {
                phone_app::routes(routes, page.clone());
                api::routes(routes, api.clone());
                credential::page::routes(routes);
            }),
            soap: Arc::new(axl.mount()),
            operator: Arc::new(move |routes| operator::http::routes(routes, operated.clone())),
        })?;
        let sweep = config.node.has_role(NodeRole::Sweep).then(|| tokio::spawn(sweep::run(em.clone())));
        let name = tokio::spawn(keep_name(db, lock, lost));
        Ok(Self { servers, health, metrics, publisher, em, sweep, audit, first_secret, name_lost, name })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.servers.addresses()
    }

    /// The first administrator's secret, when this start made one.
    pub fn first_secret(&self) -> Option<&FirstSecret> {
        self.first_secret.as_ref()
    }

    /// Its Extension Mobility service.
    pub fn em(&self) -> &Em {
        &self.em
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

    /// Waits until a part has ended that should run as long as the process, which only a mistake of ours makes happen; names it.
    pub async fn failed(&self) -> &'static str {
        loop {
            if let Some(part) = self.ended() {
                return part;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn ended(&self) -> Option<&'static str> {
        let task_runs = |task: &JoinHandle<()>| !task.is_finished();
        let parts = [
            ("the watch over the node name", task_runs(&self.name)),
            ("the sweep", self.sweep.as_ref().is_none_or(task_runs)),
            ("the audit of refusals", self.audit.as_ref().is_none_or(task_runs)),
            ("the publisher", self.publisher.as_ref().is_none_or(Publisher::is_running)),
            ("a writer of logins", self.em.can_write()),
            ("an HTTP server", self.servers.are_running()),
        ];
        parts.into_iter().find(|(_, runs)| !runs).map(|(part, _)| part)
    }

    /// Ends in order: accept nothing, finish requests, write what waits, flush, give the name back.
    pub async fn stop(self) {
        self.health.stop();
        if let Some(sweep) = &self.sweep {
            sweep.abort();
        }
        self.servers.drain().await;
        let em = self.em.clone();
        shutdown::within_on_thread("writers of logins", shutdown::FLUSH, move || em.finish()).await;
        self.em.close_audit();
        if let Some(audit) = self.audit {
            shutdown::within("audit of refusals", shutdown::FLUSH, async { drop(audit.await) }).await;
        }
        if let Some(publisher) = self.publisher {
            shutdown::within_on_thread("publisher", shutdown::FLUSH, || publisher.stop()).await;
        }
        self.name.abort();
        shutdown::within("http", shutdown::FLUSH, self.servers.stop()).await;
    }
}

/// Runs a closure that blocks, off the async threads.
async fn blocking<T, E>(f: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, StartError>
where
    T: Send + 'static,
    E: Into<StartError> + Send + 'static,
{
    let joined = tokio::task::spawn_blocking(f).await;
    joined.map_err(|_| StartError::Panicked)?.map_err(Into::into)
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
