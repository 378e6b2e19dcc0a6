//! The number line as it is in Kafka: all event topics, read at the same time, in one order.
//!
//! Promises that what is held in memory has a bound: a partition that is far ahead of the others rests until they have caught up.

use std::time::{Duration, Instant};

use super::kafka::{EventReader, Incoming, KafkaFailure, KafkaSettings, Polled, ReadFrom};
use super::merge::Merge;

/// Reads the number line.
pub struct LineReader {
    reader: EventReader,
    merge: Merge,
}

impl LineReader {
    /// Opens all event topics that exist.
    pub fn open(settings: &KafkaSettings, from: ReadFrom) -> Result<Self, KafkaFailure> {
        let reader = EventReader::open(settings, from)?;
        let merge = Merge::of(reader.sources());
        Ok(Self { reader, merge })
    }

    /// The next event; `None`: none has come in about this time that is known to be the next.
    pub fn next(&mut self, most: Duration) -> Result<Option<Incoming>, KafkaFailure> {
        if let Some(record) = self.pop()? {
            return Ok(Some(record));
        }
        match self.reader.poll(most)? {
            Polled::Record(record) => {
                let source = record.source;
                self.merge.push(*record);
                self.reader.rest(source, self.merge.is_full(source))?;
            }
            Polled::EndOf(source) => self.merge.end_of(source),
            Polled::Nothing => {}
        }
        self.pop()
    }

    fn pop(&mut self) -> Result<Option<Incoming>, KafkaFailure> {
        let popped = self.merge.pop(Instant::now());
        if let Some(record) = &popped {
            self.reader.rest(record.source, self.merge.is_full(record.source))?;
        }
        Ok(popped)
    }

    /// Whether everything that is there has been given out.
    pub fn is_drained(&self) -> bool {
        self.merge.is_drained()
    }

    /// How many records wait for their turn.
    pub fn held(&self) -> usize {
        self.merge.held()
    }

    /// Whether the broker keeps its records in memory only.
    pub fn is_volatile(&self) -> bool {
        self.reader.is_volatile()
    }
}
