//! Objects of the provisioning API as rows: names, uuids, carried settings, references and associations.
//!
//! One table holds every object, served or only named, so that resolving, renaming, refusing to remove what is in use and listing
//! are written once. What a type decides on stands in a table of its own under the same key.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::schema::{lines, object_references, objects};
use super::{StoreError, Tx};
use crate::domain::ids::ObjectPk;
use crate::domain::names::fold;

/// Settings that no rule decides on, by element name; references are `{"ref": key}`.
pub type Carried = Map<String, Value>;

/// One object as stored.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = objects)]
pub struct Object {
    /// Row key.
    pub pk: ObjectPk,
    /// Type name of the API.
    pub type_: String,
    /// Name in its own spelling; for a line its pattern.
    pub name: String,
    /// Identity inside the type.
    pub name_key: String,
    /// Description, when the type has one.
    pub description: Option<String>,
    /// Identity outside the database.
    pub uuid: Uuid,
    /// Carried settings.
    pub carried: Value,
    /// Rises with every change.
    pub revision: i64,
    /// Time of the last change.
    pub changed_at: DateTime<Utc>,
}

/// A name and uuid, for answers and events.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ObjectName {
    /// Row key.
    pub pk: ObjectPk,
    /// Type name of the API.
    pub type_: String,
    /// Name in its own spelling.
    pub name: String,
    /// Identity outside the database.
    pub uuid: Uuid,
}

/// What a new object starts with.
#[derive(Debug)]
pub struct NewObject<'a> {
    /// Type name of the API.
    pub type_: &'a str,
    /// Name in its own spelling.
    pub name: &'a str,
    /// Identity inside the type.
    pub name_key: &'a str,
    /// Description, when the type has one.
    pub description: Option<&'a str>,
    /// Carried settings.
    pub carried: &'a Carried,
}

/// How one object is named in a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// By uuid; decides when both are given.
    Uuid(Uuid),
    /// By its identity inside the type, folded.
    Key(String),
}

impl Selector {
    /// Selects by name, whatever its case.
    pub fn name(name: &str) -> Self {
        Self::Key(fold(name))
    }
}

/// Finds one object of a type.
pub fn find(tx: &mut Tx<'_>, type_: &str, selector: &Selector) -> Result<Option<Object>, StoreError> {
    let by_type = objects::table.filter(objects::type_.eq(type_)).select(Object::as_select());
    let found = match selector {
        Selector::Uuid(uuid) => by_type.filter(objects::uuid.eq(uuid)).first(tx.connection()),
        Selector::Key(key) => by_type.filter(objects::name_key.eq(key)).first(tx.connection()),
    };
    Ok(found.optional()?)
}

