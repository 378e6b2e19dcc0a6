//! How many connections are open, in all and from each address (LIM-5).
//!
//! The library counts for each of its workers; this counts for the process. A connection over the limit is shut before
//! its first request. One that stays without a request is shut too: the library times the first head of a connection and
//! the silence after an answer, but not a later head that never ends (LIM-3).

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;

use crate::config::Limits;
use crate::telemetry::Metrics;

/// Counts the connections of all listeners.
pub(super) struct Connections {
    open: Mutex<Open>,
    pulses: Mutex<Vec<Weak<Pulse>>>,
    limits: Limits,
    metrics: Metrics,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One counted connection; dropped with it.
pub(super) struct Counted {
    connections: Arc<Connections>,
    address: IpAddr,
    pulse: Arc<Pulse>,
}

/// When a connection last had a request in work; none while it has one.
struct Pulse {
    twin: TcpStream,
    idle_since: Mutex<Option<Instant>>,
}

/// A request in work on a connection.
pub(super) struct AtWork(Arc<Pulse>);

/// How often idle connections are looked for.
const LOOK: Duration = Duration::from_secs(1);

impl Connections {
    pub(super) fn new(limits: &Limits, metrics: &Metrics) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            pulses: Mutex::default(),
            limits: limits.clone(),
            metrics: metrics.clone(),
        })
    }

    /// Takes note of a connection that one of the listeners accepted.
    pub(super) fn accept(self: &Arc<Self>, stream: &dyn Any, extensions: &mut Extensions) {
        type Plain = actix_web::rt::net::TcpStream;
        type Tls = actix_tls::accept::rustls_0_23::TlsStream<Plain>;
        let plain = stream.downcast_ref::<Plain>();
        let Some(tcp) = plain.or_else(|| stream.downcast_ref::<Tls>().map(|s| s.get_ref().0)) else { return };
        let Ok(peer) = tcp.peer_addr() else { return };
        let address = peer.ip().to_canonical();
        let Ok(twin) = tcp.as_fd().try_clone_to_owned().map(TcpStream::from) else { return };
        if !self.take(address) {
            self.metrics.http_connections_refused.inc();
            tracing::warn!(http.peer = %address, "connection over the limit is closed");
            let _already_gone = twin.shutdown(Shutdown::Both);
            return;
        }
        let pulse = Arc::new(Pulse { twin, idle_since: Mutex::new(Some(Instant::now())) });
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pulse));
        extensions.insert(Counted { connections: Arc::clone(self), address, pulse });
    }

    /// Shuts connections that have been without a request for longer than silence and a head may take together.
    pub(super) async fn watch(self: Arc<Self>) {
        let patience = Duration::from_secs(self.limits.keep_alive_seconds + self.limits.head_seconds);
        loop {
            tokio::time::sleep(LOOK).await;
            let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
            pulses.retain(|pulse| pulse.upgrade().is_some_and(|pulse| !pulse.shut_if_idle(patience)));
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

impl Pulse {
    fn set(&self, idle_since: Option<Instant>) {
        *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = idle_since;
    }

    fn shut_if_idle(&self, patience: Duration) -> bool {
        let idle_since = *self.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
        let tired = idle_since.is_some_and(|since| since.elapsed() > patience);
        if tired {
            let _already_gone = self.twin.shutdown(Shutdown::Both);
        }
        tired
    }
}

impl Counted {
    /// Notes that a request is in work until the value is dropped.
    pub(super) fn at_work(&self) -> AtWork {
        self.pulse.set(None);
        AtWork(Arc::clone(&self.pulse))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.set(Some(Instant::now()));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.release(self.address);
    }
}
