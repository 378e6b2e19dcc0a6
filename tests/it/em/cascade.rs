//! Sessions that end because provisioning takes something away.

use diesel::prelude::*;
use emgate::domain::event::{LoginMethod, LogoutReason, RemovedObject, Via};
use emgate::em::cascade;
use emgate::event;
use emgate::store::locks::Locks;
use emgate::store::sessions::{self, BatchChanges, NewSession, SessionsOf};
use emgate::store::{StoreError, schema};
use serde_json::json;

use crate::support::database::await_lock_waiters;
use crate::support::site::Site;

#[tokio::test]
async fn removing_a_user_ends_all_their_sessions_in_the_same_operation() {
    let site = Site::new();
    site.phone("SEP0000000000A1");
    site.phone("SEP0000000000A2");
    let profile = site.profile("UDP_ada");
    let user = site.user("ada", &[profile]);
    site.parameter("MultipleLoginBehavior", "allowed");
    site.log_in("SEP0000000000A2", "ada").await.unwrap();
    site.log_in("SEP0000000000A1", "ada").await.unwrap();
    let cause = site.cause(Via::Soap);
    let origin = site.em.origin().clone();
    let removed = RemovedObject { object_type: "User".into(), name: "ada".into(), uuid: uuid::Uuid::nil() };
    site.write(|tx| {
        Locks { users: [user.0].into(), ..Locks::default() }.take(tx)?;
        let ended = cascade::end_sessions(
            tx,
            SessionsOf::User(user),
            LogoutReason::UserRemoved,
            Some(&removed),
            &cause,
        )?;
        event::append(tx, &origin, &cause, ended).map_err(|e| match e {
            event::EventError::Store(e) => e,
            other => panic!("{other}"),
        })
    });
    assert_eq!(
        site.story()[2..],
        ["logout SEP0000000000A1 ada user-removed", "logout SEP0000000000A2 ada user-removed"]
    );
    assert_eq!(site.events()[2].1["removedObject"]["type"], json!("User"));
    assert_eq!(site.sessions(), []);
}

#[tokio::test]
async fn one_phone_can_be_locked_while_its_user_is_on_another_one_too() {
    let site = Site::new();
    let phone = site.phone("SEP0000000000B1");
    site.phone("SEP0000000000B2");
    let profile = site.profile("UDP_ada");
    site.user("ada", &[profile]);
    site.parameter("MultipleLoginBehavior", "allowed");
    site.log_in("SEP0000000000B1", "ada").await.unwrap();
    site.log_in("SEP0000000000B2", "ada").await.unwrap();
    site.write(|tx| Locks { phones: [phone.0].into(), ..Locks::default() }.take(tx));
}

#[test]
fn a_login_that_commits_while_its_user_is_waited_for_makes_nobody_start_over() {
    let site = Site::new();
    let phone = site.phone("SEP0000000000B1");
    let profile = site.profile("UDP_ada");
    let user = site.user("ada", &[profile]);
    std::thread::scope(|scope| {
        let waits = site.db.write_blocking(|tx| -> Result<_, StoreError> {
            let row = schema::users::table.find(user.0).select(schema::users::pk);
            row.for_no_key_update().first::<i64>(tx.connection())?;
            let waits = scope.spawn(|| {
                let once = |tx: &mut emgate::store::Tx<'_>| {
                    Locks { users: [user.0].into(), ..Locks::default() }.take(tx)
                };
                site.db.transaction_on(&mut site.db.connect().unwrap(), once)
            });
            await_lock_waiters(&site.database, 1);
            let opened = vec![NewSession {
                phone,
                user,
                profile,
                session_id: tx.new_id(),
                expires_at: None,
                limit: None,
                method: LoginMethod::Api,
                exclusive: true,
            }];
            sessions::apply(tx, &BatchChanges { opened, ..BatchChanges::default() })?;
            Ok(waits)
        });
        waits.unwrap().join().unwrap().unwrap();
    });
}
