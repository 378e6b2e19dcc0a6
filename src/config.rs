//! Settings of the deployment: one struct per concern, from a TOML file, the environment and flags, in rising order.
//!
//! They hold for the life of the process; what administrators change while it runs are service parameters. Secrets come
//! from files that only their owner can read, or from the environment, never from flags (SEC-1).

mod error;
mod flags;
mod limits;
mod listen;
mod load;
pub mod private_file;
mod secret;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zeroize::Zeroizing;

pub use error::ConfigError;
pub use flags::Flags;
pub use limits::Limits;
pub use secret::read_secret;

/// Everything an operator decides before the process starts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: NodeConfig,
    /// Where the truth is kept.
    pub database: DatabaseConfig,
    /// Where events go.
    pub kafka: KafkaConfig,
    /// How long events are kept.
    pub events: EventsConfig,
    /// Where we listen and under which names.
    pub http: HttpConfig,
    /// What we take from strangers.
    pub limits: Limits,
    /// How secrets are stored.
    pub credentials: CredentialConfig,
    /// What phones show.
    pub phone: PhoneConfig,
    /// What is logged.
    pub log: LogConfig,
}

/// Identity of this node and the place of its files.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodeConfig {
    /// Name of this node, unique among live nodes; the host name when empty.
    pub name: String,
    /// Id of the cluster in events; empty: the one made at the first migration.
    pub cluster_id: String,
    /// Directory of certificate, pepper and other files of this node.
    pub state_dir: PathBuf,
    /// What this process does.
    pub roles: Vec<NodeRole>,
    /// Where the first administrator's secret is kept besides the terminal; when absent: nowhere.
    pub first_secret_file: Option<PathBuf>,
}

/// One of the jobs a process can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Answers HTTP.
    Http,
    /// Numbers events and copies them to Kafka.
    Publish,
    /// Ends sessions past their limit.
    Sweep,
}

/// Connection to Postgres.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// `postgres://…`; may hold a password, so it is not printed.
    #[serde(deserialize_with = "secret::secret")]
    url: Zeroizing<String>,
    /// File that holds the address instead.
    pub url_file: Option<PathBuf>,
    /// Connections of the pool.
    pub pool: u32,
}

/// Connection to Kafka.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port[,host:port…]`, `embedded`, or the path of an embedded broker's address file; empty: no publishing.
    pub bootstrap: String,
    /// Address of the embedded broker; by default what it wrote to `broker.address` in the state directory.
    pub embedded_broker: String,
    /// What every topic name begins with.
    pub topic_prefix: String,
    /// File that holds the password of the client, its `sasl.password`.
    pub password_file: Option<PathBuf>,
    /// Further settings of the client, by its own names (`security.protocol`, `sasl.username`, …); values are not printed.
    pub client: std::collections::BTreeMap<String, String>,
}

/// The event log in the database.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsConfig {
    /// Whole days for which events that Kafka has confirmed are kept; 0: for ever.
    pub keep_days: u32,
    /// Whether refused logins and logouts are events too.
    pub audit: bool,
}

/// Listeners and names.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Addresses that the phone and TLS listeners bind, one or a list; empty: all of the machine, IPv4 and IPv6.
    #[serde(deserialize_with = "listen::one_or_more")]
    pub address: Vec<IpAddr>,
    /// Plain HTTP for phones: phone pages only.
    pub http_port: u16,
    /// TLS: everything.
    pub https_port: u16,
    /// Further ports of plain HTTP, such as 80.
    pub more_http_ports: Vec<u16>,
    /// Further ports of TLS, such as 443.
    pub more_https_ports: Vec<u16>,
    /// Health and metrics, on loopback.
    pub admin_port: u16,
    /// Names under which clients may reach us; empty: localhost, the loopback addresses, the host name and its addresses.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call the API besides our own.
    pub allowed_origins: Vec<String>,
    /// Certificate chain in PEM; made at the first start when absent.
    pub certificate: Option<PathBuf>,
    /// Private key in PEM, readable by its owner alone.
    pub private_key: Option<PathBuf>,
    /// Threads that answer requests; 0: one a core.
    pub workers: usize,
}

