//! Leads what Kafka holds past the checks: each record as it comes, then the events in the order of the line, a batch at a time beside
//! what the database knows of them.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::ProgressBar;

use super::content::{Content, Held, Holdings, Known};
use super::entry::Entry;
use super::groups::Groups;
use super::intercom::Intercom;
use super::line::{Horizon, Line};
use super::merging::{Merging, next};
use super::order::Order;
use super::placement::Placement;
use super::publication::Published;
use super::report::Check;
use super::sessions::Sessions;
use super::states::{Older, Reach, States};
use super::{PAGE, VerifyError};
use crate::event::EventError;
use crate::event::kafka::{KafkaSettings, RawReader, RawRecord};
use crate::store::number_line::{self, Positioned};
use crate::store::verification::{self, IntercomRow, SessionRow, Snapshot};
use crate::store::{Db, StoreError, Tx};

/// Everything that is said of events in Kafka.
pub(super) struct Reading<'a> {
    db: &'a Db,
    merging: Merging<'a>,
    published: &'a Published,
    patience: Duration,
    emstream: String,
    line_from: i64,
    holdings: Holdings,
    arrivals: Arrivals,
    line: Line,
    content: Content,
    groups: Groups,
    sessions: Sessions,
    intercom: Intercom,
    states: States,
    reach: Reach,
}

/// What is said of records as they come from their partitions.
struct Arrivals {
    placement: Placement,
    order: Order,
}

impl Arrivals {
    fn take(&mut self, record: &RawRecord) -> Option<Entry> {
        self.placement.see(record).filter(|entry| self.order.see(entry))
    }
}

impl<'a> Reading<'a> {
    /// Looks at the first record of every partition, which tells what has expired.
    pub(super) fn begin(
        db: &'a Db,
        reader: &'a RawReader,
        settings: &KafkaSettings,
        snapshot: &Snapshot,
        published: &'a Published,
        patience: Duration,
    ) -> Result<Self, VerifyError> {
        let mut arrivals = Arrivals { placement: Placement::new(), order: Order::new(settings.mode) };
        let mut merging = Merging::of(reader, patience);
        merging.fill(&mut |record| arrivals.take(record))?;
        let (mut holdings, mut horizon) = (Holdings::new(), Horizon::NONE);
        for (span, first) in reader.spans().zip(merging.firsts()) {
            let held = Held { is_cut: span.low > 0, first };
            if held.is_cut {
                horizon = horizon.beyond(first);
            }
            holdings.entry(span.topic).or_default().push(held);
        }
        let all_whole = horizon == Horizon::NONE;
        let is_whole = |topic: &str| holdings.get(topic).is_none_or(|all| all.iter().all(|p| !p.is_cut));
        Ok(Self {
            db,
            merging,
            published,
            patience,
            line: Line::new(horizon, published.confirmed),
            content: Content::new(&snapshot.line.emstream),
            groups: Groups::new(all_whole),
            sessions: Sessions::new(is_whole("em.session.v1")),
            intercom: Intercom::new(is_whole("em.intercom.v1")),
            states: States::new(settings),
            reach: Reach {
                until: published.until,
                first_kept: 0,
                is_whole: is_whole("em.session.v1") && is_whole("em.intercom.v1"),
                states_are_cut: false,
            },
            emstream: snapshot.line.emstream.clone(),
            line_from: snapshot.line_from,
            holdings,
            arrivals,
        })
    }

    /// Reads all of Kafka.
    pub(super) fn read(&mut self, bar: &ProgressBar) -> Result<(), VerifyError> {
        let most = usize::try_from(PAGE).unwrap_or(1);
        loop {
            let mut batch = Vec::with_capacity(most);
            while batch.len() < most
                && let Some(entry) = self.merging.pop(&mut |record| self.arrivals.take(record))?
            {
                batch.push(entry);
            }
            if batch.is_empty() {
                return Ok(());
            }
            let known = self.db.read_blocking(|tx| Ok::<_, EventError>(known(tx, &batch)?))?;
            batch.iter().for_each(|entry| self.see(entry, &known));
            bar.inc(batch.len() as u64);
        }
    }

