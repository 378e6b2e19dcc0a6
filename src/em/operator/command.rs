//! `emgate sessions` and `emgate logout`: a table or JSON, and an exit status.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::{Ground, NoGround};
use super::{Ended, LogoutResult, Meant, NoDuration, SessionShown, SessionsMeant, foresee, list, log_out};
use crate::config::Flags;
use crate::domain::logout::LogoutOrigin;
use crate::domain::short_text::Comment;

/// Sessions that are listed or ended at most.
const MOST: usize = 1_000_000;

/// Which sessions to list, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct SessionsArgs {
    /// Where the database is, as for the gateway.
    #[command(flatten)]
    pub flags: Flags,
    /// Which sessions.
    #[command(flatten)]
    pub meant: SessionsMeant,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Which sessions to end, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct LogoutArgs {
    /// Where the database is, as for the gateway.
    #[command(flatten)]
    pub flags: Flags,
    /// Phones to log out, by name
    #[arg(value_name = "PHONE", conflicts_with_all = ["phone", "user", "profile", "site", "longer_than", "all"])]
    pub phones: Vec<String>,
    /// Which sessions.
    #[command(flatten)]
    pub meant: SessionsMeant,
    /// All sessions
    #[arg(long)]
    pub all: bool,
    /// Show what would be logged out, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Log out what the filter means; without it a filter only shows
    #[arg(long)]
    pub yes: bool,
    /// Logouts a second; 0: as fast as it goes
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub rate: u32,
    /// Why, for the events
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<Comment>,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Why nothing could be done.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Ground(#[from] NoGround),
    #[error("longer-than: {0}")]
    Duration(#[from] NoDuration),
    #[error("name phones, or a filter such as --user or --site, or --all")]
    NobodyMeant,
    #[error("output: {0}")]
    Output(#[from] io::Error),
    #[error("output: {0}")]
    Json(#[from] serde_json::Error),
}

/// Lists sessions; 0: done, 2: could not be asked.
pub fn sessions(args: &SessionsArgs) -> i32 {
    exit(list_meant(args))
}

/// Ends sessions; 0: all of them ended (would end, in a dry run), 1: some did not, 2: nothing could be done.
pub fn logout(args: &LogoutArgs) -> i32 {
    exit(log_out_all(args))
}

fn exit(outcome: Result<bool, Failed>) -> i32 {
    match outcome {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            let _unsaid = writeln!(io::stderr(), "emgate: {error}");
            2
        }
    }
}

fn list_meant(args: &SessionsArgs) -> Result<bool, Failed> {
    let filter = args.meant.filter()?;
    let found = list(&Ground::of(&args.flags)?.db, &filter, MOST).map_err(NoGround::Database)?;
    print(&found, args.json, session_line, &mut io::stdout().lock())?;
    Ok(true)
}

fn log_out_all(args: &LogoutArgs) -> Result<bool, Failed> {
    if args.phones.is_empty() && args.meant.is_everything() && !args.all {
        return Err(Failed::NobodyMeant);
    }
    let ground = Ground::of(&args.flags)?;
    let mut out = io::stdout().lock();
    let sessions: Vec<Meant> = if args.phones.is_empty() {
        let found = list(&ground.db, &args.meant.filter()?, MOST).map_err(NoGround::Database)?;
        if args.dry_run || !args.yes {
            print(&found, args.json, session_line, &mut out)?;
            if !args.dry_run {
                writeln!(io::stderr(), "{} sessions; with --yes they are logged out", found.len())?;
            }
            return Ok(true);
        }
        found.into_iter().map(|session| Meant { phone: session.phone, user: Some(session.user) }).collect()
    } else if args.dry_run {
        let foreseen = ground.db.read_blocking(|tx| foresee(tx, &args.phones)).map_err(NoGround::Database)?;
        print(&foreseen, args.json, result_line, &mut out)?;
        return Ok(foreseen.iter().all(|r| r.result == Ended::WouldLogOut));
    } else {
        args.phones.iter().map(|phone| Meant::at(phone)).collect()
    };
    let results = end_each(&ground, &sessions, args);
    print(&results, args.json, result_line, &mut out)?;
    Ok(results.iter().all(|r| r.result == Ended::LoggedOut))
}

fn end_each(ground: &Ground, sessions: &[Meant], args: &LogoutArgs) -> Vec<LogoutResult> {
    let pause = if args.rate == 0 { Duration::ZERO } else { Duration::from_secs(1) / args.rate };
    let bar = progress(sessions.len());
    let asked = if args.phones.is_empty() { args.meant.origin() } else { LogoutOrigin::Api };
    let mut results = Vec::with_capacity(sessions.len());
    for (at, meant) in sessions.iter().enumerate() {
        if at > 0 {
            std::thread::sleep(pause);
        }
        let cause = ground.cause(args.reason.clone());
        results.push(log_out(&ground.db, &ground.origin, meant, asked, &cause));
        bar.inc(1);
    }
    bar.finish_and_clear();
    results
}

fn progress(length: usize) -> ProgressBar {
    let target = if length > 1 && io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(u64::try_from(length).ok(), target);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} logged out, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn print<T: serde::Serialize>(
    rows: &[T],
    json: bool,
    line: fn(&T) -> String,
    out: &mut impl Write,
) -> Result<(), Failed> {
    if json {
        serde_json::to_writer_pretty(&mut *out, rows)?;
        writeln!(out)?;
    } else {
        rows.iter().try_for_each(|row| writeln!(out, "{}", line(row)))?;
    }
    Ok(out.flush()?)
}

fn session_line(session: &SessionShown) -> String {
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let expires = session.expires_at.map_or_else(|| "no end".to_owned(), moment);
    format!(
        "{:<20} {:<20} {:<24} {:<16} {}  {expires}",
        session.phone,
        session.user,
        session.profile,
        session.site.as_deref().unwrap_or("-"),
        moment(session.login_time)
    )
}

fn result_line(result: &LogoutResult) -> String {
    let LogoutResult { phone, user, result, code, advice } = result;
    let user = user.as_deref().unwrap_or("-");
    match (code, advice) {
        (Some(code), Some(advice)) => format!("{phone:<20} {user:<20} {result} ({code}): {advice}"),
        (_, _) => format!("{phone:<20} {user:<20} {result}"),
    }
}
