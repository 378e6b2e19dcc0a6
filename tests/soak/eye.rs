//! Looks into the database past the gateways: how far the line is, what the tables hold at the end, and a hold on the line's row.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Nullable, Text};

use super::checker::event::Session;
use super::checker::fold::FIRST_POLICY;
use super::checker::{History, Position, World};

/// Rows of the line read at a time.
const PAGE: i64 = 5_000;

/// How far the line is.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub(crate) struct Line {
    /// Highest number given.
    #[diesel(sql_type = BigInt)]
    pub(crate) last: i64,
    /// Up to where Kafka has everything, as far as is noted.
    #[diesel(sql_type = BigInt)]
    pub(crate) confirmed: i64,
    /// Events without a number.
    #[diesel(sql_type = BigInt)]
    pub(crate) pending: i64,
}

/// A connection that comes back when the server was away.
pub(crate) struct Eye {
    url: String,
    connection: Option<PgConnection>,
}

/// The row of the line, locked as long as this lives.
pub(crate) struct Hold(#[expect(dead_code, reason = "its end is the end of the lock")] PgConnection);

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

#[derive(QueryableByName)]
struct SessionRow {
    #[diesel(sql_type = Text)]
    phone: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Text)]
    profile: String,
}

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    stream: String,
    #[diesel(sql_type = BigInt)]
    recorded: i64,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = Bytea)]
    hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    envelope: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Eye {
    /// An eye on a database.
    pub(crate) fn on(url: &str) -> Self {
        Self { url: format!("{url}?connect_timeout=3&application_name=soak"), connection: None }
    }

    fn try_do<T>(&mut self, f: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> Option<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::establish(&self.url).ok()?,
        };
        let outcome = f(&mut connection).ok()?;
        self.connection = Some(connection);
        Some(outcome)
    }

    /// Makes an empty database beside this one.
    pub(crate) fn create_database(&mut self, name: &str) -> Result<(), String> {
        let made = self.try_do(|c| c.batch_execute(&format!("CREATE DATABASE {name}")));
        made.ok_or_else(|| format!("database {name} cannot be made"))
    }

    /// How far the line is; none: the database does not answer.
    pub(crate) fn line(&mut self) -> Option<Line> {
        let query = "SELECT last_pos AS last, confirmed_pos AS confirmed, \
                     (SELECT count(*) FROM event_pending) AS pending FROM event_stream";
        self.try_do(|c| diesel::sql_query(query).get_result(c))
    }

    /// Waits until the line is like this; the time that took, none when it took longer than `most`.
    pub(crate) fn await_line(&mut self, most: Duration, is: impl Fn(Line) -> bool) -> Option<Duration> {
        let begun = Instant::now();
        loop {
            if self.line().is_some_and(&is) {
                return Some(begun.elapsed());
            }
            if begun.elapsed() > most {
                return None;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Locks the row of the line from outside: nothing is numbered and nothing noted until this is dropped.
    pub(crate) fn hold_line(&self) -> Option<Hold> {
        let mut connection = PgConnection::establish(&self.url).ok()?;
        connection
            .batch_execute("BEGIN; SET LOCAL lock_timeout = '5s'; SELECT FROM event_stream FOR UPDATE")
            .ok()?;
        Some(Hold(connection))
    }

    /// Ends some backends of gateways; says how many.
    pub(crate) fn end_backends(&mut self, most: u64) -> i64 {
        let query = format!(
            "SELECT count(pg_terminate_backend(pid)) AS count FROM (SELECT pid FROM pg_stat_activity \
             WHERE datname = current_database() AND application_name <> 'soak' AND backend_type = 'client backend' \
             ORDER BY random() LIMIT {most}) s"
        );
        self.try_do(|c| diesel::sql_query(query).get_result::<Count>(c)).map_or(0, |c| c.count)
    }

    /// Reads everything that the checker wants of the database.
    pub(crate) fn read_into(&mut self, history: &mut History) -> Result<(), String> {
        let line = self.line().ok_or("the database does not answer at the end")?;
        history.last_given = line.last;
        let counted = "SELECT count(*) AS count FROM event_log l WHERE NOT EXISTS \
                       (SELECT FROM event_position p WHERE p.seq = l.seq)";
        let missing = self.try_do(|c| diesel::sql_query(counted).get_result::<Count>(c));
        history.unnumbered = missing.ok_or("the log cannot be counted")?.count;
        history.tables = self.try_do(world).ok_or("the tables cannot be read")?;
        loop {
            let after = history.line.last().map_or(0, |p| p.number);
            let page = self.try_do(|c| page(c, after)).ok_or("the line cannot be read")?;
            if page.is_empty() {
                return Ok(());
            }
            history.line.extend(page);
        }
    }
}

fn page(connection: &mut PgConnection, after: i64) -> QueryResult<Vec<Position>> {
    let query = "SELECT p.pos AS number, p.emstream AS stream, (extract(epoch FROM p.recorded_at) * 1000000)::bigint AS recorded, \
                 (extract(epoch FROM p.created_at) * 1000000)::bigint AS created, p.hash, l.key, l.envelope::text AS envelope \
                 FROM event_position p LEFT JOIN event_log l USING (created_at, seq) WHERE p.pos > $1 ORDER BY p.pos LIMIT $2";
    let rows: Vec<PositionRow> =
        diesel::sql_query(query).bind::<BigInt, _>(after).bind::<BigInt, _>(PAGE).load(connection)?;
    let position = |row: PositionRow| Position {
        number: row.number,
        stream: row.stream,
        recorded: row.recorded,
        created: row.created,
        hash: row.hash,
        logged: row.key.zip(row.envelope),
    };
    Ok(rows.into_iter().map(position).collect())
}

fn world(connection: &mut PgConnection) -> QueryResult<World> {
    let sessions: Vec<SessionRow> = diesel::sql_query(
        "SELECT p.name AS phone, s.session_id::text AS id, u.name AS user_id, d.name AS profile FROM sessions s \
         JOIN objects p ON p.pk = s.phone_pk JOIN objects u ON u.pk = s.user_pk JOIN objects d ON d.pk = s.profile_pk",
    )
    .load(connection)?;
    let lines: Vec<Pair> = diesel::sql_query(
        "SELECT l.pattern || '|' || coalesce(r.name, '') AS key, d.name AS value FROM lines l \
         LEFT JOIN objects r ON r.pk = l.partition_pk JOIN objects d ON d.pk = l.default_device_pk",
    )
    .load(connection)?;
    let phones: Vec<Pair> =
        diesel::sql_query("SELECT name AS key, NULL AS value FROM objects WHERE type = 'Phone'")
            .load(connection)?;
    let policy: Vec<Pair> = diesel::sql_query(
        "SELECT name AS key, value FROM service_parameters WHERE name = 'MultipleLoginBehavior'",
    )
    .load(connection)?;
    let session =
        |row: SessionRow| (row.phone, Session { id: row.id, user: row.user_id, profile: row.profile });
    let intercom: BTreeMap<_, _> = lines.into_iter().filter_map(|l| Some((l.key, l.value?))).collect();
    let phones: BTreeSet<String> = phones.into_iter().map(|p| p.key).collect();
    let policy = policy.into_iter().find_map(|p| p.value).unwrap_or_else(|| FIRST_POLICY.to_owned());
    Ok(World { sessions: sessions.into_iter().map(session).collect(), intercom, phones, policy })
}
