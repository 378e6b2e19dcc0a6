//! Waits until what the database held at one moment is in Kafka.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::VerifyError;
use crate::event::EventError;
use crate::event::kafka::{DeliveryMode, KafkaSettings, newest_number};
use crate::store::verification::{self, Snapshot};
use crate::store::{Db, number_line};

/// Between two looks at the database.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at Kafka.
const LOOK_AT_KAFKA: Duration = Duration::from_secs(1);

/// What was published when waiting ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// Kafka has everything up to this number.
    pub(super) confirmed: i64,
    /// The highest number of what was waited for.
    pub(super) until: i64,
    /// Highest number when the tables were read.
    pub(super) last: i64,
    /// Numbers of the events that had none then.
    pub(super) later: HashSet<i64>,
    /// How many of these still have none.
    pub(super) unnumbered: u64,
    /// How many events were waited for.
    pub(super) waiting: u64,
}

impl Published {
    /// Whether the tables were read after an event.
    pub(super) fn is_in_snapshot(&self, position: i64) -> bool {
        position <= self.last || self.later.contains(&position)
    }
}

/// Waits until everything is published, or as long as there is patience; `None`: the number line was begun anew.
pub(super) fn wait(
    db: &Db,
    settings: &KafkaSettings,
    snapshot: &Snapshot,
    patience: Duration,
) -> Result<Option<Published>, VerifyError> {
    let (begun, mut looked) = (Instant::now(), Instant::now());
    loop {
        let (line, numbers) = db.read_blocking(|tx| {
            let numbers = verification::numbers_of(tx, &snapshot.pending)?;
            Ok::<_, EventError>((number_line::line(tx)?, numbers))
        })?;
        if line.emstream != snapshot.line.emstream {
            return Ok(None);
        }
        let last = snapshot.line.last_pos;
        let unconfirmed = usize::try_from(last - snapshot.line.confirmed_pos).unwrap_or_default();
        let mut published = Published {
            confirmed: line.confirmed_pos,
            until: numbers.iter().copied().max().unwrap_or_default().max(last).max(line.confirmed_pos),
            last,
            unnumbered: (snapshot.pending.len() - numbers.len()) as u64,
            later: numbers.into_iter().collect(),
            waiting: (snapshot.pending.len() + unconfirmed) as u64,
        };
        let all_numbered = published.unnumbered == 0;
        if all_numbered && published.confirmed >= published.until {
            return Ok(Some(published));
        }
        // a publisher that was killed, or one of a broker that forgets, has not noted what it sent
        if all_numbered && looked.elapsed() >= LOOK_AT_KAFKA {
            if newest_number(settings)? >= published.until {
                if settings.mode == DeliveryMode::Idempotent {
                    // without transactions the other partitions may be a moment behind
                    std::thread::sleep(LOOK_AT_KAFKA);
                }
                published.confirmed = published.until;
                return Ok(Some(published));
            }
            looked = Instant::now();
        }
        if begun.elapsed() >= patience {
            return Ok(Some(published));
        }
        std::thread::sleep(LOOK);
    }
}
