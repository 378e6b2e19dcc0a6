//! Login and logout.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_program_logs_people_in_and_out() {
    let site = site();
    assert_eq!(request(&site, &login("sep0000000000a1", "ADA", "")).await, SUCCESS);
    assert_eq!(request(&site, &login("SEP0000000000A1", "ada", "")).await, SUCCESS, "again");
    assert_eq!(request(&site, &logout("SEP0000000000A1")).await, SUCCESS);
    assert_eq!(request(&site, &logout("SEP0000000000A1")).await, failure(19, "No User Logged In"));
    assert_eq!(site.story(), ["login SEP0000000000A1 ada", "logout SEP0000000000A1 ada administrator"]);
    let events = site.events();
    let asked = json!({"kind": "application", "id": "seats", "address": "10.20.4.17", "via": "api"});
    assert_eq!((&events[0].1["loginMethod"], &events[0].1["requestedBy"]), (&json!("API"), &asked));
    assert_eq!(events[1].1["requestedBy"], asked);
}
