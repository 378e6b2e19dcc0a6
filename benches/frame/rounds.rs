//! Rounds: every side of a bench once a round, turn about; medians of what they gave.

use std::collections::BTreeMap;

use super::Outcome;

/// What one side gave in one round: figures by name.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// All rounds of a bench, by side.
#[derive(Debug, Default)]
pub(crate) struct Rounds(BTreeMap<&'static str, Vec<Figures>>);

/// One side: its name and what measures it once.
pub(crate) type Side<'a> = (&'static str, Box<dyn FnMut() -> Outcome<Figures> + 'a>);

impl Rounds {
    /// Runs all sides `rounds` times; every other round begins with the last side.
    pub(crate) fn run(name: &str, rounds: usize, mut sides: Vec<Side<'_>>) -> Outcome<Self> {
        let mut all = Self::default();
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..sides.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for at in order {
                let Some((side, measure)) = sides.get_mut(at) else { continue };
                super::table::progress(&format!("{name}: round {} of {rounds}, {side}", round + 1));
                all.0.entry(side).or_default().push(measure()?);
            }
        }
        Ok(all)
    }

    /// The median of a figure of a side; not a number where it was not measured.
    pub(crate) fn median(&self, side: &str, figure: &str) -> f64 {
        median(self.values(side, figure))
    }

    /// The median of the ratios of two sides within one round, and the least and greatest.
    pub(crate) fn ratio(&self, side: &str, to: &str, figure: &str) -> (f64, [f64; 2]) {
        let ratios: Vec<f64> =
            self.values(side, figure).zip(self.values(to, figure)).map(|(a, b)| a / b).collect();
        let least = ratios.iter().copied().fold(f64::NAN, f64::min);
        let greatest = ratios.iter().copied().fold(f64::NAN, f64::max);
        (median(ratios.into_iter()), [least, greatest])
    }

    fn values<'a>(&'a self, side: &str, figure: &str) -> impl Iterator<Item = f64> + use<'a> {
        let figure = figure.to_owned();
        let rounds = self.0.get(side).map(Vec::as_slice).unwrap_or_default();
        rounds.iter().map(move |figures| figures.get(figure.as_str()).copied().unwrap_or(f64::NAN))
    }
}

/// The middle value.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 }
}

/// The value below which a part of sorted values lies.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a length is an index"
    )]
    let at = (part * sorted.len() as f64) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}
