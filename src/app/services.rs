//! Makes the services that the composition connects: checks of who asks, the origin of events, what an operator is warned of.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{StartError, blocking};
use crate::auth::Source;
use crate::auth::hash::{HashCosts, Hasher};
use crate::auth::pepper::Pepper;
use crate::auth::proof::Refused;
use crate::auth::sign_in::SignIns;
use crate::auth::verify::{LockListener, Verifier};
use crate::config::Config;
use crate::event::Origin;
use crate::http::{Admit, NotAdmitted};
use crate::store::{self, Db, cluster};

/// The hashing threads, under the pepper that all nodes share.
pub(super) async fn verifier(db: &Db, config: &Config, locked: LockListener) -> Result<Verifier, StartError> {
    let (path, costs) = (config.pepper_file(), HashCosts::from(&config.credentials));
    let db = db.clone();
    blocking(move || -> Result<_, StartError> {
        let pepper = Pepper::load_or_create(&path, &db)?;
        let hasher = Hasher::new(&pepper, costs);
        Verifier::start(&db, hasher, Some(locked)).map_err(|_| StartError::Randomness)
    })
    .await
}

/// Where events of this node come from.
pub(super) async fn origin(db: &Db, config: &Config) -> Result<Origin, StartError> {
    Ok(Origin::of(&config.node, db.read(cluster::cluster_id).await?))
}

/// Cookies for the accounts that a verifier knows, under the secret that all nodes share.
pub(super) async fn sign_ins(db: &Db, verifier: Verifier) -> Result<SignIns, StartError> {
    let secret = db.read(cluster::sign_in_secret).await?;
    Ok(SignIns::new(verifier, &Zeroizing::new(secret)))
}

/// What the gate asks for every request that shows who it is from.
pub(super) fn admit(sign_ins: SignIns) -> Admit {
    let sign_ins = Arc::new(sign_ins);
    Arc::new(move |proof, address| {
        let sign_ins = Arc::clone(&sign_ins);
        Box::pin(async move {
            let admission = sign_ins.admit(proof, &Source { address, phone: None }).await;
            admission.map_err(|refused| match refused {
                Refused::Wrong
                | Refused::Locked
                | Refused::MustChange
                | Refused::Expired
                | Refused::Limited => NotAdmitted::Refused,
                Refused::Busy => NotAdmitted::Busy,
                Refused::Store(error) => {
                    tracing::warn!(%error, "the database does not answer a check of who asks");
                    NotAdmitted::Unavailable
                }
            })
        })
    })
}

/// The name under which phones reach this node when their request has none.
pub(super) fn default_authority(config: &Config) -> String {
    let host = config.http.hosts.first().cloned().unwrap_or_else(|| "localhost".to_owned());
    format!("{host}:{}", config.http.http_port)
}

/// What the server cannot be told by the role that we are.
const FOREIGN_ERRORS: &str = "the database words errors in another language, so that some are not tried again: \
     as its superuser, ALTER ROLE … SET lc_messages = 'C' for the role in DATABASE_URL";

/// What holds as long as this process lives and the operator should know.
pub(super) async fn warnings(db: &Db, config: &Config) -> Result<Vec<&'static str>, StartError> {
    let mut warnings = Vec::new();
    if !db.read(store::errors_are_readable).await? {
        warnings.push(FOREIGN_ERRORS);
    }
    if config.kafka.is_embedded() {
        warnings.push("embedded broker: events live in its memory only; replay needs the database");
    }
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    Ok(warnings)
}
