//! The page behind the Extension Mobility button of a phone: `GET /emapp/EMAppServlet`.
//!
//! Order of the checks (design.md): what cannot be read 1, 207, 215, 202, 11, 22, limiter 26, 201, then what depends on the user: 18, 25, 205. Query strings hold
//! PINs and appear in no log, error or event (PHONE-4). The HTTP layer has judged the Host header before.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, EXPIRES};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use zeroize::Zeroizing;

use super::audit::Attempt;
use super::error::{Doing, EmCode};
use super::outcome::{LoginOutcome, LogoutOutcome};
use super::phone_request::{PhoneRequest, Wish, parse};
use super::screen::{InputItem, Screen, SoftKey};
use super::service::{Authority, Em, LoginAttempt};
use crate::auth::Source;
use crate::auth::verify::Refused;
use crate::domain::event::{Actor, ActorKind, AuthType, Cause, LoginMethod, Via};
use crate::domain::login::OccupantRule;
use crate::domain::logout::LogoutOrigin;
use crate::domain::names::DeviceName;
use crate::store::objects::Selector;
use crate::telemetry::RequestId;

/// Path of the page.
pub const PATH: &str = "/emapp/EMAppServlet";
const TITLE: &str = "Extension Mobility";
/// A date in the past keeps the page out of the phone's history; some phones want a year after 1970.
const LONG_AGO: &str = "Sat, 01 Jan 2000 00:00:00 GMT";

/// What the page needs.
#[derive(Clone)]
pub struct PhonePage {
    /// The service.
    pub em: Em,
    /// `host:port` for addresses when the request names no host.
    pub default_authority: String,
}

/// Hangs the page into a server.
pub fn routes(config: &mut web::ServiceConfig, page: PhonePage) {
    config.app_data(web::Data::new(page)).route(PATH, web::get().to(answer));
}

/// Where addresses in screens lead: back here, in the scheme and under the name of the request.
struct Links {
    base: String,
    phone: DeviceName,
}

impl Links {
    fn page(&self) -> String {
        format!("{}{PATH}?device={}", self.base, self.phone)
    }
}

async fn answer(request: HttpRequest, page: web::Data<PhonePage>) -> HttpResponse {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map(web::Query::into_inner).map_err(|_| EmCode::Parse);
    let mut attempt = attempt(&request, &page.em, pairs.as_deref().unwrap_or_default());
    match pairs.and_then(parse) {
        Err(code) => {
            page.em.rejected(attempt, code);
            respond(&refused(code, Doing::Login, None), None)
        }
        Ok(PhoneRequest { phone, wish }) => {
            let links = Links { base: base(&request, &page), phone };
            let outcome = serve(&page.em, &links, wish, &mut attempt, request.peer_addr().map(|a| a.ip()));
            let screen = outcome.await.unwrap_or_else(|code| {
                tracing::info!(em.code = code.number(), phone.name = %links.phone, "refused at the phone");
                let screen = refused(code, attempt.doing, Some(&links));
                page.em.rejected(attempt, code);
                screen
            });
            respond(&screen, Some(&links.phone))
        }
    }
}

/// What was sent, as far as it can be read, from somebody who has proved nothing yet.
fn attempt(request: &HttpRequest, em: &Em, pairs: &[(String, String)]) -> Attempt {
    let sent = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let address = request.peer_addr().map(|a| a.ip().to_string());
    let actor = Actor { kind: ActorKind::User, id: None, address, via: Via::Phone };
    let id = request.extensions().get::<RequestId>().map_or_else(|| em.new_id(), |id| id.0);
    Attempt {
        doing: Doing::Login,
        phone: sent("device").map(Selector::name),
        user: sent("userid").map(str::to_owned),
        cause: Cause { actor, auth_type: AuthType::Anonymous, ..Cause::by_system(id, Via::Phone) },
    }
}

/// Scheme and host of the request; forwarded headers count for nothing.
fn base(request: &HttpRequest, page: &PhonePage) -> String {
    let scheme = if request.app_config().secure() { "https" } else { "http" };
    let host = request.headers().get(actix_web::http::header::HOST).and_then(|h| h.to_str().ok());
    format!("{scheme}://{}", host.unwrap_or(&page.default_authority))
}

async fn serve(
    em: &Em,
    links: &Links,
    wish: Wish,
    attempt: &mut Attempt,
    address: Option<std::net::IpAddr>,
) -> Result<Screen, EmCode> {
    match wish {
        Wish::Open => open(em, links).await,
        Wish::LogOut => {
            attempt.doing = Doing::Logout;
            log_out(em, links, attempt.cause.clone()).await
        }
        Wish::LogIn { user_id, pin } => {
            let source = Source { address, phone: Some(links.phone.to_string()) };
            log_in(em, links, &user_id, &pin, source, &mut attempt.cause).await
        }
    }
}

async fn open(em: &Em, links: &Links) -> Result<Screen, EmCode> {
    let conditions = em.conditions(Some(links.phone.as_str())).await?;
    let state = conditions.phone.ok_or(EmCode::PhoneAbsent)?;
    if let Some((user_id, _)) = state.occupant {
        return Ok(confirmation(links, &user_id));
    }
    if !state.em_enabled {
        return Err(EmCode::LoginDisabled);
    }
    Ok(form(links, conditions.parameters.letters))
}

