//! The same over HTTP, for administrators: `GET /operator/v1/sessions` and `POST /operator/v1/logout`, TLS only, JSON.
//!
//! The gate has checked the account; what it may is judged here. A call ends so many sessions at most and says how many are left.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use super::door::{self, Refused};
use super::{Ended, LogoutResult, Meant, NoDuration, SessionsMeant, foresee, list};
use crate::auth::Right;
use crate::domain::event::Cause;
use crate::domain::logout::LogoutOrigin;
use crate::domain::short_text::Comment;
use crate::em::audit::Attempt;
use crate::em::error::{Doing, EmCode};
use crate::em::service::Em;
use crate::em::{credential, registrations};
use crate::store::objects::Selector;
use crate::store::session_list::{self, SessionFilter};
use crate::store::{StoreError, Tx};

/// Path of the list.
pub const SESSIONS: &str = "/operator/v1/sessions";
/// Path of the logout.
pub const LOGOUT: &str = "/operator/v1/logout";

/// Sessions in one list at most.
const MOST_LISTED: usize = 10_000;
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
    #[serde(deserialize_with = "door::flag")]
    all: bool,
    /// Show what would end, and do nothing.
    #[serde(deserialize_with = "door::flag")]
    dry_run: bool,
    /// Why, for the events.
    #[serde(deserialize_with = "door::given_text")]
    reason: Option<Comment>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogoutDone {
    dry_run: bool,
    results: Vec<LogoutResult>,
    /// Phones that were meant and do not stand in the results.
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
        // what was begun goes to its end also when the caller has gone
        let cause = door::cause(&request, &caller);
        let work = async move { carry_out(&em, &cause, asked).await }.in_current_span();
        let carried_out = tokio::spawn(work);
        carried_out.await.unwrap_or(Err(Refused::Unavailable))
    })
    .await
}

fn parse(body: &[u8]) -> Result<LogoutAsked, Refused> {
    let asked: LogoutAsked = door::body(body)?;
    match (asked.phones.is_empty(), &asked.filter) {
        (true, None) | (false, Some(_)) => Err(Refused::Request("give phones or filter, one of them".into())),
        (true, Some(filter)) if filter.is_everything() && !asked.all && !asked.dry_run => {
            Err(Refused::field("filter", "it means all sessions: give all, or a narrower one"))
        }
        (_, _) => Ok(asked),
    }
}

async fn carry_out(em: &Em, cause: &Cause, asked: LogoutAsked) -> Result<LogoutDone, Refused> {
    let LogoutAsked { phones, filter, all: _, dry_run, reason } = asked;
    let origin = filter.as_ref().map_or(LogoutOrigin::Api, SessionsMeant::origin);
    let (phones, meant) = match filter {
        Some(filter) => {
            let (filter, most) = (filter.filter()?, if dry_run { MOST_LISTED } else { MOST_ENDED });
            em.db().read(move |tx| find(tx, &filter, most)).await?
        }
        None if dry_run => {
            let results = em.db().read(move |tx| foresee(tx, &phones)).await?;
            return Ok(LogoutDone { dry_run, results, remaining: 0 });
        }
        None => (phones.iter().map(|phone| Meant::at(phone)).collect(), phones.len()),
    };
    let would = |Meant { phone, user }| LogoutResult { phone, user, ..LogoutResult::of(Ended::WouldLogOut) };
    let results: Vec<_> = match dry_run {
        true => phones.into_iter().map(would).collect(),
        false => {
            let causes = || Cause {
                correlation: em.new_id(),
                comment: reason.clone().map(Comment::into_string),
                ..cause.clone()
            };
            end_each(em, origin, causes, phones).await
        }
    };
    let remaining = meant.saturating_sub(results.len());
    Ok(LogoutDone { dry_run, results, remaining })
}

/// The first phones with sessions of a filter, each with who is on it, and how many such sessions there are.
fn find(tx: &mut Tx<'_>, filter: &SessionFilter, most: usize) -> Result<(Vec<Meant>, usize), StoreError> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let found = session_list::list(tx, filter, limit)?.into_iter();
    let phones = found.map(|session| Meant { phone: session.phone, user: Some(session.user_id) }).collect();
    Ok((phones, session_list::count(tx, filter)?))
}

/// Ends sessions one after the other, each for a cause of its own.
async fn end_each(
    em: &Em,
    origin: LogoutOrigin,
    causes: impl Fn() -> Cause,
    phones: Vec<Meant>,
) -> Vec<LogoutResult> {
    let mut ended = Vec::new();
    for meant in phones.into_iter().take(MOST_ENDED) {
        if !ended.is_empty() {
            tokio::time::sleep(Duration::from_secs(1) / RATE).await;
        }
        let cause = causes();
        let outcome = em.log_out_by(meant.names(), origin, cause.clone()).await;
        let result = meant.became(outcome);
        if let Some(code) = result.code.and_then(EmCode::of_number) {
            let phone = Some(Selector::name(&meant.phone));
            em.rejected(Attempt { doing: Doing::Logout, phone, user: None, cause }, code);
        }
        ended.push(result);
    }
    ended
}