/// Locks one object, after the rows of typed cores, and reads it as it is then.
pub fn lock(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<Option<Object>, StoreError> {
    let row = objects::table.find(pk).select(Object::as_select()).for_no_key_update();
    Ok(row.first(tx.connection()).optional()?)
}

/// Reads one object that must be there.
pub fn get(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<Object, StoreError> {
    Ok(objects::table.find(pk).select(Object::as_select()).first(tx.connection())?)
}

/// Names and uuids of objects by their keys.
#[derive(Debug, Default)]
pub struct Names(HashMap<i64, (String, Uuid)>);

impl Names {
    /// The name and uuid of one row.
    pub fn get(&self, key: i64) -> Option<(&str, Uuid)> {
        self.0.get(&key).map(|(name, uuid)| (name.as_str(), *uuid))
    }

    pub(super) fn insert(&mut self, key: i64, name: String, uuid: Uuid) {
        self.0.insert(key, (name, uuid));
    }
}

/// Reads the names of objects; a key that is gone is left out.
pub fn names(tx: &mut Tx<'_>, pks: &BTreeSet<i64>) -> Result<Names, StoreError> {
    if pks.is_empty() {
        return Ok(Names::default());
    }
    let pks: Vec<i64> = pks.iter().copied().collect();
    let named = objects::table.filter(objects::pk.eq_any(pks));
    let rows: Vec<(i64, String, Uuid)> =
        named.select((objects::pk, objects::name, objects::uuid)).load(tx.connection())?;
    Ok(Names(rows.into_iter().map(|(pk, name, uuid)| (pk, (name, uuid))).collect()))
}

/// Adds an object with its references. A name that exists is the conflict `one_name_per_type`.
pub fn insert(tx: &mut Tx<'_>, new: &NewObject<'_>) -> Result<Object, StoreError> {
    let (now, uuid) = (tx.now()?, tx.new_id());
    let row = (
        objects::type_.eq(new.type_),
        objects::name.eq(new.name),
        objects::name_key.eq(new.name_key),
        objects::description.eq(new.description),
        objects::uuid.eq(uuid),
        objects::carried.eq(Value::Object(new.carried.clone())),
        objects::changed_at.eq(now),
    );
    let object: Object = diesel::insert_into(objects::table)
        .values(row)
        .returning(Object::as_returning())
        .get_result(tx.connection())?;
    add_references(tx, object.pk, &references(new.carried))?;
    Ok(object)
}

/// Writes an object back after its name, description or carried settings changed; raises its revision.
pub fn update(tx: &mut Tx<'_>, object: &Object) -> Result<(), StoreError> {
    let now = tx.now()?;
    let before: Value = objects::table.find(object.pk).select(objects::carried).first(tx.connection())?;
    diesel::update(objects::table.find(object.pk))
        .set((
            objects::name.eq(&object.name),
            objects::name_key.eq(&object.name_key),
            objects::description.eq(&object.description),
            objects::carried.eq(&object.carried),
            objects::revision.eq(objects::revision + 1),
            objects::changed_at.eq(now),
        ))
        .execute(tx.connection())?;
    let wanted = object.carried.as_object().map(references).unwrap_or_default();
    let held = before.as_object().map(references).unwrap_or_default();
    change_references(tx, object.pk, &held, &wanted)
}

/// Marks an object as changed whose change stands in other tables: raises its revision.
pub fn touch(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<(), StoreError> {
    let now = tx.now()?;
    diesel::update(objects::table.find(pk))
        .set((objects::revision.eq(objects::revision + 1), objects::changed_at.eq(now)))
        .execute(tx.connection())?;
    Ok(())
}

/// Makes the references of an owner those that are wanted; what stands under other elements is not touched.
fn change_references(
    tx: &mut Tx<'_>,
    owner: ObjectPk,
    held: &BTreeSet<(String, i64)>,
    wanted: &BTreeSet<(String, i64)>,
) -> Result<(), StoreError> {
    for (tag, target) in held.difference(wanted) {
        let one = object_references::table.find((owner.0, tag.as_str(), *target));
        diesel::delete(one).execute(tx.connection())?;
    }
    add_references(tx, owner, &wanted.difference(held).cloned().collect())
}

/// Replaces what an owner points at under an element whose settings are kept in a table of their own.
pub fn refer<'s>(
    tx: &mut Tx<'_>,
    owner: ObjectPk,
    tag: &str,
    settings: impl IntoIterator<Item = &'s Value>,
) -> Result<(), StoreError> {
    let held: Vec<(String, i64)> = object_references::table
        .filter(object_references::owner_pk.eq(owner.0).and(object_references::tag.eq(tag)))
        .select((object_references::tag, object_references::target_pk))
        .load(tx.connection())?;
    let found = settings.into_iter().filter_map(Value::as_object).flat_map(references);
    let wanted = found.map(|(_, target)| (tag.to_owned(), target)).collect();
    change_references(tx, owner, &held.into_iter().collect(), &wanted)
}

/// Removes an object; what points at it from carried settings is the conflict `object_in_use`.
pub fn remove(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<(), StoreError> {
    diesel::delete(objects::table.find(pk)).execute(tx.connection())?;
    Ok(())
}

/// One object that points at this one, from its settings or as a line at its partition, for the refusal to remove it.
pub fn one_user_of(tx: &mut Tx<'_>, pk: ObjectPk) -> Result<Option<ObjectName>, StoreError> {
    let columns = (objects::pk, objects::type_, objects::name, objects::uuid);
    let owners = object_references::table
        .filter(object_references::target_pk.eq(pk.0))
        .select(object_references::owner_pk);
    let inside = lines::table.filter(lines::partition_pk.eq(pk.0)).select(lines::pk);
    let user = objects::table
        .filter(objects::pk.eq_any(owners).or(objects::pk.eq_any(inside)))
        .order(objects::pk)
        .select(columns)
        .first(tx.connection());
    Ok(user.optional()?)
}

/// Every reference in carried settings, at any depth, with the top-level element it stands under.
fn references(carried: &Carried) -> BTreeSet<(String, i64)> {
    fn walk(value: &Value, tag: &str, found: &mut BTreeSet<(String, i64)>) {
        match value {
            Value::Object(group) => {
                if let Some(target) = group.get("ref").and_then(Value::as_i64) {
                    found.insert((tag.to_owned(), target));
                } else {
                    group.values().for_each(|v| walk(v, tag, found));
                }
            }
            Value::Array(members) => members.iter().for_each(|v| walk(v, tag, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    for (tag, value) in carried {
        walk(value, tag, &mut found);
    }
    found
}

diesel::define_sql_function! {
    /// Adds references of one owner; pairs of tag and target.
    fn add_object_references(owner: diesel::sql_types::BigInt, tags: diesel::sql_types::Array<diesel::sql_types::Text>,
        targets: diesel::sql_types::Array<diesel::sql_types::BigInt>) -> diesel::sql_types::Integer;
}

fn add_references(
    tx: &mut Tx<'_>,
    owner: ObjectPk,
    wanted: &BTreeSet<(String, i64)>,
) -> Result<(), StoreError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let (tags, targets): (Vec<&str>, Vec<i64>) =
        wanted.iter().map(|(tag, target)| (tag.as_str(), *target)).unzip();
    diesel::select(add_object_references(owner.0, tags, targets)).execute(tx.connection())?;
    Ok(())
}

/// Finds the keys of several objects at once, in the order asked; `None` where there is none of that type and name.
pub fn resolve(tx: &mut Tx<'_>, wanted: &[(&str, Selector)]) -> Result<Vec<Option<i64>>, StoreError> {
    let types: BTreeSet<&str> = wanted.iter().map(|(type_, _)| *type_).collect();
    let keys: BTreeSet<&str> = wanted
        .iter()
        .filter_map(|(_, s)| if let Selector::Key(k) = s { Some(k.as_str()) } else { None })
        .collect();
    let uuids: BTreeSet<Uuid> =
        wanted.iter().filter_map(|(_, s)| if let Selector::Uuid(u) = s { Some(*u) } else { None }).collect();
    let columns = (objects::pk, objects::type_, objects::name_key, objects::uuid);
    let rows: Vec<(i64, String, String, Uuid)> = objects::table
        .filter(objects::type_.eq_any(types.into_iter().collect::<Vec<_>>()))
        .filter(
            objects::name_key
                .eq_any(keys.into_iter().collect::<Vec<_>>())
                .or(objects::uuid.eq_any(uuids.into_iter().collect::<Vec<_>>())),
        )
        .select(columns)
        .load(tx.connection())?;
    let mut found: HashMap<(&str, Selector), i64> = HashMap::with_capacity(2 * rows.len());
    for (pk, type_, key, uuid) in &rows {
        found.insert((type_, Selector::Uuid(*uuid)), *pk);
        found.insert((type_, Selector::Key(key.clone())), *pk);
    }
    Ok(wanted.iter().map(|asked| found.get(asked).copied()).collect())
}

/// Whether the catalogue holds names of this type from the start.
pub fn is_seeded(tx: &mut Tx<'_>, type_: &str) -> Result<bool, StoreError> {
    let any = objects::table.filter(objects::type_.eq(type_)).filter(objects::seeded);
    Ok(diesel::select(diesel::dsl::exists(any)).get_result(tx.connection())?)
}

/// Adds a name to the catalogue, or finds it when another transaction was faster.
pub fn insert_if_absent(tx: &mut Tx<'_>, type_: &str, name: &str) -> Result<ObjectPk, StoreError> {
    let (now, uuid, key) = (tx.now()?, tx.new_id(), fold(name));
    let row = (
        objects::type_.eq(type_),
        objects::name.eq(name),
        objects::name_key.eq(&key),
        objects::uuid.eq(uuid),
        objects::changed_at.eq(now),
    );
    diesel::insert_into(objects::table).values(row).on_conflict_do_nothing().execute(tx.connection())?;
    let same = objects::table.filter(objects::type_.eq(type_)).filter(objects::name_key.eq(&key));
    Ok(same.select(objects::pk).first(tx.connection())?)
}

diesel::infix_operator!(JsonText, " ->> ", diesel::sql_types::Nullable<diesel::sql_types::Text>, backend: diesel::pg::Pg);

/// Whether a text is like a pattern of `%` and `_`, as lists compare names; nothing is like an empty pattern.
pub fn is_like(tx: &mut Tx<'_>, text: &str, pattern: &Pattern) -> Result<bool, StoreError> {
    let is = fold(text).into_sql::<diesel::sql_types::Text>().like(pattern.folded());
    Ok(!pattern.is_empty() && diesel::select(is).get_result(tx.connection())?)
}

/// A condition on listed objects.
pub type ObjectFilter =
    Box<dyn BoxableExpression<objects::table, diesel::pg::Pg, SqlType = diesel::sql_types::Bool>>;

/// What values of a list criterion must look like: `%` is any run, `_` one character, everything else itself.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    folded: String,
}

impl Pattern {
    /// Reads the pattern of a client, to whom a backslash is a character like any other.
    pub fn of(text: &str) -> Self {
        // folding makes backslashes out of wide ones, so that escaping comes after it
        let escaped = |text: &str| text.replace('\\', "\\\\");
        Self { text: escaped(text), folded: escaped(&fold(text)) }
    }

    /// For `LIKE` without case, on values kept as sent.
    pub fn text(&self) -> String {
        self.text.clone()
    }

    /// For `LIKE` on names as they are compared.
    pub fn folded(&self) -> String {
        self.folded.clone()
    }

    /// Whether nothing matches it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether everything matches it, null too.
    pub fn is_everything(&self) -> bool {
        !self.is_empty() && self.text.bytes().all(|b| b == b'%')
    }

    /// How many runs of anything it has.
    pub fn wildcards(&self) -> usize {
        self.folded.matches('%').count()
    }
}

/// The condition that a carried text field matches a pattern, without case.
pub fn carried_like(tag: &'static str, pattern: &Pattern) -> ObjectFilter {
    use diesel::expression::AsExpression;
    let tag = AsExpression::<diesel::sql_types::Text>::as_expression(tag);
    Box::new(JsonText::new(objects::carried, tag).assume_not_null().ilike(pattern.text()))
}