    fn see(&mut self, entry: &Entry, known: &DatabaseSide) {
        let is_known = self.content.see(entry, known.of(entry.position, self.line_from));
        if is_known || entry.position <= self.published.until {
            self.line.see(entry);
        }
        // what the database never had changes nothing it holds
        if !is_known {
            return;
        }
        let in_snapshot = self.published.is_in_snapshot(entry.position);
        self.groups.see(entry, in_snapshot);
        self.sessions.see(entry, in_snapshot);
        if entry.position <= self.published.until {
            let beside = known.events.get(&entry.position).and_then(|event| event.states.as_deref());
            self.states.see(entry, beside);
        }
        if in_snapshot {
            self.intercom.see(entry);
        }
    }

    /// Reads all of the state topics, once all events have been read.
    pub(super) fn read_states(&mut self, reader: &RawReader, bar: &ProgressBar) -> Result<(), VerifyError> {
        self.reach.states_are_cut = reader.spans().any(|span| span.low > 0);
        let placement = &mut self.arrivals.placement;
        for source in 0..reader.spans().len() {
            while let Some(state) = next(reader, source, self.patience, &mut |raw| placement.see_state(raw))?
            {
                self.states.see_state(state, self.published.until);
                bar.inc(1);
            }
        }
        Ok(())
    }

    /// Takes an event of the database, once all of Kafka has been read.
    pub(super) fn miss(&mut self, event: &Positioned) {
        if self.reach.first_kept == 0 {
            self.reach.first_kept = event.pos;
        }
        self.content.miss(event, self.published.confirmed, &self.holdings);
    }

    /// What was found; the rows are those of the moment at which the number line was read.
    pub(super) fn close(mut self, sessions: Vec<SessionRow>, intercom: Vec<IntercomRow>) -> Vec<Check> {
        self.content.miss_unnumbered(self.published.unnumbered);
        let why = "not everything is published".to_owned();
        let is_published = self.content.waited(self.published.waiting);
        let (sessions, intercom) = match is_published {
            true => (Ok(sessions), Ok(intercom)),
            false => (Err(why.clone()), Err(why)),
        };
        let (sessions, older_sessions) = self.sessions.close(sessions);
        let (intercom, older_intercom) = self.intercom.close(intercom);
        let older = Older { sessions: older_sessions, intercom: older_intercom };
        let state = match is_published {
            true => self.states.close(self.reach, older),
            false => {
                Check { skipped: Some("not everything is published".to_owned()), ..Check::named("state") }
            }
        };
        let [content, published] = self.content.close();
        let [order, repeats] = self.arrivals.order.close();
        vec![
            published,
            self.line.close(&self.emstream),
            order,
            repeats,
            self.arrivals.placement.close(),
            content,
            self.groups.close(is_published),
            sessions,
            intercom,
            state,
        ]
    }
}

/// What the database knows of some numbers.
struct DatabaseSide {
    first_kept: Option<i64>,
    events: BTreeMap<i64, Positioned>,
}

impl DatabaseSide {
    fn of(&self, position: i64, line_from: i64) -> Known<'_> {
        match self.events.get(&position) {
            Some(event) => Known::Event(event),
            // the newest event is always kept
            None if self.first_kept.is_some_and(|first| position < first) => Known::Dropped,
            None if position < line_from => Known::BeforeLine,
            None => Known::NeverGiven,
        }
    }
}

/// Reads what the database knows of a batch.
fn known(tx: &mut Tx<'_>, batch: &[Entry]) -> Result<DatabaseSide, StoreError> {
    let first_kept = verification::first_kept(tx)?;
    let mut wanted: Vec<i64> = batch.iter().map(|entry| entry.position).collect();
    wanted.sort_unstable();
    let (mut events, mut wanted) = (BTreeMap::new(), wanted.into_iter().peekable());
    while let Some(first) = wanted.peek().copied() {
        let page = number_line::after(tx, first.saturating_sub(1), PAGE)?;
        let Some(reached) = page.last().map(|event| event.pos) else { break };
        let mut page = page.into_iter().peekable();
        while let Some(position) = wanted.next_if(|position| *position <= reached) {
            while page.next_if(|event| event.pos < position).is_some() {}
            if let Some(event) = page.next_if(|event| event.pos == position) {
                events.insert(position, event);
            }
        }
    }
    Ok(DatabaseSide { first_kept, events })
}
