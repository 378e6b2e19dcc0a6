//! How many connections are open, in all and from each address (LIM-5).
//!
//! The library counts for each of its workers; this counts for the process. A connection over the limit is shut before
//! its first request. One that stays without a request is shut too: the library times the first head of a connection and
//! the silence after an answer, but not a later head that never ends, nor an answer that nobody takes (LIM-3).

use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;

use crate::config::Limits;
use crate::domain::trust::network_of;
use crate::telemetry::{Metrics, RequestId};

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

/// One connection, as the watch sees it.
struct Pulse {
    twin: TcpStream,
    doing: Mutex<Doing>,
}

/// What a connection does.
#[derive(Clone, Copy)]
enum Doing {
    /// It waits for a request, from then on.
    Waiting(Instant),
    /// A request is in work.
    Working,
    /// The answer to this request is on its way; its client last took a piece of it then.
    Answering(RequestId, Instant),
}

/// A request in work on a connection, until its answer is handed over or given up.
pub(super) struct AtWork {
    request: RequestId,
    pulse: Arc<Pulse>,
}

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
        let pulse = Arc::new(Pulse { twin, doing: Mutex::new(Doing::Waiting(Instant::now())) });
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&pulse));
        extensions.insert(Counted { connections: Arc::clone(self), address, pulse });
    }

    /// Shuts connections that have been without a request, or whose client has taken nothing of an answer, for longer than silence
    /// and a head may take together.
    pub(super) async fn watch(self: Arc<Self>) {
        let patience = Duration::from_secs(self.limits.keep_alive_seconds + self.limits.head_seconds);
        loop {
            tokio::time::sleep(LOOK).await;
            let mut pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
            pulses.retain(|pulse| pulse.upgrade().is_some_and(|pulse| !pulse.shut_if_stuck(patience)));
        }
    }

    fn take(&self, address: IpAddr) -> bool {
        let (exact, address) = (address, network_of(address));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let exempt = self.limits.exempt_addresses.contains(&exact);
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
        let address = network_of(address);
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
    fn set(&self, doing: Doing) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    fn shut_if_stuck(&self, patience: Duration) -> bool {
        let doing = *self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, request) = match doing {
            Doing::Working => return false,
            Doing::Waiting(since) => (since, None),
            Doing::Answering(request, since) => (since, Some(request)),
        };
        if since.elapsed() <= patience {
            return false;
        }
        if let Some(request) = request {
            tracing::warn!(request.id = %request, "the client takes nothing of its answer; the connection is closed");
        }
        let _already_gone = self.twin.shutdown(Shutdown::Both);
        true
    }
}

impl Counted {
    /// Notes that a request is in work until the value is dropped.
    pub(super) fn at_work(&self, request: RequestId) -> AtWork {
        self.pulse.set(Doing::Working);
        AtWork { request, pulse: Arc::clone(&self.pulse) }
    }
}

impl AtWork {
    /// Notes that the client takes the answer: it wants the first piece of it, or has room for the next one.
    pub(super) fn answer_is_taken(&self) {
        self.pulse.set(Doing::Answering(self.request, Instant::now()));
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.pulse.set(Doing::Waiting(Instant::now()));
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.release(self.address);
    }
}
