//! The same over HTTP, for administrators: `GET /operator/v1/pin/state?user=`, `POST /operator/v1/pin/reset` and `…/unlock`; TLS only, JSON.
//!
//! A PIN comes in a body alone. None goes out but one that was made here, once, and none stands in a log, a refusal or an event.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::operator::{self, Undone};
use crate::auth::Right;
use crate::domain::credential::SecretKind;
use crate::domain::event::Cause;
use crate::domain::names::UserId;
use crate::domain::secret::Pin;
use crate::domain::short_text::Comment;
use crate::em::operator::door::{self, Refused};
use crate::em::service::Em;

/// Path of the state.
pub const STATE: &str = "/operator/v1/pin/state";
/// Path of the reset.
pub const RESET: &str = "/operator/v1/pin/reset";
/// Path of the unlock.
pub const UNLOCK: &str = "/operator/v1/pin/unlock";

/// Whose PIN is to be seen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateAsked {
    #[serde(deserialize_with = "door::text")]
    user: UserId,
}

/// What is to be a PIN.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ResetAsked {
    #[serde(deserialize_with = "door::text")]
    user: UserId,
    /// None: one is made.
    #[serde(default, deserialize_with = "door::given_text")]
    pin: Option<Pin>,
    #[serde(default, deserialize_with = "door::flag")]
    must_change: bool,
    #[serde(default, deserialize_with = "door::given_text")]
    reason: Option<Comment>,
}

/// Whose lock is to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnlockAsked {
    #[serde(deserialize_with = "door::text")]
    user: UserId,
    #[serde(default, deserialize_with = "door::given_text")]
    reason: Option<Comment>,
}

impl From<Undone> for Refused {
    fn from(undone: Undone) -> Self {
        match undone {
            nobody @ Undone::Nobody(_) => Self::Absent(nobody.to_string()),
            Undone::Event(error) => error.into(),
            broken @ (Undone::Randomness | Undone::Hash(_)) => {
                tracing::error!(error = %broken, "a PIN cannot be reset");
                Self::Unavailable
            }
        }
    }
}

/// Hangs the paths into a server.
pub(in crate::em) fn routes(config: &mut web::ServiceConfig) {
    config
        .route(STATE, web::get().to(state))
        .route(RESET, web::post().to(reset))
        .route(UNLOCK, web::post().to(unlock));
}

async fn state(request: HttpRequest, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        door::admit(&request, &[Right::Operate])?;
        let StateAsked { user } = door::query(&request)?;
        door::on_thread(move || Ok(operator::state(em.db(), &user)?)).await
    })
    .await
}

async fn reset(request: HttpRequest, body: web::Bytes, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        let caller = door::admit(&request, &[Right::Operate])?;
        let ResetAsked { user, pin, must_change, reason } = door::body(&body)?;
        let cause = door::cause(&request, &caller);
        carry_out(em, cause, reason, move |em, cause| {
            let hash = |pin: &str| em.verifier().hash_for_storage(SecretKind::Pin, pin);
            operator::reset(em.db(), &user, (pin, must_change), hash, (em.origin(), cause))
        })
        .await
    })
    .await
}

async fn unlock(request: HttpRequest, body: web::Bytes, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        let caller = door::admit(&request, &[Right::Operate])?;
        let UnlockAsked { user, reason } = door::body(&body)?;
        let cause = door::cause(&request, &caller);
        carry_out(em, cause, reason, move |em, cause| operator::unlock(em.db(), &user, (em.origin(), cause)))
            .await
    })
    .await
}

/// Does something to a PIN on a thread for that, and has its event numbered.
async fn carry_out<T: Send + 'static>(
    em: web::Data<Em>,
    cause: Cause,
    reason: Option<Comment>,
    work: impl FnOnce(&Em, &Cause) -> Result<T, Undone> + Send + 'static,
) -> Result<T, Refused> {
    let cause = Cause { comment: reason.map(Comment::into_string), ..cause };
    door::on_thread(move || {
        let done = work(&em, &cause)?;
        em.wake();
        Ok(done)
    })
    .await
}
