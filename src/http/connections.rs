//! How many connections are open, in all and from each address (LIM-5).
//!
//! The library counts for each of its workers; this counts for the process. A connection over the limit is shut before
//! its first request.

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Extensions;

use crate::config::Limits;
use crate::telemetry::Metrics;

/// Counts the connections of all listeners.
pub(super) struct Connections {
    open: Mutex<Open>,
    limits: Limits,
    metrics: Metrics,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One counted connection; dropped with it.
struct Counted {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    pub(super) fn new(limits: &Limits, metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), limits: limits.clone(), metrics: metrics.clone() })
    }

    /// Takes note of a connection that one of the listeners accepted.
    pub(super) fn accept(self: &Arc<Self>, stream: &dyn Any, extensions: &mut Extensions) {
        type Plain = actix_web::rt::net::TcpStream;
        type Tls = actix_tls::accept::rustls_0_23::TlsStream<Plain>;
        let plain = stream.downcast_ref::<Plain>();
        let Some(tcp) = plain.or_else(|| stream.downcast_ref::<Tls>().map(|s| s.get_ref().0)) else { return };
        let Ok(peer) = tcp.peer_addr() else { return };
        let address = peer.ip().to_canonical();
        if self.take(address) {
            extensions.insert(Counted { connections: Arc::clone(self), address });
            return;
        }
        self.metrics.http_connections_refused.inc();
        tracing::warn!(http.peer = %address, "connection over the limit is closed");
        if let Ok(twin) = tcp.as_fd().try_clone_to_owned() {
            let _already_gone = TcpStream::from(twin).shutdown(Shutdown::Both);
        }
    }

    fn take(&self, address: IpAddr) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let exempt = self.limits.exempt_addresses.contains(&address);
        let here = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= self.limits.connections || (!exempt && here >= self.limits.connections_per_address) {
            return false;
        }
        open.total += 1;
        open.by_address.insert(address, here + 1);
        self.metrics.http_connections.inc();
        true
    }

    fn release(&self, address: IpAddr) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        let left = open.by_address.get(&address).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            open.by_address.remove(&address);
        } else {
            open.by_address.insert(address, left);
        }
        self.metrics.http_connections.dec();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.release(self.address);
    }
}
