//! The number line: gapless, each number once, rising in every partition, chained, and the same in Kafka as in the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::DateTime;
use ring::digest::{Context, SHA256};

use super::event::{Digest, Record, digest_of};
use super::{Findings, History, Kind, Position, short};

/// What the first link of the chain follows.
const GENESIS: [u8; 32] = [0; 32];

/// A number is told late when it was given more than this after the event.
const LATE: i64 = 1_000_000;

/// Checks the line; gives each record once, by number.
pub(super) fn check<'h>(history: &'h History, findings: &mut Findings) -> Vec<&'h Record> {
    let records = in_partitions(history, findings);
    gapless(history, &records, findings);
    let published = chain(history, findings);
    for record in &records {
        let number = record.event.sequence;
        match published.get(&number) {
            Some(digest) if *digest == record.digest => {}
            Some(digest) => findings.add(
                Kind::Altered,
                format!("{number}: the log says {}, Kafka {}", short(digest), short(&record.digest)),
            ),
            None => findings.add(Kind::Phantom, format!("{number} is in Kafka and not in the log")),
        }
    }
    records
}

/// Order and repeats inside partitions; identities and numbers once in all.
fn in_partitions<'h>(history: &'h History, findings: &mut Findings) -> Vec<&'h Record> {
    let mut newest: HashMap<(&str, i32), i64> = HashMap::new();
    let mut seen: HashMap<i64, &Record> = HashMap::new();
    let mut ids: HashSet<&str> = HashSet::new();
    let mut kept = Vec::new();
    for record in &history.records {
        let number = record.event.sequence;
        let place = format!("{} {}@{}", record.topic, record.partition, record.offset);
        if let Some(first) = seen.get(&number) {
            let same = first.digest == record.digest && first.key == record.key;
            if !history.may_repeat || !same {
                findings.add(Kind::Duplicated, format!("{number} again at {place}, same bytes: {same}"));
            }
            continue;
        }
        let before = newest.insert((&record.topic, record.partition), number).unwrap_or_default();
        if number <= before {
            findings.add(Kind::Reordered, format!("{number} after {before} at {place}"));
        }
        if !ids.insert(&record.event.id) {
            findings.add(Kind::Duplicated, format!("event {} again as {number}", record.event.id));
        }
        seen.insert(number, record);
        kept.push(record);
    }
    kept.sort_by_key(|r| r.event.sequence);
    kept
}

fn gapless(history: &History, records: &[&Record], findings: &mut Findings) {
    let mut next = 1;
    for record in records {
        let number = record.event.sequence;
        if number != next {
            findings.add(Kind::Gap, format!("Kafka has nothing from {next} to {}", number - 1));
        }
        next = number + 1;
    }
    if next != history.last_given + 1 {
        findings.add(
            Kind::Lost,
            format!("Kafka has nothing from {next} on, {} is the last given", history.last_given),
        );
    }
    if history.unnumbered != 0 {
        findings.add(Kind::Lost, format!("{} events of the log have no number", history.unnumbered));
    }
    let streams: BTreeMap<&str, i64> =
        records.iter().map(|r| (r.event.stream.as_str(), r.event.sequence)).collect();
    if streams.len() > 1 {
        findings.add(Kind::Gap, format!("the line was begun anew: {streams:?}"));
    }
}

/// Walks the line in the database, as ADR 0002 describes it; gives the digest of each published value.
fn chain(history: &History, findings: &mut Findings) -> HashMap<i64, Digest> {
    let (mut link, mut published) = (GENESIS.to_vec(), HashMap::new());
    for (row, expected) in history.line.iter().zip(1..) {
        if row.number != expected {
            findings.add(Kind::Gap, format!("the database has {} where {expected} should be", row.number));
            return published;
        }
        let Some(value) = published_value(row) else {
            findings.add(Kind::Lost, format!("{} has no event in the log", row.number));
            return published;
        };
        link = next_link(&link, value.as_bytes());
        if link != row.hash {
            findings.add(Kind::Altered, format!("the chain breaks at {}", row.number));
            link.clone_from(&row.hash);
        }
        published.insert(row.number, digest_of(value.as_bytes()));
    }
    if history.line.len() as i64 != history.last_given {
        findings.add(
            Kind::Gap,
            format!("the database gave {} and keeps {}", history.last_given, history.line.len()),
        );
    }
    published
}

/// SHA-256(previous link || published value).
pub(super) fn next_link(link: &[u8], value: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(link);
    context.update(value);
    context.finish().as_ref().to_vec()
}

/// The envelope with what numbering puts before its `correlationid`.
pub(super) fn published_value(row: &Position) -> Option<String> {
    let (_, envelope) = row.logged.as_ref()?;
    let (head, tail) = envelope.split_once(",\"correlationid\":")?;
    let recorded = match row.recorded - row.created > LATE {
        true => {
            let moment = DateTime::from_timestamp_micros(row.recorded)?.format("%Y-%m-%dT%H:%M:%S%.3fZ");
            format!(",\"recordedtime\":\"{moment}\"")
        }
        false => String::new(),
    };
    let numbered = format!(",\"sequence\":\"{:020}\",\"emstream\":\"{}\"", row.number, row.stream);
    Some(format!("{head}{numbered}{recorded},\"correlationid\":{tail}"))
}
