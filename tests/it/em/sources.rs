//! From where requests may come, from outside: the list, the device cache, the register of phones (EM-091 to EM-103).

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use serde_json::json;

use super::floor::{Floor, OTHER, PHONE, between, page};
use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;
use crate::support::http::Client;
use crate::support::many::people_logged_in;

fn at(floor: &Floor, address: IpAddr, query: &str) -> String {
    between(&page(&floor.gateway.phone().at(address), query, &[]).body, "Prompt")
}

#[test]
fn a_foreign_address_is_refused_counted_and_told_and_a_registered_phone_is_not() {
    let floor = Floor::new();
    floor.set("ValidateIPAddress", "T");
    let login = format!("?device={PHONE}&userid=ada&seq=12345");
    let phone: IpAddr = [127, 0, 0, 7].into();
    assert_eq!(at(&floor, phone, &login), "Login is unavailable(28)", "nobody knows where the phone is");
    let report = json!({"phones": [{"name": PHONE, "status": "registered", "address": "127.0.0.7"}]});
    floor.operator("POST", "/operator/v1/registrations", &report.to_string());
    let other = login.replace(PHONE, OTHER);
    assert_eq!(at(&floor, [127, 0, 0, 8].into(), &other), "Login is unavailable(28)");
    assert_eq!(at(&floor, phone, &login), "Login successful");
    let told = floor.rejections(2);
    for (phone, address) in [(PHONE, "127.0.0.7"), (OTHER, "127.0.0.8")] {
        let data = &told.iter().find(|event| event["data"]["deviceName"] == phone).unwrap()["data"];
        let by = &data["requestedBy"]["address"];
        assert_eq!((&data["errorCode"], by), (&json!(28), &json!(address)), "{phone}");
    }
    assert!(floor.metric(
        r#"em_refusals_total{operation="login",surface="phone",code="28",name="untrusted-address"} 2"#
    ));
    floor.set("ValidateIPAddress", "F");
    assert_eq!(
        at(&floor, [127, 0, 0, 9].into(), &format!("?device={PHONE}&doLogout=true")),
        "Logout successful"
    );
}

#[test]
fn addresses_names_and_networks_are_trusted_each() {
    let floor = Floor::new();
    let six = floor.gateway.another_node("six", |config| config.http.address = vec!["::1".parse().unwrap()]);
    floor.set("ValidateIPAddress", "T");
    floor.set("TrustedListOfIPs", "127.0.0.5;localhost;127.0.1.0/24");
    let form = format!("?device={OTHER}");
    for (address, is_trusted) in [
        ([127, 0, 0, 5], true),
        ([127, 0, 0, 6], false),
        ([127, 0, 0, 1], true),
        ([127, 0, 1, 1], true),
        ([127, 0, 1, 254], true),
        ([127, 0, 2, 1], false),
    ] {
        let prompt = at(&floor, Ipv4Addr::from(address).into(), &form);
        assert_eq!(prompt == "Enter user ID and PIN", is_trusted, "{address:?}: {prompt}");
    }
    let by_six = || between(&page(&six.phone(), &form, &[]).body, "Prompt");
    floor.set("TrustedListOfIPs", "127.0.0.5;2001:db8::1");
    assert_eq!(by_six(), "Login is unavailable(28)");
    for list in ["::1", "10.0.0.1;::/112"] {
        floor.set("TrustedListOfIPs", list);
        assert_eq!(by_six(), "Enter user ID and PIN", "{list}");
    }
}

#[test]
fn the_list_takes_1024_characters_and_not_one_more() {
    let floor = Floor::new();
    let list = |length: usize| format!("127.0.0.9{};{}", ";10.0.0.1".repeat(112), "a".repeat(length - 1018));
    floor.set("TrustedListOfIPs", &list(1024));
    assert_eq!(floor.value("TrustedListOfIPs"), list(1024));
    floor.set("ValidateIPAddress", "T");
    assert_eq!(at(&floor, [127, 0, 0, 9].into(), &format!("?device={PHONE}")), "Enter user ID and PIN");
    let named = "<processNodeName>EnterpriseWideData</processNodeName><name>TrustedListOfIPs</name><service>Cisco Extension Mobility</service>";
    let refusal =
        floor.axl.refusal("updateServiceParameter", &format!("{named}<value>{}</value>", list(1025)));
    assert_eq!(refusal, (5003, "value: TrustedListOfIPs is text of at most 1024 characters".to_owned()));
    assert_eq!(floor.value("ExtensionMobilityCacheSize"), "10000");
}

/// Logins timed in each way.
const SAMPLES: usize = 120;

