//! What a program asks, out of its document (extension-mobility.md 3).
//!
//! Lenient as clients need it: elements may stand in any order, unknown ones are skipped, blanks around texts do not count. An element
//! that comes twice where one is meant is refused, never merged (XML-6), and so is a document that asks for two things at once.

use std::net::IpAddr;

use super::percent::readings;
use super::reach::Reach;
use crate::domain::event::Cause;
use crate::domain::login_limit::LoginLimit;
use crate::domain::secret::Password;
use crate::em::audit::Attempt;
use crate::em::error::{Doing, EmCode};
use crate::em::trust::Route;
use crate::soap::tree::Element;
use crate::store::objects::Selector;

/// Names that one query may ask for.
const MOST_NAMES: usize = 500;

/// The name under which other servers' own components ask; nobody can be that here.
const OWN_COMPONENT: &str = "CCMSysUser";

/// One request or query.
#[derive(Debug)]
pub(super) struct Document {
    /// Who asks.
    pub(super) app: App,
    /// What for.
    pub(super) task: Task,
}

/// Who says to be asking.
#[derive(Debug)]
pub(super) struct App {
    /// Name of an application user, or of an end user who acts alone.
    pub(super) id: String,
    /// What is to prove it; none where it cannot be the password of anybody.
    pub(super) password: Option<Password>,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Task {
    /// Changes something.
    Request(Request, ClaimedRoute),
    /// Asks something.
    Query(Query),
}

/// A change.
#[derive(Debug)]
pub(super) enum Request {
    /// Log a user in.
    Login(Login),
    /// End the session on a phone, which is named.
    Logout(String),
    /// End all sessions.
    LogoutAll,
}

/// A login.
#[derive(Debug)]
pub(super) struct Login {
    /// The phone.
    pub(super) phone: String,
    /// The person.
    pub(super) user: String,
    /// The profile, if one is named.
    pub(super) profile: Option<String>,
    /// How long at most, as far as the program says.
    pub(super) duration: Option<LoginLimit>,
}

/// How a request came to the program, as the program says.
#[derive(Debug, Default)]
pub(super) struct ClaimedRoute {
    /// The address it came from, when the program says one; none inside: it is no address.
    address: Option<Option<IpAddr>>,
    /// Whether it came through a proxy.
    is_proxied: bool,
}

/// A question about names, in the order of the answer.
#[derive(Debug)]
pub(super) enum Query {
    /// Who is on these phones?
    UsersOfPhones(Vec<String>),
    /// On which phones are these users?
    PhonesOfUsers(Vec<String>),
    /// Are these users of this cluster?
    Users(Vec<String>),
    /// Which profiles have these users?
    ProfilesOfUsers(Vec<String>),
}

impl Document {
    /// Reads a document by its root.
    pub(super) fn read(root: &Element) -> Result<Self, EmCode> {
        let app = App::read(only(root, "appInfo")?.ok_or(EmCode::Parse)?)?;
        let task = match root.name.as_str() {
            "request" => read_request(root)?,
            "query" => Task::Query(Query::read(root)?),
            _ => return Err(EmCode::Parse),
        };
        Ok(Self { app, task })
    }
}

impl Request {
    /// The phone on which something is to change.
    pub(super) fn phone(&self) -> Option<&str> {
        match self {
            Self::Login(login) => Some(&login.phone),
            Self::Logout(phone) => Some(phone),
            Self::LogoutAll => None,
        }
    }

