//! Clients that take their time: with the handshake, the head, the body, the next request. Each is let go within its limit (LIM-3).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::input::AUTHORIZED;
use super::target::Target;
use crate::support::http::Client;

/// What a client sends at once, and then, a piece at a time.
struct Slow {
    what: &'static str,
    tls: bool,
    at_once: String,
    piece: &'static str,
    pause: Duration,
    /// Seconds within which it is let go.
    limit: u64,
}

fn crawling(what: &'static str, tls: bool, at_once: &str, piece: &'static str, limit: u64) -> Slow {
    Slow { what, tls, at_once: at_once.to_owned(), piece, pause: Duration::from_millis(400), limit }
}

const PAGE: &str = "GET /emapp/EMAppServlet?device=SEP0000000000AA HTTP/1.1\r\nHost: localhost\r\n";

fn clients() -> Vec<Slow> {
    let post = |fields: &str| format!("POST /axl/ HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    let good = |fields: &str| post(&format!("{AUTHORIZED}{fields}"));
    let (plain, tls) = (false, true);
    vec![
        crawling("says nothing", plain, "", "", 7),
        crawling("a byte of the request line at a time", plain, "", "G", 7),
        crawling("empty lines", plain, "", "\r\n", 7),
        crawling("a head without an end", plain, PAGE, "", 7),
        crawling("a field at a time", plain, PAGE, "X-A: b\r\n", 7),
        crawling("a letter of a field at a time", plain, &format!("{PAGE}X-A: "), "b", 7),
        crawling(
            "a second head without an end",
            plain,
            &format!("{PAGE}\r\nGET / HTTP/1.1\r\n"),
            "X-A: b\r\n",
            25,
        ),
        crawling("stays after its answer", plain, &format!("{PAGE}\r\n"), "", 19),
        crawling("says nothing over TLS", tls, "", "", 7),
        crawling("a field at a time over TLS", tls, PAGE, "X-A: b\r\n", 7),
        crawling("stays after its answer over TLS", tls, &format!("{PAGE}\r\n"), "", 19),
        crawling("a body that does not come", tls, &good("Content-Length: 1000\r\n"), "", 4),
        crawling("a byte of a body at a time", tls, &good("Content-Length: 1000\r\n"), "x", 4),
        crawling(
            "a chunk of a byte at a time",
            tls,
            &good("Transfer-Encoding: chunked\r\n"),
            "1\r\nx\r\n",
            4,
        ),
        crawling("a chunk without an end", tls, &good("Transfer-Encoding: chunked\r\n"), "0", 4),
        crawling("a chunk extension without an end", tls, &good("Transfer-Encoding: chunked\r\n"), ";a", 4),
        crawling(
            "trailers without an end",
            tls,
            &(good("Transfer-Encoding: chunked\r\n") + "0\r\n"),
            "X-A: b\r\n",
            4,
        ),
        crawling("a body fast enough and too long", tls, &good("Content-Length: 1000000\r\n"), KIBIBYTE, 13),
        crawling("a body nobody asked for", tls, &post("Content-Length: 60000\r\n"), "x", 5),
        crawling("a body nobody wants", tls, &post("Content-Length: 6000000\r\n"), "x", 5),
        crawling("chunks nobody asked for", tls, &post("Transfer-Encoding: chunked\r\n"), "1\r\nx\r\n", 5),
        crawling(
            "waits to be told to go on",
            tls,
            &good("Expect: 100-continue\r\nContent-Length: 10\r\n"),
            "",
            4,
        ),
    ]
}

const KIBIBYTE: &str = match std::str::from_utf8(&[b'x'; 1024]) {
    Ok(text) => text,
    Err(_) => "",
};

impl Slow {
    /// How long it was served; `None`: longer than the limit.
    fn lives(&self, client: &Client, at_once: &[u8]) -> Option<Duration> {
        let mut connection = client.open();
        let start = Instant::now();
        connection.send(at_once);
        while start.elapsed() < Duration::from_secs(self.limit) {
            if connection.is_over(self.pause) {
                return Some(start.elapsed());
            }
            if !self.piece.is_empty() {
                connection.send(self.piece);
            }
        }
        None
    }
}

/// A handshake that begins like this and goes on a byte at a time.
fn handshake(address: SocketAddr, begun: &[u8], limit: Duration) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let start = Instant::now();
    let _ = stream.write_all(begun);
    while start.elapsed() < limit {
        match stream.read(&mut [0; 64]) {
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                let _ = if begun.is_empty() { Ok(()) } else { stream.write_all(b"\x00") };
            }
            Ok(1..) => {}
            Ok(0) | Err(_) => return Some(start.elapsed()),
        }
    }
    None
}

#[test]
fn slow_clients_are_let_go_in_time() {
    let target = Target::start();
    let secure = target.process.address("everything, TLS");
    let before = target.process.open_files();
    let clients = clients();
    std::thread::scope(|scope| {
        let slow = clients.iter().map(|slow| {
            let client = if slow.tls { &target.tls } else { &target.phone }.clone();
            let at_once = target.with_credentials(slow.at_once.as_bytes());
            (slow.what, scope.spawn(move || slow.lives(&client, &at_once)))
        });
        let mut all: Vec<_> = slow.collect();
        let shake = Duration::from_secs(8);
        all.push(("a handshake that does not begin", scope.spawn(move || handshake(secure, b"", shake))));
        all.push((
            "a handshake a byte at a time",
            scope.spawn(move || handshake(secure, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", shake)),
        ));
        for (what, lived) in all {
            let lived = lived.join().unwrap();
            println!("{what}: {lived:?}");
            assert!(lived.is_some(), "{what} is still served");
        }
    });
    target.await_open_files(before);
    assert_eq!(target.panics(), "0");
}
