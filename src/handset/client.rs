//! The HTTP that phones speak: GET over plain TCP or TLS, one request a connection.
//!
//! A call ends after ten seconds without a byte and reads no more than a phone takes. Whom TLS trusts is decided once, when a client
//! is made. Follows nothing and keeps nothing: that is the browser's.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};
use url::{Host, Position, Url};

use super::object::MOST_FETCHED;
use super::trouble::Trouble;

const CONNECT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer, its head included.
const MOST: u64 = MOST_FETCHED as u64 + 16_384;

/// Where systems keep the certificates that they trust; `SSL_CERT_FILE` goes before them.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Whose certificates a client takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system trusts.
    System,
    /// Those of a file with one or more certificates.
    File(PathBuf),
    /// Anybody's.
    Anybody,
}

/// Certificates that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("--ca {path}: {reason}", path = path.display())]
pub struct TrustError {
    path: PathBuf,
    reason: String,
}

/// Asks.
#[derive(Clone)]
pub struct Client {
    tls: Arc<ClientConfig>,
}

/// An answer.
pub(super) struct Answer {
    /// Status number.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The values of a header field, in order.
    pub(super) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The first value of a header field.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// One that trusts these. Where the system has no list of certificates, it trusts nobody.
    pub fn new(trust: &Trust) -> Result<Self, TrustError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|e| TrustError { path: PathBuf::new(), reason: e.to_string() })?;
        let config = match trust {
            Trust::Anybody => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            }
            Trust::File(path) => builder.with_root_certificates(roots(path)?),
            Trust::System => {
                let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
                let bundle = named.into_iter().chain(BUNDLES.map(PathBuf::from)).find(|path| path.exists());
                builder.with_root_certificates(match bundle {
                    Some(path) => roots(&path)?,
                    None => RootCertStore::empty(),
                })
            }
        };
        Ok(Self { tls: Arc::new(config.with_no_client_auth()) })
    }

    /// GETs an address with header fields.
    pub(super) fn get(&self, url: &Url, headers: &[(&str, &str)]) -> Result<Answer, Trouble> {
        let mut head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            &url[Position::BeforePath..Position::AfterQuery],
            &url[Position::BeforeHost..Position::AfterPort],
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let tcp = connect(url)?;
        let answer = match url.scheme() {
            "https" => self.over_tls(url, tcp).and_then(|stream| exchange(stream, head.as_bytes())),
            _ => exchange(tcp, head.as_bytes()),
        };
        let bytes = answer.map_err(|e| Trouble::no_answer(format!("{}: {e}", origin(url))))?;
        read(&bytes)
            .ok_or_else(|| Trouble::no_answer(format!("{} does not answer as HTTP does", origin(url))))
    }

    fn over_tls(&self, url: &Url, tcp: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let name = match url.host() {
            Some(Host::Ipv4(address)) => ServerName::IpAddress(std::net::IpAddr::V4(address).into()),
            Some(Host::Ipv6(address)) => ServerName::IpAddress(std::net::IpAddr::V6(address).into()),
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(io::Error::other)?,
            None => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        Ok(StreamOwned::new(connection, tcp))
    }
}

/// Scheme, host and port, with nothing of what was typed.
fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

fn connect(url: &Url) -> Result<TcpStream, Trouble> {
    let addresses = url.socket_addrs(|| None).map_err(|e| Trouble::host(format!("{}: {e}", origin(url))))?;
    let mut refused = Trouble::host(format!("{} has no address", origin(url)));
    for address in addresses {
        let tried = TcpStream::connect_timeout(&address, CONNECT).and_then(|tcp| {
            tcp.set_read_timeout(Some(SILENCE))?;
            tcp.set_write_timeout(Some(SILENCE))?;
            Ok(tcp)
        });
        match tried {
            Ok(tcp) => return Ok(tcp),
            Err(e) => refused = Trouble::no_answer(format!("{}: {e}", origin(url))),
        }
    }
    Err(refused)
}

/// Sends a request and reads all that comes, as far as a phone takes it.
fn exchange(mut stream: impl Read + Write, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer) {
        // some end a TLS connection without saying so; whether the answer is whole, its head tells
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof && !answer.is_empty() => Ok(answer),
        outcome => outcome.map(|_| answer),
    }
}

/// Takes an answer apart; none when it is none, or not whole.
fn read(bytes: &[u8]) -> Option<Answer> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = head.parse(bytes).ok()? else { return None };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect();
    let mut answer = Answer { status: head.code?, body: bytes.get(length..)?.to_owned(), headers };
    if answer.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        answer.body = joined(&answer.body)?;
    } else if let Some(length) = answer.header("content-length") {
        let length = length.parse().ok()?;
        answer.body = answer.body.get(..length)?.to_owned();
    }
    Some(answer)
}

/// The chunks of a body without what is between them.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((head, length))) = httparse::parse_chunk_size(chunks) else {
            return None;
        };
        let length = usize::try_from(length).ok()?;
        if length == 0 {
            return Some(body);
        }
        let rest = chunks.get(head..)?;
        body.extend_from_slice(rest.get(..length)?);
        chunks = rest.get(length..)?.strip_prefix(b"\r\n")?;
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TrustError> {
    let refused = |reason: String| TrustError { path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| refused(e.to_string()))? {
        let certificate = certificate.map_err(|e| refused(e.to_string()))?;
        // what one system trusts may be older than what TLS reads today
        let _unread = roots.add(certificate);
    }
    if roots.is_empty() { Err(refused("holds no certificate in PEM".to_owned())) } else { Ok(roots) }
}

/// Takes every certificate, as `--insecure` asks; that whoever answers holds its key is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_whole_or_there_is_none() {
        let body = |bytes: &[u8]| read(bytes).map(|answer| (answer.status, answer.body));
        let whole = Some((200, b"abc".to_vec()));
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), whole);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\nabc"), whole);
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        assert_eq!(body(chunked), whole);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), None);
        assert_eq!(body(&chunked[..chunked.len() - 8]), None);
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Len"), None);
        assert_eq!(body(b"220 smtp ready\r\n"), None);
        let answer = read(b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\n").unwrap();
        assert_eq!(answer.headers("Set-Cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
    }
}