    /// The same for the audit, which asks whether there is such a user.
    pub(super) fn attempt(&self, cause: Cause) -> Attempt {
        let (doing, user) = match self {
            Self::Login(login) => (Doing::Login, readings(&login.user).last()),
            Self::Logout(_) | Self::LogoutAll => (Doing::Logout, None),
        };
        Attempt { doing, phone: self.phone().map(Selector::name), user, cause }
    }
}

impl App {
    fn read(element: &Element) -> Result<Self, EmCode> {
        let id = text(element, "appID")?.ok_or(EmCode::Parse)?.to_owned();
        match (text(element, "appCertificate")?, only(element, "appEncryptedCertificate")?) {
            (Some(password), None) => {
                let password = password.parse().ok().filter(|_| !id.eq_ignore_ascii_case(OWN_COMPONENT));
                Ok(Self { id, password })
            }
            (None, Some(_)) => Ok(Self { id, password: None }),
            (Some(_), Some(_)) | (None, None) => Err(EmCode::Parse),
        }
    }
}

fn read_request(root: &Element) -> Result<Task, EmCode> {
    let element = one_of(root, &["login", "logout", "logoutAll"], EmCode::Parse)?;
    let request = match element.name.as_str() {
        "login" => Request::Login(Login::read(element)?),
        "logout" => Request::Logout(text(element, "deviceName")?.ok_or(EmCode::Parse)?.to_owned()),
        _ => Request::LogoutAll,
    };
    Ok(Task::Request(request, ClaimedRoute::read(element)?))
}

impl Login {
    fn read(element: &Element) -> Result<Self, EmCode> {
        let named = |name| text(element, name);
        Ok(Self {
            phone: named("deviceName")?.ok_or(EmCode::Parse)?.to_owned(),
            user: named("userID")?.ok_or(EmCode::Parse)?.to_owned(),
            profile: named("deviceProfile")?.filter(|name| !name.is_empty()).map(str::to_owned),
            duration: only(element, "exclusiveDuration")?.map(duration).transpose()?.flatten(),
        })
    }
}

/// Minutes; 0 and `indefinite` are no limit of the request's own.
fn duration(element: &Element) -> Result<Option<LoginLimit>, EmCode> {
    match (text(element, "time")?, only(element, "indefinite")?) {
        (Some(minutes), None) => {
            let digits = minutes.bytes().all(|byte| byte.is_ascii_digit());
            let minutes = minutes.parse().ok().filter(|_| digits).ok_or(EmCode::Parse)?;
            Ok(LoginLimit::from_minutes(minutes))
        }
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(EmCode::Parse),
    }
}

impl ClaimedRoute {
    fn read(element: &Element) -> Result<Self, EmCode> {
        let address = text(element, "remoteIPAddr")?.filter(|text| !text.is_empty());
        let is_proxied = match text(element, "isViaHeaderSet")? {
            None | Some("") => false,
            Some(flag) if flag.eq_ignore_ascii_case("false") => false,
            Some(flag) if flag.eq_ignore_ascii_case("true") => true,
            Some(_) => return Err(EmCode::Parse),
        };
        Ok(Self { address: address.map(|text| text.parse().ok()), is_proxied })
    }

    /// The way that counts: from where the program says, where it may act for anybody, else from where its connection comes; through a
    /// proxy where either of them says so.
    pub(super) fn route(&self, reach: &Reach, peer: Route) -> Route {
        let claimed = self.address.filter(|_| *reach == Reach::Anybody);
        let is_proxied = peer.is_proxied || self.is_proxied;
        Route { address: claimed.unwrap_or(peer.address), is_proxied, ..peer }
    }
}

impl Query {
    /// The guide names the query for profiles in two ways.
    fn read(root: &Element) -> Result<Self, EmCode> {
        let known = [
            "deviceUserQuery",
            "userDevicesQuery",
            "checkUser",
            "deviceProfileQuery",
            "userDeviceProfileQuery",
        ];
        let element = one_of(root, &known, EmCode::QueryType)?;
        Ok(match element.name.as_str() {
            "deviceUserQuery" => Self::UsersOfPhones(names(element, "deviceName")?),
            "userDevicesQuery" => Self::PhonesOfUsers(names(element, "userID")?),
            "checkUser" => Self::Users(names(element, "userID")?),
            _ => Self::ProfilesOfUsers(names(element, "userID")?),
        })
    }

    /// The users it asks about; none where it asks about phones.
    pub(super) fn users(&self) -> Option<&[String]> {
        match self {
            Self::UsersOfPhones(_) => None,
            Self::PhonesOfUsers(users) | Self::Users(users) | Self::ProfilesOfUsers(users) => Some(users),
        }
    }
}

/// The one child with one of these names; `missing` where there is none.
fn one_of<'e>(element: &'e Element, known: &[&str], missing: EmCode) -> Result<&'e Element, EmCode> {
    let mut found = element.children.iter().filter(|child| known.contains(&child.name.as_str()));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(EmCode::Parse),
        (None, _) => Err(missing),
    }
}

fn only<'e>(element: &'e Element, name: &'e str) -> Result<Option<&'e Element>, EmCode> {
    let mut found = element.children_named(name);
    let one = found.next();
    if found.next().is_some() { Err(EmCode::Parse) } else { Ok(one) }
}

fn text<'e>(element: &'e Element, name: &'e str) -> Result<Option<&'e str>, EmCode> {
    Ok(only(element, name)?.map(|child| child.text.trim()))
}

fn names(element: &Element, name: &str) -> Result<Vec<String>, EmCode> {
    let names: Vec<String> = element.children_named(name).map(|child| child.text.trim().to_owned()).collect();
    if (1..=MOST_NAMES).contains(&names.len()) { Ok(names) } else { Err(EmCode::Parse) }
}
