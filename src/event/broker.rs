//! `emgate broker`: the embedded broker as a process of its own, so that the gateway can end and come back without it.

use std::path::PathBuf;

use super::kafka::{KafkaFailure, embedded_broker};

/// Where the broker keeps its address.
#[derive(Debug, Clone, clap::Args)]
pub struct BrokerArgs {
    /// Directory in which broker.address is written
    #[arg(long, value_name = "DIR")]
    pub state_dir: PathBuf,
    /// What topic names begin with
    #[arg(long, value_name = "PREFIX", env = "EMGATE_TOPIC_PREFIX", default_value = "em")]
    pub topic_prefix: String,
}

/// Why the broker did not run.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The library.
    #[error(transparent)]
    Kafka(#[from] KafkaFailure),
    /// The address file, or waiting for the end.
    #[error("embedded broker: {0}")]
    System(#[from] std::io::Error),
}

/// Runs a broker until the process is told to end.
pub fn run(args: &BrokerArgs) -> Result<(), BrokerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // the handlers stand before the address is known, so that whoever reads it can end us at once
    let (mut terminate, mut interrupt) = {
        use tokio::signal::unix::{SignalKind, signal};
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let broker = embedded_broker(1, &args.topic_prefix)?;
    broker.write_address(&args.state_dir)?;
    tracing::warn!(
        kafka.bootstrap = broker.bootstrap_servers(),
        "EMBEDDED BROKER on {}: events are kept in memory only, without transactions, and are gone when it ends",
        broker.bootstrap_servers()
    );
    runtime.block_on(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    Ok(())
}
