//! Row keys of the things that rules speak of, one type each so that they cannot be mixed up.
//!
//! All of them are the `pk` of a row in `objects`; outside the database things are named by UUID.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::BigInt;

/// Makes one key type: `row_key!(/// doc  PhonePk);` gives `PhonePk(pub i64)` that diesel takes for a `bigint`.
macro_rules! row_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        #[diesel(sql_type = BigInt)]
        pub struct $name(pub i64);

        impl From<ObjectPk> for $name {
            fn from(object: ObjectPk) -> Self {
                Self(object.0)
            }
        }
    };
}

/// The key of any object.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    AsExpression,
    FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
#[diesel(sql_type = BigInt)]
pub struct ObjectPk(pub i64);

row_key!(
    /// A physical phone.
    PhonePk
);
row_key!(
    /// A device profile.
    ProfilePk
);
impl ProfilePk {
    /// The key of no row: what a name means that no profile has.
    pub const NOTHING: Self = Self(0);
}

row_key!(
    /// A person who logs in.
    UserPk
);
row_key!(
    /// A program or administrator who signs in.
    AppUserPk
);
row_key!(
    /// A directory number in a partition.
    LinePk
);

macro_rules! into_object {
    ($($name:ident)*) => {
        $(impl From<$name> for ObjectPk {
            fn from(key: $name) -> Self {
                Self(key.0)
            }
        })*
    };
}
into_object!(PhonePk ProfilePk UserPk AppUserPk LinePk);
