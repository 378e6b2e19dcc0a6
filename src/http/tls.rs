//! The TLS side of the front: certificate from files or made at the first start, reloaded when its file changes (TLS-1).

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chrono::Datelike;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

use crate::clock;
use crate::config::{ConfigError, HttpConfig, read_secret};

/// Years that a certificate of our own making is good for.
const OWN_YEARS: i32 = 10;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Why TLS cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or is open to others.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds no certificate or key in PEM.
    #[error("{key}: {path}: {reason}", path = path.display())]
    Content {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Certificate and key do not fit.
    #[error("http.certificate: {0}")]
    Rustls(#[from] rustls::Error),
}

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate {
    files: (PathBuf, PathBuf),
    current: RwLock<(Arc<CertifiedKey>, Option<SystemTime>)>,
}

impl Certificate {
    /// Reads the configured certificate, or the one of this node, which is made when there is none.
    pub fn load(http: &HttpConfig, state_dir: &Path, names: &[String]) -> Result<Arc<Self>, TlsError> {
        let files = match (&http.certificate, &http.private_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => own_files(state_dir, names)?,
        };
        let current = RwLock::new((Arc::new(read(&files)?), changed(&files)));
        Ok(Arc::new(Self { files, current }))
    }

    /// The settings of a listener that shows this certificate: TLS 1.2 and up.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }

    /// Reads the files again when they changed; a certificate that cannot be used leaves the old one in force.
    pub fn reload(&self) {
        let now = changed(&self.files);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == now {
            return;
        }
        match read(&self.files) {
            Ok(key) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(key), now);
                tracing::info!("the certificate was reloaded");
            }
            Err(error) => {
                tracing::error!(%error, "the changed certificate cannot be used; the old one stays")
            }
        }
    }

    /// Looks at the files now and then, for as long as the task lives.
    pub async fn watch(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let this = Arc::clone(&self);
            let _ended = tokio::task::spawn_blocking(move || this.reload()).await;
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

fn changed((certificate, key): &(PathBuf, PathBuf)) -> Option<SystemTime> {
    let time = |p: &Path| std::fs::metadata(p).and_then(|m| m.modified()).ok();
    time(certificate).max(time(key))
}

fn read((certificate, key): &(PathBuf, PathBuf)) -> Result<CertifiedKey, TlsError> {
    let content = |key, path: &Path, e: &dyn std::fmt::Display| TlsError::Content {
        key,
        path: path.to_owned(),
        reason: e.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| content("http.certificate", certificate, &e))?;
    let pem = read_secret("http.private_key", key)?;
    let secret =
        PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|e| content("http.private_key", key, &e))?;
    Ok(CertifiedKey::from_der(chain, secret, &rustls::crypto::ring::default_provider())?)
}

fn own_files(state_dir: &Path, names: &[String]) -> Result<(PathBuf, PathBuf), TlsError> {
    let files = (state_dir.join("tls-certificate.pem"), state_dir.join("tls-key.pem"));
    if files.0.exists() && files.1.exists() {
        return Ok(files);
    }
    let key = rcgen::KeyPair::generate()?;
    let mut wanted = rcgen::CertificateParams::new(names.to_vec())?;
    wanted.distinguished_name.push(rcgen::DnType::CommonName, "emgate");
    let year = clock::wall_clock().year();
    wanted.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    wanted.not_after = rcgen::date_time_ymd(year + OWN_YEARS, 1, 1);
    let certificate = wanted.self_signed(&key)?;
    write(&files.1, &key.serialize_pem(), 0o600)?;
    write(&files.0, &certificate.pem(), 0o644)?;
    tracing::info!("made a certificate of our own; clients must be told to trust it");
    Ok(files)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let fresh = path.with_extension("new");
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, path));
    written.map_err(|source| TlsError::Write { path: path.to_owned(), source })
}
