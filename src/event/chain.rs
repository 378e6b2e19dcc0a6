//! The hash chain over the number line: a removed or altered event shows.
//!
//! Each link is SHA-256(previous link || published value). The first link follows 32 zero bytes; after old partitions are gone,
//! the chain is verified from the oldest link that is kept.

use ring::digest::{Context, SHA256};

use super::{EventError, envelope};
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

/// Walks the whole chain and compares every link and number.
pub async fn verify_chain(db: &Db) -> Result<ChainState, EventError> {
    let (mut first, mut last, mut hash, mut stream) = (0, 0, None::<Vec<u8>>, String::new());
    loop {
        let page = db.read(move |tx| Ok::<_, EventError>(number_line::after(tx, last, PAGE)?)).await?;
        if page.is_empty() {
            break;
        }
        for event in page {
            let value = envelope::published(&event).ok_or(EventError::NoEnvelope { position: event.pos })?;
            let gap = last != 0 && event.pos != last + 1 && event.emstream == stream;
            let expected = match &hash {
                Some(previous) => Some(link(previous, &value)),
                None if event.pos == 1 => Some(link(&GENESIS, &value)),
                None => None,
            };
            if gap || expected.is_some_and(|e| e != event.hash) {
                return Ok(ChainState::BrokenAt(event.pos));
            }
            if first == 0 {
                first = event.pos;
            }
            (last, hash, stream) = (event.pos, Some(event.hash), event.emstream);
        }
    }
    let line = db.read(|tx| Ok::<_, EventError>(number_line::line(tx)?)).await?;
    if line.last_pos > last && stream == line.emstream {
        return Ok(ChainState::BrokenAt(last + 1));
    }
    Ok(ChainState::Whole { first, last })
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
