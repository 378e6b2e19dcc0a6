//! The same over HTTP, for administrators: `GET /operator/v1/sessions` and `POST /operator/v1/logout`, TLS only, JSON.
//!
//! The gate has checked the account; what it may is judged here. A call ends so many sessions at most and says how many are left.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

use super::door::{self, Refused};
use super::{LogoutResult, NoDuration, SessionsMeant, list, log_out};
use crate::auth::{Caller, Right};
use crate::domain::event::{Cause, Via};
use crate::domain::short_text::Comment;
use crate::em::service::Em;
use crate::em::{credential, registrations};

/// Path of the list.
pub const SESSIONS: &str = "/operator/v1/sessions";
/// Path of the logout.
pub const LOGOUT: &str = "/operator/v1/logout";

/// Sessions in one list at most.
const MOST_LISTED: i64 = 10_000;
/// Sessions that one call ends at most, so that it is answered in time.
const MOST_ENDED: usize = 200;
/// Logouts a second.
const RATE: u32 = 50;

/// What is to end.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct LogoutAsked {
    /// Phones by name.
    phones: Vec<String>,
    /// Or the sessions of a filter.
    filter: Option<SessionsMeant>,
    /// That a filter which means everybody is meant so.
    all: bool,
    /// Show what would end, and do nothing.
    dry_run: bool,
    /// Why, for the events.
    reason: Option<Comment>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogoutDone {
    dry_run: bool,
    results: Vec<LogoutResult>,
    /// Phones that were meant and are left for the next call.
    remaining: usize,
}

impl From<NoDuration> for Refused {
    fn from(error: NoDuration) -> Self {
        Self::field("longerThan", error)
    }
}

/// Hangs all paths of operators into a server.
pub fn routes(config: &mut web::ServiceConfig, em: Em) {
    config
        .app_data(web::Data::new(em))
        .route(SESSIONS, web::get().to(sessions))
        .route(LOGOUT, web::post().to(logout));
    credential::http::routes(config);
    registrations::routes(config);
}

async fn sessions(request: HttpRequest, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        door::admit(&request, &[Right::Operate])?;
        let filter = door::query::<SessionsMeant>(&request)?.filter()?;
        door::on_thread(move || Ok(list(em.db(), &filter, MOST_LISTED)?)).await
    })
    .await
}

async fn logout(request: HttpRequest, body: web::Bytes, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        let caller = door::admit(&request, &[Right::Operate])?;
        let asked = parse(&body)?;
        door::on_thread(move || carry_out(&em, &caller, asked)).await
    })
    .await
}

fn parse(body: &[u8]) -> Result<LogoutAsked, Refused> {
    let asked: LogoutAsked = door::body(body)?;
    match (asked.phones.is_empty(), &asked.filter) {
        (true, None) | (false, Some(_)) => Err(Refused::Request("give phones or filter, one of them".into())),
        (true, Some(filter)) if filter.is_everything() && !asked.all && !asked.dry_run => {
            Err(Refused::field("filter", "an empty one means all sessions: give all, or a filter"))
        }
        (_, _) => Ok(asked),
    }
}

fn carry_out(em: &Em, caller: &Caller, asked: LogoutAsked) -> Result<LogoutDone, Refused> {
    let LogoutAsked { phones, filter, all: _, dry_run, reason } = asked;
    let comment = reason.map(Comment::into_string);
    let mut phones: Vec<(String, Option<String>)> = phones.into_iter().map(|phone| (phone, None)).collect();
    if let Some(filter) = filter {
        let found = list(em.db(), &filter.filter()?, MOST_LISTED)?;
        phones = found.into_iter().map(|session| (session.phone, Some(session.user))).collect();
    }
    let remaining = phones.len().saturating_sub(MOST_ENDED);
    if dry_run {
        let would =
            |(phone, user)| LogoutResult { phone, user, result: "would-log-out", code: None, advice: None };
        return Ok(LogoutDone { dry_run, results: phones.into_iter().map(would).collect(), remaining: 0 });
    }
    let mut results = Vec::new();
    for (at, (phone, _)) in phones.into_iter().take(MOST_ENDED).enumerate() {
        if at > 0 {
            std::thread::sleep(Duration::from_secs(1) / RATE);
        }
        let correlation = em.new_id();
        let cause = Cause { correlation, comment: comment.clone(), ..caller.cause(Via::Console) };
        results.push(log_out(em.db(), em.origin(), &phone, &cause));
    }
    Ok(LogoutDone { dry_run, results, remaining })
}
