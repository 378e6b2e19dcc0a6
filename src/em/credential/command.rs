//! `emgate pin`: settings as `emgate serve` has them, lines or JSON, and an exit status.
//!
//! A PIN never comes by the command line, where others could read it: it is read from the standard input, or made and shown once.

use std::io::{self, BufRead, Write};

use serde::Serialize;
use zeroize::Zeroizing;

use super::operator::{self, LockedBy, PinState, ResetDone, Undone, UnlockDone};
use crate::auth::hash::{HashCosts, Hasher};
use crate::auth::pepper::{Pepper, PepperError};
use crate::config::Flags;
use crate::domain::credential::SecretKind;
use crate::domain::names::NameError;
use crate::domain::secret::{Pin, SecretError};
use crate::domain::short_text::Comment;
use crate::em::operator::terminal::{Ground, NoGround};

/// What to do with a PIN.
#[derive(Debug, Clone, clap::Args)]
pub struct PinArgs {
    #[command(subcommand)]
    command: PinCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum PinCommand {
    /// Set a new PIN: the first line of the standard input, or one that is made and shown once
    Reset {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        why: Why,
        /// Read the PIN from the standard input
        #[arg(long)]
        stdin: bool,
        /// Let the person change it before the next login
        #[arg(long)]
        must_change: bool,
    },
    /// End a lock, whether failed attempts or an administrator led to it
    Unlock {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        why: Why,
    },
    /// Show whether there is a PIN, its age, end, locks and failed attempts
    ShowState {
        #[command(flatten)]
        whose: Whose,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct Whose {
    #[command(flatten)]
    flags: Flags,
    /// User id of the person
    #[arg(long)]
    user: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct Why {
    /// Why, for the event log
    #[arg(long)]
    reason: Option<Comment>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("user: {0}")]
    User(#[from] NameError),
    #[error("standard input: {0}")]
    Pin(#[from] SecretError),
    #[error(transparent)]
    Ground(#[from] NoGround),
    #[error(transparent)]
    Pepper(#[from] PepperError),
    #[error(transparent)]
    Undone(#[from] Undone),
    #[error("output: {0}")]
    Json(#[from] serde_json::Error),
    #[error("input or output: {0}")]
    Io(#[from] io::Error),
}

/// Carries out the command; 0: done, 1: there is no such person, 2: it could not be done.
pub fn run(args: &PinArgs) -> i32 {
    match carry_out(&args.command).and_then(|text| Ok(io::stdout().lock().write_all(text.as_bytes())?)) {
        Ok(()) => 0,
        Err(error) => {
            let _unsaid = writeln!(io::stderr(), "emgate: {error}");
            if matches!(error, Failed::Undone(Undone::Nobody(_))) { 1 } else { 2 }
        }
    }
}

fn carry_out(command: &PinCommand) -> Result<String, Failed> {
    match command {
        PinCommand::Reset { whose, why, stdin, must_change } => reset(whose, why, *stdin, *must_change),
        PinCommand::Unlock { whose, why } => unlock(whose, why),
        PinCommand::ShowState { whose } => show(whose),
    }
}

impl Whose {
    fn say<T: Serialize>(&self, done: &T, text: impl FnOnce(&T) -> String) -> Result<String, Failed> {
        Ok(if self.json { format!("{}\n", serde_json::to_string(done)?) } else { text(done) })
    }
}

fn reset(whose: &Whose, why: &Why, stdin: bool, must_change: bool) -> Result<String, Failed> {
    let (user, ground) = (whose.user.trim().parse()?, Ground::of(&whose.flags)?);
    let given = if stdin { Some(read()?) } else { None };
    let pepper = Pepper::load_or_create(&ground.config.pepper_file(), &ground.db)?;
    let hasher = Hasher::new(&pepper, HashCosts::from(&ground.config.credentials));
    let hash = |pin: &str| hasher.hash(SecretKind::Pin, pin);
    let by = (&ground.origin, &ground.cause(why.reason.clone()));
    let done = operator::reset(&ground.db, &user, (given, must_change), hash, by)?;
    whose.say(&done, |ResetDone { user_id, locked, pin, .. }| {
        let mut text = format!("the PIN of {user_id} is new; the old one is refused from now on\n");
        if let Some(pin) = pin {
            text += &format!("it is shown only now: {}\n", pin.expose());
        }
        if *locked {
            text += "it is still locked: `emgate pin unlock`\n";
        }
        text
    })
}

fn unlock(whose: &Whose, why: &Why) -> Result<String, Failed> {
    let (user, ground) = (whose.user.trim().parse()?, Ground::of(&whose.flags)?);
    let by = (&ground.origin, &ground.cause(why.reason.clone()));
    whose.say(&operator::unlock(&ground.db, &user, by)?, |UnlockDone { user_id, unlocked }| {
        let what = if *unlocked { "is unlocked" } else { "was not locked" };
        format!("the PIN of {user_id} {what}; failed attempts are forgotten\n")
    })
}

fn show(whose: &Whose) -> Result<String, Failed> {
    let (user, ground) = (whose.user.trim().parse()?, Ground::of(&whose.flags)?);
    whose.say(&operator::state(&ground.db, &user)?, lines)
}

fn lines(state: &PinState) -> String {
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
    };
    let yes = |is: bool| if is { "yes" } else { "no" };
    let locked = match (state.locked_by, state.locked_until) {
        (None, _) => "no".to_owned(),
        (Some(LockedBy::Administrator), _) => "by an administrator".to_owned(),
        (Some(LockedBy::Inactivity), _) => "not used for too long".to_owned(),
        (Some(LockedBy::FailedAttempts), None) => "failed attempts, until it is unlocked".to_owned(),
        (Some(LockedBy::FailedAttempts), until) => format!("failed attempts, until {}", moment(until)),
    };
    let age = state.age_days.map_or_else(String::new, |days| format!(" ({days} days ago)"));
    [
        ("user", state.user_id.clone()),
        ("set", yes(state.set).to_owned()),
        ("changed", moment(state.changed_at) + &age),
        ("expires", moment(state.expires_at) + if state.expired { " (over)" } else { "" }),
        ("must be changed", yes(state.must_change).to_owned()),
        ("may be changed", yes(!state.cant_change).to_owned()),
        ("last right", moment(state.last_used_at)),
        ("failed attempts", state.failed_attempts.to_string()),
        ("last failed", moment(state.last_failed_at)),
        ("locked", locked),
    ]
    .into_iter()
    .map(|(name, value)| format!("{name:<16} {value}\n"))
    .collect()
}

fn read() -> Result<Pin, Failed> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).parse()?)
}
