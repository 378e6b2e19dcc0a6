//! Who is where, for programs that ask for many phones or people at once: a question is answered out of one statement, so of one state of
//! the database.
//!
//! Short questions of one moment share a statement and never wait for long ones, which are answered one by one beside them.

use std::collections::HashMap;

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Bool, Nullable, Text};

use super::gathered::{Gathered, Lookup};
use super::{Db, StoreError, Tx};

/// A phone and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct PhonePresence {
    /// Identity among phones.
    pub key: String,
    /// Name as stored.
    pub name: String,
    /// User id of whoever is logged in.
    pub user: Option<String>,
    /// User id of whoever was logged in before.
    pub last_user: Option<String>,
}

/// A person, the phones they are on and the profiles they may use.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Person {
    /// Identity among users.
    pub key: String,
    /// User id as stored.
    pub name: String,
    /// Names of the phones they are logged in on, sorted.
    pub phones: Vec<String>,
    /// Names of their profiles, in their order.
    pub profiles: Vec<String>,
    /// The profile used when none is chosen.
    pub default_profile: Option<String>,
    /// Whether their home is this cluster.
    pub is_local: bool,
}

/// Folded names that are asked for together.
pub type Question = Vec<String>;

/// Questions of so many names are short.
const SHORT: usize = 16;

/// Who answers questions; cheap to copy.
#[derive(Clone)]
pub struct Lanes<V> {
    short: Gathered<Question, Vec<V>>,
    long: Gathered<Question, Vec<V>>,
}

impl<V: Clone + Send + 'static> Lanes<V> {
    /// Starts a thread for each lane.
    pub fn start(db: &Db, lookup: Lookup<Question, Vec<V>>) -> Self {
        Self { short: Gathered::start(db, lookup), long: Gathered::one_by_one(db, lookup) }
    }

    /// What was found of the names; nothing for those that nobody has.
    pub async fn ask(&self, names: Question) -> Result<Vec<V>, StoreError> {
        let lane = if names.len() > SHORT { &self.long } else { &self.short };
        lane.ask(names).await
    }
}

/// Finds the phones of each question.
pub fn phones(tx: &mut Tx<'_>, questions: &[Question]) -> Result<Vec<Vec<PhonePresence>>, StoreError> {
    let found = PhonesOf(&questions.concat()).load(tx.connection())?;
    Ok(deal(questions, found, |phone| &phone.key))
}

/// Finds the people of each question.
pub fn people(tx: &mut Tx<'_>, questions: &[Question]) -> Result<Vec<Vec<Person>>, StoreError> {
    let found = PeopleOf(&questions.concat()).load(tx.connection())?;
    Ok(deal(questions, found, |person| &person.key))
}

/// Gives each question what it asked for.
fn deal<V: Clone>(questions: &[Question], found: Vec<V>, key: fn(&V) -> &String) -> Vec<Vec<V>> {
    let found: HashMap<&String, &V> = found.iter().map(|one| (key(one), one)).collect();
    let answer =
        |names: &Question| names.iter().filter_map(|name| found.get(name).copied().cloned()).collect();
    questions.iter().map(answer).collect()
}

struct PhonesOf<'k>(&'k [String]);

struct PeopleOf<'k>(&'k [String]);

impl QueryFragment<Pg> for PhonesOf<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT o.name_key, o.name, \
                (SELECT u.name FROM sessions s JOIN objects u ON u.pk = s.user_pk WHERE s.phone_pk = o.pk), \
                (SELECT u.name FROM last_sessions s JOIN objects u ON u.pk = s.user_pk WHERE s.phone_pk = o.pk) \
             FROM objects o WHERE o.type = 'Phone' AND o.name_key = ANY (",
        );
        out.push_bind_param::<Array<Text>, _>(self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryFragment<Pg> for PeopleOf<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "SELECT o.name_key, o.name, \
                ARRAY(SELECT p.name FROM sessions s JOIN objects p ON p.pk = s.phone_pk WHERE s.user_pk = o.pk ORDER BY p.name), \
                ARRAY(SELECT p.name FROM associations a JOIN objects p ON p.pk = a.target_pk \
                    WHERE a.holder_pk = o.pk AND a.kind = 'profile' ORDER BY a.position), \
                (SELECT p.name FROM users u JOIN objects p ON p.pk = u.default_profile_pk WHERE u.pk = o.pk), \
                (SELECT u.home_cluster FROM users u WHERE u.pk = o.pk) \
             FROM objects o WHERE o.type = 'User' AND o.name_key = ANY (",
        );
        out.push_bind_param::<Array<Text>, _>(self.0)?;
        out.push_sql(")");
        Ok(())
    }
}

impl QueryId for PhonesOf<'_> {
    type QueryId = PhonesOf<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for PeopleOf<'_> {
    type QueryId = PeopleOf<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for PhonesOf<'_> {
    type SqlType = (Text, Text, Nullable<Text>, Nullable<Text>);
}

impl Query for PeopleOf<'_> {
    type SqlType = (Text, Text, Array<Text>, Array<Text>, Nullable<Text>, Bool);
}

impl RunQueryDsl<PgConnection> for PhonesOf<'_> {}

impl RunQueryDsl<PgConnection> for PeopleOf<'_> {}
