//! JSON log lines: one event a line, fields of the enclosing spans beside its own, values cut (LOG-1).

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

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

/// Starts logging to standard error with the operator's filter.
pub fn start(filter: &str) -> Result<(), LogError> {
    let filter = EnvFilter::builder().parse(filter)?;
    let lines = JsonLines { out: || Box::new(std::io::stderr().lock()) as Box<dyn Write> };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Taken)
}

struct JsonLines {
    out: fn() -> Box<dyn Write>,
}

/// What a line or a span says, by the names of its fields.
type Said = BTreeMap<&'static str, Value>;

struct SpanFields(Said);

/// Libraries may warn; their details can hold what a client sent.
fn is_shown(metadata: &Metadata<'_>) -> bool {
    let crate_name = metadata.target().split("::").next().unwrap_or_default();
    let ours = crate_name == "emgate";
    !SILENCED.contains(&crate_name) && (ours || *metadata.level() <= Level::WARN)
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

    fn logged(filter: &str, f: impl FnOnce()) -> String {
        LINES.with_borrow_mut(Vec::clear);
        let filter = EnvFilter::builder().parse(filter).unwrap();
        let lines = JsonLines { out: || Box::new(Kept) };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(filter).with(lines), f);
        LINES.with_borrow(|l| String::from_utf8(l.clone()).unwrap())
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
