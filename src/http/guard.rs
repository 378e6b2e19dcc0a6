//! What the head of a request must be before anything else is looked at: sizes, host, origin, encoding (LIM-2, LIM-4, XML-5b, PHONE-3).

use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{StatusCode, Uri};

use crate::config::{HttpConfig, Limits, host_name};

/// The names under which we answer.
#[derive(Debug, Clone)]
pub struct Hosts {
    names: Vec<String>,
    origins: Vec<String>,
}

/// Why a head is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub StatusCode, pub &'static str);

const TOO_LONG_URI: Refusal = Refusal(StatusCode::URI_TOO_LONG, "request target too long");
const TOO_LONG_HEAD: Refusal = Refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "request head too large");
const FOREIGN_HOST: Refusal = Refusal(StatusCode::MISDIRECTED_REQUEST, "unknown host");
const FOREIGN_ORIGIN: Refusal = Refusal(StatusCode::FORBIDDEN, "requests of other sites are not served");
const ENCODED: Refusal = Refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded bodies are not read");

/// How programs on this machine name it.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

impl Hosts {
    /// The configured names, else the local ones and the host name with its addresses.
    pub fn of(config: &HttpConfig) -> Self {
        let mut names = config.hosts.clone();
        if names.is_empty() {
            let host = host_name();
            let addresses = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), 0));
            names.extend(addresses.into_iter().flatten().map(|a| a.ip().to_string()));
            names.push(host);
            names.extend(LOOPBACK.map(str::to_owned));
        }
        for name in &mut names {
            name.make_ascii_lowercase();
        }
        Self { names, origins: config.allowed_origins.clone() }
    }

    /// These and the loopback names, for a listener that only this machine reaches.
    pub fn with_loopback(mut self) -> Self {
        self.names.extend(LOOPBACK.map(str::to_owned));
        self
    }

    /// The names, for certificates.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    fn knows(&self, authority: &str) -> bool {
        let host = match authority.strip_prefix('[') {
            Some(v6) => {
                v6.split_once(']').map(|(address, port)| (address, port.strip_prefix(':').or(Some(port))))
            }
            None => Some(authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)))),
        };
        host.is_some_and(|(host, port)| {
            let digits = port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()));
            digits && self.names.iter().any(|n| n.eq_ignore_ascii_case(host))
        })
    }
}

/// Judges the head of a request that came over `scheme`.
pub fn check(
    uri: &Uri,
    headers: &HeaderMap,
    scheme: &str,
    hosts: &Hosts,
    limits: &Limits,
) -> Result<(), Refusal> {
    check_sizes(uri, headers, limits)?;
    let host = check_host(uri, headers, hosts)?;
    check_origin(headers, scheme, host, hosts)?;
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    let plain = |v: &header::HeaderValue| v.as_bytes().eq_ignore_ascii_case(b"identity");
    if !encodings.into_iter().all(plain) { Err(ENCODED) } else { Ok(()) }
}

fn check_sizes(uri: &Uri, headers: &HeaderMap, limits: &Limits) -> Result<(), Refusal> {
    let target = uri.path().len() + uri.query().map_or(0, |q| q.len() + 1);
    if target > limits.uri {
        return Err(TOO_LONG_URI);
    }
    // name, colon, blank, value, line end; the request line around the target
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if target + fields + 16 > limits.head || headers.iter().any(|(_, v)| v.len() > limits.header_value) {
        return Err(TOO_LONG_HEAD);
    }
    Ok(())
}

/// An absolute target counts like the header; only HTTP/1.0 may come without either.
fn check_host<'r>(uri: &'r Uri, headers: &'r HeaderMap, hosts: &Hosts) -> Result<Option<&'r str>, Refusal> {
    if uri.authority().is_some_and(|a| !hosts.knows(a.as_str())) {
        return Err(FOREIGN_HOST);
    }
    let Some(value) = headers.get(header::HOST) else { return Ok(None) };
    let host = value.to_str().map_err(|_| FOREIGN_HOST)?;
    if hosts.knows(host) { Ok(Some(host)) } else { Err(FOREIGN_HOST) }
}

