//! What the database layer promises about connections: time-outs of the client library, migrations in turns, the name of a node.

use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use emgate::clock::{Clock, IdSource};
use emgate::store::node_lock::{NodeLock, NodeName};
use emgate::store::{Db, StoreError, Tx, migrate, schema};

use emgate::app::Migrations;

use crate::support::axl::{AxlClient, Caller};
use crate::support::database::TestDatabase;
use crate::support::gateway::TestGateway;
use crate::support::waiting::{await_some, await_true};

#[test]
fn the_settings_of_an_address_stand_against_ours_in_both_forms() {
    let database = TestDatabase::new();
    let open = |url: &str| Db::open(url, 1, Clock::Database, IdSource::Random).unwrap().connect().map(drop);
    open(&database.url).unwrap();
    let refused = open(&format!("{}?connect_timeout=soon", database.url)).unwrap_err().to_string();
    assert!(refused.contains("soon"), "{refused}");
    let refused = open("host=127.0.0.1 connect_timeout=soon").unwrap_err().to_string();
    assert!(refused.contains("soon"), "{refused}");
}

#[test]
fn a_connection_that_was_cut_while_nobody_used_it_fails_nobody() {
    let database = TestDatabase::new();
    let db = Db::open(&database.url, 1, Clock::Database, IdSource::Random).unwrap();
    let ask = || db.read_blocking(emgate::store::errors_are_readable);
    for _ in 0..3 {
        assert!(ask().unwrap());
        let mut other = PgConnection::establish(&database.url).unwrap();
        other
            .batch_execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid()",
            )
            .unwrap();
        std::thread::sleep(Duration::from_millis(150));
    }
    assert!(ask().unwrap());
}

#[test]
fn over_a_connection_that_nothing_can_be_written_through_a_write_fails_once() {
    let database = TestDatabase::new();
    let db = Db::open(&database.url, 1, Clock::Database, IdSource::Random).unwrap();
    let write = || {
        db.write_blocking(|tx| {
            let phone = schema::objects::table.filter(schema::objects::type_.eq("phone"));
            diesel::delete(phone).execute(tx.connection()).map_err(StoreError::from)
        })
    };
    assert_eq!(write().unwrap(), 0);
    let becomes_standby = |tx: &mut Tx<'_>| -> Result<(), StoreError> {
        Ok(tx.connection().batch_execute("SET default_transaction_read_only = on")?)
    };
    db.statement_blocking(becomes_standby).unwrap();
    assert!(matches!(write(), Err(StoreError::Broken(_))));
    assert_eq!(write().unwrap(), 0, "the connection was replaced");
}

#[test]
fn nodes_that_start_together_migrate_in_turns_however_long_that_takes() {
    let database = TestDatabase::empty();
    let migrate = || {
        let mut connection = PgConnection::establish(&database.url).unwrap();
        connection.batch_execute("SET statement_timeout = '50ms'; SET lock_timeout = '10ms'").unwrap();
        migrate::run(&mut connection).unwrap().len()
    };
    let ran = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(migrate), scope.spawn(migrate));
        [one.join().unwrap(), other.join().unwrap()]
    });
    assert!(ran.contains(&0) && ran.iter().any(|n| *n > 0), "{ran:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the catalogue of the server has no table! of ours")]
fn a_node_keeps_its_name_though_the_lock_outlives_its_connection() {
    let database = TestDatabase::new();
    let db = database.open_real();
    let take = || match NodeLock::take(&db, "one").unwrap() {
        NodeName::Taken(lock) => Some(lock),
        NodeName::InUse => None,
    };
    let mut lock = take().unwrap();
    let mut eye = db.connect().unwrap();
    let mut number = |query: &str| {
        let row: Number = diesel::sql_query(query).get_result(&mut eye).unwrap();
        row.number
    };
    let asking = "SELECT count(*) AS number FROM pg_stat_activity WHERE datname = current_database() \
                  AND pid <> pg_backend_pid() AND query LIKE '%pg_try_advisory_lock%'";
    number(
        "SELECT count(pg_terminate_backend(pid)) AS number FROM pg_locks WHERE locktype = 'advisory' \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    let old = await_some(Duration::from_secs(30), || take().ok_or("the name stays in use"));
    std::thread::scope(|scope| {
        let renewed = scope.spawn(|| lock.renew(&db).unwrap());
        await_true(Duration::from_secs(5), "it asks for the lock", || {
            assert!(!renewed.is_finished(), "it gave up at once");
            number(asking) >= 2
        });
        drop(old);
        assert!(renewed.join().unwrap());
    });
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[test]
fn a_role_that_owns_its_database_and_nothing_else_is_enough() {
    let gateway = TestGateway::start_on(TestDatabase::of_an_ordinary_role(), Migrations::Run, |_| ());
    let axl = AxlClient::of(&gateway);
    axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addPhone", "<phone><name>SEP000000000001</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>");
    axl.uuid("addUser", "<user><lastName>Ada</lastName><userid>ada</userid><pin>12345</pin><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
    axl.ok("doDeviceLogin", "<deviceName>SEP000000000001</deviceName><userId>ada</userId>");
    let db = gateway.database.open_real();
    let ordinary: bool =
        db.write_blocking(|tx| Ok::<_, emgate::store::StoreError>(!is_superuser(tx))).unwrap();
    assert!(ordinary);
    await_true(Duration::from_secs(20), "the events get their numbers", || {
        db.write_blocking(emgate::store::number_line::line).unwrap().last_pos >= 4
    });
    let mut connection = db.connect().unwrap();
    assert_eq!(emgate::event::retention::drop_old(&db, &mut connection, 1, &|| true).unwrap(), [""; 0]);
}

fn is_superuser(tx: &mut emgate::store::Tx<'_>) -> bool {
    let on: String =
        diesel::select(emgate::store::current_setting("is_superuser")).get_result(tx.connection()).unwrap();
    on == "on"
}
