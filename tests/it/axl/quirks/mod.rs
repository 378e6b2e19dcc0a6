//! What clients in the field rely on, each point of the list of quirks through the listener (axl.md 23).

mod front;
mod message;
mod objects;
mod values;

use crate::support::axl::{AxlClient, Caller};
use crate::support::gateway::TestGateway;

const NS: &str = "http://www.cisco.com/AXL/API/12.5";
const PHONE: &str = "<name>SEP0011AABBCC01</name><product>Cisco 8851</product><protocol>SIP</protocol>";

fn site() -> (TestGateway, AxlClient) {
    let gateway = TestGateway::start();
    let axl = AxlClient::of(&gateway);
    (gateway, axl)
}

fn site_with_phone() -> (TestGateway, AxlClient) {
    let (gateway, axl) = site();
    axl.uuid("addPhone", &format!("<phone>{PHONE}</phone>"));
    (gateway, axl)
}

fn add_phone(axl: &AxlClient, extra: &str) -> String {
    axl.uuid("addPhone", &format!("<phone>{PHONE}{extra}</phone>"))
}

fn get_phone(axl: &AxlClient, tags: &str) -> String {
    axl.ok("getPhone", &format!("<name>SEP0011AABBCC01</name><returnedTags>{tags}</returnedTags>"))
}

/// One element of the phone as `get` answers it.
fn phone_tag(axl: &AxlClient, tag: &str) -> String {
    let content = get_phone(axl, &format!("<{tag}/>"));
    let (_, rest) = content.split_once("\">").unwrap();
    rest.strip_suffix("</phone></return>").unwrap().to_owned()
}