#[test]
fn checking_costs_a_login_nothing_that_can_be_measured() {
    let floor = Floor::new();
    floor.set("TrustedListOfIPs", "127.0.0.1");
    let login = format!("?device={PHONE}&userid=ada&seq=12345");
    let mut taken = [const { Vec::new() }; 2];
    for sample in 0..SAMPLES {
        // in turns at one gateway, and first by turns, so that whatever else happens hits both
        for n in [sample % 2, 1 - sample % 2] {
            floor.set("ValidateIPAddress", ["T", "F"][n]);
            let begun = Instant::now();
            let prompt = floor.prompt(&login);
            taken[n].push(begun.elapsed());
            assert_eq!(prompt, "Login successful");
            floor.log_out(PHONE);
        }
    }
    let [checked, unchecked] = taken.each_mut().map(|all| {
        all.sort_unstable();
        &*all
    });
    let slower = checked.iter().flat_map(|c| unchecked.iter().map(move |u| c > u)).filter(|slower| *slower);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let share = slower.count() as f64 / (SAMPLES * SAMPLES) as f64;
    let late = |all: &[Duration]| all[SAMPLES * 9 / 10];
    println!(
        "slower in {share:.3} of all pairs; nine of ten within {:?} and {:?}",
        late(checked),
        late(unchecked)
    );
    assert!(share < 0.65, "{share}: one half is what chance gives");
    assert!(late(checked) < late(unchecked) * 3 / 2 + Duration::from_millis(10), "{checked:?} {unchecked:?}");
}

/// Address of the nth phone, one of the machine's own.
fn address(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x7f10_0000 + n).into()
}

/// Phones that are all known at addresses of their own ask while sources are checked: the first time each is judged, then each is known
/// whatever the parameter says. Gives how long a request took at most in half of all cases: first time, early and late ones then.
fn everyone_is_remembered(phones: u32) -> [Duration; 3] {
    let gateway = TestGateway::start_with(|config| config.http.workers = 2);
    let axl = AxlClient::of(&gateway);
    for (name, value) in [("ValidateIPAddress", "T"), ("ExtensionMobilityCacheSize", "1000")] {
        axl.uuid("updateServiceParameter", &format!("<processNodeName>test</processNodeName><name>{name}</name><service>Cisco Extension Mobility</service><value>{value}</value>"));
    }
    let mut inside = PgConnection::establish(&gateway.database.url).unwrap();
    people_logged_in(&mut inside, phones, "NULL::timestamptz");
    inside.batch_execute("INSERT INTO registrations (phone_pk, status, address, reported_at) SELECT phone, 'registered', host('127.16.0.0'::inet + n), now() FROM made; ANALYZE").unwrap();
    let ask = |client: &Client, n: u32| {
        let begun = Instant::now();
        let answer = page(&client.clone().at(address(n)), &format!("?device=SEP{n:012}"), &[]);
        assert_eq!(between(&answer.body, "Prompt"), "Log out?", "{n}");
        begun.elapsed()
    };
    let (client, ask) = (&gateway.phone(), &ask);
    let round = || -> Vec<Duration> {
        let quarter =
            |q: u32| (1..=phones).filter(move |n| n % 4 == q).map(|n| ask(client, n)).collect::<Vec<_>>();
        std::thread::scope(|scope| {
            let all = [0, 1, 2, 3].map(|q| scope.spawn(move || quarter(q)));
            all.into_iter().flat_map(|one| one.join().unwrap()).collect()
        })
    };
    let counts = || gateway.em().trust_cache_counts();
    let first = round();
    assert_eq!((counts().hits, counts().misses, counts().entries), (0, phones.into(), phones as usize));
    let second = round();
    assert_eq!(
        (counts().hits, counts().misses),
        (phones.into(), phones.into()),
        "each is known, however long ago it asked"
    );
    let metrics = gateway.admin().get("/metrics").body;
    for line in [format!("em_trust_cache_entries {phones}"), format!("em_trust_cache_hits_total {phones}")] {
        assert!(metrics.lines().any(|l| l == line), "{line}");
    }
    let median = |all: &[Duration]| {
        let mut all = all.to_vec();
        all.sort_unstable();
        all[all.len() / 2]
    };
    // each of the four parts went through all phones in their order
    let part = |from: usize| -> Vec<Duration> {
        second
            .chunks(second.len() / 4)
            .flat_map(|q| q[q.len() * from / 2..q.len() * (from + 1) / 2].to_vec())
            .collect()
    };
    [median(&first), median(&part(0)), median(&part(1))]
}

#[test]
fn every_phone_is_remembered_beyond_the_size_of_the_parameter() {
    everyone_is_remembered(1200);
}

#[test]
#[ignore = "a hundred thousand phones; `make soak` runs it"]
fn a_hundred_thousand_phones_are_remembered_and_the_last_is_as_fast_as_the_first() {
    let [first, early, late] = everyone_is_remembered(100_000);
    println!("half of the requests within {first:?} when judged, then {early:?} early and {late:?} late");
    assert!(late < early * 3 / 2, "{early:?} {late:?}");
}
