//! Settings as flags and environment variables, and how they are laid over those of the file.

use std::net::IpAddr;
use std::path::PathBuf;

use super::{Config, NodeRole};

/// Settings as flags and environment variables; each wins over the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// File of settings in TOML; docs/configuration.md lists the keys
    #[arg(long, value_name = "FILE", env = "EMGATE_CONFIG")]
    pub config: Option<PathBuf>,
    /// File that holds the address of Postgres (or set DATABASE_URL)
    #[arg(long, value_name = "FILE", env = "EMGATE_DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,
    /// Kafka: host:port, or embedded; when not given, events stay in the database
    #[arg(long, value_name = "BOOTSTRAP", env = "EMGATE_KAFKA")]
    pub kafka: Option<String>,
    /// Address of the embedded broker; by default what it wrote to broker.address in the state directory
    #[arg(long, value_name = "ADDRESS", env = "EMGATE_EMBEDDED_BROKER")]
    pub embedded_broker: Option<String>,
    /// What topic names begin with
    #[arg(long, value_name = "PREFIX", env = "EMGATE_TOPIC_PREFIX")]
    pub topic_prefix: Option<String>,
    /// File that holds the password for Kafka (or set KAFKA_PASSWORD)
    #[arg(long, value_name = "FILE", env = "EMGATE_KAFKA_PASSWORD_FILE")]
    pub kafka_password_file: Option<PathBuf>,
    /// Directory of the certificate, the pepper and other files of this node
    #[arg(long, value_name = "DIR", env = "EMGATE_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
    /// Name of this node; the host name when not given
    #[arg(long, value_name = "NAME", env = "EMGATE_NODE_NAME")]
    pub node_name: Option<String>,
    /// Id of this cluster in events; made at the first migration when not given
    #[arg(long, value_name = "ID", env = "EMGATE_CLUSTER_ID")]
    pub cluster_id: Option<String>,
    /// Addresses to listen on; all of the machine, IPv4 and IPv6, when not given
    #[arg(long, value_name = "ADDRESS", env = "EMGATE_ADDRESS", value_delimiter = ',')]
    pub address: Vec<IpAddr>,
    /// Port of plain HTTP for phones
    #[arg(long, value_name = "PORT", env = "EMGATE_HTTP_PORT")]
    pub http_port: Option<u16>,
    /// Port of TLS for everything
    #[arg(long, value_name = "PORT", env = "EMGATE_HTTPS_PORT")]
    pub https_port: Option<u16>,
    /// Port of health and metrics on 127.0.0.1
    #[arg(long, value_name = "PORT", env = "EMGATE_ADMIN_PORT")]
    pub admin_port: Option<u16>,
    /// Names under which clients reach this node
    #[arg(long, value_name = "NAME", env = "EMGATE_HOSTS", value_delimiter = ',')]
    pub hosts: Vec<String>,
    /// What this process does; everything when not given
    #[arg(long, value_name = "ROLE", env = "EMGATE_ROLES", value_delimiter = ',')]
    pub roles: Vec<NodeRole>,
    /// File that keeps the first administrator's one-time secret besides the terminal
    #[arg(long, value_name = "FILE", env = "EMGATE_FIRST_SECRET_FILE")]
    pub first_secret_file: Option<PathBuf>,
    /// What is logged, such as info or emgate::em=debug
    #[arg(long, value_name = "FILTER", env = "EMGATE_LOG")]
    pub log: Option<String>,
}

impl Config {
    /// Lays what was given over what is there; where secrets are is looked up by those who find them.
    pub(super) fn take(&mut self, flags: &Flags) {
        put(&mut self.kafka.bootstrap, flags.kafka.as_ref());
        put(&mut self.kafka.embedded_broker, flags.embedded_broker.as_ref());
        put(&mut self.kafka.topic_prefix, flags.topic_prefix.as_ref());
        put(&mut self.node.state_dir, flags.state_dir.as_ref());
        put(&mut self.node.name, flags.node_name.as_ref());
        put(&mut self.node.cluster_id, flags.cluster_id.as_ref());
        put(&mut self.http.address, Some(&flags.address).filter(|a| !a.is_empty()));
        put(&mut self.http.http_port, flags.http_port.as_ref());
        put(&mut self.http.https_port, flags.https_port.as_ref());
        put(&mut self.http.admin_port, flags.admin_port.as_ref());
        put(&mut self.log.filter, flags.log.as_ref());
        put(&mut self.http.hosts, Some(&flags.hosts).filter(|h| !h.is_empty()));
        put(&mut self.node.roles, Some(&flags.roles).filter(|r| !r.is_empty()));
        if flags.first_secret_file.is_some() {
            self.node.first_secret_file.clone_from(&flags.first_secret_file);
        }
    }
}

fn put<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}
