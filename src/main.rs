//! The `emgate` binary: subcommands.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use emgate::app::{App, FirstSecret, Migrations, StartError};
use emgate::axl::version::SERVED;
use emgate::config::{Config, Flags};
use emgate::em::credential::command::{self as pin, PinArgs};
use emgate::em::operator::command::{self as operator, LogoutArgs, SessionsArgs};
use emgate::event::broker::{self, BrokerArgs};
use emgate::event::republish::{self, RepublishArgs};
use emgate::event::tail::{self, TailArgs};
use emgate::event::verify::command::{self as verify, VerifyArgs};
use emgate::handset::terminal::{self, PhoneArgs};
use emgate::http::Addresses;
use emgate::shutdown::{self, Signals};
use emgate::soap::wsdl;
use emgate::store::{Db, migrate};
use emgate::telemetry;
use mimalloc::MiMalloc;

/// A fifth of a request's time was the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
    /// List who is logged in where
    ///
    /// In names * stands for any characters: `emgate sessions --site 'Lobby*' --longer-than 8:00`.
    Sessions(SessionsArgs),
    /// Log phones out, one or many
    ///
    /// `emgate logout SEP001122334455 --reason "phone goes to repair"` logs one out. A filter shows what it means; with --yes those
    /// sessions end, at most --rate a second, with a result for each. Exit status: 0 all of them ended, 1 some did not, 2 nothing could
    /// be done.
    Logout(LogoutArgs),
    /// Show what happened
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// See and mend the PIN of a person
    ///
    /// Works on the database, while the gateway runs or not. Settings are those of `emgate serve`; a reset needs the pepper file. Exit
    /// status: 0 done, 1 there is no such person or no such PIN, 2 it could not be done.
    Pin(PinArgs),
    /// Write the description of the SOAP service and its schema files
    Wsdl {
        /// Directory to write them to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Version of the schema
        #[arg(long, default_value = wsdl::NEWEST_VERSION)]
        schema_version: String,
        /// Address of the service in the description
        #[arg(long, default_value = "https://localhost:8443/axl/")]
        address: String,
    },
    /// Be a phone, for who has none at hand: draw the screens of a gateway and take keys
    Phone(PhoneArgs),
    /// Run a broker that keeps events in memory only, for machines without Apache Kafka
    Broker(BrokerArgs),
}

#[derive(Subcommand)]
enum EventsCommand {
    /// Show the events in Kafka, in order, as they come
    Tail(TailArgs),
    /// Prove that Kafka, the number line and the tables agree
    ///
    /// Compares, while the gateway runs or not: every link of the number line, every record in Kafka with the database, and what the
    /// events add up to with the tables. Settings are those of `emgate serve`. Exit status: 0 everything agrees, 1 something does not,
    /// 2 it could not be checked.
    Verify(VerifyArgs),
    /// Publish the whole state again: one record a session and intercom line
    ///
    /// The node that leads does it within a few seconds, while logins go on.
    Republish {
        #[command(flatten)]
        flags: Flags,
        #[command(flatten)]
        args: RepublishArgs,
    },
}

fn main() {
    let status = run();
    let _unsaid = std::io::stdout().flush();
    // without the exit handlers of libraries: that of OpenSSL clears away what threads of the pools connect with at this moment
    signal_hook::low_level::exit(status)
}

/// Carries out the command line; gives the exit status.
fn run() -> i32 {
    let outcome = match Cli::parse().command {
        Command::Serve { flags, migrate } => serve(&flags, migrate),
        Command::Migrate { flags } => migrate_now(&flags),
        Command::Sessions(args) => return operator::sessions(&args),
        Command::Logout(args) => return operator::logout(&args),
        Command::Events { command: EventsCommand::Tail(args) } => tail::run(&args).map_err(Into::into),
        Command::Events { command: EventsCommand::Verify(args) } => return verify::run(&args),
        Command::Events { command: EventsCommand::Republish { flags, args } } => republish_now(&flags, args),
        Command::Pin(args) => return pin::run(&args),
        Command::Wsdl { out, schema_version, address } => write_schema(&out, &schema_version, &address),
        Command::Phone(args) => return terminal::run(&args),
        Command::Broker(args) => run_broker(&args),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            let _unsaid = writeln!(std::io::stderr(), "emgate: {error}");
            1
        }
    }
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn serve(flags: &Flags, migrate: bool) -> Outcome {
    let config = Config::load(flags)?;
    telemetry::start(&config.log.filter)?;
    let migrations = if migrate { Migrations::Run } else { Migrations::Refuse };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    shutdown::run(runtime, async {
        let signals = Signals::listen()?;
        let app = App::start(&config, migrations).await?;
        telemetry::count_panics(app.metrics());
        if let Some(secret) = app.first_secret() {
            say(&first_account(secret))?;
        }
        say(&ready(&config, app.addresses()))?;
        let outcome: Outcome = tokio::select! {
            biased;
            signal = signals.asked() => {
                tracing::info!(signal, "asked to stop");
                Ok(())
            }
            () = app.name_lost() => Err(StartError::NodeName(config.node.name.clone()).into()),
            part = app.failed() => {
                tracing::error!(part, "a part has ended that should not; this process ends");
                Err(format!("{part} ended unexpectedly; the log says why").into())
            }
        };
        app.stop().await;
        tracing::info!("stopped");
        outcome
    })
}

fn run_broker(args: &BrokerArgs) -> Outcome {
    telemetry::start("info")?;
    Ok(broker::run(args)?)
}

fn open_database(flags: &Flags) -> Result<Db, Box<dyn std::error::Error>> {
    let config = Config::load(flags)?;
    Ok(Db::open(config.database.url(), 1, Default::default(), Default::default())?)
}

fn republish_now(flags: &Flags, args: RepublishArgs) -> Outcome {
    republish::run(&open_database(flags)?, args)?;
    say(match args.wait {
        true => "the whole state is published again\n",
        false => "the node that leads will publish the whole state again\n",
    })?;
    Ok(())
}

fn migrate_now(flags: &Flags) -> Outcome {
    let db = open_database(flags)?;
    let ran = migrate::run(&mut db.connect().map_err(StartError::Database)?)?;
    say(&match ran.len() {
        0 => "the database is up to date\n".to_owned(),
        _ => ran.iter().map(|name| format!("migrated {name}\n")).collect(),
    })?;
    Ok(())
}

fn write_schema(out: &Path, version: &str, address: &str) -> Outcome {
    if !SERVED.iter().any(|(served, _)| *served == version) {
        let served: Vec<_> = SERVED.iter().map(|(served, _)| *served).collect();
        return Err(format!("--schema-version is one of {}", served.join(", ")).into());
    }
    for (name, text) in wsdl::files(version, address) {
        let path = out.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(out))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

fn ready(config: &Config, addresses: Addresses) -> String {
    let Addresses { phone, tls, admin } = addresses;
    let mut text = format!("emgate is ready: node {}\n", config.node.name);
    if let (Some(phone), Some(tls)) = (phone, tls) {
        text += &format!("  phones            http://{phone}/\n  everything, TLS   https://{tls}/\n");
    }
    text + &format!("  health, metrics   http://{admin}/\n")
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
