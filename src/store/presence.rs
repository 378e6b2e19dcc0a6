//! Who is where, for programs that ask for many phones or people at once: one statement a question, so one state of the database.

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Nullable, Text};

use super::{StoreError, Tx};

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
}

/// Finds the phones of each question by their folded names.
pub fn phones(tx: &mut Tx<'_>, questions: &[Vec<String>]) -> Result<Vec<Vec<PhonePresence>>, StoreError> {
    questions.iter().map(|keys| Ok(PhonesOf(keys).load(tx.connection())?)).collect()
}

/// Finds the people of each question by their folded user ids.
pub fn people(tx: &mut Tx<'_>, questions: &[Vec<String>]) -> Result<Vec<Vec<Person>>, StoreError> {
    questions.iter().map(|keys| Ok(PeopleOf(keys).load(tx.connection())?)).collect()
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
                (SELECT p.name FROM users u JOIN objects p ON p.pk = u.default_profile_pk WHERE u.pk = o.pk) \
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
    type SqlType = (Text, Text, Array<Text>, Array<Text>, Nullable<Text>);
}

impl RunQueryDsl<PgConnection> for PhonesOf<'_> {}

impl RunQueryDsl<PgConnection> for PeopleOf<'_> {}
