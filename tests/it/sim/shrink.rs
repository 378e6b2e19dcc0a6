//! A failing script with as few actions as a bounded number of tries finds.

use super::run::{Failure, replay};

const TRIES: usize = 150;

/// Drops what can be dropped: what comes after the failure, then ever smaller parts.
pub(super) fn shrink(script: Vec<String>, failure: Failure) -> (Vec<String>, Failure) {
    let (mut script, mut failure) = (script, failure);
    script.truncate(failure.at + 1);
    let (mut part, mut tries) = (script.len() / 2, 0);
    while part > 0 {
        let mut from = 0;
        while from < script.len() && tries < TRIES {
            tries += 1;
            let mut fewer = script.clone();
            fewer.drain(from..(from + part).min(script.len()));
            match replay(&fewer) {
                Err(still) if !fewer.is_empty() => {
                    fewer.truncate(still.at + 1);
                    (script, failure) = (fewer, still);
                }
                _ => from += part,
            }
        }
        part /= 2;
    }
    (script, failure)
}
