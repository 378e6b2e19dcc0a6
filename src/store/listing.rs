//! Lists of objects as rows: which match, in the order of their names, a page at a time.

use diesel::pg::Pg;
use diesel::prelude::*;

use super::objects::{Object, ObjectFilter, Pattern};
use super::schema::{object_references, objects};
use super::{StoreError, Tx};

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin<'a> {
    /// After this many rows.
    Skip(usize),
    /// After the row of this name: costs the same on every page, and nothing is doubled or lost when others come or go meanwhile.
    After(&'a str),
}

fn matching(type_: &str, filters: Vec<ObjectFilter>) -> objects::BoxedQuery<'static, Pg> {
    let of_type = objects::table.filter(objects::type_.eq(type_.to_owned())).into_boxed();
    filters.into_iter().fold(of_type, |rows, filter| rows.filter(filter))
}

/// How many objects of a type meet all conditions.
pub fn count(tx: &mut Tx<'_>, type_: &str, filters: Vec<ObjectFilter>) -> Result<usize, StoreError> {
    let total: i64 = matching(type_, filters).count().get_result(tx.connection())?;
    Ok(usize::try_from(total).unwrap_or(usize::MAX))
}

/// The objects of a type that meet all conditions, by name, with the carried settings named only.
pub fn load(
    tx: &mut Tx<'_>,
    type_: &str,
    filters: Vec<ObjectFilter>,
    carried: &[&str],
    begin: Begin<'_>,
    most: usize,
) -> Result<Vec<Object>, StoreError> {
    let rows = matching(type_, filters);
    let rows = match begin {
        Begin::Skip(skip) => match i64::try_from(skip) {
            Ok(skip) => rows.offset(skip),
            Err(_) => return Ok(Vec::new()),
        },
        Begin::After(name) => rows.filter(objects::name_key.gt(name.to_owned())),
    };
    let page = rows.order(objects::name_key).limit(i64::try_from(most).unwrap_or(i64::MAX));
    Ok(page.select(listed_columns(carried)).load(tx.connection())?)
}

/// The condition that nothing meets.
pub fn nothing() -> ObjectFilter {
    Box::new(objects::pk.is_null())
}

/// The condition that everything meets.
pub fn everything() -> ObjectFilter {
    Box::new(objects::pk.is_not_null())
}

/// The condition that the name matches a pattern.
pub fn name_like(pattern: &Pattern) -> ObjectFilter {
    Box::new(objects::name_key.like(pattern.folded()))
}

/// The condition that the description matches a pattern.
pub fn description_like(pattern: &Pattern) -> ObjectFilter {
    Box::new(objects::description.assume_not_null().ilike(pattern.text()))
}

/// The condition that an element points at something whose name matches a pattern.
pub fn reference_like(tag: &str, pattern: &Pattern) -> ObjectFilter {
    let targets = diesel::alias!(objects as targets);
    let named = targets
        .filter(targets.field(objects::name_key).like(pattern.folded()))
        .select(targets.field(objects::pk));
    let owners = object_references::table
        .filter(object_references::tag.eq(tag.to_owned()))
        .filter(object_references::target_pk.eq_any(named))
        .select(object_references::owner_pk);
    Box::new(objects::pk.eq_any(owners))
}

diesel::define_sql_function! {
    /// The named fields of carried settings only.
    fn pick(carried: diesel::sql_types::Jsonb, tags: diesel::sql_types::Array<diesel::sql_types::Text>) -> diesel::sql_types::Jsonb;
}

/// The columns of [`Object`] for a list: of the carried settings only those named.
#[diesel::dsl::auto_type(no_type_alias)]
fn listed_columns<'a>(carried: &'a [&'a str]) -> _ {
    let picked: pick<objects::carried, &'a [&'a str]> = pick(objects::carried, carried);
    (
        objects::pk,
        objects::type_,
        objects::name,
        objects::name_key,
        objects::description,
        objects::uuid,
        picked,
        objects::revision,
        objects::changed_at,
    )
}
