//! Makes load over kept-alive TLS connections from one thread: closed loop, or open loop with arrivals by the clock.
//!
//! A refusal, which the application API and phone pages have in an answer of 200, ends the bench: it is not what was to be measured.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio::task::LocalSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Outcome;
use super::gateway::Gateway;
use super::requests::{Random, Work};

/// Where load goes.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    tls: TlsConnector,
}

/// One open connection.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

/// What a load came to.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// Seconds of each answer, sorted.
    pub(crate) latencies: Vec<f64>,
    /// How long it lasted.
    pub(crate) seconds: f64,
}

impl Load {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }
}

impl Target {
    /// The TLS listener of a gateway, whose certificate is trusted.
    pub(crate) fn of(gateway: &Gateway) -> Outcome<Self> {
        Self::new(gateway.address, &gateway.certificate())
    }

    fn new(address: SocketAddr, certificate: &Path) -> Outcome<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate)?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Opens a connection.
    pub(crate) async fn open(&self) -> Outcome<Connection> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let stream = self.tls.connect(ServerName::try_from("localhost")?, tcp).await?;
        Ok(Connection { stream, read: Vec::with_capacity(1 << 14) })
    }

    /// Opens many.
    async fn open_all(&self, connections: usize) -> Outcome<Vec<Connection>> {
        let mut all = Vec::with_capacity(connections);
        for _ in 0..connections {
            all.push(self.open().await?);
        }
        Ok(all)
    }

    /// One request on a connection of its own; gives the body of the answer.
    pub(crate) fn once(&self, request: &[u8]) -> Outcome<Vec<u8>> {
        on_one_thread(async {
            let mut connection = self.open().await?;
            Ok(connection.call(request).await?.to_vec())
        })
    }

    /// Each connection sends its next request as soon as it has its answer, until the time is over and its work is whole.
    pub(crate) fn closed_loop<W: Work + 'static>(
        &self,
        connections: usize,
        time: Duration,
        work: impl Fn(usize) -> W,
    ) -> Outcome<Load> {
        on_one_thread(async {
            let open = self.open_all(connections).await?;
            let begun = Instant::now();
            let lanes = open.into_iter().enumerate().map(|(lane, connection)| {
                tokio::task::spawn_local(drive(connection, work(lane), begun + time))
            });
            let mut load = Load::default();
            for lane in lanes.collect::<Vec<_>>() {
                load.latencies.extend(lane.await??);
            }
            load.seconds = begun.elapsed().as_secs_f64();
            load.latencies.sort_by(f64::total_cmp);
            Ok(load)
        })
    }

    /// Requests begin at random moments, `rate` a second on average, whether earlier ones are answered or not; each latency counts
    /// from the moment its request was meant to begin.
    pub(crate) fn open_loop<W: Work + 'static>(
        &self,
        connections: usize,
        rate: f64,
        time: Duration,
        work: impl Fn(usize) -> W,
    ) -> Outcome<Load> {
        on_one_thread(async {
            let open = self.open_all(connections).await?;
            let (sender, receiver) = mpsc::unbounded_channel();
            let receiver = Rc::new(Mutex::new(receiver));
            let begun = Instant::now();
            let clock = std::thread::spawn(move || arrivals(rate, begun, time, &sender));
            let latencies = Rc::new(RefCell::new(Vec::new()));
            let lanes = open.into_iter().enumerate().map(|(lane, connection)| {
                let serving = serve(connection, work(lane), Rc::clone(&receiver), Rc::clone(&latencies));
                tokio::task::spawn_local(serving)
            });
            for lane in lanes.collect::<Vec<_>>() {
                lane.await??;
            }
            clock.join().map_err(|_| "the clock of the load has panicked")?;
            let mut load = Load { latencies: latencies.take(), seconds: begun.elapsed().as_secs_f64() };
            load.latencies.sort_by(f64::total_cmp);
            Ok(load)
        })
    }
}

/// Hands out the moments at which requests are meant to begin.
fn arrivals(rate: f64, begun: Instant, time: Duration, to: &mpsc::UnboundedSender<Instant>) {
    let mut random = Random::fresh();
    let mut at = begun;
    loop {
        at += Duration::from_secs_f64(random.pause(rate));
        if at > begun + time {
            return;
        }
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        if to.send(at).is_err() {
            return;
        }
    }
}

async fn drive(mut connection: Connection, mut work: impl Work, end: Instant) -> Outcome<Vec<f64>> {
    let mut latencies = Vec::new();
    while Instant::now() < end || !work.is_whole() {
        let begun = Instant::now();
        connection.call(work.next()).await?;
        latencies.push(begun.elapsed().as_secs_f64());
    }
    Ok(latencies)
}

async fn serve(
    mut connection: Connection,
    mut work: impl Work,
    arrivals: Rc<Mutex<mpsc::UnboundedReceiver<Instant>>>,
    latencies: Rc<RefCell<Vec<f64>>>,
) -> Outcome<()> {
    loop {
        let Some(meant) = arrivals.lock().await.recv().await else { break };
        connection.call(work.next()).await?;
        latencies.borrow_mut().push(meant.elapsed().as_secs_f64());
    }
    while !work.is_whole() {
        connection.call(work.next()).await?;
    }
    Ok(())
}

/// How the application API refuses.
const REFUSED: &[u8] = b"<?xml version=\"1.0\"?>\n<response>\n<failure>";
/// How a screen begins, and what the screens say that end a login or logout.
const SCREEN: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><CiscoIPPhone";
const DONE: &[u8] = b" successful</Prompt>";

fn is_refusal(body: &[u8]) -> bool {
    let is_done = || body.windows(DONE.len()).any(|part| part == DONE);
    body.starts_with(REFUSED) || body.starts_with(SCREEN) && !is_done()
}

impl Connection {
    /// Sends a request and reads its answer; gives the body.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Outcome<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the gateway has closed a connection".into());
            }
            let Some(body) = body_of(&self.read)? else { continue };
            let text = self.read.get(body..).unwrap_or_default();
            if self.read.starts_with(b"HTTP/1.1 200 ") && !is_refusal(text) {
                return Ok(self.read.get(body..).unwrap_or_default());
            }
            return Err(format!("refused: {}", String::from_utf8_lossy(&self.read)).into());
        }
    }
}

/// Where the body begins, once the answer is complete.
fn body_of(read: &[u8]) -> Outcome<Option<usize>> {
    let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(read.get(..end).unwrap_or_default())?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.ok_or("an answer without a length")?.1.parse()?;
    Ok((read.len() >= end + 4 + length).then_some(end + 4))
}

/// Runs asynchronous work on this thread.
pub(crate) fn on_one_thread<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}
