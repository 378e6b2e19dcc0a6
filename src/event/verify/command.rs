//! The command: settings as `emgate serve` has them, a table or JSON, and an exit status.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Report, VerifyError, verify};
use crate::clock::{Clock, IdSource};
use crate::config::{Config, ConfigError, Flags};
use crate::event::EventError;
use crate::event::kafka::{DeliveryMode, KafkaSettings};
use crate::event::tail::parse_setting;
use crate::store::{Db, cluster};

/// What to compare and how to say it.
#[derive(Debug, Clone, clap::Args)]
pub struct VerifyArgs {
    /// Where database and Kafka are, as for the gateway.
    #[command(flatten)]
    pub flags: Flags,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// How long events that are on their way to Kafka are waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Repeats are findings with transactional, counted with idempotent; an embedded broker is idempotent
    #[arg(long, value_name = "MODE")]
    pub delivery: Option<DeliveryMode>,
    /// Further settings of the Kafka client, such as security.protocol=ssl (repeatable)
    #[arg(long = "client", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub client: Vec<(String, String)>,
}

/// Why it could not be checked.
#[derive(Debug, thiserror::Error)]
enum Unchecked {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("kafka.bootstrap is not set: give the address of Kafka with --kafka or in EMGATE_KAFKA")]
    NoKafka,
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("output: {0}")]
    Output(#[from] io::Error),
}

/// Compares and prints; 0: everything agrees, 1: something does not, 2: it could not be checked.
pub fn run(args: &VerifyArgs) -> i32 {
    let outcome = compare(args).and_then(|report| {
        print(&report, args.json, &mut io::stdout().lock())?;
        Ok(report.ok)
    });
    match outcome {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            let _unsaid = writeln!(io::stderr(), "emgate: {error}");
            2
        }
    }
}

fn compare(args: &VerifyArgs) -> Result<Report, Unchecked> {
    let config = Config::load(&args.flags)?;
    let database = |error| VerifyError::Database(error);
    let db = Db::open(config.database.url(), 1, Clock::Database, IdSource::Random)
        .map_err(|e| database(e.into()))?;
    let cluster = db.read_blocking(|tx| Ok::<_, EventError>(cluster::cluster_id(tx)?)).map_err(database)?;
    let mut settings = KafkaSettings::from_config(&config.kafka, &cluster).ok_or(Unchecked::NoKafka)?;
    settings.client.extend(args.client.iter().cloned());
    settings.mode = args.delivery.unwrap_or(settings.mode);
    let bar = bar();
    let report = verify(&db, &settings, Duration::from_secs(args.timeout), &bar);
    bar.finish_and_clear();
    Ok(report?)
}

/// On a terminal alone.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn print(report: &Report, json: bool, out: &mut impl Write) -> io::Result<()> {
    let text = match json {
        true => serde_json::to_string(report)? + "\n",
        false => report.to_string(),
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // the exit status still says it
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
