//! What one client, and all of them together, may ask of the HTTP front (security.md 1).

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

/// Limits of connections, sizes and times; the defaults are those of security.md.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one source address.
    pub connections_per_address: usize,
    /// Source addresses without that limit: proxies.
    pub exempt_addresses: Vec<IpAddr>,
    /// TLS handshakes under way for each worker.
    pub handshakes_per_worker: usize,
    /// SOAP requests in work at a time.
    pub soap_in_flight: usize,
    /// Logins and logouts that may wait for their batch.
    pub logins_waiting: usize,
    /// Bytes of a SOAP body.
    pub soap_body: usize,
    /// Bytes of any other body; only the application API reads it.
    pub form_body: usize,
    /// Bytes of the query string of a phone page.
    pub query: usize,
    /// Bytes of a request target.
    pub uri: usize,
    /// Bytes of a request head.
    pub head: usize,
    /// Bytes of one header value.
    pub header_value: usize,
    /// Seconds of a TLS handshake.
    pub handshake_seconds: u64,
    /// Seconds until a request head is complete.
    pub head_seconds: u64,
    /// Seconds until a request body is complete.
    pub body_seconds: u64,
    /// Bytes a second a body may not fall below after its first second.
    pub body_bytes_per_second: u64,
    /// Seconds an idle connection is kept.
    pub keep_alive_seconds: u64,
    /// Seconds a handler may take.
    pub handler_seconds: u64,
    /// Bytes of a refused request's body that are read so that its answer arrives.
    pub drain_bytes: usize,
    /// Seconds they may take.
    pub drain_seconds: u64,
    /// Seconds that requests in work get at shutdown.
    pub shutdown_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 64,
            exempt_addresses: Vec::new(),
            handshakes_per_worker: 256,
            soap_in_flight: 64,
            logins_waiting: 1024,
            soap_body: 1 << 20,
            form_body: 64 << 10,
            query: 4 << 10,
            uri: 8 << 10,
            head: 32 << 10,
            header_value: 8 << 10,
            handshake_seconds: 5,
            head_seconds: 5,
            body_seconds: 10,
            body_bytes_per_second: 1 << 10,
            keep_alive_seconds: 15,
            handler_seconds: 10,
            drain_bytes: 64 << 10,
            drain_seconds: 2,
            shutdown_seconds: 10,
        }
    }
}

impl Limits {
    /// How long a body may take.
    pub fn body_time(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    /// How long a handler may take.
    pub fn handler_time(&self) -> Duration {
        Duration::from_secs(self.handler_seconds)
    }

    /// How long the rest of a refused body may take.
    pub fn drain_time(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// Names the first limit that is zero, which would refuse everything.
    pub(super) fn zero(&self) -> Option<&'static str> {
        let sizes = [
            ("limits.connections", self.connections),
            ("limits.connections_per_address", self.connections_per_address),
            ("limits.handshakes_per_worker", self.handshakes_per_worker),
            ("limits.soap_in_flight", self.soap_in_flight),
            ("limits.logins_waiting", self.logins_waiting),
            ("limits.soap_body", self.soap_body),
            ("limits.form_body", self.form_body),
            ("limits.query", self.query),
            ("limits.uri", self.uri),
            ("limits.head", self.head),
            ("limits.header_value", self.header_value),
        ];
        let times = [
            ("limits.handshake_seconds", self.handshake_seconds),
            ("limits.head_seconds", self.head_seconds),
            ("limits.body_seconds", self.body_seconds),
            ("limits.handler_seconds", self.handler_seconds),
        ];
        let sizes = sizes.into_iter().map(|(key, value)| (key, value == 0));
        let times = times.into_iter().map(|(key, value)| (key, value == 0));
        sizes.chain(times).find_map(|(key, is_zero)| is_zero.then_some(key))
    }
}
