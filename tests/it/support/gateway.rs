//! A whole gateway in this process: real database of its own, real listeners on free ports.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use emgate::app::{App, Migrations};
use emgate::config::{Config, DatabaseConfig};
use emgate::em::service::Em;
use emgate::http::Addresses;
use tokio::runtime::Runtime;

use super::database::TestDatabase;
use super::http::Client;

/// A running gateway; it ends with this value, its database and files with it.
pub struct TestGateway {
    runtime: Runtime,
    app: Option<App>,
    /// Where it listens.
    pub addresses: Addresses,
    /// Password of `admin`.
    pub password: String,
    /// Its database, which other nodes may share.
    pub database: Arc<TestDatabase>,
    /// Its files.
    pub state: StateDir,
}

/// A directory that is removed with this value.
pub struct StateDir(pub PathBuf);

impl StateDir {
    /// Makes an empty one.
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let n = NEXT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("emgate-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for StateDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Settings of a test: free ports on loopback, one worker, cheap hashes.
pub fn config(database: &TestDatabase, state: &StateDir) -> Config {
    let mut config = Config { database: DatabaseConfig::at(&database.url), ..Config::default() };
    config.database.pool = 6;
    config.node.name = "test".into();
    config.node.state_dir = state.0.clone();
    config.http.address = vec!["127.0.0.1".parse().unwrap()];
    (config.http.http_port, config.http.https_port, config.http.admin_port) = (0, 0, 0);
    config.http.workers = 1;
    config.credentials.password_memory_kib = 64;
    config.credentials.password_passes = 1;
    config.credentials.pin_memory_kib = 64;
    config.credentials.pin_passes = 1;
    config
}

impl TestGateway {
    /// Starts one with the settings of [`config`].
    pub fn start() -> Self {
        Self::start_with(|_| ())
    }

    /// Starts one with other settings.
    pub fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_on(TestDatabase::new(), Migrations::Refuse, change)
    }

    /// Starts one on a database.
    pub fn start_on(
        database: TestDatabase,
        migrations: Migrations,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let state = StateDir::new();
        let mut config = config(&database, &state);
        change(&mut config);
        let (runtime, app) = serve(&config, migrations);
        let password = app.first_secret().expect("first start").expose().to_owned();
        Self {
            addresses: app.addresses(),
            app: Some(app),
            password,
            database: Arc::new(database),
            state,
            runtime,
        }
    }

    /// Starts another node on the same database.
    pub fn another_node(&self, name: &str, change: impl FnOnce(&mut Config)) -> Self {
        let state = StateDir::new();
        let mut config = config(&self.database, &state);
        config.node.name = name.into();
        config.credentials.pepper_file = Some(self.state.0.join("pepper"));
        change(&mut config);
        let (runtime, app) = serve(&config, Migrations::Refuse);
        let (password, database) = (self.password.clone(), Arc::clone(&self.database));
        Self { addresses: app.addresses(), app: Some(app), password, database, state, runtime }
    }

    /// A client of the TLS listener that trusts its certificate.
    pub fn tls(&self) -> Client {
        Client::tls(self.addresses.tls.unwrap(), &self.state.0.join("tls-certificate.pem"))
    }

    /// A client of the listener for phones.
    pub fn phone(&self) -> Client {
        Client::plain(self.addresses.phone.unwrap())
    }

    /// A client of the listener for health and metrics.
    pub fn admin(&self) -> Client {
        Client::plain(self.addresses.admin)
    }

    /// Its Extension Mobility service.
    pub fn em(&self) -> &Em {
        self.app.as_ref().expect("it runs").em()
    }

    /// The header with the credentials of `admin`.
    pub fn authorization(&self) -> String {
        basic("admin", &self.password)
    }

    /// Runs statements in its database, for what no request brings about.
    pub fn sql(&self, statements: &str) {
        let mut inside = PgConnection::establish(&self.database.url).unwrap();
        inside.batch_execute(statements).unwrap();
    }

    /// Ends in order, as SIGTERM does, and waits for it.
    pub fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            self.runtime.block_on(app.stop());
        }
    }
}

impl Drop for TestGateway {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(config: &Config, migrations: Migrations) -> (Runtime, App) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = runtime.block_on(App::start(config, migrations)).expect("gateway starts");
    (runtime, app)
}

/// The value of an `Authorization` header.
pub fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}
