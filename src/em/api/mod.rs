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
mod request;

use actix_web::http::header::{CONTENT_TYPE, VIA};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use self::answer::Declaration;
use self::document::{Document, Task};
use super::error::EmCode;
use super::service::Em;
use super::trust::Route;
use crate::soap::envelope::read_document;
use crate::soap::tree::Element;
use crate::soap::wellformed;
use crate::store::gathered::Gathered;
use crate::store::presence::{self, Person, PhonePresence};
use crate::telemetry::RequestId;

/// Path of the service.
pub const PATH: &str = "/emservice/EMServiceServlet";

/// The application API of this node.
#[derive(Clone)]
pub struct Api {
    em: Em,
    phones: Gathered<Vec<String>, Vec<PhonePresence>>,
    people: Gathered<Vec<String>, Vec<Person>>,
}

impl Api {
    /// Makes it.
    pub fn new(em: Em) -> Self {
        let phones = Gathered::start(em.db(), presence::phones);
        let people = Gathered::start(em.db(), presence::people);
        Self { em, phones, people }
    }

    async fn serve(&self, root: &Element, peer: Route, id: uuid::Uuid) -> Result<Vec<u8>, EmCode> {
        let Document { app, task } = Document::read(root)?;
        let conditions = self.em.conditions(task.phone()).await?;
        if conditions.parameters.strict_documents && !grammar::allows(root) {
            return Err(EmCode::Parse);
        }
        Em::check_is_active(&conditions)?;
        match task {
            Task::Request(request, via) => {
                let _until_answered = self.em.permit(&conditions).await?;
                let (caller, reach) = caller::prove(&self.em, &app, peer.address, id).await?;
                request::check_reach(&request, &reach)?;
                self.em.trust(&conditions, via.route(&reach, peer)).await?;
                request::carry_out(&self.em, request, &conditions, &caller, &reach).await?;
                Ok(answer::success())
            }
            Task::Query(query) => {
                let (_, reach) = caller::prove(&self.em, &app, peer.address, id).await?;
                query::look_up(self, query, &reach).await
            }
        }
    }
}

/// Hangs the service into a server.
pub fn routes(config: &mut web::ServiceConfig, api: Api) {
    config.app_data(web::Data::new(api)).route(PATH, web::post().to(serve)).route(PATH, web::get().to(serve));
}

async fn serve(request: HttpRequest, body: web::Bytes, api: web::Data<Api>) -> HttpResponse {
    let form = if body.is_empty() { request.query_string().as_bytes() } else { &body };
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let (declaration, outcome) = match read(form, content_type.unwrap_or_default()) {
        Err(code) => (Declaration::Yes, Err(code)),
        Ok(root) => {
            let declaration = if root.name == "query" { Declaration::No } else { Declaration::Yes };
            let is_proxied = request.headers().contains_key(VIA);
            let peer = Route { address: request.peer_addr().map(|address| address.ip()), is_proxied };
            let id = request.extensions().get::<RequestId>().map(|id| id.0);
            (declaration, api.serve(&root, peer, id.unwrap_or_else(|| api.em.new_id())).await)
        }
    };
    let document = outcome.unwrap_or_else(|code| {
        tracing::info!(em.code = code.number(), "refused at the application API");
        answer::failure(code, declaration)
    });
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/xml;charset=UTF-8")).body(document)
}

/// Takes the document out of its form and reads it; bytes that are not what the header says are no document.
fn read(form: &[u8], content_type: &str) -> Result<Element, EmCode> {
    let document = form::document(form)?;
    if wellformed::charset(content_type).is_some_and(|charset| !wellformed::agrees(charset, &document)) {
        return Err(EmCode::Parse);
    }
    read_document(&document).map_err(|error| {
        tracing::info!(%error, "a document at the application API cannot be read");
        EmCode::Parse
    })
}
