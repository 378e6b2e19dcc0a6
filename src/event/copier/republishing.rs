//! The whole state once more: after a restart of the line, when a state topic was lost, and when an operator asks.
//!
//! Promises the fold of exactly the events up to one number, the last one assigned: what is committed is numbered and copied, then the
//! tables are read as they were behind that number, in pages, while logins go on; a key that the topic holds and the tables do not gets
//! a tombstone. A crash on the way leaves the mark in the database, and whoever leads next does it all again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Copier, CopyError};
use crate::domain::event::AuthType;
use crate::domain::event::shared::moment_text;
use crate::domain::ids::LinePk;
use crate::event::EventError;
use crate::event::kafka::{EventReader, KafkaFailure, Polled, Record, STATE_TOPICS};
use crate::event::sequencer::{Round, number_pending};
use crate::event::state::{self, INTERCOM_STATE, SESSION_STATE};
use crate::store::intercom_states::{self, StatesOf};
use crate::store::number_line::{self, Positioned};
use crate::store::state::{self as tables, RunningSession};
use crate::store::{Db, Tx};

/// Records read and sent at a time.
const PAGE: i32 = 500;
/// Without anything read of a state topic for this long, Kafka is away.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number behind which the state is read, and what its records have in common.
#[derive(Debug, Clone)]
struct Behind {
    number: i64,
    emstream: String,
    now: DateTime<Utc>,
}

/// For each topic the keys that have a state there.
type Alive = BTreeMap<&'static str, BTreeSet<String>>;

impl Copier {
    /// Whether the whole state is to be published again, and nothing else waits that must go before.
    pub fn state_is_due(&self, db: &Db) -> Result<bool, CopyError> {
        if self.is_behind {
            return Ok(false);
        }
        let line = db.write_blocking(|tx| Ok::<_, EventError>(number_line::line(tx)?))?;
        Ok(line.state_due && line.leader_epoch == self.epoch)
    }

    /// Publishes the whole state again; gives how many records that took.
    pub fn republish(&mut self, db: &Db, go_on: &dyn Fn() -> bool) -> Result<usize, CopyError> {
        let begun = Instant::now();
        tracing::info!("the whole state is being published again");
        let epoch = self.epoch;
        let sent = tables::behind_the_last_number(
            db,
            |tx| number_everything(tx, epoch),
            |tx, (behind, numbered)| {
                numbered.iter().for_each(|name| self.counts.committed(name));
                self.publish_state(db, tx, &behind, go_on)
            },
        )?;
        let ours =
            db.write_blocking(move |tx| Ok::<_, EventError>(number_line::state_is_published(tx, epoch)?))?;
        if !ours {
            return Err(CopyError::Deposed);
        }
        let seconds = begun.elapsed().as_secs_f64();
        tracing::info!(
            kafka.records = sent,
            elapsed_s = seconds,
            "the whole state is published again: {sent} records"
        );
        Ok(sent)
    }

    /// Brings the topics up to the number, then sends what the tables say.
    fn publish_state(
        &mut self,
        db: &Db,
        tx: &mut Tx<'_>,
        behind: &Behind,
        go_on: &dyn Fn() -> bool,
    ) -> Result<usize, CopyError> {
        while self.confirmed < behind.number {
            self.step_until(db, behind.number, go_on)?;
        }
        let mut alive = self.alive(go_on)?;
        let base = self.base(db, behind)?;
        let mut sent = self.send_sessions(tx, behind, &mut alive, go_on)?;
        sent += self.send_intercom(tx, &base, &mut alive, go_on)?;
        for (topic, keys) in alive {
            let keys: Vec<String> = keys.into_iter().collect();
            for page in keys.chunks(usize::try_from(PAGE).unwrap_or(1)) {
                let gone: Vec<Record> =
                    page.iter().filter_map(|key| state::again(&base, topic, key, None)).collect();
                sent += self.send(&gone, go_on)?;
            }
        }
        Ok(sent)
    }

