//! From where a login or logout may come while addresses are validated: the phone's own address or a trusted host, and through a web
//! proxy only where that is allowed (EM-091 to EM-102, security.md PHONE-1).
//!
//! Pure: who is looked up under a host name, and where a phone is, comes as an argument.

use std::net::{IpAddr, Ipv6Addr};

/// What the service parameters say about sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Whether sources are checked at all.
    pub validate: bool,
    /// Whether a request may come through a web proxy; counts only while sources are checked.
    pub allow_proxy: bool,
    /// Hosts that may log in and out any phone.
    pub trusted: Vec<TrustedSource>,
}

/// One entry of the trusted list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TrustedSource {
    /// An address.
    Address(IpAddr),
    /// All addresses with the first so many bits of one.
    Network {
        /// An address of it.
        base: IpAddr,
        /// Bits.
        prefix: u32,
    },
    /// Whatever addresses a name has.
    Host(String),
}

/// How a request came here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Route {
    /// Source of the connection.
    pub peer: Option<IpAddr>,
    /// The same, or the address of the phone that a trusted application names: what is judged.
    pub address: Option<IpAddr>,
    /// Whether a web proxy was in between.
    pub is_proxied: bool,
}

/// Why a request is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// It came through a proxy, and none is allowed; code 30.
    Proxy,
    /// Its address is neither the phone's nor a trusted one; code 28.
    Address,
}

impl TrustPolicy {
    /// Judges a request for a phone whose address is known or not; `named` are the addresses of trusted host names.
    pub fn judge(&self, route: Route, phone: Option<IpAddr>, named: &[IpAddr]) -> Result<(), Distrust> {
        if !self.validate {
            return Ok(());
        }
        if route.is_proxied && !self.allow_proxy {
            return Err(Distrust::Proxy);
        }
        let source = route.address.map(|a| a.to_canonical()).ok_or(Distrust::Address)?;
        let is_phone = phone.is_some_and(|phone| phone.to_canonical() == source);
        let is_trusted = || self.trusted.iter().any(|t| t.has(source));
        let is_named = || named.iter().any(|a| a.to_canonical() == source);
        if is_phone || is_trusted() || is_named() { Ok(()) } else { Err(Distrust::Address) }
    }

    /// The host names of the trusted list.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.trusted.iter().filter_map(|t| match t {
            TrustedSource::Host(name) => Some(name.as_str()),
            TrustedSource::Address(_) | TrustedSource::Network { .. } => None,
        })
    }
}

impl TrustedSource {
    /// Reads a list separated by semicolons; the error is the entry that is none.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let entries = text.split(';').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(|entry| Self::parse(entry).ok_or_else(|| entry.to_owned())).collect()
    }

    fn parse(entry: &str) -> Option<Self> {
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        if let Some((base, prefix)) = entry.split_once('/') {
            let base: IpAddr = base.trim().parse().ok()?;
            let prefix: u32 = prefix.trim().parse().ok()?;
            return (prefix <= bits(base)).then_some(Self::Network { base, prefix });
        }
        is_host_name(entry).then(|| Self::Host(entry.to_ascii_lowercase()))
    }

    /// Whether an address is meant; host names mean none by themselves.
    fn has(&self, address: IpAddr) -> bool {
        match self {
            Self::Address(own) => *own == address,
            Self::Network { base, prefix } => {
                let same_kind = base.is_ipv4() == address.is_ipv4();
                let differing = number(*base) ^ number(address);
                same_kind && differing.checked_shr(bits(*base) - prefix).unwrap_or(0) == 0
            }
            Self::Host(_) => false,
        }
    }
}

/// Whose an address is as far as limits tell sources apart: itself, or for IPv6 the network of a site, in which one device may take any.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Labels of letters, digits and hyphens; a name whose last label is a number is a mistyped address.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(policy: &TrustPolicy, source: &str, is_proxied: bool) -> Result<(), Distrust> {
        let route = Route { address: source.parse().ok(), is_proxied, ..Route::default() };
        policy.judge(route, "10.0.0.7".parse().ok(), &["192.0.2.9".parse().unwrap()])
    }

    fn policy(list: &str, allow_proxy: bool) -> TrustPolicy {
        TrustPolicy { validate: true, allow_proxy, trusted: TrustedSource::parse_list(list).unwrap() }
    }

    #[test]
    fn the_phone_itself_and_trusted_hosts_are_let_in_and_nobody_else() {
        let policy = policy("10.1.0.0/16; 172.16.0.1 ;2001:db8::/32;booking;", false);
        for source in
            ["10.0.0.7", "::ffff:10.0.0.7", "10.1.255.1", "172.16.0.1", "2001:db8:1::5", "192.0.2.9"]
        {
            assert_eq!(judge(&policy, source, false), Ok(()), "{source}");
        }
        for source in ["10.0.0.8", "10.2.0.1", "172.16.0.2", "2001:db9::1", "", "::a01:1"] {
            assert_eq!(judge(&policy, source, false), Err(Distrust::Address), "{source}");
        }
        assert_eq!(policy.hosts().collect::<Vec<_>>(), ["booking"]);
    }

    #[test]
    fn a_proxy_is_refused_unless_allowed_and_only_while_sources_are_checked() {
        assert_eq!(judge(&policy("172.16.0.1", false), "172.16.0.1", true), Err(Distrust::Proxy));
        assert_eq!(judge(&policy("172.16.0.1", true), "172.16.0.1", true), Ok(()));
        assert_eq!(judge(&policy("172.16.0.1", true), "172.16.0.2", true), Err(Distrust::Address));
        assert_eq!(judge(&TrustPolicy::default(), "172.16.0.2", true), Ok(()));
    }

    #[test]
    fn a_network_of_no_bits_is_everybody_of_its_kind() {
        assert_eq!(judge(&policy("0.0.0.0/0", false), "203.0.113.1", false), Ok(()));
        assert_eq!(judge(&policy("0.0.0.0/0", false), "2001:db8::1", false), Err(Distrust::Address));
        assert_eq!(judge(&policy("::/0", false), "2001:db8::1", false), Ok(()));
    }

    #[test]
    fn a_source_of_ipv6_is_its_network() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
        assert_eq!(network("2001:db8:1:3::1"), "2001:db8:1:3::");
        assert_eq!(
            (network("10.0.0.1").as_str(), network("::ffff:10.0.0.1").as_str()),
            ("10.0.0.1", "10.0.0.1")
        );
    }

    #[test]
    fn what_is_no_entry_is_named() {
        for wrong in ["10.0.0", "10.0.0.1/33", "10.0.0.1-10.0.0.9", "a b", "10.0.*", "-x", "http://x"] {
            assert_eq!(
                TrustedSource::parse_list(&format!("proxy1;{wrong}")),
                Err(wrong.to_owned()),
                "{wrong}"
            );
        }
        assert_eq!(TrustedSource::parse_list(" ; ").map(|list| list.len()), Ok(0));
    }
}
