//! Lists through the listener: ten thousand rows, pages, criteria (axl.md 9, 15).

mod criteria;
mod thousands;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;

/// Rows of a large site.
const MANY: usize = 10_000;

/// Makes the one object of a type many, its description a number: `more` ends the statement and adds what its type keeps besides.
fn multiply(gateway: &TestGateway, type_: &str, model: &str, name_of: &str, more: &str) {
    gateway.sql(&format!(
        "WITH model AS (SELECT * FROM objects WHERE type = '{type_}' AND name = '{model}'), \
         added AS (INSERT INTO objects (type, name, name_key, description, uuid, carried, changed_at) \
             SELECT type, {name_of}, lower({name_of}), 'Number ' || n, gen_random_uuid(), carried, changed_at \
             FROM model, generate_series(1, {}) AS n RETURNING pk, name), \
         referring AS (INSERT INTO object_references (owner_pk, tag, target_pk) \
             SELECT added.pk, r.tag, r.target_pk FROM added, model JOIN object_references r ON r.owner_pk = model.pk) \
         {more}; ANALYZE",
        MANY - 1
    ));
}

/// One element of each row of a list, in the order of the answer.
fn column(answer: &str, tag: &str) -> Vec<String> {
    let text = |rest: &str| rest.split_once('<').unwrap().0.to_owned();
    answer.split(&format!("<{tag}>")).skip(1).map(text).collect()
}

/// A list of partitions by name.
fn names(axl: &AxlClient, criteria: &str, page: &str) -> Vec<String> {
    let inner =
        format!("<searchCriteria>{criteria}</searchCriteria><returnedTags><name/></returnedTags>{page}");
    column(&axl.ok("listRoutePartition", &inner), "name")
}
