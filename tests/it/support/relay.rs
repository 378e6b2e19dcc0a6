//! A way to a server that can be frozen: connections stay open and nothing comes through, as when a machine hangs.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// The way; it ends with the process, on loopback.
#[derive(Clone)]
pub(crate) struct Relay {
    /// Where it begins.
    pub(crate) address: SocketAddr,
    frozen: Arc<(Mutex<bool>, Condvar)>,
}

impl Relay {
    /// Leads to this address.
    pub(crate) fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { address: listener.local_addr().unwrap(), frozen: Arc::default() };
        let accepting = relay.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(&server).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let relay = accepting.clone();
                    std::thread::spawn(move || relay.copy(from, to));
                }
            }
        });
        relay
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; 16 << 10];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let (frozen, changed) = &*self.frozen;
            drop(changed.wait_while(frozen.lock().unwrap(), |frozen| *frozen).unwrap());
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        to.shutdown(Shutdown::Both).ok();
    }

    /// Freezes what is under way and what comes, or lets it go on.
    pub(crate) fn freeze(&self, frozen: bool) {
        *self.frozen.0.lock().unwrap() = frozen;
        self.frozen.1.notify_all();
    }
}
