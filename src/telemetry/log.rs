//! JSON log lines: one event a line, fields of the enclosing spans beside its own, values cut (LOG-1).

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::levels::{Gate, LEVELS, Levels, MARK};
use crate::clock;

/// Characters of a value that are kept.
const VALUE_LIMIT: usize = 256;

/// Targets that print what they parse, PINs included, and are never shown.
const SILENCED: [&str; 3] = ["yaserde", "yaserde_derive", "xml"];

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is none.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Something else logs already.
    #[error("logging is already set up")]
    Taken,
}

/// Starts logging to standard error with the operator's filter, which [`Levels`] can change.
pub fn start(filter: &str) -> Result<(), LogError> {
    let levels = Levels::new(filter, tracing::callsite::rebuild_interest_cache)?;
    let levels = LEVELS.get_or_init(|| levels);
    let lines = JsonLines { out: || Box::new(std::io::stderr().lock()) as Box<dyn Write> };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(Gate(levels)));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Taken)
}

struct JsonLines {
    out: fn() -> Box<dyn Write>,
}

/// What a line or a span says, by the names of its fields.
type Said = BTreeMap<&'static str, Value>;

struct SpanFields(Said);

fn crate_name<'m>(metadata: &'m Metadata<'_>) -> &'m str {
    metadata.target().split("::").next().unwrap_or_default()
}

/// Whether a line or span is of our own code.
pub(super) fn is_ours(metadata: &Metadata<'_>) -> bool {
    crate_name(metadata) == "emgate"
}

/// Libraries may warn; their details can hold what a client sent.
fn is_shown(metadata: &Metadata<'_>) -> bool {
    !SILENCED.contains(&crate_name(metadata)) && (is_ours(metadata) || *metadata.level() <= Level::WARN)
}

/// Whether a span is that of a request that the log says everything about.
pub(super) fn is_marked<'s, S: LookupSpan<'s>>(span: &SpanRef<'s, S>) -> bool {
    span.extensions().get().is_some_and(|SpanFields(fields)| fields.contains_key(MARK))
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Said::new();
        attributes.record(&mut Fields(&mut fields));
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if !is_shown(metadata) {
            return;
        }
        let mut line = Said::new();
        let time = clock::wall_clock().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        line.insert("time", time.into());
        line.insert("level", metadata.level().as_str().to_ascii_lowercase().into());
        line.insert("target", metadata.target().into());
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                line.extend(fields.iter().map(|(name, value)| (*name, value.clone())));
            }
        }
        event.record(&mut Fields(&mut line));
        let Ok(json) = serde_json::to_string(&line) else { return };
        // whole and at once: standard error is not buffered, and others may write to it too
        if let Err(error) = (self.out)().write_all((escape(json) + "\n").as_bytes()) {
            let _nowhere_to_say_it = error;
        }
    }
}

