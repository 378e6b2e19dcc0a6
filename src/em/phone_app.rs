//! The page behind the Extension Mobility button of a phone: `GET /emapp/EMAppServlet`.
//!
//! Order of the checks (design.md): what cannot be read 1, 207, 215, 202, then the node 208 and the phone 11, 22, 251, its source 30 and
//! 28, limiter and permits 26, 201, then what depends on the user: 41, 27, 18, 25, 205. Query strings hold PINs and appear in no log,
//! error or event (PHONE-4). The HTTP layer has judged the Host header before. Nothing is kept between the requests of a conversation,
//! so that each may reach another node.

mod leaving;
mod request;
mod screens;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, guard, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::request::{PhoneRequest, Unreadable, Wish, parse};
use self::screens::{Choice, Screens};
use super::audit::Attempt;
use super::conditions::{Conditions, PhoneState};
use super::credential::code_of;
use super::error::{Doing, EmCode};
use super::outcome::LoginOutcome;
use super::screen::Screen;
use super::service::{Authority, Em, LoginAttempt};
use super::visit::{self, PhonePage, Refusal, Visit};
use crate::auth::proof::{Refused, Verified};
use crate::auth::ticket::Place;
use crate::auth::{Principal, Source};
use crate::domain::event::{Actor, ActorKind, AuthType, Cause, LoginMethod, Via};
use crate::domain::login::OccupantRule;
use crate::domain::names::fold;
use crate::store::accounts::Holder;
use crate::store::names::Named;
use crate::store::objects::Selector;
use crate::store::users;

/// Path of the page.
pub const PATH: &str = "/emapp/EMAppServlet";

/// Hangs the page into a server.
pub fn routes(config: &mut web::ServiceConfig, page: PhonePage) {
    let route = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
    config.app_data(web::Data::new(page)).route(PATH, route.to(answer));
}

async fn answer(request: HttpRequest, page: web::Data<PhonePage>) -> HttpResponse {
    let visit = Visit::of(&request, &page);
    let pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let attempt = attempt(&visit, &page.em, &pairs);
    attempt.look_at();
    let asked = match parse(pairs) {
        Ok(asked) => asked,
        Err(Unreadable { code, page: again }) => {
            let refusal = visit.refusal(code, attempt.doing, None);
            let screen = match &again {
                Some((phone, login_type)) => Screens::of(&visit, phone, *login_type).refused(&refusal),
                None => refusal.screen(&visit.language, None),
            };
            page.em.rejected(attempt, code);
            return visit.respond(&screen, None);
        }
    };
    let PhoneRequest { phone, login_type, wish } = asked;
    // what only asks for the head of an answer changes nothing
    let wish = if request.method() == Method::HEAD { Wish::Open } else { wish };
    let screens = Screens::of(&visit, &phone, login_type);
    let conversation = Conversation { em: &page.em, visit: &visit, screens: &screens };
    match conversation.conditions().await {
        Ok(conditions) if !conditions.parameters.has_pages => visit::not_activated(),
        Ok(conditions) => {
            let screen = conversation.answer(&conditions, wish, attempt).await;
            visit.respond(&screen, Some(&phone))
        }
        Err(code) => visit.respond(&conversation.refused(code, attempt, None), Some(&phone)),
    }
}

/// What was sent, as far as it can be read, from somebody who has proved nothing yet.
fn attempt(visit: &Visit, em: &Em, pairs: &[(String, String)]) -> Attempt {
    let sent = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let address = visit.route.address.map(|a| a.to_string());
    let actor = Actor { kind: ActorKind::User, id: None, address, via: Via::Phone };
    let id = visit.request.unwrap_or_else(|| em.new_id());
    let by_user_id = !sent("loginType").is_some_and(|kind| ["DN", "SP"].contains(&kind));
    Attempt {
        doing: if sent("doLogout") == Some("true") { Doing::Logout } else { Doing::Login },
        phone: sent("device").map(Selector::name),
        user: sent("userid").filter(|_| by_user_id).map(|id| id.trim().to_owned()),
        cause: Cause { actor, auth_type: AuthType::Anonymous, ..Cause::by_system(id, Via::Phone) }
            .traced(&visit.trace),
    }
}

/// One request of a conversation.
struct Conversation<'c> {
    em: &'c Em,
    visit: &'c Visit,
    screens: &'c Screens<'c>,
}

