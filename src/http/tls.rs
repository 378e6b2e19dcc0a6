//! The TLS side of the front: certificate from files or made at the first start, reloaded when its file changes (TLS-1).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use chrono::Datelike;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;

use crate::clock;
use crate::config::{ConfigError, HttpConfig, private_file, read_secret};

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

/// When certificate and key were last written.
type Written = [Option<SystemTime>; 2];

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate {
    files: (PathBuf, PathBuf),
    current: RwLock<(Arc<CertifiedKey>, Written)>,
}

impl Certificate {
    /// Reads the configured certificate, or the one of this node, which is made when there is none.
    pub fn load(http: &HttpConfig, state_dir: &Path, names: &[String]) -> Result<Arc<Self>, TlsError> {
        let files = match (&http.certificate, &http.private_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => own_files(state_dir, names)?,
        };
        let current = RwLock::new((Arc::new(read(&files)?), written(&files)));
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
        let now = written(&self.files);
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

fn written((certificate, key): &(PathBuf, PathBuf)) -> Written {
    [certificate, key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
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
    put(&files.1, |fresh| private_file::create(fresh, &key.serialize_pem()))?;
    put(&files.0, |fresh| {
        let mut file = std::fs::File::create_new(fresh)?;
        file.write_all(certificate.pem().as_bytes())?;
        file.sync_all()
    })?;
    tracing::info!("made a certificate of our own; clients must be told to trust it");
    Ok(files)
}

/// Makes a file whole or not at all; what an earlier start left half made goes, with the rights it had.
fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), TlsError> {
    let fresh = path.with_extension("new");
    let gone = match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    };
    let made = gone.and_then(|()| make(&fresh)).and_then(|()| std::fs::rename(&fresh, path));
    made.map_err(|source| TlsError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path, second: u64) {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
    }

    #[test]
    fn a_new_certificate_older_than_its_key_is_seen() {
        let folder = std::env::temp_dir().join(format!("emgate-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stale = folder.join("tls-key.new");
        std::fs::write(&stale, "half").unwrap();
        let (chain, key) = own_files(&folder, &["localhost".to_owned()]).unwrap();
        assert!(!private_file::is_exposed(&key).unwrap() && !stale.exists());
        touch(&chain, 100);
        touch(&key, 300);
        let certificate = Certificate::load(&HttpConfig::default(), &folder, &[]).unwrap();
        let shown = || Arc::clone(&certificate.current.read().unwrap().0);
        let first = shown();
        certificate.reload();
        assert!(Arc::ptr_eq(&first, &shown()));
        touch(&chain, 200);
        certificate.reload();
        assert!(!Arc::ptr_eq(&first, &shown()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