/// JSON escapes only what is below the blank; terminals also obey some characters above.
fn escape(json: String) -> String {
    let formatting = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    if json.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return json;
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() || formatting(c) {
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

struct Fields<'m>(&'m mut Said);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, cut(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, cut(&format!("{value:?}")));
    }
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_LIMIT) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::telemetry::Watch;

    thread_local! {
        static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    struct Kept;
    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            LINES.with_borrow_mut(|l| l.extend_from_slice(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Each log of these tests decides for itself; to decide anew for others would disturb them.
    fn levels(filter: &str) -> &'static Levels {
        Box::leak(Box::new(Levels::new(filter, || ()).unwrap()))
    }

    fn logged(filter: &str, f: impl FnOnce()) -> String {
        let levels = levels(filter);
        logged_by(levels, f)
    }

    fn logged_by(levels: &'static Levels, f: impl FnOnce()) -> String {
        LINES.with_borrow_mut(Vec::clear);
        let lines = JsonLines { out: || Box::new(Kept) };
        let subscriber = tracing_subscriber::registry().with(lines.with_filter(Gate(levels)));
        tracing::subscriber::with_default(subscriber, f);
        LINES.with_borrow(|l| String::from_utf8(l.clone()).unwrap())
    }

    /// One request that says something at every level.
    fn request(levels: &Levels, phone: &str, user: &str) {
        let _span =
            tracing::info_span!("request", request.id = phone, log.watched = tracing::field::Empty).entered();
        levels.look_at(Some(phone), Some(user));
        tracing::info!("for everybody");
        tracing::debug!("of the watched");
        tracing::trace!("for nobody");
        tracing::debug!(target: "actix_http::h1", "of a library");
    }

    #[test]
    fn a_line_carries_the_fields_of_its_spans_and_escapes_control_characters() {
        let text = logged("info", || {
            let _span = tracing::info_span!("request", request.id = "r1").entered();
            tracing::info!(user.id = "a\nb\u{9b}c", "hello");
        });
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["request.id"], "r1");
        assert_eq!(line["user.id"], "a\nb\u{9b}c");
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(!text.contains('\u{9b}'));
    }

    #[test]
    fn a_long_value_is_cut() {
        let text = logged("info", || tracing::info!(value = "x".repeat(1000), "long"));
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["value"].as_str().unwrap().chars().count(), VALUE_LIMIT + 1);
    }

    #[test]
    fn the_filter_changes_while_the_process_runs_and_back() {
        let levels = levels("warn");
        let lines = || logged_by(levels, || request(levels, "A", "ada")).lines().count();
        assert_eq!(lines(), 0);
        levels.set_filter(Some("emgate=trace")).unwrap();
        assert_eq!(lines(), 3);
        assert!(levels.set_filter(Some("emgate=loud")).is_err());
        assert_eq!((lines(), levels.report().filter), (3, "emgate=trace".into()));
        levels.set_filter(None).unwrap();
        assert_eq!((lines(), levels.report().filter), (0, "warn".into()));
    }

    #[test]
    fn requests_of_a_watched_phone_or_user_say_everything_and_others_do_not() {
        let levels = levels("info");
        let of = |phone: &str, user: &str| logged_by(levels, || request(levels, phone, user)).lines().count();
        let minute = std::time::Duration::from_secs(60);
        levels.watch(Watch::Phone("sep1".into()), minute).unwrap();
        levels.watch(Watch::User("Ada".into()), minute).unwrap();
        assert_eq!([of("SEP1", "bob"), of("SEP2", "ada"), of("SEP2", "bob")], [2, 2, 1]);
        levels.watch(Watch::Phone("sep1".into()), std::time::Duration::ZERO).unwrap();
        assert_eq!([of("SEP1", "bob"), of("SEP1", "ada")], [1, 2]);
        levels.watch(Watch::User("Ada".into()), std::time::Duration::from_nanos(1)).unwrap();
        assert_eq!((of("SEP1", "ada"), levels.report().watched), (1, Vec::new()));
    }

    #[test]
    fn who_is_watched_is_shown_also_where_the_filter_shows_nothing_of_requests() {
        let levels = levels("error");
        levels.watch(Watch::User("ada".into()), std::time::Duration::from_secs(60)).unwrap();
        let text = logged_by(levels, || request(levels, "SEP1", "ada"));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("\"request.id\":\"SEP1\"") && !text.contains("ada"), "{text}");
        for n in 0..31 {
            levels.watch(Watch::Phone(n.to_string()), std::time::Duration::from_secs(60)).unwrap();
        }
        let more = levels.watch(Watch::Phone("more".into()), std::time::Duration::from_secs(60));
        assert_eq!(more, Err(super::super::levels::TooManyWatched));
    }

    #[test]
    fn leaky_targets_stay_silent_whatever_the_filter_says() {
        let text = logged("trace,yaserde=trace,yaserde::de=trace,xml=trace", || {
            tracing::error!(target: "yaserde", "12345");
            tracing::error!(target: "yaserde::de", "12345");
            tracing::error!(target: "yaserde_derive", "12345");
            tracing::error!(target: "xml::reader", "12345");
            tracing::debug!(target: "actix_http::h1", "12345");
        });
        assert_eq!(text, "");
    }
}
