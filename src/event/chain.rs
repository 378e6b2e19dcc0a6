//! The hash chain over the number line: a removed or altered event shows.
//!
//! Each link is SHA-256(previous link || published value). The first link follows 32 zero bytes; after old partitions are gone,
//! the chain is verified from the oldest link that is kept.

use ring::digest::{Context, SHA256};

use super::{EventError, envelope};
use crate::store::number_line::Positioned;
use crate::store::{Db, number_line};

/// What the first link follows.
pub const GENESIS: [u8; 32] = [0; 32];

/// Events read at a time.
const PAGE: i32 = 500;

/// The link that a published value makes after another.
pub fn link(previous: &[u8], value: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(value.as_bytes());
    context.finish().as_ref().to_vec()
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainState {
    /// Every link is right.
    Whole {
        /// Oldest number kept; 0 when there is none.
        first: i64,
        /// Newest number.
        last: i64,
    },
    /// The event at this number is missing, altered, or stands after a gap.
    BrokenAt(i64),
}

/// What is wrong with an event of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Numbers before it are missing; the last one before them.
    After(i64),
    /// It, or the link before it, is not what it was.
    Altered,
    /// Its text is no envelope of ours.
    NoEnvelope,
}

/// A walk along the chain, event by event, from anywhere on.
#[derive(Debug, Default)]
pub struct Walk {
    before: Option<Step>,
    first: i64,
}

#[derive(Debug)]
struct Step {
    pos: i64,
    emstream: String,
    hash: Vec<u8>,
}

impl Walk {
    /// Goes to the next event that is kept and compares its number and its link with what stands before.
    pub fn step(&mut self, event: &Positioned) -> Result<(), Broken> {
        let outcome = self.compare(event);
        if self.before.is_none() {
            self.first = event.pos;
        }
        self.before =
            Some(Step { pos: event.pos, emstream: event.emstream.clone(), hash: event.hash.clone() });
        outcome
    }

    fn compare(&self, event: &Positioned) -> Result<(), Broken> {
        let value = envelope::published(event).ok_or(Broken::NoEnvelope)?;
        let expected = match &self.before {
            Some(before) if event.pos != before.pos + 1 && event.emstream == before.emstream => {
                return Err(Broken::After(before.pos));
            }
            Some(before) => link(&before.hash, &value),
            None if event.pos == 1 => link(&GENESIS, &value),
            None => return Ok(()),
        };
        if expected == event.hash { Ok(()) } else { Err(Broken::Altered) }
    }

    /// The number reached; 0: none.
    pub fn reached(&self) -> i64 {
        self.before.as_ref().map_or(0, |step| step.pos)
    }

    /// The first of the numbers up to one that must follow on the given line and do not.
    pub fn missing(&self, emstream: &str, last: i64) -> Option<i64> {
        let before = self.before.as_ref().filter(|step| step.emstream == emstream && step.pos < last)?;
        Some(before.pos + 1)
    }
}

/// Walks the whole chain and compares every link and number.
pub async fn verify_chain(db: &Db) -> Result<ChainState, EventError> {
    let mut walk = Walk::default();
    loop {
        let last = walk.reached();
        let page = db.read(move |tx| Ok::<_, EventError>(number_line::after(tx, last, PAGE)?)).await?;
        if page.is_empty() {
            break;
        }
        for event in page {
            match walk.step(&event) {
                Ok(()) => {}
                Err(Broken::NoEnvelope) => return Err(EventError::NoEnvelope { position: event.pos }),
                Err(Broken::After(_) | Broken::Altered) => return Ok(ChainState::BrokenAt(event.pos)),
            }
        }
    }
    let line = db.read(|tx| Ok::<_, EventError>(number_line::line(tx)?)).await?;
    match walk.missing(&line.emstream, line.last_pos) {
        Some(position) => Ok(ChainState::BrokenAt(position)),
        None => Ok(ChainState::Whole { first: walk.first, last: walk.reached() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_sha256_over_the_previous_link_and_the_value() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let first = link(&GENESIS, "a");
        assert_eq!(hex(first.clone()).len(), 64);
        assert_ne!(first, link(&GENESIS, "b"));
        assert_eq!(hex(link(b"", "abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_ne!(link(&first, "a"), first);
    }
}
