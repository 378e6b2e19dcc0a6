//! Sessions as an operator asks for them: by patterns of names and by age.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::{StoreError, Tx};
use crate::domain::names::fold;

/// Which sessions are asked for; what is not given asks nothing. In names `*` stands for any characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Name of the phone.
    pub phone: Option<String>,
    /// User id.
    pub user: Option<String>,
    /// Name of the profile.
    pub profile: Option<String>,
    /// Device pool of the phone.
    pub site: Option<String>,
    /// Sessions that last this long already.
    pub longer_than: Option<TimeDelta>,
}

/// A session in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSession {
    /// Its identity.
    pub session_id: Uuid,
    /// Name of the phone.
    pub phone: String,
    /// Model of the phone.
    pub model: String,
    /// Device pool of the phone.
    pub site: Option<String>,
    /// Who is logged in.
    pub user_id: String,
    /// With which profile.
    pub profile: String,
    /// How they signed in, as events say it.
    pub method: String,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where that comes from, as events say it.
    pub limit_source: Option<String>,
}

struct ListSessions {
    patterns: [Option<String>; 4],
    before: Option<DateTime<Utc>>,
    most: i64,
}

/// How many sessions there are in such a list.
struct CountSessions(ListSessions);

impl ListSessions {
    fn of(tx: &mut Tx<'_>, filter: &SessionFilter, most: i64) -> Result<Self, StoreError> {
        let SessionFilter { phone, user, profile, site, longer_than } = filter;
        let before = match longer_than {
            Some(age) => Some(tx.now()? - *age),
            None => None,
        };
        let patterns = [phone, user, profile, site].map(|name| name.as_deref().map(pattern));
        Ok(Self { patterns, before, most })
    }

    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("list_sessions(");
        for pattern in &self.patterns {
            out.push_bind_param::<Nullable<Text>, _>(pattern)?;
            out.push_sql(", ");
        }
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.before)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.most)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for ListSessions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM ");
        self.push(&mut out)
    }
}

impl QueryFragment<Pg> for CountSessions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM ");
        self.0.push(&mut out)
    }
}

impl QueryId for ListSessions {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for CountSessions {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for CountSessions {
    type SqlType = BigInt;
}

impl<C> RunQueryDsl<C> for CountSessions {}

impl Query for ListSessions {
    type SqlType = (
        SqlUuid,
        Text,
        Text,
        Nullable<Text>,
        Text,
        Text,
        Text,
        Timestamptz,
        Nullable<Timestamptz>,
        Nullable<Text>,
    );
}

impl<C> RunQueryDsl<C> for ListSessions {}

type Row = (
    Uuid,
    String,
    String,
    Option<String>,
    String,
    String,
    String,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<String>,
);

/// The sessions meant, by name of their phone, so many at most.
pub fn list(tx: &mut Tx<'_>, filter: &SessionFilter, most: i64) -> Result<Vec<ListedSession>, StoreError> {
    let rows: Vec<Row> = ListSessions::of(tx, filter, most)?.load(tx.connection())?;
    Ok(rows.into_iter().map(listed).collect())
}

/// How many sessions are meant.
pub fn count(tx: &mut Tx<'_>, filter: &SessionFilter) -> Result<usize, StoreError> {
    let all = CountSessions(ListSessions::of(tx, filter, i64::MAX)?);
    let count: i64 = all.get_result(tx.connection())?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn listed(row: Row) -> ListedSession {
    let (session_id, phone, model, site, user_id, profile, method, started_at, expires_at, limit_source) =
        row;
    ListedSession {
        session_id,
        phone,
        model,
        site,
        user_id,
        profile,
        method,
        started_at,
        expires_at,
        limit_source,
    }
}

/// A folded name as a pattern of the database: only `*` stands for something else.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in fold(name).chars() {
        match c {
            '*' => pattern.push('%'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            c => pattern.push(c),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_stands_for_other_characters() {
        assert_eq!(pattern("SEP00*"), "sep00%");
        assert_eq!(pattern("a_b%c\\"), "a\\_b\\%c\\\\");
    }
}
