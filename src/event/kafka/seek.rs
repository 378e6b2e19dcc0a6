//! Where reading begins in each partition of a topic.
//!
//! A number is found by halving: a few records are looked at, whatever the length of the topic. Promises to begin at or before the
//! first record with the number or a higher one, never after it; what lies before is for the reader to pass over. Record times are
//! of no help: numbers follow commits, times do not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::KafkaFailure;
use super::consumer::{ReadFrom, position_of};

const REQUEST: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(30);
/// So many offsets are rather read than searched.
const NEAR: i64 = 64;

/// The offsets between which reading should begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Between {
    low: i64,
    high: i64,
}

impl Between {
    /// Where to look next; `None`: near enough.
    fn middle(self) -> Option<i64> {
        let width = self.high - self.low;
        (width > NEAR).then(|| self.low + width / 2)
    }

    /// Takes in the first record at or after an offset, as offset and number; `None`: there is none.
    fn learn(&mut self, asked: i64, found: Option<(i64, i64)>, wanted: i64) {
        match found {
            Some((offset, position)) if offset < self.high && position < wanted => self.low = offset + 1,
            Some(_) | None => self.high = asked,
        }
    }
}

/// Where to begin in partitions that have these oldest and next offsets.
pub(super) fn beginnings<C: ConsumerContext>(
    looking: &BaseConsumer<C>,
    topic: &str,
    bounds: &[(i64, i64)],
    from: ReadFrom,
) -> Result<TopicPartitionList, KafkaFailure> {
    let found = match from {
        ReadFrom::Position(position) => offsets_of(looking, topic, bounds, position)?,
        ReadFrom::Beginning | ReadFrom::End | ReadFrom::Time(_) => BTreeMap::new(),
    };
    let mut list = TopicPartitionList::new();
    for (partition, (_, high)) in (0..).zip(bounds) {
        let offset = match from {
            ReadFrom::Beginning => Offset::Beginning,
            ReadFrom::End => Offset::Offset(*high),
            ReadFrom::Time(time) => Offset::Offset(time.timestamp_millis()),
            ReadFrom::Position(_) => {
                found.get(&partition).map_or(Offset::Beginning, |b| Offset::Offset(b.low))
            }
        };
        list.add_partition_offset(topic, partition, offset)?;
    }
    match from {
        ReadFrom::Time(_) => Ok(looking.offsets_for_times(list, REQUEST)?),
        ReadFrom::Beginning | ReadFrom::End | ReadFrom::Position(_) => Ok(list),
    }
}

/// Halves what is between the bounds of all partitions at a time, until it is little.
fn offsets_of<C: ConsumerContext>(
    looking: &BaseConsumer<C>,
    topic: &str,
    bounds: &[(i64, i64)],
    wanted: i64,
) -> Result<BTreeMap<i32, Between>, KafkaFailure> {
    let deadline = Instant::now() + LIMIT;
    let mut between: BTreeMap<i32, Between> = (0..)
        .zip(bounds)
        .map(|(partition, (low, high))| (partition, Between { low: *low, high: *high }))
        .collect();
    loop {
        let asked: BTreeMap<i32, i64> = between.iter().filter_map(|(p, b)| Some((*p, b.middle()?))).collect();
        if asked.is_empty() {
            return Ok(between);
        }
        let found = first_records(looking, topic, &asked, deadline)?;
        for (partition, b) in &mut between {
            if let Some(asked) = asked.get(partition) {
                b.learn(*asked, found.get(partition).copied(), wanted);
            }
        }
    }
}

