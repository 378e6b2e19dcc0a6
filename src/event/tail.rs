//! `emgate events tail`: shows the events in Kafka as a subscriber reads them.
//!
//! Reads committed records of all event topics without a group, in the order of the number line. What is asked for by type, phone or
//! user is picked out here; records of other programs are passed over.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::kafka::{Incoming, KafkaFailure, KafkaSettings, ReadFrom};
use super::line::LineReader;
use crate::config::{Config, ConfigError, Flags};

/// Said once where events are not kept.
const NOT_DURABLE: &str =
    "emgate: embedded broker: these events are kept in memory only and are gone when it ends";

/// What to show.
#[derive(Clone, clap::Args)]
pub struct TailArgs {
    /// One JSON object a line, as in Kafka
    #[arg(long)]
    pub json: bool,
    /// Where to begin: beginning, end, a sequence number, or a time such as 2026-03-02T08:00:00Z
    #[arg(long, default_value = "end", value_parser = parse_from)]
    pub from: ReadFrom,
    /// Only this type; with or without "em." and the version (repeatable)
    #[arg(long = "type", value_name = "TYPE")]
    pub types: Vec<String>,
    /// Only events about this phone
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// Only events about this user
    #[arg(long, value_name = "USER ID")]
    pub user: Option<String>,
    /// Stop after so many events
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Stop when everything that is there has been shown
    #[arg(long)]
    pub no_follow: bool,
    /// File of settings of the gateway: its part for Kafka says where Kafka is and how to reach it
    #[arg(long, value_name = "FILE", env = "EMGATE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Kafka: host:port, or the address file of an embedded broker
    #[arg(long, value_name = "BOOTSTRAP", env = "EMGATE_KAFKA")]
    pub kafka: Option<String>,
    /// What topic names begin with; em when not given
    #[arg(long, value_name = "PREFIX", env = "EMGATE_TOPIC_PREFIX")]
    pub topic_prefix: Option<String>,
    /// File that holds the password for Kafka (or set KAFKA_PASSWORD)
    #[arg(long, value_name = "FILE", env = "EMGATE_KAFKA_PASSWORD_FILE")]
    pub kafka_password_file: Option<PathBuf>,
    /// Further settings of the Kafka client, such as security.protocol=ssl (repeatable)
    #[arg(long = "client", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub client: Vec<(String, String)>,
}

/// Why events cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nothing says where Kafka is.
    #[error(
        "kafka.bootstrap is not set: give the address of Kafka with --kafka, in EMGATE_KAFKA or in the file of --config"
    )]
    NoKafka,
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] KafkaFailure),
    /// The terminal or file that we write to.
    #[error("output: {0}")]
    Output(#[from] io::Error),
    /// Time ran out before as many events came as were asked for.
    #[error("{shown} of {wanted} events came in time")]
    TooFew {
        /// Events shown.
        shown: u64,
        /// Events asked for.
        wanted: u64,
    },
}

