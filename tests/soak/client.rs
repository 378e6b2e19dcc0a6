//! A SOAP client that knows two nodes: asks the one it likes, goes to the other when that does not answer, and never guesses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::checker::journal::{Answer, Entry, Micros, Request};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a node that did not answer is left alone.
const AVOIDED: Duration = Duration::from_secs(3);

/// Where the nodes are and how to speak to them.
#[derive(Clone)]
pub(crate) struct Nodes {
    addresses: Vec<SocketAddr>,
    tls: Arc<ClientConfig>,
    authorization: String,
}

/// What came of one request.
pub(crate) struct Heard {
    /// Which node was asked.
    pub(crate) node: usize,
    /// When.
    pub(crate) sent: Micros,
    /// Until when.
    pub(crate) ended: Micros,
    /// What it said.
    pub(crate) answer: Answer,
    /// The identity it gave the request.
    pub(crate) id: Option<String>,
    /// What must never be said, such as an internal error.
    pub(crate) odd: Option<String>,
}

impl Heard {
    /// The line of the journal that it makes.
    pub(crate) fn entry(self, client: usize, request: Request) -> Entry {
        let Self { node, sent, ended, answer, id, odd: _ } = self;
        Entry { client, node, request, sent, ended, answer, id }
    }
}

/// One client.
pub(crate) struct Client {
    nodes: Nodes,
    likes: usize,
    avoided: Vec<Instant>,
    open: Option<(usize, StreamOwned<ClientConnection, TcpStream>)>,
}

/// Microseconds since 1970.
pub(crate) fn now() -> Micros {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap()
}

impl Nodes {
    /// The nodes of a cluster that have one certificate.
    pub(crate) fn new(addresses: Vec<SocketAddr>, certificate: &Path, password: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let tls = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
        let secret = base64::engine::general_purpose::STANDARD.encode(format!("admin:{password}"));
        Self { addresses, tls, authorization: format!("Basic {secret}") }
    }
}

impl Client {
    /// A client that likes one of the nodes best.
    pub(crate) fn new(nodes: &Nodes, likes: usize) -> Self {
        let avoided = vec![Instant::now(); nodes.addresses.len()];
        Self { nodes: nodes.clone(), likes: likes % nodes.addresses.len(), avoided, open: None }
    }

    /// Sends one operation, once; none: nobody listens.
    pub(crate) fn call(&mut self, operation: &str, inside: &str) -> Option<Heard> {
        let (node, mut stream) = self.connection()?;
        let request = self.request(operation, inside);
        let sent = now();
        let said = exchange(&mut stream, request.as_bytes());
        let ended = now();
        let heard = |answer, id, odd| Heard { node, sent, ended, answer, id, odd };
        let (status, id, body, keeps) = match said {
            Ok(said) => said,
            Err(why) => {
                self.avoided[node] = Instant::now() + AVOIDED;
                return Some(heard(Answer::Unknown(why), None, None));
            }
        };
        if keeps {
            self.open = Some((node, stream));
        }
        let (answer, odd) = judge(status, &body);
        Some(heard(answer, id, odd))
    }

    /// The connection that is open, or one to the first node that can be had.
    fn connection(&mut self) -> Option<(usize, StreamOwned<ClientConnection, TcpStream>)> {
        if let Some(open) = self.open.take() {
            return Some(open);
        }
        let count = self.nodes.addresses.len();
        let mut order: Vec<usize> = (0..count).map(|n| (self.likes + n) % count).collect();
        order.sort_by_key(|n| self.avoided[*n] > Instant::now());
        order.into_iter().find_map(|node| {
            let tcp = TcpStream::connect_timeout(&self.nodes.addresses[node], PATIENCE).ok()?;
            tcp.set_read_timeout(Some(PATIENCE)).ok()?;
            tcp.set_nodelay(true).ok()?;
            let name = ServerName::try_from("localhost").unwrap();
            let session = ClientConnection::new(Arc::clone(&self.nodes.tls), name).unwrap();
            Some((node, StreamOwned::new(session, tcp)))
        })
    }

    fn request(&self, operation: &str, inside: &str) -> String {
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <n:{operation} xmlns:n=\"http://www.cisco.com/AXL/API/14.0\">{inside}</n:{operation}></s:Body></s:Envelope>"
        );
        format!(
            "POST /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: text/xml; charset=utf-8\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.nodes.authorization,
            body.len()
        )
    }
}

/// Status, identity of the request, body, and whether the connection is kept.
type Said = (u16, Option<String>, String, bool);

fn exchange(stream: &mut (impl Read + Write), request: &[u8]) -> Result<Said, String> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(|e| format!("sending: {e}"))?;
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        more(stream, &mut read)?;
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let field = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = field("content-length").and_then(|l| l.parse().ok()).unwrap_or_default();
    while read.len() < end + length {
        more(stream, &mut read)?;
    }
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or("no status")?;
    let body = String::from_utf8_lossy(&read[end..end + length]).into_owned();
    let keeps = field("connection").is_none_or(|c| !c.eq_ignore_ascii_case("close"));
    Ok((status, field("x-request-id"), body, keeps))
}

fn more(stream: &mut impl Read, read: &mut Vec<u8>) -> Result<(), String> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => Err("the connection ended".into()),
        Ok(n) => {
            read.extend_from_slice(&buffer[..n]);
            Ok(())
        }
        Err(e) => Err(format!("reading: {e}")),
    }
}

/// What an answer means, and whether it is one that must never be given.
fn judge(status: u16, body: &str) -> (Answer, Option<String>) {
    let part = |tag: &str| {
        let rest = body.split_once(&format!("<{tag}>"))?.1;
        Some(rest.split_once("</")?.0.to_owned())
    };
    let unknown = |odd: bool| {
        let text = format!("{status} {}", part("axlmessage").unwrap_or_default());
        (Answer::Unknown(text.clone()), odd.then_some(text))
    };
    let code: Option<i32> = part("axlcode").and_then(|code| code.parse().ok());
    let mobility =
        part("axlmessage").and_then(|m| m.strip_prefix("EM ")?.split_once(':')?.0.parse::<i32>().ok());
    match (status, code, mobility) {
        (200, ..) if body.contains("Response xmlns") => (Answer::Ok, None),
        (500, _, Some(6)) => unknown(false),
        (500, _, Some(0)) => unknown(true),
        (500, _, Some(number)) => (Answer::Refused(number), None),
        (500, Some(5004), _) => unknown(false),
        (500, Some(5000) | None, _) => unknown(true),
        (500, Some(code), _) => (Answer::Refused(code), None),
        (503, ..) => (Answer::Refused(503), None),
        // the time of a request was over
        (408, ..) => unknown(false),
        _ => unknown(true),
    }
}