/// Offset and number of the first record of ours at or after the given offsets.
fn first_records<C: ConsumerContext>(
    looking: &BaseConsumer<C>,
    topic: &str,
    from: &BTreeMap<i32, i64>,
    deadline: Instant,
) -> Result<BTreeMap<i32, (i64, i64)>, KafkaFailure> {
    let mut assignment = TopicPartitionList::new();
    for (partition, offset) in from {
        assignment.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    looking.assign(&assignment)?;
    let (mut open, mut found): (Vec<i32>, _) = (from.keys().copied().collect(), BTreeMap::new());
    while !open.is_empty() {
        if Instant::now() > deadline {
            return Err(KafkaFailure::Unavailable(format!("topic {topic} cannot be searched")));
        }
        match looking.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => open.retain(|p| *p != partition),
            // the library reports passing trouble and goes on by itself
            Some(Err(e)) => tracing::debug!(reason = %e, "searching {topic}: {e}"),
            Some(Ok(message)) => {
                let partition = message.partition();
                if let Some(position) = position_of(&message)
                    && open.contains(&partition)
                {
                    open.retain(|p| *p != partition);
                    found.insert(partition, (message.offset(), position));
                }
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a partition given as offsets and numbers, and says from which offset on it is read and after how many looks.
    fn search(records: &[(i64, i64)], (low, high): (i64, i64), wanted: i64) -> (i64, usize) {
        let (mut between, mut looks) = (Between { low, high }, 0);
        while let Some(middle) = between.middle() {
            looks += 1;
            between.learn(middle, records.iter().find(|(offset, _)| *offset >= middle).copied(), wanted);
        }
        (between.low, looks)
    }

    /// What a reader that begins there shows: every number from the wanted one on.
    fn shown(records: &[(i64, i64)], begin: i64, wanted: i64) -> std::collections::BTreeSet<i64> {
        records.iter().filter(|(o, p)| *o >= begin && *p >= wanted).map(|(_, p)| *p).collect()
    }

    fn assert_nothing_is_lost(records: &[(i64, i64)], bounds: (i64, i64), wanted: i64) {
        let (begin, looks) = search(records, bounds, wanted);
        assert_eq!(shown(records, begin, wanted), shown(records, 0, wanted), "from {wanted} at {begin}");
        let before = records.iter().filter(|(o, p)| *o >= begin && *p < wanted).count();
        assert!(before <= NEAR as usize, "{before} records are read in vain");
        assert!(looks <= 16, "{looks} looks");
    }

    #[test]
    fn every_number_is_found_between_holes_markers_and_what_has_expired() {
        // every third number is here, every tenth offset is a marker, the first thousand offsets have expired
        let records: Vec<(i64, i64)> =
            (1000..9000).filter(|o| o % 10 != 9).map(|o| (o, (o - 900) * 3)).collect();
        for wanted in (0..25_000).step_by(7).chain([299, 300, 301, 24_294, 24_297, 24_300, i64::MAX]) {
            assert_nothing_is_lost(&records, (1000, 9000), wanted);
        }
    }

    #[test]
    fn a_stretch_without_records_hides_nothing() {
        let records: Vec<(i64, i64)> = (0..200).chain(5000..5003).map(|o| (o, o + 1)).collect();
        for wanted in [0, 1, 2, 150, 199, 200, 201, 5001, 5003, 5004] {
            assert_nothing_is_lost(&records, (0, 8000), wanted);
        }
        assert_nothing_is_lost(&[], (0, 8000), 5);
    }

    #[test]
    fn what_a_publisher_that_died_has_repeated_hides_nothing() {
        let numbers = (1..=400).chain(300..=900).chain(850..=2000);
        let records: Vec<(i64, i64)> = (0..).zip(numbers).collect();
        for wanted in 0..2002 {
            let (begin, _) = search(&records, (0, records.len() as i64), wanted);
            assert_eq!(shown(&records, begin, wanted), shown(&records, 0, wanted), "from {wanted}");
        }
    }

    #[test]
    fn a_short_partition_is_read_without_a_look() {
        assert_eq!(search(&[(0, 7)], (0, 1), 5), (0, 0));
        assert_eq!(search(&[], (0, 0), 5), (0, 0));
    }
}
