//! A small HTTP client that sends exactly the bytes a test wants, plain or over TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use emgate::handset::object;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// One listener, as a client sees it.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    source: Option<IpAddr>,
}

/// One open connection.
pub struct Connection {
    stream: Box<dyn Stream>,
    socket: TcpStream,
    read: Vec<u8>,
    asked_for_head: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status number.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Client {
    /// Without TLS.
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None, source: None }
    }

    /// With TLS, trusting the certificate in a file.
    pub fn tls(address: SocketAddr, certificate: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: Some(Arc::new(config)), source: None }
    }

    /// The same client at an address of its own, such as one of 127.0.0.0/8.
    pub fn at(self, source: IpAddr) -> Self {
        Self { source: Some(source), ..self }
    }

    /// Opens a connection.
    pub fn open(&self) -> Connection {
        self.try_open().expect("listener accepts")
    }

    /// Opens a connection; none when nobody listens.
    pub fn try_open(&self) -> Option<Connection> {
        let tcp = match self.source {
            None => TcpStream::connect(self.address),
            Some(source) => connect_from(source, self.address),
        };
        let tcp = tcp.ok()?;
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        tcp.set_nodelay(true).unwrap();
        let socket = tcp.try_clone().unwrap();
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(config) => {
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), tcp))
            }
        };
        Some(Connection { stream, socket, read: Vec::new(), asked_for_head: false })
    }

    /// Sends these bytes and reads one answer; none when the connection just ends.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Option<Answer> {
        let mut connection = self.open();
        connection.send(bytes);
        connection.answer()
    }

    /// Sends a well-formed request for `localhost` and reads its answer.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.raw(request(method, target, headers, body)).expect("an answer")
    }

    /// GET without a body.
    pub fn get(&self, target: &str) -> Answer {
        self.request("GET", target, &[], "")
    }
}

fn connect_from(source: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let connected = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        socket.connect(to).await?.into_std()
    })?;
    connected.set_nonblocking(false)?;
    Ok(connected)
}

/// The bytes of a request for `localhost`; `Content-Length` only where there is a body.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

impl Connection {
    /// Sends bytes; that the other side is gone already shows when the answer is read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.asked_for_head = bytes.as_ref().starts_with(b"HEAD ");
        let _ = self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush());
    }

    /// Reads one answer; none when the connection ends before it.
    pub fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("content-length").filter(|_| !self.asked_for_head);
        let length = length.map_or(0, |n| n.parse().unwrap());
        while self.read.len() < length && self.more() {}
        answer.body = String::from_utf8(self.read.drain(..length.min(self.read.len())).collect()).unwrap();
        let is_reply = |name| answer.body.contains(&format!("<CiscoIPPhone{name}"));
        if answer.body.contains("<CiscoIPPhone") && !["Response", "Error"].into_iter().any(is_reply) {
            assert_can_be_shown(answer.header("content-type"), &answer.body);
        }
        Some(answer)
    }

    /// Whether the other side ends the connection, with nothing more said.
    pub fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more()
    }

    /// Whether the other side ends the connection within this time; what it says meanwhile is not kept.
    pub fn is_over(&mut self, within: Duration) -> bool {
        self.socket.set_read_timeout(Some(within)).unwrap();
        match self.stream.read(&mut [0; 8192]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
            outcome => !outcome.is_ok_and(|n| n > 0),
        }
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 8192];
        match self.stream.read(&mut buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the connection neither says anything nor ends")
            }
            Ok(0) | Err(_) => false,
            Ok(n) => {
                self.read.extend_from_slice(&buffer[..n]);
                true
            }
        }
    }
}

/// Every screen that any test is sent can be read by every phone.
pub fn assert_can_be_shown(content_type: Option<&str>, body: &str) {
    let charset = content_type.and_then(emgate::soap::wellformed::charset);
    let read = object::read(body.as_bytes(), charset, object::MOST_FETCHED);
    assert!(read.is_ok(), "{}: {body}", read.unwrap_err());
}

impl Answer {
    /// The value of a header field; several are an error.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }
}
