//! Stands between gateways and Postgres and can cut a connection around a COMMIT, so that its outcome is unknown to who asked.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

/// A COMMIT as the client library sends it: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The COMMIT never reaches the server.
    Before,
    /// It is sent on, and nobody waits for what comes of it.
    Sent,
    /// The server has answered, and the answer is lost.
    Answered,
}

#[derive(Default)]
struct Armed {
    cut: Option<Cut>,
    left: u64,
}

/// The proxy; it ends with the process.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    armed: Arc<Mutex<Armed>>,
    done: Arc<AtomicU64>,
}

impl Proxy {
    /// Begins to listen; every connection goes on to this port of loopback.
    pub(crate) fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy =
            Self { address: listener.local_addr().unwrap(), armed: Arc::default(), done: Arc::default() };
        let accepting = proxy.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let proxy = accepting.clone();
                std::thread::spawn(move || proxy.serve(&client, to));
            }
        });
        proxy
    }

    /// From now on cuts this many connections at their next COMMIT.
    pub(crate) fn arm(&self, cut: Cut, times: u64) {
        *self.lock() = Armed { cut: Some(cut), left: times };
    }

    /// Cuts no more; says how often it did so far.
    pub(crate) fn disarm(&self) -> u64 {
        self.lock().cut = None;
        self.done.load(Ordering::SeqCst)
    }

    /// How often it did so far.
    pub(crate) fn cuts(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of the COMMIT that just came.
    fn cut(&self) -> Option<Cut> {
        let mut armed = self.lock();
        let cut = armed.cut.filter(|_| armed.left > 0)?;
        armed.left -= 1;
        self.done.fetch_add(1, Ordering::SeqCst);
        Some(cut)
    }

    fn serve(&self, client: &TcpStream, to: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
        let no_delay = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        if no_delay.is_ok() {
            std::thread::scope(|scope| self.pump(scope, client, &server));
        }
    }

    fn pump<'s>(&'s self, scope: &'s Scope<'s, '_>, client: &'s TcpStream, server: &'s TcpStream) {
        let silent = Arc::new(AtomicU64::new(0));
        let muted = Arc::clone(&silent);
        scope.spawn(move || {
            // what the server says, unless that is to be lost
            forward(server, client, |_| muted.load(Ordering::SeqCst) == 0);
            end(client, server);
        });
        forward(client, server, |bytes| {
            if !bytes.windows(COMMIT.len()).any(|w| w == COMMIT) {
                return true;
            }
            match self.cut() {
                None => true,
                Some(Cut::Before) => false,
                Some(cut) => {
                    silent.store(1, Ordering::SeqCst);
                    let sent = (&mut &*server).write_all(bytes).is_ok();
                    // the first thing that the server says now is its answer, which ends the other thread
                    if !sent || cut == Cut::Sent {
                        return false;
                    }
                    std::thread::sleep(std::time::Duration::from_millis(200));
                    false
                }
            }
        });
        end(client, server);
    }
}

/// Copies until one side ends or the look at what came says no.
fn forward(mut from: &TcpStream, mut to: &TcpStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(n) if n > 0 && goes_on(&buffer[..n]) && to.write_all(&buffer[..n]).is_ok() => {}
            Ok(_) | Err(_) => return,
        }
    }
}

fn end(client: &TcpStream, server: &TcpStream) {
    let _ended = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}
