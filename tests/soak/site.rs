//! What the clients work on: phones, people, profiles and intercom lines, and the SOAP of every request.

use super::checker::journal::{Entry, Request};
use super::client::{Client, Nodes};

/// Phones, and people.
pub(crate) const PHONES: u64 = 40;
/// Of the phones, the last so many come and go.
pub(crate) const COMING_AND_GOING: u64 = 4;
/// Intercom lines; the last one is on a profile, the others on phones.
pub(crate) const INTERCOMS: u64 = 4;

/// The name of a phone.
pub(crate) fn phone(n: u64) -> String {
    format!("SEP0011223360{n:02X}")
}

/// The id of a person.
pub(crate) fn user(n: u64) -> String {
    format!("ann{n}")
}

/// The names of a person's profiles; the first is the default.
pub(crate) fn profile(n: u64, which: u64) -> String {
    format!("Ann {n} {}", ["at a desk", "at the counter"][usize::from(which % 2 == 1)])
}

/// The key of an intercom line.
pub(crate) fn intercom(n: u64) -> String {
    format!("700{n}|Intercom")
}

const TYPED: &str = "<product>Cisco 8851</product>";
const SIP: &str = "<protocol>SIP</protocol><protocolSide>User</protocolSide>";

/// The operation of a request and what stands inside.
pub(crate) fn soap(request: &Request) -> (String, String) {
    let (operation, inside) = match request {
        Request::Login { phone, user, profile, seconds } => {
            let profile =
                profile.as_ref().map_or(String::new(), |p| format!("<profileName>{p}</profileName>"));
            let seconds = seconds.unwrap_or_default();
            let text = format!(
                "<deviceName>{phone}</deviceName><loginDuration>{seconds}</loginDuration>{profile}<userId>{user}</userId>"
            );
            ("doDeviceLogin", text)
        }
        Request::Logout { phone } => ("doDeviceLogout", format!("<deviceName>{phone}</deviceName>")),
        Request::Policy { value } => ("updateServiceParameter", parameter("MultipleLoginBehavior", value)),
        Request::Parameter { name, value } => ("updateServiceParameter", parameter(name, value)),
        Request::AddPhone { phone } => ("addPhone", a_phone(phone)),
        Request::RemovePhone { phone } => ("removePhone", format!("<name>{phone}</name>")),
        Request::Intercom { line, phone } => {
            let (dn, partition) = line.split_once('|').unwrap();
            let device = phone.as_deref().unwrap_or_default();
            let text = format!(
                "<pattern>{dn}</pattern><routePartitionName>{partition}</routePartitionName>\
                 <defaultActivatedDeviceName>{device}</defaultActivatedDeviceName>"
            );
            ("updateLine", text)
        }
        Request::Add { type_, name } => return added(type_, name),
    };
    (operation.to_owned(), inside)
}

fn parameter(name: &str, value: &str) -> String {
    format!(
        "<processNodeName>EnterpriseWideData</processNodeName><name>{name}</name>\
         <service>Cisco Extension Mobility</service><value>{value}</value>"
    )
}

/// Each of the first phones carries an intercom line.
fn a_phone(name: &str) -> String {
    let line = (0..INTERCOMS - 1).find(|n| phone(*n) == name).map_or(String::new(), on_line);
    format!(
        "<phone><name>{name}</name>{TYPED}<class>Phone</class>{SIP}<devicePoolName>Default</devicePoolName>\
         {line}<enableExtensionMobility>true</enableExtensionMobility></phone>"
    )
}

fn on_line(n: u64) -> String {
    let key = intercom(n);
    let (dn, partition) = key.split_once('|').unwrap();
    format!(
        "<lines><line><index>1</index><dirn><pattern>{dn}</pattern><routePartitionName>{partition}</routePartitionName>\
         </dirn><partitionUsage>Intercom</partitionUsage></line></lines>"
    )
}

fn added(type_: &str, name: &str) -> (String, String) {
    let inside = match type_ {
        "RoutePartition" => format!(
            "<routePartition><name>{name}</name><partitionUsage>Intercom</partitionUsage></routePartition>"
        ),
        "Line" => {
            let (dn, partition) = name.split_once('|').unwrap();
            format!(
                "<line><pattern>{dn}</pattern><usage>Device Intercom</usage>\
                 <routePartitionName>{partition}</routePartitionName></line>"
            )
        }
        "DeviceProfile" => {
            let line = if *name == profile(0, 0) { on_line(INTERCOMS - 1) } else { String::new() };
            format!(
                "<deviceProfile><name>{name}</name>{TYPED}<class>Device Profile</class>{SIP}{line}</deviceProfile>"
            )
        }
        _ => {
            let n: u64 = name.trim_start_matches("ann").parse().unwrap();
            let (first, second) = (profile(n, 0), profile(n, 1));
            format!(
                "<user><firstName>Ann</firstName><lastName>No. {n}</lastName><userid>{name}</userid><pin>97531</pin>\
                 <phoneProfiles><profileName>{first}</profileName><profileName>{second}</profileName></phoneProfiles>\
                 <defaultProfile>{first}</defaultProfile><presenceGroupName>Standard Presence group</presenceGroupName></user>"
            )
        }
    };
    (format!("add{type_}"), inside)
}

/// Makes the whole site; every request is in the journal.
pub(crate) fn provision(nodes: &Nodes) -> Result<Vec<Entry>, String> {
    let add = |type_: &str, name: String| Request::Add { type_: type_.into(), name };
    let mut wanted = vec![
        Request::Parameter { name: "MaximumConcurrentRequests".into(), value: "100".into() },
        add("RoutePartition", "Intercom".into()),
    ];
    wanted.extend((0..INTERCOMS).map(|n| add("Line", intercom(n))));
    wanted.extend((0..PHONES).map(|n| Request::AddPhone { phone: phone(n) }));
    wanted.extend((0..PHONES * 2).map(|n| add("DeviceProfile", profile(n / 2, n))));
    wanted.extend((0..PHONES).map(|n| add("User", user(n))));
    let mut client = Client::new(nodes, 0);
    let mut journal = Vec::new();
    for request in wanted {
        let (operation, inside) = soap(&request);
        let heard = client.call(&operation, &inside).ok_or("nobody listens")?;
        if heard.answer != super::checker::journal::Answer::Ok {
            return Err(format!("{request:?}: {:?}", heard.answer));
        }
        journal.push(heard.entry(usize::MAX, request));
    }
    Ok(journal)
}
