//! How domain types stand in columns.

use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::BigInt;

use crate::domain::ids::{AppUserPk, LinePk, ObjectPk, PhonePk, ProfilePk, UserPk};

macro_rules! bigint_column {
    ($($name:ident)*) => {
        $(
            impl ToSql<BigInt, Pg> for $name {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                    <i64 as ToSql<BigInt, Pg>>::to_sql(&self.0, out)
                }
            }
            impl FromSql<BigInt, Pg> for $name {
                fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                    <i64 as FromSql<BigInt, Pg>>::from_sql(value).map(Self)
                }
            }
        )*
    };
}
bigint_column!(ObjectPk PhonePk ProfilePk UserPk AppUserPk LinePk);
