//! The writers prepare two statements, whatever the size of a batch.

use diesel::prelude::*;
use emgate::domain::event::LoginMethod;
use emgate::domain::ids::{PhonePk, UserPk};
use emgate::store::StoreError;
use emgate::store::sessions::{self, BatchChanges, NewSession};
use emgate::store::snapshot::{BatchKeys, lock_and_read};
use emgate::store::writer_connection::WriterConnection;

use crate::support::site::Site;

diesel::table! {
    pg_prepared_statements (name) {
        name -> Text,
        statement -> Text,
    }
}

#[test]
fn batches_of_every_size_share_two_prepared_statements() {
    let site = Site::new();
    let profile = site.profile("UDP");
    let people: Vec<(PhonePk, UserPk)> = (0..7)
        .map(|i| (site.phone(&format!("SEP0000000000{i:02X}")), site.user(&format!("u{i}"), &[profile])))
        .collect();
    let mut connection = WriterConnection::open(&site.db).unwrap();
    for size in [1, 2, 4] {
        let batch = &people[size - 1..2 * size - 1];
        connection
            .transaction::<(), StoreError>(|tx| {
                let keys = BatchKeys {
                    users: batch.iter().map(|p| p.1).collect(),
                    phones: batch.iter().map(|p| p.0).collect(),
                    ..BatchKeys::default()
                };
                assert_eq!(lock_and_read(tx, &keys)?.phones.len(), size);
                let opened = batch.iter().map(|(phone, user)| NewSession {
                    phone: *phone,
                    user: *user,
                    profile,
                    session_id: tx.new_id(),
                    expires_at: None,
                    limit: None,
                    method: LoginMethod::Api,
                    exclusive: true,
                });
                let opened = opened.collect();
                sessions::apply(tx, &BatchChanges { opened, ..BatchChanges::default() })?;
                Ok(())
            })
            .unwrap();
    }
    let prepared: Vec<String> = connection
        .transaction::<_, StoreError>(|tx| {
            Ok(pg_prepared_statements::table
                .select(pg_prepared_statements::statement)
                .load(tx.connection())?)
        })
        .unwrap();
    let ours = |text: &str| text.contains("lock_and_read") || text.contains("apply_batch");
    assert_eq!(prepared.iter().filter(|s| ours(s)).count(), 2, "{prepared:?}");
    assert_eq!(site.sessions().len(), 7);
}