/// Shows events on standard output until enough came, time is over, or the reader of the output is gone.
pub fn run(args: &TailArgs) -> Result<(), TailError> {
    match show(args, &mut io::stdout().lock(), &mut io::stderr()) {
        Err(TailError::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Like [`run`], with any output for events and any for what is to be known about them.
pub fn show(args: &TailArgs, out: &mut impl Write, notes: &mut impl Write) -> Result<(), TailError> {
    let settings = settings(args)?;
    let deadline = args.timeout.map(|s| Instant::now() + Duration::from_secs(s));
    let mut reader = open(&settings, args.from, deadline)?;
    if reader.is_volatile() {
        writeln!(notes, "{NOT_DURABLE}")?;
    }
    let (mut shown, wanted) = (0, args.count.unwrap_or(u64::MAX));
    while shown < wanted {
        match reader.next(Duration::from_millis(30))? {
            Some(record) => shown += u64::from(write_if_asked(args, &record, out)?),
            None => out.flush()?,
        }
        if (args.no_follow && reader.is_drained()) || deadline.is_some_and(|d| Instant::now() >= d) {
            break;
        }
    }
    out.flush()?;
    match args.count {
        Some(wanted) if shown < wanted && !args.no_follow => Err(TailError::TooFew { shown, wanted }),
        Some(_) | None => Ok(()),
    }
}

/// How to reach Kafka: as the gateway does, with what was asked for on top.
fn settings(args: &TailArgs) -> Result<KafkaSettings, TailError> {
    let mut kafka = Config::load_kafka(&Flags {
        config: args.config.clone(),
        kafka: args.kafka.clone(),
        topic_prefix: args.topic_prefix.clone(),
        kafka_password_file: args.kafka_password_file.clone(),
        ..Flags::default()
    })?;
    kafka.client.extend(args.client.iter().cloned());
    KafkaSettings::from_config(&kafka, "tail").ok_or(TailError::NoKafka)
}

/// Opens the topics; before the first event they may not exist yet.
fn open(
    settings: &KafkaSettings,
    from: ReadFrom,
    deadline: Option<Instant>,
) -> Result<LineReader, KafkaFailure> {
    let patience = Instant::now() + Duration::from_secs(10);
    loop {
        match LineReader::open(settings, from) {
            Err(KafkaFailure::Unavailable(_))
                if Instant::now() < deadline.map_or(patience, |d| d.min(patience)) =>
            {
                std::thread::sleep(Duration::from_millis(200));
            }
            outcome => return outcome,
        }
    }
}

fn write_if_asked(args: &TailArgs, record: &Incoming, out: &mut impl Write) -> Result<bool, TailError> {
    let Ok(event) = serde_json::from_str::<Value>(record.text()) else { return Ok(false) };
    if !is_asked_for(args, &event) {
        return Ok(false);
    }
    if args.json {
        writeln!(out, "{}", record.text())?;
    } else {
        writeln!(out, "{}", line(&event))?;
    }
    Ok(true)
}

fn is_asked_for(args: &TailArgs, event: &Value) -> bool {
    let type_name = text(event, "/type");
    let about = |wanted: &Option<String>, places: &[&str]| {
        wanted
            .as_deref()
            .is_none_or(|wanted| places.iter().any(|place| text(event, place).eq_ignore_ascii_case(wanted)))
    };
    (args.types.is_empty() || args.types.iter().any(|wanted| is_type(type_name, wanted)))
        && about(
            &args.device,
            &[
                "/data/device/name",
                "/data/deviceName",
                "/data/previous/name",
                "/data/current/name",
                "/data/objectName",
            ],
        )
        && about(
            &args.user,
            &["/data/user/userId", "/data/userId", "/data/holder/userId", "/data/objectName"],
        )
}

/// Whether a type is meant: `em.device.login.v1`, `device.login`, `login`.
fn is_type(name: &str, wanted: &str) -> bool {
    let bare = name.strip_prefix("em.").and_then(|n| n.rsplit_once('.')).map_or(name, |(bare, _)| bare);
    name == wanted || bare == wanted || bare.split('.').any(|part| part == wanted)
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An event in one line: number, time, what happened, to what, and who asked.
fn line(event: &Value) -> String {
    let number = text(event, "/sequence").trim_start_matches('0');
    let type_name = text(event, "/type");
    let short = type_name.strip_prefix("em.").unwrap_or(type_name).trim_end_matches(".v1");
    let subject = text(event, "/subject").split_once('/').map_or("", |(_, subject)| subject);
    let detail = detail(event, type_name);
    let who = match (text(event, "/data/requestedBy/id"), text(event, "/data/requestedBy/kind")) {
        ("", "") => String::new(),
        ("", kind) => format!("  by {kind} via {}", text(event, "/data/requestedBy/via")),
        (id, _) => format!("  by {id} via {}", text(event, "/data/requestedBy/via")),
    };
    format!("{number:>8}  {}  {short:<30} {subject}  {detail}{who}", text(event, "/time"))
}

fn detail(event: &Value, type_name: &str) -> String {
    let t = |pointer| text(event, pointer);
    match type_name {
        "em.device.login.v1" => format!("{} with {}", t("/data/user/userId"), t("/data/profile/name")),
        "em.device.logout.v1" => format!("{} ({})", t("/data/user/userId"), t("/data/reason")),
        "em.session.expiring.v1" | "em.session.extended.v1" => {
            format!("{} ends {}", t("/data/user/userId"), t("/data/expiresAt"))
        }
        "em.calllog.cleared.v1" => format!("{} ({})", t("/data/user/userId"), t("/data/trigger")),
        "em.intercom.defaultdevice.changed.v1" => {
            let or_none = |name: &str| if name.is_empty() { "none".to_owned() } else { name.to_owned() };
            let (previous, current) = (or_none(t("/data/previous/name")), or_none(t("/data/current/name")));
            format!("{previous} -> {current} ({})", t("/data/change"))
        }
        "em.provisioning.changed.v1" => format!("{} {}", t("/data/action"), t("/data/objectName")),
        "em.credential.changed.v1" => {
            format!("{} {} of {}", t("/data/credential"), t("/data/change"), t("/data/holder/userId"))
        }
        "em.serviceparameter.changed.v1" => format!("{} -> {}", t("/data/previousValue"), t("/data/value")),
        "em.login.rejected.v1" => {
            let n = |pointer| event.pointer(pointer).and_then(Value::as_u64).unwrap_or_default();
            let user = Some(t("/data/userId")).filter(|user| !user.is_empty()).unwrap_or("somebody");
            let code = format!("{} {}", n("/data/errorCode"), t("/data/errorName"));
            format!("{} of {user}: {code}, {} x", t("/data/operation"), n("/data/count"))
        }
        _ => String::new(),
    }
}

fn parse_from(text: &str) -> Result<ReadFrom, String> {
    if let Ok(position) = text.parse() {
        return Ok(ReadFrom::Position(position));
    }
    match text {
        "beginning" => Ok(ReadFrom::Beginning),
        "end" => Ok(ReadFrom::End),
        _ => DateTime::parse_from_rfc3339(text)
            .map(|time| ReadFrom::Time(time.with_timezone(&Utc)))
            .map_err(|_| "neither beginning, end, a sequence number nor an RFC 3339 time".to_owned()),
    }
}

/// Reads `NAME=VALUE`.
pub(super) fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("not NAME=VALUE")?;
    if ["password", "secret", "key.pem"].iter().any(|secret| name.ends_with(secret)) {
        return Err(
            "secrets stand in the file of --config or in KAFKA_PASSWORD, not where others can see them"
                .to_owned(),
        );
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_in_full_or_by_a_part() {
        for wanted in ["em.device.login.v1", "device.login", "login", "device"] {
            assert!(is_type("em.device.login.v1", wanted), "{wanted}");
        }
        assert!(!is_type("em.device.login.v1", "log"));
        assert!(!is_type("em.device.logout.v1", "login"));
    }

    #[test]
    fn reading_begins_at_a_word_a_number_or_a_time() {
        assert_eq!(parse_from("beginning"), Ok(ReadFrom::Beginning));
        assert_eq!(parse_from("00000000000000104217"), Ok(ReadFrom::Position(104_217)));
        assert!(matches!(parse_from("2026-03-02T08:00:00Z"), Ok(ReadFrom::Time(_))));
        assert!(parse_from("yesterday").is_err());
    }

    #[test]
    fn a_secret_is_no_flag() {
        assert_eq!(parse_setting("security.protocol=ssl"), Ok(("security.protocol".into(), "ssl".into())));
        for secret in ["sasl.password", "ssl.key.password", "sasl.oauthbearer.client.secret", "ssl.key.pem"] {
            assert!(parse_setting(&format!("{secret}=hunter2")).is_err_and(|e| !e.contains("hunter2")));
        }
    }

    #[test]
    fn an_event_is_one_readable_line() {
        let event: Value =
            serde_json::from_str(include_str!("../../tests/events/em.device.login.v1.json")).unwrap();
        assert_eq!(
            line(&event),
            "  104217  2026-03-02T08:14:05.123Z  device.login                   SEP0011223344AA  \
             mrossi with UDP_mrossi  by mrossi via phone"
        );
        let refusal: Value =
            serde_json::from_str(include_str!("../../tests/events/em.login.rejected.v1.json")).unwrap();
        assert_eq!(
            line(&refusal),
            "  104217  2026-03-02T08:14:05.123Z  login.rejected                 SEP0011223344BB  \
             login of mrossi: 25 user-logged-in-elsewhere, 1 x  by mrossi via phone"
        );
    }
}
