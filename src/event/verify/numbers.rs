//! A set of numbers that are close to each other, at a bit each.

use std::collections::BTreeMap;

/// Numbers in blocks of 64.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<i64, u64>);

impl Numbers {
    /// Adds a number.
    pub(super) fn insert(&mut self, number: i64) {
        let (block, bit) = place(number);
        *self.0.entry(block).or_default() |= bit;
    }

    /// Whether a number is in it.
    pub(super) fn contains(&self, number: i64) -> bool {
        let (block, bit) = place(number);
        self.0.get(&block).is_some_and(|bits| bits & bit != 0)
    }
}

fn place(number: i64) -> (i64, u64) {
    (number.div_euclid(64), 1 << number.rem_euclid(64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_in_it_and_nothing_else() {
        let mut numbers = Numbers::default();
        let all = [i64::MIN, -65, -1, 0, 1, 63, 64, 65, 1_000_000, i64::MAX];
        all.iter().for_each(|n| numbers.insert(*n));
        assert!(all.iter().all(|n| numbers.contains(*n)));
        assert!(![-64, -2, 2, 62, 66, 999_999, i64::MAX - 1].iter().any(|n| numbers.contains(*n)));
    }
}
