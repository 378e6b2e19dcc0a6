//! The page on which a person changes a PIN: `GET /changecredential/ChangeCredentialServlet` (extension-mobility.md 10).
//!
//! Order of the checks: what cannot be read or is incomplete, node, phone and source, permit, limiter, present PIN, then what depends on
//! the person. The status is 200 whatever comes of it, except where the node has no pages; a reason stands in the one prompt. Query
//! strings hold PINs and appear in no log, error or event (PHONE-4).

use actix_web::{HttpRequest, HttpResponse, web};

use super::change::{self, PinChange};
use super::refusal::Refusal;
use super::request::{CredentialRequest, Typed, Wish, parse};
use crate::domain::ids::PhonePk;
use crate::domain::names::DeviceName;
use crate::em::conditions::Conditions;
use crate::em::error::EmCode;
use crate::em::screen::{InputItem, Screen, SoftKey, URL};
use crate::em::service::Em;
use crate::em::texts::Phrase;
use crate::em::visit::{PhonePage, Visit, not_activated};

/// Path of the page.
pub const PATH: &str = "/changecredential/ChangeCredentialServlet";

/// Hangs the page into a server that has the page of the phone service already.
pub fn routes(config: &mut web::ServiceConfig) {
    config.route(PATH, web::get().to(answer));
}

/// The address of the form under a base such as `http://gate:8080`, for a phone and for a person who is known there already, as far as
/// phones take an address so long.
pub fn address(base: &str, phone: &DeviceName, user_id: Option<&str>) -> String {
    with_user(format!("{base}{PATH}?device={phone}"), user_id).0
}

async fn answer(request: HttpRequest, page: web::Data<PhonePage>) -> HttpResponse {
    let visit = Visit::of(&request, &page);
    let pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let pairs = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let CredentialRequest { phone, wish } = match parse(pairs) {
        Ok(asked) => asked,
        Err(refusal) => return visit.respond(&refused(&visit, None, refusal), None),
    };
    let outcome = match page.em.conditions(Some(phone.as_str())).await {
        Ok(conditions) if !conditions.parameters.has_pages => return not_activated(),
        Ok(conditions) => serve(&page.em, &visit, &phone, &conditions, wish).await,
        Err(code) => Err(Refusal::Unavailable(code)),
    };
    let screen = outcome.unwrap_or_else(|refusal| refused(&visit, Some(&phone), refusal));
    visit.respond(&screen, Some(&phone))
}

async fn serve(
    em: &Em,
    visit: &Visit,
    phone: &DeviceName,
    conditions: &Conditions,
    wish: Wish,
) -> Result<Screen, Refusal> {
    let pk = admit(em, visit, conditions).await.map_err(Refusal::Unavailable)?;
    match wish {
        Wish::Open(user_id) => Ok(form(visit, phone, user_id.as_deref(), conditions.parameters.letters)),
        Wish::Change(Typed { user_id, old, new }) => {
            let _permit = em.permit(conditions).await.map_err(Refusal::Unavailable)?;
            let source = visit.source(phone);
            change::change(em, PinChange { phone: pk, source, user_id: &user_id, old: &old, new: &new })
                .await
                .map(|()| done(visit))
        }
    }
}

/// Judges the phone as the page of the phone service does, but for protected phones: nobody logs in there, and a PIN may be changed anywhere.
async fn admit(em: &Em, visit: &Visit, conditions: &Conditions) -> Result<PhonePk, EmCode> {
    Em::check_is_active(conditions)?;
    let state = conditions.phone.as_ref().ok_or(EmCode::PhoneAbsent)?;
    if !state.em_enabled {
        return Err(EmCode::LoginDisabled);
    }
    em.trust(conditions, visit.route).await?;
    Ok(state.pk)
}

fn text(visit: &Visit, phrase: Phrase) -> String {
    visit.language.phrase(phrase).to_owned()
}

fn key(visit: &Visit, phrase: Phrase, position: u8, url: &str) -> SoftKey {
    SoftKey { name: text(visit, phrase), position, url: url.to_owned() }
}

fn done(visit: &Visit) -> Screen {
    Screen::Text {
        title: text(visit, Phrase::ChangeCredential),
        prompt: text(visit, Phrase::PinChanged),
        keys: vec![key(visit, Phrase::Exit, 3, "SoftKey:Exit")],
        text: text(visit, Phrase::PinChangeSuccessful),
    }
}

/// The form; who is known already is not asked for.
fn form(visit: &Visit, phone: &DeviceName, user_id: Option<&str>, letters: bool) -> Screen {
    let item = |label, parameter, flags: &str| InputItem {
        display_name: text(visit, label),
        parameter,
        flags: flags.to_owned(),
        default_value: String::new(),
    };
    let (url, is_known) = with_user(format!("{}{PATH}?changePin=true&device={phone}", visit.base), user_id);
    let pins =
        [(Phrase::CurrentPin, "oldpin"), (Phrase::NewPin, "newpin"), (Phrase::ConfirmPin, "confirmnewpin")];
    let user = (!is_known)
        .then(|| item(Phrase::UserId, "userid", if letters { visit.language.letters() } else { "N" }));
    let pins = pins.map(|(label, parameter)| item(label, parameter, "NP"));
    Screen::Input {
        title: text(visit, Phrase::ChangeCredential),
        prompt: text(visit, Phrase::EnterPins),
        keys: vec![
            key(visit, Phrase::Change, 1, "SoftKey:Submit"),
            key(visit, Phrase::Exit, 3, "SoftKey:Exit"),
        ],
        url,
        items: user.into_iter().chain(pins).collect(),
    }
}

/// Adds the user id to an address where there is one and the address stays one that phones take; says whether it is in it.
fn with_user(url: String, user_id: Option<&str>) -> (String, bool) {
    let encoded = |id: &str| form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    let longer = user_id.map(|id| format!("{url}&userid={}", encoded(id)));
    match longer.filter(|longer| longer.len() <= URL) {
        Some(longer) => (longer, true),
        None => (url, false),
    }
}

fn refused(visit: &Visit, phone: Option<&DeviceName>, refusal: Refusal) -> Screen {
    tracing::info!(
        phone.name = phone.map_or("", DeviceName::as_str),
        reason = ?refusal,
        "a PIN is not changed at the phone"
    );
    let again = phone.map(|phone| key(visit, Phrase::Retry, 1, &address(&visit.base, phone, None)));
    Screen::Text {
        title: text(visit, Phrase::ChangeCredential),
        prompt: refusal.prompt(&visit.language),
        keys: again.into_iter().chain([key(visit, Phrase::Exit, 3, "SoftKey:Exit")]).collect(),
        text: refusal.explanation(&visit.language),
    }
}