impl Conversation<'_> {
    async fn conditions(&self) -> Result<Conditions, EmCode> {
        self.em.conditions_with_people(self.screens.phone.as_str()).await
    }

    async fn answer(&self, conditions: &Conditions, wish: Wish, mut attempt: Attempt) -> Screen {
        let asks_for_time = matches!(wish, Wish::Extend(_));
        let cause = &mut attempt.cause;
        let outcome = match wish {
            Wish::Open => self.open(conditions).await,
            Wish::Notice => self.notice(conditions).await,
            Wish::Extend(end) => self.extend(conditions, end, cause.clone()).await,
            Wish::LogOut => self.log_out(conditions, cause.clone()).await,
            Wish::LogIn { typed, pin } => self.log_in(conditions, &typed, &pin, cause).await,
            Wish::Choose { ticket, profile, shown } => {
                self.choose(conditions, &ticket, profile.as_deref(), shown, cause).await
            }
        };
        match outcome {
            Ok(screen) => screen,
            // neither a login nor a logout was refused, so that none is told
            Err(code) if asks_for_time => {
                tracing::info!(em.code = code.number(), phone.name = %self.screens.phone, "more time refused");
                self.refusal(code, &Attempt { doing: Doing::Logout, ..attempt }, Some(conditions))
            }
            Err(code) => self.refused(code, attempt, Some(conditions)),
        }
    }

    fn refused(&self, code: EmCode, attempt: Attempt, conditions: Option<&Conditions>) -> Screen {
        let screen = self.refusal(code, &attempt, conditions);
        self.em.rejected(attempt, code);
        screen
    }

    fn refusal(&self, code: EmCode, attempt: &Attempt, conditions: Option<&Conditions>) -> Screen {
        let as_207 = conditions.is_some_and(|c| c.parameters.connection_error_is_207);
        let shown = if as_207 && code == EmCode::ServiceConnection { EmCode::DeviceNameEmpty } else { code };
        let user_id = attempt.cause.auth_id.as_deref().or(attempt.user.as_deref());
        let refusal = self.visit.refusal(code, attempt.doing, user_id);
        self.screens.refused(&Refusal { number: shown.number(), ..refusal })
    }

    /// The phone, if somebody may log in there from here.
    async fn phone_to_log_in<'p>(&self, conditions: &'p Conditions) -> Result<&'p PhoneState, EmCode> {
        Em::check_is_active(conditions)?;
        let phone = conditions.phone.as_ref().ok_or(EmCode::PhoneAbsent)?;
        if !phone.em_enabled {
            return Err(EmCode::LoginDisabled);
        }
        if phone.is_protected {
            return Err(EmCode::PhoneProtected);
        }
        self.em.trust(conditions, self.visit.route).await?;
        Ok(phone)
    }

    async fn open(&self, conditions: &Conditions) -> Result<Screen, EmCode> {
        let occupant = conditions.phone.as_ref().and_then(|phone| phone.occupant.as_ref());
        if let Some((user_id, _)) = occupant {
            return self.question(conditions, user_id).await;
        }
        let phone = self.phone_to_log_in(conditions).await?;
        let parameters = &conditions.parameters;
        let remembers = parameters.remember_last_user && self.screens.login_type == LoginMethod::UserId;
        let last_user = phone.last_user.clone().filter(|_| remembers);
        Ok(self.screens.form(parameters.letters, last_user))
    }

    async fn log_in(
        &self,
        conditions: &Conditions,
        typed: &str,
        pin: &Zeroizing<String>,
        cause: &mut Cause,
    ) -> Result<Screen, EmCode> {
        let phone = self.phone_to_log_in(conditions).await?;
        let _permit = self.em.permit(conditions).await?;
        let verified = self.verify(conditions, typed, pin).await?;
        let outcome = self.log_in_verified(conditions, phone, verified, self.screens.login_type, None, cause);
        outcome.await
    }

    /// Checks the PIN; whoever cannot exist is not told from who does not, and is charged to the source.
    async fn verify(
        &self,
        conditions: &Conditions,
        typed: &str,
        pin: &Zeroizing<String>,
    ) -> Result<Verified<Principal>, EmCode> {
        let verifier = self.em.verifier();
        let source = self.visit.source(self.screens.phone);
        let unreadable = || if verifier.charge(&source) { EmCode::Busy } else { EmCode::Authentication };
        let pin = pin.parse().map_err(|_| unreadable())?;
        let verified = match self.screens.login_type {
            LoginMethod::UserId | LoginMethod::Api => {
                let is_typable = conditions.parameters.letters || typed.bytes().all(|b| b.is_ascii_digit());
                let user = typed.parse().ok().filter(|_| is_typable).ok_or_else(unreadable)?;
                verifier.verify_pin(&user, &pin, &source).await
            }
            LoginMethod::SelfServiceId | LoginMethod::PrimaryExtension => {
                if verifier.is_limited(&source) {
                    return Err(EmCode::Busy);
                }
                let holder = self.find_person(typed, &source).await?;
                verifier.verify_pin_of(holder, &pin, &source).await
            }
        };
        verified.map_err(code_of)
    }

    /// Who is meant by an extension or a self-service id; an extension of several people means nobody (EM-040), and to be told so is
    /// charged to the source.
    async fn find_person(&self, typed: &str, source: &Source) -> Result<Holder, EmCode> {
        let (key, by_extension) = (fold(typed), self.screens.login_type == LoginMethod::PrimaryExtension);
        // a tab is in no user id
        let nobody = Holder::Nobody(format!("{}\t{key}", if by_extension { "DN" } else { "SP" }));
        if typed.contains(char::is_control) {
            return Ok(nobody);
        }
        let found = self.em.db().read(move |tx| match by_extension {
            true => users::with_primary_extension(tx, &key),
            false => users::with_self_service_id(tx, &key),
        });
        match found.await.map_err(|error| code_of(Refused::Store(error)))?.as_slice() {
            [] => Ok(nobody),
            [one] => Ok(Holder::Identity(*one)),
            [..] if self.em.verifier().charge(source) => Err(EmCode::Busy),
            [..] => Err(EmCode::ExtensionOfMany),
        }
    }

    async fn choose(
        &self,
        conditions: &Conditions,
        ticket: &str,
        profile: Option<&str>,
        shown: usize,
        cause: &mut Cause,
    ) -> Result<Screen, EmCode> {
        let phone = self.phone_to_log_in(conditions).await?;
        let profile = profile.map(profile_of_id).transpose()?;
        let _permit = self.em.permit(conditions).await?;
        let redeemed = self.em.tickets().redeem(ticket, place(phone)).await;
        let (verified, method) = redeemed.map_err(code_of)?;
        self.log_in_verified(conditions, phone, verified, method, Some((profile, shown)), cause).await
    }

    /// Logs in who has proved who it is, or lets them choose a profile; `chosen` is what was chosen, and how much of the menu was shown.
    async fn log_in_verified(
        &self,
        conditions: &Conditions,
        phone: &PhoneState,
        verified: Verified<Principal>,
        method: LoginMethod,
        chosen: Option<(Option<Uuid>, usize)>,
        cause: &mut Cause,
    ) -> Result<Screen, EmCode> {
        let ticket = self.em.tickets().issue(&verified, method, place(phone));
        let pin_ends_in = verified.ends_in();
        let (profile, shown) = chosen.unwrap_or_default();
        let name = verified.who().name.to_string();
        (cause.actor.id, cause.auth_type, cause.auth_id) =
            (Some(name.clone()), AuthType::AppUser, Some(name));
        let attempt = LoginAttempt {
            phone: Named::Known(phone.pk),
            authority: Authority::Person(verified, method),
            profile: profile.map(Selector::Uuid),
            duration: None,
            occupant: OccupantRule::Keep,
            cause: cause.clone(),
        };
        match self.em.login(attempt).await {
            Ok(LoginOutcome::LoggedIn { clear_call_log, .. }) => {
                self.em.note_address(conditions, self.visit.route).await;
                Ok(self.screens.logged_in(clear_call_log, pin_ends_in))
            }
            Ok(LoginOutcome::Unchanged { .. }) => Ok(self.screens.logged_in(false, pin_ends_in)),
            Ok(LoginOutcome::ChooseProfile(profiles)) => {
                let choice = |(name, uuid): (String, Uuid)| Choice { name, id: id_of_profile(uuid) };
                let choices: Vec<Choice> = profiles.into_iter().map(choice).collect();
                Ok(self.screens.menu(&choices, shown, &ticket))
            }
            Err(EmCode::UserAbsent) => Err(EmCode::Authentication),
            Err(code) => Err(code),
        }
    }
}

fn place(phone: &PhoneState) -> Place<'_> {
    Place { phone: &phone.name, last_session: phone.last_session }
}

fn id_of_profile(uuid: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(uuid.as_bytes())
}

fn profile_of_id(id: &str) -> Result<Uuid, EmCode> {
    let bytes = URL_SAFE_NO_PAD.decode(id).map_err(|_| EmCode::ProfileNotFound)?;
    Uuid::from_slice(&bytes).map_err(|_| EmCode::ProfileNotFound)
}
