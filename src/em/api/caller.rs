//! Who asks (extension-mobility.md 6): application users and end users, by password.

use std::net::IpAddr;

use uuid::Uuid;

use super::document::App;
use crate::auth::proof::Refused;
use crate::auth::verify::BegunCheck;
use crate::auth::{Caller, Source};
use crate::domain::event::{Actor, ActorKind, AuthType, Cause, Via};
use crate::em::error::EmCode;
use crate::em::service::Em;

/// Somebody who has proved nothing yet, as the cause of a refusal.
pub(super) fn stranger(address: Option<IpAddr>, request_id: Uuid) -> Cause {
    let address = address.map(|address| address.to_string());
    let actor = Actor { kind: ActorKind::Application, id: None, address, via: Via::Api };
    Cause { actor, auth_type: AuthType::Anonymous, ..Cause::by_system(request_id, Via::Api) }
}

/// Reads what there is to know of who asks; nothing where nobody can be meant.
pub(super) async fn begin(em: &Em, app: &App, address: Option<IpAddr>) -> Option<BegunCheck> {
    let (user, password) = (app.id.parse().ok()?, app.password.as_ref()?);
    Some(em.verifier().begin_password(&user, password, &Source { address, phone: None }).await)
}

/// Checks who asks; unknown, wrong and locked are never told apart.
pub(super) async fn prove(
    em: &Em,
    check: Option<BegunCheck>,
    address: Option<IpAddr>,
    request_id: Uuid,
) -> Result<Caller, EmCode> {
    let Some(check) = check else {
        let source = Source { address, phone: None };
        return Err(if em.verifier().charge(&source) { EmCode::Busy } else { EmCode::InvalidApp });
    };
    let verified = em.verifier().finish(check).await;
    let verified = verified.map_err(|refused| match refused {
        Refused::Wrong | Refused::Locked => EmCode::InvalidApp,
        // said only to whom the password is known
        Refused::MustChange | Refused::Expired => EmCode::PinExpired,
        Refused::Limited | Refused::Busy => EmCode::Busy,
        Refused::Store(error) => {
            tracing::error!(error = %error, "database does not answer a password check");
            EmCode::Database
        }
    })?;
    Ok(Caller { principal: verified.into_inner(), source: address, request_id })
}
