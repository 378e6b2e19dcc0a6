//! How much the log says, changeable while the process runs: the operator's filter, and phones or users of whom it says everything for
//! some minutes (EM-139).
//!
//! What is asked of a request is compared here and never printed: what was typed as a user id may be a PIN. A request that is meant is
//! marked in its span, and lines under that span pass down to debug.

use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::log::{is_marked, is_ours};

/// Field of the span of a request that the log says everything about.
pub(super) const MARK: &str = "log.watched";

/// So many phones and users may be watched at a time.
const MOST_WATCHED: usize = 32;

/// The levels of this process, once its log has started.
pub(super) static LEVELS: OnceLock<Levels> = OnceLock::new();

/// What the log says.
#[derive(Debug)]
pub struct Levels {
    configured: String,
    state: RwLock<State>,
    /// Has what was decided for each place in the code decided anew.
    decide_anew: fn(),
}

#[derive(Debug)]
struct State {
    text: String,
    filter: EnvFilter,
    watched: Vec<Watched>,
}

/// Whose requests the log says everything about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Those of a phone.
    Phone(String),
    /// Those that name a user.
    User(String),
}

#[derive(Debug)]
struct Watched {
    whom: Watch,
    until: Instant,
}

/// How things are, for operators.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LevelReport {
    /// The filter in force.
    pub filter: String,
    /// Who is watched.
    pub watched: Vec<WatchReport>,
}

/// Somebody who is watched.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct WatchReport {
    /// The phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Seconds that are left.
    pub seconds: u64,
}

/// More phones and users are watched than is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_WATCHED} phones and users are watched already, give one of them up with minutes=0")]
pub struct TooManyWatched;

impl Levels {
    /// Begins with the filter of the settings.
    pub(super) fn new(configured: &str, decide_anew: fn()) -> Result<Self, ParseError> {
        let state = State { text: configured.to_owned(), filter: parse(configured)?, watched: Vec::new() };
        Ok(Self { configured: configured.to_owned(), state: RwLock::new(state), decide_anew })
    }

    /// Those of this process; none: its log has not started.
    pub fn of_process() -> Option<&'static Self> {
        LEVELS.get()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what holds from now on.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            state.watched.retain(|watched| watched.until > now);
            change(&mut state)
        };
        (self.decide_anew)();
        changed
    }

    /// Takes another filter, or that of the settings again.
    pub fn set_filter(&self, filter: Option<&str>) -> Result<(), ParseError> {
        let text = filter.unwrap_or(&self.configured);
        let filter = parse(text)?;
        self.change(|state| (state.text, state.filter) = (text.to_owned(), filter));
        Ok(())
    }

    /// Says everything about some requests for a while, or no more.
    pub fn watch(&self, whom: Watch, time: Duration) -> Result<(), TooManyWatched> {
        self.change(|state| {
            state.watched.retain(|watched| watched.whom != whom);
            if time.is_zero() {
                return Ok(());
            }
            if state.watched.len() >= MOST_WATCHED {
                return Err(TooManyWatched);
            }
            state.watched.push(Watched { whom, until: Instant::now() + time });
            Ok(())
        })
    }

    /// How things are.
    pub fn report(&self) -> LevelReport {
        let (state, now) = (self.read(), Instant::now());
        let watched = state.watched.iter().filter_map(|Watched { whom, until }| {
            let seconds = until.checked_duration_since(now)?.as_secs();
            let (phone, user) = match whom.clone() {
                Watch::Phone(name) => (Some(name), None),
                Watch::User(id) => (None, Some(id)),
            };
            Some(WatchReport { phone, user, seconds })
        });
        LevelReport { filter: state.text.clone(), watched: watched.collect() }
    }

    /// Marks the request at hand where it is one of those that are watched.
    pub(super) fn look_at(&self, phone: Option<&str>, user: Option<&str>) {
        let now = Instant::now();
        let is_same =
            |name: &str, asked: Option<&str>| asked.is_some_and(|a| a.to_lowercase() == name.to_lowercase());
        let is_meant = |watched: &Watched| {
            watched.until > now
                && match &watched.whom {
                    Watch::Phone(name) => is_same(name, phone),
                    Watch::User(id) => is_same(id, user),
                }
        };
        let (is_watched, is_over) = {
            let watched = &self.read().watched;
            (watched.iter().any(is_meant), watched.iter().any(|w| w.until <= now))
        };
        if is_over {
            self.change(|_| ());
        }
        if is_watched {
            tracing::Span::current().record(MARK, true);
        }
    }
}

fn parse(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(filter)
}

/// Whether this is a span that says of which request a line is: such a one is there whatever the filter says.
fn is_of_request(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && is_ours(metadata) && *metadata.level() <= Level::INFO
}

/// Whether a line of ours may have to be shown because its request is watched.
fn may_be_watched(metadata: &Metadata<'_>) -> bool {
    metadata.is_event() && is_ours(metadata) && *metadata.level() <= Level::DEBUG
}

/// The filter before the lines.
pub(super) struct Gate<'l>(pub(super) &'l Levels);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Gate<'static> {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        let state = self.0.read();
        let is_watched =
            || context.lookup_current().is_some_and(|span| span.scope().any(|span| is_marked(&span)));
        is_of_request(metadata)
            || Filter::<S>::enabled(&state.filter, metadata, context)
            || (!state.watched.is_empty() && may_be_watched(metadata) && is_watched())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let state = self.0.read();
        let interest = Filter::<S>::callsite_enabled(&state.filter, metadata);
        if is_of_request(metadata) {
            return Interest::always();
        }
        let may_be = !state.watched.is_empty() && may_be_watched(metadata);
        if may_be && interest.is_never() { Interest::sometimes() } else { interest }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let state = self.0.read();
        let hint = Filter::<S>::max_level_hint(&state.filter)?;
        let least = if state.watched.is_empty() { LevelFilter::INFO } else { LevelFilter::DEBUG };
        Some(hint.max(least))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        Filter::<S>::on_new_span(&self.0.read().filter, attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        Filter::<S>::on_record(&self.0.read().filter, id, values, context);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        Filter::<S>::on_enter(&self.0.read().filter, id, context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        Filter::<S>::on_exit(&self.0.read().filter, id, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        Filter::<S>::on_close(&self.0.read().filter, id, context);
    }
}
