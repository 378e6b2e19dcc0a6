//! The application API: `POST` or `GET` of a form with one XML document, answered with one, always with status 200
//! (extension-mobility.md 2 to 7).
//!
//! Order of the checks (extension-mobility.md 22): what cannot be read 1, what nobody can answer 8, a request too many 26, who asks 3,
//! whether they may 10, from where 30 and 28, then what the rules say. Documents hold passwords and appear in no log, error or event.

mod answer;
mod caller;
mod document;
mod form;
mod grammar;
mod percent;
mod query;
mod reach;
mod request;

use actix_web::http::header::{CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use uuid::Uuid;

use self::answer::Declaration;
use self::document::{App, ClaimedRoute, Document, Query, Request, Task};
use self::reach::Reach;
use super::audit::Attempt;
use super::conditions::Conditions;
use super::error::EmCode;
use super::service::Em;
use super::trust::Route;
use super::visit::route_of;
use crate::auth::verify::BegunCheck;
use crate::domain::event::{Trace, Via};
use crate::soap::envelope::read_document;
use crate::soap::tree::Element;
use crate::soap::wellformed;
use crate::store::presence::{self, Lanes, Person, PhonePresence};
use crate::telemetry::RequestId;

/// Path of the service.
pub const PATH: &str = "/emservice/EMServiceServlet";
/// After how many seconds a request that was answered busy may be sent again (EM-145).
const RETRY_SECONDS: u64 = 1;

/// The application API of this node.
#[derive(Clone)]
pub struct Api {
    em: Em,
    phones: Lanes<PhonePresence>,
    people: Lanes<Person>,
}

/// A document, and how it came here.
struct Received {
    root: Element,
    peer: Route,
    id: Uuid,
    trace: Trace,
}

impl Api {
    /// Makes it.
    pub fn new(em: Em) -> Self {
        let phones = Lanes::start(em.db(), presence::phones);
        let people = Lanes::start(em.db(), presence::people);
        Self { em, phones, people }
    }

    /// Carries out or looks up what a document asks; a login or logout that is refused is told of.
    async fn serve(&self, received: &Received) -> Result<Vec<u8>, EmCode> {
        let Document { app, task } = Document::read(&received.root).map_err(logged)?;
        let address = received.peer.address;
        match task {
            Task::Query(query) => self.look_up(received, &app, query).await.map_err(logged),
            Task::Request(request, claimed) => {
                let mut attempt =
                    request.attempt(caller::stranger(address, received.id).traced(&received.trace));
                attempt.look_at();
                match self.carry_out(received, &app, &request, &claimed, &mut attempt).await {
                    Ok(()) => Ok(answer::success()),
                    Err(code) => {
                        self.em.rejected(attempt, code);
                        Err(code)
                    }
                }
            }
        }
    }

    async fn look_up(&self, received: &Received, app: &App, query: Query) -> Result<Vec<u8>, EmCode> {
        let (_, check) = self.meet(received, app).await?;
        let proved = caller::prove(&self.em, check, received.peer.address, received.id).await?;
        query::look_up(self, query, &Reach::of(&proved)?).await
    }

    /// Who asks stands in the attempt as soon as that is proved.
    async fn carry_out(
        &self,
        received: &Received,
        app: &App,
        request: &Request,
        claimed: &ClaimedRoute,
        attempt: &mut Attempt,
    ) -> Result<(), EmCode> {
        let peer = received.peer;
        let (conditions, check) = self.meet(received, app).await?;
        let _until_answered = self.em.permit(&conditions).await?;
        let proved = caller::prove(&self.em, check, peer.address, received.id).await?;
        attempt.cause = proved.cause(Via::Api).traced(&received.trace);
        let reach = Reach::of(&proved)?;
        request::check_reach(request, &reach)?;
        self.check_source(conditions, request, claimed.route(&reach, peer)).await?;
        request::carry_out(&self.em, request, &reach, &attempt.cause).await
    }

    /// Reads what a document meets and who asks, and refuses it where it is not for this node or not strictly as it should be.
    async fn meet(&self, received: &Received, app: &App) -> Result<(Conditions, Option<BegunCheck>), EmCode> {
        let begin = caller::begin(&self.em, app, received.peer.address);
        let (conditions, check) = tokio::join!(self.em.conditions(None), begin);
        let conditions = conditions?;
        if conditions.parameters.strict_documents && !grammar::allows(&received.root) {
            return Err(EmCode::Parse);
        }
        Em::check_is_active(&conditions)?;
        Ok((conditions, check))
    }

    /// Refuses what comes from elsewhere than it may. Only where that is judged the phone is read for it: what else there is to know of it
    /// is read under its lock.
    async fn check_source(&self, met: Conditions, request: &Request, route: Route) -> Result<(), EmCode> {
        let is_judged = met.parameters.trust.validate;
        let conditions = if is_judged { self.em.conditions(request.phone()).await? } else { met };
        self.em.trust(&conditions, route).await
    }
}

/// Hangs the service into a server.
pub fn routes(config: &mut web::ServiceConfig, api: Api) {
    config.app_data(web::Data::new(api)).route(PATH, web::post().to(serve)).route(PATH, web::get().to(serve));
}

async fn serve(request: HttpRequest, body: web::Bytes, api: web::Data<Api>) -> HttpResponse {
    let query = request.query_string().as_bytes();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let (declaration, outcome) = match read(query, &body, header("content-type").unwrap_or_default()) {
        Err(code) => (Declaration::Yes, Err(logged(code))),
        Ok(root) => {
            let declaration = if root.name == "query" { Declaration::No } else { Declaration::Yes };
            let peer = route_of(&request);
            let id = request.extensions().get::<RequestId>().map_or_else(|| api.em.new_id(), |id| id.0);
            let trace = Trace::read(header("traceparent"), header("tracestate"));
            (declaration, api.serve(&Received { root, peer, id, trace }).await)
        }
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/xml;charset=UTF-8"));
    if matches!(outcome, Err(EmCode::Busy)) {
        response.insert_header((RETRY_AFTER, RETRY_SECONDS));
    }
    response.body(outcome.unwrap_or_else(|code| answer::failure(code, declaration)))
}

/// Has the log say that something was refused which is neither a login nor a logout.
fn logged(code: EmCode) -> EmCode {
    tracing::info!(em.code = code.number(), "refused at the application API");
    code
}

/// Takes the document out of its form and reads it; bytes that are not what the header says are no document.
fn read(query: &[u8], body: &[u8], content_type: &str) -> Result<Element, EmCode> {
    let document = match (form::document(query)?, form::document(body)?) {
        (Some(document), None) | (None, Some(document)) => document,
        (None, None) | (Some(_), Some(_)) => return Err(EmCode::Parse),
    };
    if wellformed::charset(content_type).is_some_and(|charset| !wellformed::agrees(charset, &document)) {
        return Err(EmCode::Parse);
    }
    read_document(&document).map_err(|error| {
        tracing::info!(%error, "a document at the application API cannot be read");
        EmCode::Parse
    })
}
