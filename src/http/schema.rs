//! What the SOAP door shows besides SOAP: the banner for good credentials, and the schema files for everybody (axl.md 2).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::auth::{Actor, OperationKind, basic, page};
use crate::soap::wsdl;

/// Versions under whose name the files are served, oldest first.
const VERSIONS: [&str; 5] = ["11.5", "12.0", "12.5", "14.0", "15.0"];

/// Hangs in the banner and the schema files.
pub(super) fn mount(config: &mut web::ServiceConfig) {
    config.route("/axl/", web::get().to(root)).route("/axl/{file:.+}", web::get().to(file));
}

/// The banner where somebody signed in, the description where `?wsdl` was asked for; the gate told them apart.
async fn root(request: HttpRequest, actor: Option<web::ReqData<Actor>>) -> HttpResponse {
    match actor {
        None => xml(wsdl::description(wsdl::NEWEST_VERSION, &address(&request))),
        Some(actor) if actor.may(OperationKind::AxlBanner) => {
            HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page::banner())
        }
        Some(_) => basic::forbidden(),
    }
}

/// `AXLAPI.wsdl` or a schema file, in the newest version or in the one that the path begins with.
async fn file(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let (version, name) = match path.split_once('/') {
        Some((version, name)) if VERSIONS.contains(&version) => (version, name),
        _ => (wsdl::NEWEST_VERSION, path.as_str()),
    };
    let text = if name.eq_ignore_ascii_case("AXLAPI.wsdl") {
        Some(wsdl::description(version, &address(&request)))
    } else {
        wsdl::schema_file(name, version)
    };
    text.map_or_else(
        || HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("not found\n"),
        xml,
    )
}

/// Where the service is, by the name the client used; the gate admits our names only (PHONE-3).
fn address(request: &HttpRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("localhost:8443");
    format!("https://{host}/axl/")
}

fn xml(text: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/xml; charset=utf-8").body(text)
}
