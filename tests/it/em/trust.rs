//! What is known of the sources of requests: room for every phone, and no look at the database (EM-094, EM-103).

use std::net::{IpAddr, Ipv4Addr};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use emgate::em::conditions::Conditions;
use emgate::em::error::EmCode;
use emgate::em::trust::{Route, TrustCacheCounts};

use crate::support::many::people_logged_in;
use crate::support::site::Site;

/// Phones, more than the least size that the cache may be told to have.
const PHONES: u32 = 1200;

fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + n).into()
}

fn from(n: u32) -> Route {
    Route { peer: Some(address(n)), address: Some(address(n)), is_proxied: false }
}

/// Many phones, each registered at an address of its own, while sources are checked.
fn site() -> Site {
    let site = Site::new();
    site.parameter("ValidateIPAddress", "T");
    site.parameter("ExtensionMobilityCacheSize", "1000");
    let mut inside = PgConnection::establish(&site.database.url).unwrap();
    people_logged_in(&mut inside, PHONES, "NULL::timestamptz");
    inside
        .batch_execute(
            "INSERT INTO registrations (phone_pk, status, address, reported_at)
                SELECT phone, 'registered', host('10.0.0.0'::inet + n), now() FROM made",
        )
        .unwrap();
    site
}

async fn of_phone(site: &Site, n: u32) -> Conditions {
    site.em.conditions(Some(&format!("SEP{n:012}"))).await.unwrap()
}

#[tokio::test]
async fn there_is_room_for_every_phone_whatever_the_parameter_says() {
    let site = site();
    for (round, hits) in [(1, 0), (2, u64::from(PHONES))] {
        for n in 1..=PHONES {
            let conditions = of_phone(&site, n).await;
            assert_eq!(site.em.trust(&conditions, from(n)).await, Ok(()), "{round}: {n}");
        }
        let expected =
            TrustCacheCounts { hits, misses: u64::from(PHONES), entries: PHONES as usize, proxied: 0 };
        assert_eq!(site.em.trust_cache_counts(), expected);
    }
}

#[tokio::test]
async fn a_check_asks_the_database_nothing_beyond_what_every_request_reads() {
    let site = site();
    let read = of_phone(&site, 1).await;
    site.write(|tx| Ok(tx.connection().batch_execute("ALTER TABLE objects RENAME TO gone")?));
    assert_eq!(site.em.conditions(None).await.err(), Some(EmCode::Database), "it is away");
    assert_eq!(site.em.trust(&read, from(2)).await, Err(EmCode::UntrustedAddress), "judged");
    assert_eq!(site.em.trust(&read, from(1)).await, Ok(()), "judged");
    assert_eq!(site.em.trust(&read, from(1)).await, Ok(()), "remembered");
    assert_eq!(site.em.trust_cache_counts().hits, 1);
}
