//! The first start of a cluster: one administrator with a random secret that is shown once (AUTH-8, design.md 6).

use std::path::Path;

use zeroize::Zeroizing;

use super::{StartError, blocking, node};
use crate::auth::SUPER_USERS;
use crate::auth::verify::Verifier;
use crate::config::private_file;
use crate::domain::credential::SecretKind;
use crate::event::{EventError, Origin};
use crate::store::{Db, first_account};

/// Name of the first administrator.
pub(super) const NAME: &str = "admin";

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const LENGTH: usize = 24;

/// The one-time secret of the first administrator.
pub struct FirstSecret(Zeroizing<String>);

impl FirstSecret {
    /// The secret, to be shown once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn make() -> Result<Self, StartError> {
        let mut bytes = Zeroizing::new([0_u8; LENGTH]);
        getrandom::fill(bytes.as_mut()).map_err(|_| StartError::Randomness)?;
        let letter = |b: &u8| ALPHABET.get(usize::from(b % 32)).copied().map(char::from);
        Ok(Self(Zeroizing::new(bytes.iter().filter_map(letter).collect())))
    }
}

/// Makes the administrator when there is no application user; the secret is on disk before the account exists.
pub(super) async fn ensure(
    db: &Db,
    verifier: &Verifier,
    origin: &Origin,
    secret_file: Option<&Path>,
) -> Result<Option<FirstSecret>, StartError> {
    if !db.read(first_account::is_missing).await? {
        return Ok(None);
    }
    let secret = FirstSecret::make()?;
    if let Some(path) = secret_file {
        keep(path, &secret).map_err(|source| StartError::SecretFile { path: path.to_owned(), source })?;
    }
    let (verifier, plain) = (verifier.clone(), secret.0.clone());
    let hashed = move || verifier.hash_for_storage(SecretKind::Password, &plain);
    let stored = blocking(move || hashed().map_err(|_| StartError::Randomness)).await?;
    let origin = origin.clone();
    let made = db
        .write(move |tx| -> Result<bool, EventError> {
            let Some(account) = first_account::add(tx, NAME, SUPER_USERS, &stored)? else { return Ok(false) };
            node::announce(tx, &origin, account)?;
            Ok(true)
        })
        .await?;
    if made {
        return Ok(Some(secret));
    }
    if let Some(path) = secret_file {
        let _another_node_was_first = std::fs::remove_file(path);
    }
    Ok(None)
}

fn keep(path: &Path, secret: &FirstSecret) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    private_file::create(path, &Zeroizing::new(format!("{}\n", secret.expose())))
}