    /// The sessions, each in the words of its login.
    fn send_sessions(
        &self,
        tx: &mut Tx<'_>,
        behind: &Behind,
        alive: &mut Alive,
        go_on: &dyn Fn() -> bool,
    ) -> Result<usize, CopyError> {
        let (mut sent, mut after, mut untold) = (0, 0, 0);
        loop {
            let page = tables::sessions_after(tx, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.phone;
            let mut records = Vec::with_capacity(page.len());
            for session in page {
                let phone = session.key.clone();
                if let Some(keys) = alive.get_mut(SESSION_STATE) {
                    keys.remove(&phone);
                }
                match behind.login(session).as_ref().and_then(state::records) {
                    Some(login) => records.extend(login.into_iter().skip(1)),
                    None => {
                        untold += 1;
                        tracing::debug!(phone.name = phone, "the log has no login of the session on {phone}");
                    }
                }
            }
            sent += self.send(&records, go_on)?;
        }
        if untold > 0 {
            tracing::warn!(
                sessions = untold,
                "the log has no login of {untold} sessions: their states stay as they were"
            );
        }
        Ok(sent)
    }

    /// The intercom lines, as the tables have them.
    fn send_intercom(
        &self,
        tx: &mut Tx<'_>,
        base: &Positioned,
        alive: &mut Alive,
        go_on: &dyn Fn() -> bool,
    ) -> Result<usize, CopyError> {
        let (mut sent, mut after) = (0, LinePk(0));
        loop {
            let page = intercom_states::load(tx, &StatesOf::After(after, PAGE))?;
            let Some((last, _)) = page.last() else { return Ok(sent) };
            after = *last;
            let mut records = Vec::with_capacity(page.len());
            for (_, line) in page {
                let key = line.line.key();
                if let Some(keys) = alive.get_mut(INTERCOM_STATE) {
                    keys.remove(&key);
                }
                let data = serde_json::to_string(&line).map_err(EventError::from)?;
                records.extend(state::again(base, INTERCOM_STATE, &key, Some(&data)));
            }
            sent += self.send(&records, go_on)?;
        }
    }

    fn send(&self, records: &[Record], go_on: &dyn Fn() -> bool) -> Result<usize, CopyError> {
        if !records.is_empty() {
            self.producer.publish(records, go_on)?;
            self.counts.published(records, None);
        }
        Ok(records.len())
    }

    /// The keys that have a state in Kafka; nobody else writes while they are read.
    fn alive(&self, go_on: &dyn Fn() -> bool) -> Result<Alive, CopyError> {
        let mut alive: Alive = STATE_TOPICS.iter().map(|t| (t.name, BTreeSet::new())).collect();
        let mut reader = EventReader::open_states(&self.settings)?;
        let mut open: BTreeSet<usize> = (0..reader.sources()).collect();
        let mut heard = Instant::now();
        while !open.is_empty() {
            match reader.poll(Duration::from_millis(100))? {
                Polled::Record(record) => {
                    let topic =
                        STATE_TOPICS.iter().find(|t| self.settings.topic_name(t.name) == record.topic);
                    let Some(keys) = topic.and_then(|t| alive.get_mut(t.name)) else { continue };
                    match record.value {
                        Some(_) => drop(keys.insert(record.key)),
                        None => drop(keys.remove(&record.key)),
                    }
                    heard = Instant::now();
                }
                Polled::EndOf(source) => drop(open.remove(&source)),
                Polled::Nothing if heard.elapsed() > PATIENCE => {
                    return Err(KafkaFailure::Unavailable("the state topics cannot be read".into()).into());
                }
                Polled::Nothing => {}
            }
            if !go_on() {
                return Err(KafkaFailure::Stopped.into());
            }
        }
        Ok(alive)
    }

    /// What records have that no event makes: tombstones, and lines whose event is not looked for.
    fn base(&self, db: &Db, behind: &Behind) -> Result<Positioned, CopyError> {
        let id = db.ids().next();
        let envelope = Base {
            specversion: "1.0",
            id,
            type_name: "",
            source: format!("/em/{}", self.settings.cluster),
            subject: "",
            time: moment_text(behind.now),
            datacontenttype: "application/json",
            dataschema: "",
            partitionkey: "",
            correlationid: db.ids().next(),
            emnode: &self.settings.node,
            authtype: AuthType::System,
            data: (),
        };
        let envelope = serde_json::to_string(&envelope).map_err(EventError::from)?;
        Ok(behind.positioned(id, String::new(), behind.now, envelope))
    }

    /// Whether a state topic is empty though Kafka has had everything of which a state was made.
    pub(super) fn has_lost_state(&self, db: &Db) -> Result<bool, CopyError> {
        let is_empty = |topic: &str| !self.tails.iter().any(|t| t.topic == topic);
        let (no_session, no_line) = (is_empty(SESSION_STATE), is_empty(INTERCOM_STATE));
        if self.confirmed == 0 || !(no_session || no_line) {
            return Ok(false);
        }
        let (sessions, lines) = db.write_blocking(|tx| Ok::<_, EventError>(tables::is_any(tx)?))?;
        Ok((no_session && sessions) || (no_line && lines))
    }

    pub(super) fn ask_for_state(&self, db: &Db) -> Result<(), CopyError> {
        tracing::warn!(
            "a state topic is empty though the database is not: the whole state will be published again"
        );
        Ok(db.write_blocking(|tx| Ok::<_, EventError>(number_line::ask_for_state(tx)?))?)
    }
}

/// Numbers all that is committed; says up to where, and the types of what got a number.
fn number_everything(tx: &mut Tx<'_>, epoch: i64) -> Result<(Behind, Vec<String>), CopyError> {
    let mut numbered = Vec::new();
    loop {
        match number_pending(tx, epoch, 0, &mut numbered)? {
            Round::Idle => break,
            Round::Numbered { .. } => {}
            Round::Blocked { position } => return Err(EventError::NoEnvelope { position }.into()),
            Round::Deposed => return Err(CopyError::Deposed),
        }
    }
    let line = number_line::line(tx)?;
    Ok((Behind { number: line.last_pos, emstream: line.emstream, now: tx.now()? }, numbered))
}

impl Behind {
    /// The login of a session, as if it had got the number.
    fn login(&self, session: RunningSession) -> Option<Positioned> {
        let RunningSession { phone: _, key, session_id: _, started_at, event_id, envelope } = session;
        Some(self.positioned(event_id?, key, started_at, envelope?))
    }

    fn positioned(&self, id: uuid::Uuid, key: String, at: DateTime<Utc>, envelope: String) -> Positioned {
        Positioned {
            pos: self.number,
            created_at: at,
            recorded_at: at,
            emstream: self.emstream.clone(),
            hash: Vec::new(),
            id,
            topic: "em.session.v1".into(),
            key,
            envelope,
            states: None,
        }
    }
}

/// An envelope without what differs from record to record.
#[derive(Serialize)]
struct Base<'a> {
    specversion: &'static str,
    id: uuid::Uuid,
    #[serde(rename = "type")]
    type_name: &'static str,
    source: String,
    subject: &'static str,
    time: String,
    datacontenttype: &'static str,
    dataschema: &'static str,
    partitionkey: &'static str,
    correlationid: uuid::Uuid,
    emnode: &'a str,
    authtype: AuthType,
    data: (),
}
