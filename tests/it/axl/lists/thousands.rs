//! A list of ten thousand rows is whole, in order and paid for once; one that is too large says how to page.

use std::time::{Duration, Instant};

use super::{MANY, column, multiply};
use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;

/// Ten thousand phones, on each of them a user.
fn large_site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    axl.uuid("addDeviceProfile", "<deviceProfile><name>UDP</name><product>Cisco 8851</product><protocol>SIP</protocol></deviceProfile>");
    axl.uuid("addUser", "<user><lastName>Crowd</lastName><userid>u00000</userid><phoneProfiles><profileName>UDP</profileName></phoneProfiles></user>");
    axl.uuid("addPhone", "<phone><name>SEP000000000000</name><product>Cisco 8851</product><protocol>SIP</protocol><enableExtensionMobility>true</enableExtensionMobility></phone>");
    multiply(
        &gateway,
        "User",
        "u00000",
        "'u' || lpad(n::text, 5, '0')",
        "INSERT INTO users (pk, last_name) SELECT pk, 'Crowd' FROM added",
    );
    multiply(
        &gateway,
        "Phone",
        "SEP000000000000",
        "'SEP' || lpad(n::text, 12, '0')",
        "INSERT INTO phones (pk, model, protocol, em_enabled) SELECT pk, 'Cisco 8851', 'SIP', true FROM added",
    );
    gateway.sql(
        "INSERT INTO sessions (phone_pk, user_pk, profile_pk, session_id, started_at, login_method, exclusive) \
         SELECT p.pk, u.pk, d.pk, gen_random_uuid(), now(), 'api', true \
         FROM objects p JOIN objects u ON u.type = 'User' AND u.name = 'u' || right(p.name, 5) \
         JOIN device_profiles d ON true WHERE p.type = 'Phone'; ANALYZE",
    );
    (gateway, axl)
}

fn phone(n: usize) -> String {
    format!("SEP{n:012}")
}

fn phones(axl: &AxlClient, tags: &str, page: &str) -> String {
    let criteria = "<searchCriteria><name>%</name></searchCriteria>";
    axl.ok("listPhone", &format!("{criteria}<returnedTags>{tags}</returnedTags>{page}"))
}

#[test]
fn ten_thousand_phones_are_listed_whole_and_in_order() {
    let (_gateway, axl) = large_site();
    let profile = axl.ok("getDeviceProfile", "<name>UDP</name><returnedTags><name/></returnedTags>");
    let profile = profile.split("uuid=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let start = Instant::now();
    let answer = phones(&axl, "<loginUserId/><name/><currentProfileName/>", "");
    eprintln!("ten thousand phones with their sessions: {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(8));
    let rows: Vec<&str> = answer.strip_prefix("<return>").unwrap().split("</phone>").collect();
    assert_eq!((rows.len(), rows[MANY]), (MANY + 1, "</return>"));
    for (n, row) in rows[..MANY].iter().enumerate() {
        let (head, row) = row.split_once("\">").unwrap();
        assert!(head.starts_with("<phone ") && head.contains(" uuid=\"{"), "{head}");
        let expected = format!(
            "<name>{}</name><loginUserId>u{n:05}</loginUserId><currentProfileName uuid=\"{profile}\">UDP</currentProfileName>",
            phone(n)
        );
        assert_eq!(*row, expected);
    }
}

#[test]
fn pages_show_each_of_ten_thousand_rows_once_and_then_nothing() {
    let (_gateway, axl) = large_site();
    let mut seen = Vec::new();
    loop {
        let answer = phones(&axl, "<name/>", &format!("<skip>{}</skip><first>1234</first>", seen.len()));
        if answer == "<return/>" {
            break;
        }
        let page = column(&answer, "name");
        assert!(page.len() == 1234 || seen.len() + page.len() == MANY, "{}", page.len());
        seen.extend(page);
    }
    assert!(seen.iter().enumerate().all(|(n, name)| *name == phone(n)));
    assert_eq!(seen.len(), MANY);
    for beyond in ["10000", "9223372036854775807"] {
        let page = format!("<skip>{beyond}</skip><first>10</first>");
        assert_eq!(phones(&axl, "<name/>", &page), "<return/>");
    }
    assert_eq!(
        phones(&axl, "<name/>", "<skip>9998</skip><first>9223372036854775807</first>")
            .matches("<phone ")
            .count(),
        2
    );
    assert_eq!(phones(&axl, "<name/>", "<first>0</first>"), "<return/>");
}

#[test]
fn an_answer_over_eight_mebibytes_is_refused_with_a_number_of_rows_that_fits() {
    let (_gateway, axl) = large_site();
    let all = |page: &str| format!("<searchCriteria><name>%</name></searchCriteria><returnedTags/>{page}");
    let start = Instant::now();
    let fault = axl.fault("listPhone", &all(""));
    eprintln!("ten thousand phones with every tag, refused: {:?}", start.elapsed());
    let (head, tail) = fault.message.split_once(" rows. Suggestive Row Fetch: less than ").unwrap();
    assert_eq!(head, "Query request too large. Total rows matched: 10000");
    let fewer: usize = tail.strip_suffix(" rows").unwrap().parse().unwrap();
    assert_eq!(
        (fault.code, fault.faultcode.as_str(), fault.request.as_str()),
        (-1, "soapenv:Server", "listPhone")
    );
    let page = axl.ok("listPhone", &all(&format!("<first>{}</first>", fewer - 1)));
    assert_eq!(page.matches("<phone ").count(), fewer - 1);
    assert!(page.len() <= 8 << 20 && page.len() > 7 << 20, "{}", page.len());
}

#[test]
fn what_rows_point_at_is_read_a_page_at_a_time() {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    for name in ["Desks", "Halls"] {
        axl.uuid("addRoutePartition", &format!("<routePartition><name>{name}</name></routePartition>"));
    }
    axl.uuid("addCss", "<css><name>C00000</name><members><member><routePartitionName>Halls</routePartitionName><index>2</index></member><member><routePartitionName>Desks</routePartitionName><index>1</index></member></members></css>");
    multiply(&gateway, "Css", "C00000", "'C' || lpad(n::text, 5, '0')", "SELECT FROM added");
    let list = |tag: &str| {
        let start = Instant::now();
        let answer = axl.ok(
            "listCss",
            &format!(
                "<searchCriteria><name>%</name></searchCriteria><returnedTags><name/>{tag}</returnedTags>"
            ),
        );
        (start.elapsed(), answer)
    };
    list("<description/>");
    let ((plain, _), (computed, answer)) = (list("<description/>"), list("<clause/>"));
    eprintln!("ten thousand search spaces: {plain:?}, with their clauses: {computed:?}");
    let clauses = column(&answer, "clause");
    assert!(clauses.len() == MANY && clauses.iter().all(|c| c == "Desks:Halls"), "{}", clauses.len());
    assert!(computed < plain * 5, "{plain:?}, with their clauses {computed:?}");
}
