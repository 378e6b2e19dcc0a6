//! `emgate pin`: settings as `emgate serve` has them, lines or JSON, and an exit status.
//!
//! A PIN never comes by the command line, where others could read it: it is read from the standard input, or made and shown once.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::operator::{self, LockedBy, Operator, PinState};
use crate::auth::hash::{HashCosts, HashError, Hasher};
use crate::auth::pepper::{Pepper, PepperError};
use crate::clock::{Clock, IdSource};
use crate::config::{Config, ConfigError, Flags};
use crate::domain::credential::{CredentialPolicy, SecretKind};
use crate::domain::names::UserId;
use crate::domain::pin_choice::{self, PinOwner};
use crate::domain::secret::{Pin, SecretError};
use crate::em::operator::terminal;
use crate::event::{EventError, Origin};
use crate::store::{Db, cluster};

/// Digits of a PIN that is made, unless the policy asks for more.
const MADE: usize = 6;
/// Characters of a reason that are kept.
const LONGEST_REASON: usize = 256;

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
    reason: Option<String>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("nobody has the user id \"{0}\"")]
    Nobody(String),
    #[error("standard input: {0}")]
    Pin(#[from] SecretError),
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error(transparent)]
    Pepper(#[from] PepperError),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("no randomness for a PIN")]
    Randomness,
    #[error(transparent)]
    Event(#[from] EventError),
    #[error("input or output: {0}")]
    Io(#[from] io::Error),
}

/// Carries out the command; 0: done, 1: there is no such person, 2: it could not be done.
pub fn run(args: &PinArgs) -> i32 {
    match carry_out(&args.command).and_then(|text| Ok(io::stdout().lock().write_all(text.as_bytes())?)) {
        Ok(()) => 0,
        Err(error) => {
            let _unsaid = writeln!(io::stderr(), "emgate: {error}");
            if matches!(error, Undone::Nobody(_)) { 1 } else { 2 }
        }
    }
}

fn carry_out(command: &PinCommand) -> Result<String, Undone> {
    match command {
        PinCommand::Reset { whose, why, stdin, must_change } => reset(whose, why, *stdin, *must_change),
        PinCommand::Unlock { whose, why } => unlock(whose, why),
        PinCommand::ShowState { whose } => show(whose),
    }
}

/// The database and the person that a command is about.
struct Ground {
    config: Config,
    db: Db,
    user: UserId,
}

impl Ground {
    fn of(whose: &Whose) -> Result<Self, Undone> {
        let user = whose.user.trim().parse().map_err(|_| whose.nobody())?;
        let config = Config::load(&whose.flags)?;
        let db = Db::open(config.database.url(), 1, Clock::Database, IdSource::Random);
        Ok(Self { db: db.map_err(EventError::from)?, config, user })
    }

    fn operator(&self, why: &Why) -> Result<Operator, Undone> {
        let made = self.db.write_blocking(|tx| Ok::<_, EventError>(cluster::cluster_id(tx)?))?;
        let reason = why.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
        let kept = |reason: &str| reason.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        Ok(Operator {
            name: terminal::operator_name(),
            reason: reason.map(kept),
            origin: Origin::of(&self.config.node, made),
        })
    }
}

impl Whose {
    fn nobody(&self) -> Undone {
        Undone::Nobody(self.user.clone())
    }

    fn say(&self, json: Value, text: String) -> String {
        if self.json { format!("{json}\n") } else { text }
    }
}

fn reset(whose: &Whose, why: &Why, stdin: bool, must_change: bool) -> Result<String, Undone> {
    let ground = Ground::of(whose)?;
    let (owner, policy) = operator::choice(&ground.db, &ground.user)?.ok_or_else(|| whose.nobody())?;
    let pin = if stdin { read()? } else { make(&owner, &policy)? };
    let pepper = Pepper::load_or_create(&ground.config.pepper_file(), &ground.db)?;
    let hasher = Hasher::new(&pepper, HashCosts::from(&ground.config.credentials));
    let hash = hasher.hash(SecretKind::Pin, pin.expose())?;
    if !operator::reset(&ground.db, &ground.user, &hash, must_change, &ground.operator(why)?)? {
        return Err(whose.nobody());
    }
    let user = ground.user.as_str();
    let is_locked = operator::state(&ground.db, &ground.user)?.is_some_and(|state| state.locked);
    let shown = (!stdin).then(|| pin.expose());
    let json = json!({ "userId": user, "reset": true, "mustChange": must_change, "locked": is_locked, "pin": shown });
    let mut text = format!("the PIN of {user} is new; the old one is refused from now on\n");
    if let Some(pin) = shown {
        text += &format!("it is shown only now: {pin}\n");
    }
    if is_locked {
        text += "it is still locked: `emgate pin unlock`\n";
    }
    Ok(whose.say(json, text))
}

fn unlock(whose: &Whose, why: &Why) -> Result<String, Undone> {
    let ground = Ground::of(whose)?;
    let unlocked = operator::unlock(&ground.db, &ground.user, &ground.operator(why)?)?;
    let was_locked = unlocked.ok_or_else(|| whose.nobody())?;
    let user = ground.user.as_str();
    let what = if was_locked { "is unlocked" } else { "was not locked" };
    let json = json!({ "userId": user, "unlocked": was_locked });
    Ok(whose.say(json, format!("the PIN of {user} {what}; failed attempts are forgotten\n")))
}

fn show(whose: &Whose) -> Result<String, Undone> {
    let ground = Ground::of(whose)?;
    let state = operator::state(&ground.db, &ground.user)?.ok_or_else(|| whose.nobody())?;
    let json = serde_json::to_value(&state).map_err(EventError::from)?;
    Ok(whose.say(json, lines(&state)))
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

fn read() -> Result<Pin, Undone> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).parse()?)
}

/// Makes a PIN that its holder could have chosen.
fn make(owner: &PinOwner, policy: &CredentialPolicy) -> Result<Pin, Undone> {
    let length = policy.choice.least_length.max(MADE);
    loop {
        let mut bytes = Zeroizing::new(vec![0_u8; length * 2]);
        getrandom::fill(&mut bytes).map_err(|_| Undone::Randomness)?;
        // 250 is the last multiple of ten in a byte: each digit is as likely as the others
        let digits = bytes.iter().filter(|b| **b < 250).map(|b| char::from(b'0' + b % 10));
        let text: Zeroizing<String> = Zeroizing::new(digits.take(length).collect());
        let pin: Pin = text.parse()?;
        if pin.expose().len() == length && pin_choice::flaw(&pin, owner, &policy.choice).is_none() {
            return Ok(pin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_pin_is_one_that_its_holder_could_have_chosen() {
        let policy = CredentialPolicy::default();
        let owner = PinOwner { names: vec!["ada".into()], extensions: vec!["2145".into()] };
        for _ in 0..200 {
            let pin = make(&owner, &policy).unwrap();
            assert_eq!(pin.expose().len(), 6);
            assert_eq!(pin_choice::flaw(&pin, &owner, &policy.choice), None);
        }
    }
}
