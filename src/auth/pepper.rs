//! The pepper: 32 random bytes outside the database, without which a stolen table of hashes is worth nothing (security.md HASH-1).
//!
//! All nodes share one file; its id and a check value are kept in the database, and a node whose file does not match refuses to start.

use std::path::{Path, PathBuf};

use ring::hmac;
use zeroize::Zeroizing;

use crate::config::private_file;
use crate::store::{Db, StoreError, cluster};

const LENGTH: usize = 32;
const CHECK_TEXT: &[u8] = b"emgate pepper check";
const ID_TEXT: &[u8] = b"emgate pepper id";
const ID_LENGTH: usize = 12;

/// The pepper of this cluster.
#[derive(Clone)]
pub struct Pepper {
    id: String,
    bytes: Zeroizing<Vec<u8>>,
}

/// Why a node cannot start with its pepper.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    /// The file cannot be read or made.
    #[error("pepper file {path}: {error}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The file is not what this program writes.
    #[error("pepper file {0} is damaged")]
    Damaged(PathBuf),
    /// Others may read the file.
    #[error("pepper file {0} is readable by others; set its mode to 0600")]
    Exposed(PathBuf),
    /// Another pepper made the hashes in this database.
    #[error("pepper file {0} is not the one of this database; copy it from another node")]
    Foreign(PathBuf),
    /// The system has no randomness.
    #[error("no randomness for the pepper")]
    Randomness,
    /// The database cannot answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pepper {
    /// A pepper from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let id = hex(hmac::sign(&key, ID_TEXT).as_ref()).chars().take(ID_LENGTH).collect();
        Self { id, bytes: Zeroizing::new(bytes.to_vec()) }
    }

    /// Identity of the pepper, not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.bytes)
    }

    fn check_value(&self) -> String {
        hex(hmac::sign(&self.key(), CHECK_TEXT).as_ref())
    }

    /// Reads the pepper from its file, or makes one where the database knows none yet; then compares it with the database.
    pub fn load_or_create(path: &Path, db: &Db) -> Result<Self, PepperError> {
        let path = path.to_owned();
        let known = db.write_blocking(cluster::pepper)?;
        let pepper = match std::fs::read_to_string(&path) {
            Ok(text) => {
                if private_file::is_exposed(&path)
                    .map_err(|error| PepperError::File { path: path.clone(), error })?
                {
                    return Err(PepperError::Exposed(path));
                }
                parse(&Zeroizing::new(text)).ok_or_else(|| PepperError::Damaged(path.clone()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && known.is_none() => create(&path)?,
            Err(error) => return Err(PepperError::File { path, error }),
        };
        let ours = cluster::PepperMark { id: pepper.id.clone(), check: pepper.check_value() };
        let stored = db.write_blocking(|tx| cluster::keep_pepper(tx, &ours))?;
        if stored == ours { Ok(pepper) } else { Err(PepperError::Foreign(path)) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// 64 hexadecimal digits.
fn parse(text: &str) -> Option<Pepper> {
    let digits = text.trim();
    if digits.len() != LENGTH * 2 || !digits.is_ascii() {
        return None;
    }
    let pairs =
        (0..LENGTH).map(|i| digits.get(2 * i..2 * i + 2).and_then(|d| u8::from_str_radix(d, 16).ok()));
    let bytes = Zeroizing::new(pairs.collect::<Option<Vec<u8>>>()?);
    Some(Pepper::from_bytes(&bytes))
}

fn create(path: &Path) -> Result<Pepper, PepperError> {
    let mut bytes = Zeroizing::new(vec![0_u8; LENGTH]);
    getrandom::fill(&mut bytes).map_err(|_| PepperError::Randomness)?;
    let text = Zeroizing::new(hex(&bytes) + "\n");
    private_file::create(path, &text).map_err(|error| PepperError::File { path: path.to_owned(), error })?;
    Ok(Pepper::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pepper_file_that_is_not_ours_is_damaged() {
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"é".repeat(32)] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(&"0f".repeat(32)).is_some());
    }
}
