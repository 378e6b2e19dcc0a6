//! Migrations go up, down and up again, and `schema.rs` is what they leave behind.

use std::fmt::Write;

use diesel::connection::{Connection, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text};
use diesel_migrations::MigrationHarness;
use emgate::store::migrate::{self, MIGRATIONS};

use crate::support::database::{TestDatabase, await_lock_waiters};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema.rs");

const HEADER: &str = "//! The tables as the migrations leave them; printed, never edited.
#![expect(missing_docs, reason = \"tables and columns are described in the migrations\")]

// @generated from the migrated database; checked by tests/it/migrations.rs.
";

/// One table: name, key columns, and name, type and nullability of every column.
#[derive(QueryableByName, Debug)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Array<Text>)]
    keys: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    columns: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    types: Vec<String>,
    #[diesel(sql_type = Array<Bool>)]
    nullable: Vec<bool>,
}

#[derive(QueryableByName)]
struct Leftover {
    #[diesel(sql_type = Nullable<Text>)]
    names: Option<String>,
}

#[expect(clippy::disallowed_methods, reason = "the catalogue of the database has no table! of ours")]
fn tables(connection: &mut PgConnection) -> Vec<Table> {
    let query = "
        SELECT c.relname::text AS name,
               ARRAY(SELECT a.attname::text FROM pg_index i
                     CROSS JOIN unnest(i.indkey) WITH ORDINALITY k (number, place)
                     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                     WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.place) AS keys,
               array_agg(f.column_name::text ORDER BY f.ordinal_position) AS columns,
               array_agg(f.udt_name::text ORDER BY f.ordinal_position) AS types,
               array_agg(f.is_nullable = 'YES' ORDER BY f.ordinal_position) AS nullable
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        JOIN information_schema.columns f ON f.table_schema = 'public' AND f.table_name = c.relname
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '__diesel_schema_migrations'
        GROUP BY c.oid, c.relname ORDER BY c.relname COLLATE \"C\"";
    diesel::sql_query(query).load(connection).unwrap()
}

fn kind(udt: &str, nullable: bool) -> String {
    let plain = match udt.trim_start_matches('_') {
        "int8" => "BigInt",
        "int4" => "Integer",
        "int2" => "SmallInt",
        "text" => "Text",
        "bool" => "Bool",
        "uuid" => "Uuid",
        "timestamptz" => "Timestamptz",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "bytea" => "Bytea",
        "date" => "Date",
        other => panic!("the printer does not know type {other}"),
    };
    let one = if udt.starts_with('_') { format!("Array<{plain}>") } else { plain.to_owned() };
    if nullable { format!("Nullable<{one}>") } else { one }
}

fn printed(tables: &[Table]) -> String {
    let mut text = HEADER.to_owned();
    for table in tables {
        let Table { name, keys, columns, types, nullable } = table;
        write!(text, "\ndiesel::table! {{\n    {name} ({}) {{\n", keys.join(", ")).unwrap();
        for ((column, udt), nullable) in columns.iter().zip(types).zip(nullable) {
            let kind = kind(udt, *nullable);
            if column == "type" {
                text += "        #[sql_name = \"type\"]\n";
                writeln!(text, "        type_ -> {kind},").unwrap();
            } else {
                writeln!(text, "        {column} -> {kind},").unwrap();
            }
        }
        text += "    }\n}\n";
    }
    text += "\ndiesel::allow_tables_to_appear_in_same_query!(\n";
    for table in tables {
        writeln!(text, "    {},", table.name).unwrap();
    }
    text + ");\n"
}

#[test]
fn schema_rs_is_what_the_migrations_leave() {
    let database = TestDatabase::new();
    let mut connection = PgConnection::establish(&database.url).unwrap();
    let now = printed(&tables(&mut connection));
    if std::env::var_os("EMGATE_BLESS").is_some() {
        std::fs::write(SCHEMA, &now).unwrap();
    }
    let kept = std::fs::read_to_string(SCHEMA).unwrap();
    assert!(now == kept, "src/store/schema.rs is stale: EMGATE_BLESS=1 cargo test migrations:: rewrites it");
}

#[test]
fn migrations_go_up_down_and_up() {
    let database = TestDatabase::empty();
    let mut connection = PgConnection::establish(&database.url).unwrap();
    connection.run_pending_migrations(MIGRATIONS).unwrap();
    let first = printed(&tables(&mut connection));
    connection.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(leftovers(&mut connection), None);
    connection.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!(printed(&tables(&mut connection)), first);
}

/// Tables, sequences, functions and types that `down` forgot.
#[expect(clippy::disallowed_methods, reason = "the catalogue of the database has no table! of ours")]
fn leftovers(connection: &mut PgConnection) -> Option<String> {
    let query = "
        SELECT string_agg(name, ', ') AS names FROM (
            SELECT relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND relkind IN ('r', 'p', 'S', 'v', 'm') AND relname <> '__diesel_schema_migrations'
            UNION ALL
            SELECT proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'
            UNION ALL
            SELECT typname::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname = 'public' AND typtype IN ('e', 'd')) AS found";
    diesel::sql_query(query).get_result::<Leftover>(connection).unwrap().names
}

#[test]
fn a_migration_that_waits_for_a_reader_lets_others_pass() {
    let database = TestDatabase::new();
    let connect = || PgConnection::establish(&database.url).unwrap();
    let mut inside = connect();
    let extends = |pending: &str| pending.contains("000151");
    while !migrate::pending(&mut inside).unwrap().iter().any(|name| extends(name)) {
        inside.revert_last_migration(MIGRATIONS).unwrap();
    }
    let mut backup = connect();
    backup.batch_execute("BEGIN; SELECT count(*) FROM sessions").unwrap();
    let mut migrating = connect();
    let migration = std::thread::spawn(move || migrate::run(&mut migrating).unwrap());
    await_lock_waiters(&database, 1);
    // who logs in meanwhile waits for as long as a migration tries, and not for the backup
    let mut login = connect();
    login.batch_execute("SET lock_timeout = '20s'; SELECT count(*) FROM sessions").unwrap();
    assert!(!migration.is_finished());
    backup.batch_execute("COMMIT").unwrap();
    assert!(!migration.join().unwrap().is_empty());
    assert_eq!(migrate::pending(&mut inside).unwrap(), [""; 0]);
}
