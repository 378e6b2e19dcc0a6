//! Sessions live through an upgrade of the database and of nodes, and through restarts of nodes one after another (EM-152).

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_migrations::MigrationHarness as _;
use emgate::store::migrate::{MIGRATIONS, pending};
use emgate::store::schema::sessions;
use uuid::Uuid;

use super::{Pair, unanswered};
use crate::support::database::TestDatabase;
use crate::support::many::people_logged_in;

/// The first step that the older shape of the database lacks.
const NEWER: &str = "2026-11-28-000100";
/// A step that logins and logouts can do without: a node that never had it is one of before the upgrade.
const BESIDE: &str = "decide_credentials";

fn steps() -> Vec<Box<dyn Migration<Pg>>> {
    MIGRATIONS.migrations().unwrap()
}

/// A database of an older shape with people logged in, far from their end.
fn older(sessions: u32) -> TestDatabase {
    let database = TestDatabase::empty();
    let mut inside = PgConnection::establish(&database.url).unwrap();
    // looking at what is missing makes the table of what is there
    let missing = inside.pending_migrations(MIGRATIONS).unwrap();
    for step in missing.iter().filter(|step| step.name().to_string().as_str() < NEWER) {
        inside.run_migration(step).unwrap();
    }
    assert!(pending(&mut inside).unwrap().len() > 5, "an older shape");
    people_logged_in(&mut inside, sessions, "now() + interval '8 hours'");
    database
}

/// Session of each phone.
fn all_sessions(inside: &mut PgConnection) -> BTreeMap<i64, Uuid> {
    let rows: Vec<(i64, Uuid)> =
        sessions::table.select((sessions::phone_pk, sessions::session_id)).load(inside).unwrap();
    rows.into_iter().collect()
}

/// Upgrades a database under people who are logged in, then restarts nodes one after another under load, one of them with an upgrade
/// while the other runs on.
fn upgrade_and_restart(count: u32) {
    let database = older(count);
    let mut inside = PgConnection::establish(&database.url).unwrap();
    let before = all_sessions(&mut inside);
    assert_eq!(before.len(), count as usize);
    let (pair, nodes) = Pair::start(database, &["--migrate"]);
    let mut nodes = nodes.map(Some);
    assert_eq!(pending(&mut inside).unwrap(), [""; 0]);
    assert_eq!(all_sessions(&mut inside), before, "as they were before the upgrade");
    let all = pair.while_all_work(|| {
        for (n, node) in nodes.iter_mut().enumerate() {
            std::thread::sleep(Duration::from_millis(500));
            pair.take_out(n);
            node.take().unwrap().end();
            if n == 0 {
                let step =
                    steps().into_iter().find(|step| step.name().to_string().ends_with(BESIDE)).unwrap();
                inside.revert_migration(&step).unwrap();
                assert_eq!(pending(&mut inside).unwrap().len(), 1);
            }
            std::thread::sleep(Duration::from_millis(500));
            *node = Some(pair.start_node(n, &["--migrate"]));
            assert_eq!(pending(&mut inside).unwrap(), [""; 0]);
        }
        std::thread::sleep(Duration::from_millis(500));
    });
    let lost = unanswered(&all, 0) + unanswered(&all, 1);
    eprintln!("{} logins beside, {lost} requests asked twice", all.iter().map(|d| d.logins).sum::<usize>());
    assert_eq!(all_sessions(&mut inside), before, "none has ended and none has begun anew");
    pair.check(&all);
}

#[test]
fn sessions_keep_their_ids_through_an_upgrade_and_restarts_of_both_nodes() {
    upgrade_and_restart(2000);
}

#[test]
#[ignore = "ten thousand sessions; `make soak` runs it"]
fn ten_thousand_sessions_keep_their_ids_through_an_upgrade_and_restarts_of_both_nodes() {
    upgrade_and_restart(10_000);
}