/// Storage of PINs and passwords.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CredentialConfig {
    /// Pepper shared by all nodes: 32 bytes in hexadecimal, readable by its owner alone; made at the first start when absent.
    pub pepper_file: Option<PathBuf>,
    /// Memory of one PIN hash in KiB.
    pub pin_memory_kib: u32,
    /// Passes of one PIN hash.
    pub pin_passes: u32,
    /// Memory of one password hash in KiB.
    pub password_memory_kib: u32,
    /// Passes of one password hash.
    pub password_passes: u32,
}

/// What phones show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhoneConfig {
    /// Directory of further languages and changed texts, one TOML file a language.
    pub texts_dir: Option<PathBuf>,
}

/// Logging.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Filter such as `info` or `emgate::em=debug`.
    pub filter: String,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            cluster_id: String::new(),
            state_dir: PathBuf::from("state"),
            roles: vec![NodeRole::Http, NodeRole::Publish, NodeRole::Sweep],
            first_secret_file: None,
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: Zeroizing::new(String::new()), url_file: None, pool: 16 }
    }
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            bootstrap: String::new(),
            embedded_broker: String::new(),
            topic_prefix: "em".into(),
            password_file: None,
            client: std::collections::BTreeMap::new(),
        }
    }
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { keep_days: 30, audit: true }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            address: Vec::new(),
            http_port: 8080,
            https_port: 8443,
            more_http_ports: Vec::new(),
            more_https_ports: Vec::new(),
            admin_port: 9090,
            hosts: Vec::new(),
            allowed_origins: Vec::new(),
            certificate: None,
            private_key: None,
            workers: 0,
        }
    }
}

impl Default for CredentialConfig {
    fn default() -> Self {
        Self {
            pepper_file: None,
            pin_memory_kib: 1024,
            pin_passes: 2,
            password_memory_kib: 19_456,
            password_passes: 2,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".into() }
    }
}

impl NodeConfig {
    /// Whether this process has a job.
    pub fn has_role(&self, role: NodeRole) -> bool {
        self.roles.contains(&role)
    }

    /// A file under the state directory.
    pub fn state_file(&self, name: &str) -> PathBuf {
        self.state_dir.join(name)
    }
}

impl Config {
    /// The file of the pepper that all nodes share.
    pub fn pepper_file(&self) -> PathBuf {
        self.credentials.pepper_file.clone().unwrap_or_else(|| self.node.state_file("pepper"))
    }
}

impl KafkaConfig {
    /// Whether records go to the embedded broker, which forgets them; its address may be that of its address file.
    pub fn is_embedded(&self) -> bool {
        self.bootstrap == "embedded" || self.bootstrap.contains('/')
    }
}

impl DatabaseConfig {
    /// Says where the database is.
    pub fn at(url: &str) -> Self {
        Self { url: Zeroizing::new(url.to_owned()), ..Self::default() }
    }

    /// The address, password included.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl std::fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url: _, url_file, pool } = self;
        f.debug_struct("DatabaseConfig")
            .field("url_file", url_file)
            .field("pool", pool)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bootstrap, embedded_broker, topic_prefix, password_file, client } = self;
        f.debug_struct("KafkaConfig")
            .field("bootstrap", bootstrap)
            .field("embedded_broker", embedded_broker)
            .field("topic_prefix", topic_prefix)
            .field("password_file", password_file)
            .field("client", &client.keys())
            .finish()
    }
}

/// The name of this machine, as the kernel knows it.
pub fn host_name() -> String {
    let name = std::fs::read_to_string(Path::new("/proc/sys/kernel/hostname"))
        .or_else(|_| std::fs::read_to_string(Path::new("/etc/hostname")))
        .unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
