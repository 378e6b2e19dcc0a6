//! Where we listen: an address or a list of them, by default all of the machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(IpAddr),
    More(Vec<IpAddr>),
}

/// Reads an address or a list of them.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<IpAddr>, D::Error> {
    Ok(match OneOrMore::deserialize(value)? {
        OneOrMore::One(address) => vec![address],
        OneOrMore::More(addresses) => addresses,
    })
}

/// All addresses of this machine; what listens on those of IPv6 takes IPv4, too.
pub(super) fn everywhere() -> IpAddr {
    let has_ipv6 = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    if has_ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}