fn check_origin(headers: &HeaderMap, scheme: &str, host: Option<&str>, hosts: &Hosts) -> Result<(), Refusal> {
    let own = |origin: &str| {
        let ours = host.zip(origin.strip_prefix(scheme)?.strip_prefix("://"));
        ours.map(|(host, theirs)| host.eq_ignore_ascii_case(theirs))
    };
    let welcome = |v: &header::HeaderValue| {
        v.to_str()
            .is_ok_and(|o| own(o) == Some(true) || hosts.origins.iter().any(|a| a.eq_ignore_ascii_case(o)))
    };
    let allowed_origin = headers.get_all(header::ORIGIN).into_iter().all(welcome);
    let listed = headers.contains_key(header::ORIGIN) && allowed_origin;
    let same_site = |v: &header::HeaderValue| matches!(v.as_bytes(), b"none" | b"same-origin");
    let site = listed || headers.get_all("sec-fetch-site").into_iter().all(same_site);
    if allowed_origin && site { Ok(()) } else { Err(FOREIGN_ORIGIN) }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn judge(uri: &str, fields: &[(&str, &str)]) -> Result<(), u16> {
        let config = HttpConfig {
            hosts: vec!["gate.example".into(), "::1".into()],
            allowed_origins: vec!["https://seats.example".into()],
            ..HttpConfig::default()
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let uri: Uri = uri.parse().unwrap();
        check(&uri, &headers, "https", &Hosts::of(&config), &Limits::default()).map_err(|r| r.0.as_u16())
    }

    #[test]
    fn only_our_names_are_answered() {
        for host in ["gate.example", "GATE.example:8443", "[::1]:8443", "[::1]"] {
            assert_eq!(judge("/", &[("host", host)]), Ok(()), "{host}");
        }
        for host in ["evil.example", "gate.example.evil", "gate.example:80:80", "u@gate.example", "", "[::1"]
        {
            assert_eq!(judge("/", &[("host", host)]), Err(421), "{host}");
        }
        assert_eq!(judge("/", &[]), Ok(()));
        assert_eq!(judge("http://evil.example/", &[("host", "gate.example")]), Err(421));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let host = ("host", "gate.example:8443");
        for origin in ["https://gate.example:8443", "https://seats.example"] {
            assert_eq!(judge("/", &[host, ("origin", origin)]), Ok(()), "{origin}");
        }
        for origin in ["null", "http://gate.example:8443", "https://gate.example", "https://evil.example"] {
            assert_eq!(judge("/", &[host, ("origin", origin)]), Err(403), "{origin}");
        }
        assert_eq!(judge("/", &[host, ("origin", "https://seats.example"), ("origin", "null")]), Err(403));
        assert_eq!(judge("/", &[host, ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(judge("/", &[host, ("sec-fetch-site", "same-site")]), Err(403));
        assert_eq!(judge("/", &[host, ("sec-fetch-site", "cross-site")]), Err(403));
    }

    #[test]
    fn sizes_hold_at_the_limit_and_not_beyond() {
        let long = |n: usize| "a".repeat(n);
        let limits = Limits::default();
        assert_eq!(judge(&format!("/{}", long(limits.uri - 1)), &[]), Ok(()));
        assert_eq!(judge(&format!("/{}", long(limits.uri)), &[]), Err(414));
        assert_eq!(judge("/", &[("x", &long(limits.header_value))]), Ok(()));
        assert_eq!(judge("/", &[("x", &long(limits.header_value + 1))]), Err(431));
        let value = long(8000);
        let four = [("a", value.as_str()), ("b", &value), ("c", &value), ("d", &value)];
        assert_eq!(judge("/", &four), Ok(()));
        assert_eq!(judge(&format!("/{}", long(1000)), &four), Err(431));
    }

    #[test]
    fn an_encoded_body_is_not_read() {
        assert_eq!(judge("/", &[("content-encoding", "identity")]), Ok(()));
        assert_eq!(judge("/", &[("content-encoding", "gzip")]), Err(415));
    }
}
