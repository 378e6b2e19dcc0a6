//! The writers prepare three statements, whatever the size of a batch.

use diesel::prelude::*;
use emgate::domain::event::LoginMethod;
use emgate::domain::ids::{PhonePk, UserPk};
use emgate::store::StoreError;
use emgate::store::names::{self, Named, Names};
use emgate::store::objects::Selector;
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
fn batches_of_every_size_share_three_prepared_statements() {
    let site = Site::new();
    let profile = site.profile("UDP");
    let phone_name = |i| format!("SEP0000000000{i:02X}");
    let user_id = |i| format!("u{i}");
    for i in 0..7 {
        site.phone(&phone_name(i));
        site.user(&user_id(i), &[profile]);
    }
    let mut connection = WriterConnection::open(&site.db).unwrap();
    for size in [1, 2, 4] {
        let named = |i| Names {
            phone: Named::By(Selector::name(&phone_name(i))),
            user: Some(Named::By(Selector::name(&user_id(i)))),
            profile: None,
        };
        let batch: Vec<Names> = (size - 1..2 * size - 1).map(named).collect();
        connection
            .transaction::<(), StoreError>(|tx| {
                let found = names::resolve(tx, &batch.iter().collect::<Vec<_>>())?;
                let batch: Vec<(PhonePk, UserPk)> =
                    found.iter().filter_map(|one| one.phone.zip(one.user)).collect();
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
    let ours = |text: &&String| {
        ["find_object_keys", "lock_and_read", "apply_batch"].iter().any(|name| text.contains(name))
    };
    assert_eq!(prepared.iter().filter(ours).count(), 3, "{prepared:?}");
    assert_eq!(site.sessions().len(), 7);
}
