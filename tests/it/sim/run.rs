//! One script in a world of its own: each action is done by the model and by the service, and then everything is compared.

use super::fold::{Fold, told_part};
use super::model::Model;
use super::picture::Watcher;
use super::real::{LINES, Real};

/// Where a script and the service part.
pub(super) struct Failure {
    /// The action, from 0; the last one when it is the end that fails.
    pub(super) at: usize,
    /// What differs.
    pub(super) what: String,
}

/// Plays a script; gives its transcript: each action, its answer, its events.
pub(super) fn replay(script: &[String]) -> Result<String, Failure> {
    let (mut real, mut model, mut fold) = (Real::new(), Model::new(&LINES), Fold::default());
    let mut watcher = Watcher::of(&real.axl.site.database);
    let mut transcript = String::new();
    fold.read(&real.axl.site.db).map_err(|what| Failure { at: 0, what })?;
    for (at, action) in script.iter().enumerate() {
        let step = step(action, &mut real, &mut model, &mut fold, &mut watcher);
        transcript += &step.map_err(|what| Failure { at, what: format!("{action}: {what}") })?;
    }
    real.finish().map_err(|what| Failure { at: script.len().saturating_sub(1), what })?;
    Ok(transcript)
}

fn step(
    action: &str,
    real: &mut Real,
    model: &mut Model,
    fold: &mut Fold,
    watcher: &mut Watcher,
) -> Result<String, String> {
    let mut expected = model.act(action);
    let before = expected.is_refusal.then(|| watcher.everything());
    let answer = real.act(action);
    if let Some(before) = before {
        same("a refusal: all tables", &watcher.everything(), &before)?;
    }
    real.audit();
    let mut told = fold.read(&real.axl.site.db)?;
    let transcript =
        format!("> {action}\n{answer}\n{}", told.iter().map(|t| format!("  {t}\n")).collect::<String>());
    if ["sweep", "warn"].contains(&action) {
        // sessions that are due come in any order
        expected.told.sort();
        told.sort();
    }
    same("answer", &answer, &expected.answer)?;
    same("events", &told, &expected.told)?;
    let picture = watcher.picture();
    same("tables", &picture, &model.picture())?;
    same("events folded", &fold.picture(), &told_part(&picture))?;
    if action == "sweep" {
        let past = |line: &&String| {
            let until =
                line.strip_prefix("session ").and_then(|l| l.rsplit_once(' ')).map(|(_, until)| until);
            until.and_then(|text| text.parse::<i64>().ok()).is_some_and(|until| until <= model.now)
        };
        same("sessions past their time", &picture.iter().find(past), &None)?;
    }
    Ok(transcript)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, ought: &T) -> Result<(), String> {
    if is == ought { Ok(()) } else { Err(format!("{what}\n    is {is:?}\n ought {ought:?}")) }
}
