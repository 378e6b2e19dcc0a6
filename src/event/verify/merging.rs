//! The events of all partitions in the order of the number line, each partition read only as far as its turn asks.

use std::time::{Duration, Instant};

use super::VerifyError;
use super::entry::Entry;
use crate::event::kafka::{RawPolled, RawReader, RawRecord};

/// One look at a partition.
const LOOK: Duration = Duration::from_millis(100);

/// Merges partitions.
pub(super) struct Merging<'r> {
    reader: &'r RawReader,
    fronts: Vec<Front>,
    patience: Duration,
}

enum Front {
    Unknown,
    Next(Box<Entry>),
    Ended,
}

impl<'r> Merging<'r> {
    /// Begins before the first record of every partition.
    pub(super) fn of(reader: &'r RawReader, patience: Duration) -> Self {
        let fronts = reader.spans().map(|_| Front::Unknown).collect();
        Self { reader, fronts, patience }
    }

    /// Looks for the next event of every partition. Each record read goes through `take`, which gives back what is an event to be merged.
    pub(super) fn fill(
        &mut self,
        take: &mut dyn FnMut(&RawRecord) -> Option<Entry>,
    ) -> Result<(), VerifyError> {
        for (source, front) in self.fronts.iter_mut().enumerate() {
            if matches!(front, Front::Unknown) {
                let entry = next(self.reader, source, self.patience, take)?;
                *front = entry.map_or(Front::Ended, |entry| Front::Next(Box::new(entry)));
            }
        }
        Ok(())
    }

    /// The number of the next event of each partition.
    pub(super) fn firsts(&self) -> impl Iterator<Item = Option<i64>> {
        self.fronts.iter().map(|front| match front {
            Front::Next(entry) => Some(entry.position),
            Front::Unknown | Front::Ended => None,
        })
    }

    /// The next event of all; `None`: there is no more.
    pub(super) fn pop(
        &mut self,
        take: &mut dyn FnMut(&RawRecord) -> Option<Entry>,
    ) -> Result<Option<Entry>, VerifyError> {
        self.fill(take)?;
        let smallest = self
            .firsts()
            .enumerate()
            .filter_map(|(source, position)| Some((position?, source)))
            .min()
            .and_then(|(_, source)| self.fronts.get_mut(source));
        let Some(front) = smallest else { return Ok(None) };
        match std::mem::replace(front, Front::Unknown) {
            Front::Next(entry) => Ok(Some(*entry)),
            Front::Unknown | Front::Ended => Ok(None),
        }
    }
}

/// The next record of a partition that `take` makes something of; `None`: its end.
pub(super) fn next<T>(
    reader: &RawReader,
    source: usize,
    patience: Duration,
    take: &mut dyn FnMut(&RawRecord) -> Option<T>,
) -> Result<Option<T>, VerifyError> {
    let mut heard = Instant::now();
    loop {
        match reader.next(source, LOOK)? {
            RawPolled::Record(record) => {
                heard = Instant::now();
                if let Some(taken) = take(&record) {
                    return Ok(Some(taken));
                }
            }
            RawPolled::End => return Ok(None),
            RawPolled::Nothing if heard.elapsed() >= patience => {
                return Err(VerifyError::Silent(patience.as_secs()));
            }
            RawPolled::Nothing => {}
        }
    }
}
