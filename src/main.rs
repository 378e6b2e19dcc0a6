//! The `emgate` binary: subcommands.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use emgate::app::{App, FirstSecret, Migrations, StartError};
use emgate::config::{Config, Flags};
use emgate::event::broker::{self, BrokerArgs};
use emgate::event::tail::{self, TailArgs};
use emgate::http::Addresses;
use emgate::store::migrate;
use emgate::{shutdown, telemetry};

/// Open Extension Mobility gateway: SOAP provisioning, phone login, ordered events in Kafka.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM or SIGINT
    ///
    /// Settings come from the file of --config, then the environment, then flags; the last one wins. DATABASE_URL, or a
    /// file named by --database-url-file, says where Postgres is. Port 0 takes any free port; the addresses are printed.
    Serve {
        #[command(flatten)]
        flags: Flags,
        /// Run missing migrations first
        #[arg(long, env = "EMGATE_MIGRATE")]
        migrate: bool,
    },
    /// Bring the database to the shape of this binary
    Migrate {
        #[command(flatten)]
        flags: Flags,
    },
    /// Show what happened
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Run a broker that keeps events in memory only, for machines without Apache Kafka
    Broker(BrokerArgs),
}

#[derive(Subcommand)]
enum EventsCommand {
    /// Show the events in Kafka, in order, as they come
    Tail(TailArgs),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve { flags, migrate } => serve(&flags, migrate),
        Command::Migrate { flags } => migrate_now(&flags),
        Command::Events { command: EventsCommand::Tail(args) } => tail::run(&args).map_err(Into::into),
        Command::Broker(args) => run_broker(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _unsaid = writeln!(std::io::stderr(), "emgate: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn serve(flags: &Flags, migrate: bool) -> Outcome {
    let config = Config::load(flags)?;
    telemetry::start(&config.log.filter)?;
    let migrations = if migrate { Migrations::Run } else { Migrations::Refuse };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = App::start(&config, migrations).await?;
        telemetry::count_panics(app.metrics());
        if let Some(secret) = app.first_secret() {
            say(&first_account(secret))?;
        }
        say(&ready(&config, app.addresses()))?;
        tokio::select! {
            signal = shutdown::asked() => tracing::info!(signal = signal?, "asked to stop"),
            () = app.name_lost() => {
                app.stop().await;
                return Err(StartError::NodeName(config.node.name.clone()).into());
            }
        }
        app.stop().await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn run_broker(args: &BrokerArgs) -> Outcome {
    telemetry::start("info")?;
    Ok(broker::run(args)?)
}

fn migrate_now(flags: &Flags) -> Outcome {
    let config = Config::load(flags)?;
    let db = emgate::store::Db::open(config.database.url(), 1, Default::default(), Default::default())?;
    let ran = migrate::run(&mut db.connect().map_err(StartError::Database)?)?;
    say(&match ran.len() {
        0 => "the database is up to date\n".to_owned(),
        _ => ran.iter().map(|name| format!("migrated {name}\n")).collect(),
    })?;
    Ok(())
}

fn ready(config: &Config, addresses: Addresses) -> String {
    let Addresses { phone, tls, admin } = addresses;
    format!(
        "emgate is ready: node {name}\n  phones            http://{phone}/\n  everything, TLS   https://{tls}/\n  \
         health, metrics   http://{admin}/\n",
        name = config.node.name,
    )
}

fn first_account(secret: &FirstSecret) -> String {
    format!(
        "\n  First start: the administrator of this cluster was made. Its password is shown only now.\n\n    \
         user      admin\n    password  {}\n\n",
        secret.expose()
    )
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