async fn log_in(
    em: &Em,
    links: &Links,
    user_id: &str,
    pin: &Zeroizing<String>,
    source: Source,
    cause: &mut Cause,
) -> Result<Screen, EmCode> {
    let state = em.conditions(Some(links.phone.as_str())).await?.phone.ok_or(EmCode::PhoneAbsent)?;
    if !state.em_enabled {
        return Err(EmCode::LoginDisabled);
    }
    let (Ok(user), Ok(pin)) = (user_id.trim().parse(), pin.parse()) else {
        return Err(if em.verifier().charge(&source) { EmCode::Busy } else { EmCode::Authentication });
    };
    let verified = em.verifier().verify_pin(&user, &pin, &source).await.map_err(|refused| match refused {
        Refused::Wrong => EmCode::Authentication,
        Refused::Limited | Refused::Busy => EmCode::Busy,
        Refused::Store(error) => {
            tracing::error!(error = %error, "database does not answer a PIN check");
            EmCode::Database
        }
    })?;
    let name = verified.who().name.to_string();
    (cause.actor.id, cause.auth_type, cause.auth_id) = (Some(name.clone()), AuthType::AppUser, Some(name));
    let attempt = LoginAttempt {
        phone: Selector::name(links.phone.as_str()),
        authority: Authority::Person(verified, LoginMethod::UserId),
        profile: None,
        duration: None,
        occupant: OccupantRule::Keep,
        cause: cause.clone(),
    };
    match em.login(attempt).await {
        Ok(LoginOutcome::LoggedIn { clear_call_log, .. }) => Ok(done("Login successful", clear_call_log)),
        Ok(LoginOutcome::Unchanged { .. }) => Ok(done("Login successful", false)),
        // Until the menu of profiles exists.
        Ok(LoginOutcome::ChooseProfile(_)) => Err(EmCode::ProfileNotFound),
        Err(EmCode::UserAbsent) => Err(EmCode::Authentication),
        Err(code) => Err(code),
    }
}

/// No credential is asked: whoever stands at the phone may end the session on it.
async fn log_out(em: &Em, links: &Links, cause: Cause) -> Result<Screen, EmCode> {
    match em.logout(Selector::name(links.phone.as_str()), LogoutOrigin::Phone, cause).await? {
        LogoutOutcome::LoggedOut { clear_call_log, .. } => Ok(done("Logout successful", clear_call_log)),
        LogoutOutcome::NobodyLoggedIn => Ok(done("Logout successful", false)),
    }
}

fn key(name: &str, position: u8, url: &str) -> SoftKey {
    SoftKey { name: name.to_owned(), position, url: url.to_owned() }
}

fn form(links: &Links, letters: bool) -> Screen {
    let item = |display_name: &str, parameter, flags| InputItem {
        display_name: display_name.to_owned(),
        parameter,
        flags,
        default_value: String::new(),
    };
    Screen::Input {
        title: TITLE.to_owned(),
        prompt: "Enter user ID and PIN".to_owned(),
        keys: vec![
            key("Submit", 1, "SoftKey:Submit"),
            key("<<", 2, "SoftKey:<<"),
            key("Exit", 3, "SoftKey:Exit"),
        ],
        url: links.page(),
        items: vec![item("User ID", "userid", if letters { "L" } else { "N" }), item("PIN", "seq", "NP")],
    }
}

fn confirmation(links: &Links, user_id: &str) -> Screen {
    Screen::Text {
        title: TITLE.to_owned(),
        prompt: "Log out?".to_owned(),
        keys: vec![key("Yes", 1, &format!("{}&doLogout=true", links.page())), key("No", 2, "SoftKey:Exit")],
        text: format!("{user_id} is logged in on this phone."),
    }
}

fn done(what: &str, clear_call_log: bool) -> Screen {
    if clear_call_log {
        return Screen::Execute(vec!["Init:CallHistory", "Init:Services"]);
    }
    Screen::Text {
        title: TITLE.to_owned(),
        prompt: what.to_owned(),
        keys: vec![key("Exit", 3, "SoftKey:Exit")],
        text: "The phone restarts.".to_owned(),
    }
}

fn refused(code: EmCode, doing: Doing, links: Option<&Links>) -> Screen {
    let entry = code.entry();
    let again = links.filter(|_| doing == Doing::Login).map(|links| key("Retry", 1, &links.page()));
    Screen::Text {
        title: TITLE.to_owned(),
        prompt: code.phone_text(doing),
        keys: again.into_iter().chain([key("Exit", 3, "SoftKey:Exit")]).collect(),
        text: format!("Error {} {}. {}", entry.number, entry.title, entry.advice),
    }
}

/// A screen that cannot be written is a mistake of ours or a host name too long for phones: the log says which.
fn respond(screen: &Screen, phone: Option<&DeviceName>) -> HttpResponse {
    let fallback = || refused(EmCode::Unknown, Doing::Login, None).to_xml().unwrap_or_default();
    let body = screen.to_xml().unwrap_or_else(|error| {
        let phone = phone.map_or("", DeviceName::as_str);
        tracing::error!(%error, phone.name = phone, "a phone gets an error in place of its screen: {error}");
        fallback()
    });
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/xml; charset=utf-8"))
        .insert_header((EXPIRES, LONG_AGO))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_screen_that_cannot_be_written_is_logged_with_its_phone() {
        let lines = Lines::default();
        let kept = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || kept.clone()).finish();
        let links =
            Links { base: format!("http://{}", "x".repeat(300)), phone: "SEP001122334455".parse().unwrap() };
        let answer = tracing::subscriber::with_default(subscriber, || {
            respond(&form(&links, true), Some(&links.phone))
        });
        assert_eq!(answer.status(), 200);
        let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("SEP001122334455") && log.contains("url is longer"), "{log}");
    }
}
