//! Where records are: under the key that follows from what their events are about, in the partition where everybody computes it to be.

use std::collections::HashMap;

use super::{Findings, History, Kind};

/// Compares keys and partitions of all records, repeats included. The keys of states are compared with what they say elsewhere.
pub(super) fn check(history: &History, findings: &mut Findings) {
    let logged = history.line.iter().filter_map(|p| Some((p.number, p.logged.as_ref()?.0.as_str())));
    let logged: HashMap<i64, &str> = logged.collect();
    for record in &history.records {
        let (number, expected) = (record.event.sequence, &record.event.key);
        let in_log = logged.get(&number).copied();
        if record.key != *expected || in_log.is_some_and(|key| key != expected) {
            let text =
                format!("{number}: key {:?}, in the log {in_log:?}, should be {expected:?}", record.key);
            findings.add(Kind::Misplaced, text);
        }
        in_partition(history, &record.topic, record.partition, &record.key, findings);
    }
    for state in &history.states {
        in_partition(history, &state.topic, state.partition, &state.key, findings);
    }
}

fn in_partition(history: &History, topic: &str, partition: i32, key: &str, findings: &mut Findings) {
    let expected = history.partitions.get(topic).map(|count| partition_of(key.as_bytes(), *count));
    if expected != Some(partition) {
        findings
            .add(Kind::Misplaced, format!("{key:?} is in {topic} {partition}, should be in {expected:?}"));
    }
}

/// The contract's partitioner: (murmur2(key) AND 0x7fffffff) mod partitions.
pub(super) fn partition_of(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key).cast_signed() & i32::MAX) % partitions
}

/// murmur2 with the seed of the Java client.
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let scrambled = |chunk: &[u8]| {
        let k = u32::from_le_bytes(chunk.try_into().unwrap()).wrapping_mul(M);
        (k ^ (k >> 24)).wrapping_mul(M)
    };
    let (fours, rest) = key.split_at(key.len() / 4 * 4);
    let mut h = 0x9747_b28c ^ u32::try_from(key.len()).unwrap();
    for four in fours.chunks_exact(4) {
        h = h.wrapping_mul(M) ^ scrambled(four);
    }
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        h = (h ^ u32::from_le_bytes(last)).wrapping_mul(M);
    }
    h = (h ^ (h >> 13)).wrapping_mul(M);
    h ^ (h >> 15)
}
