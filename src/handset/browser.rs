//! What a phone does with objects: fetches them, submits forms, follows menus and soft keys, executes what it is told to.
//!
//! Forms are submitted by GET. Nothing is kept of the pages before, so that *Back* and *Cancel* leave the service like *Exit*. Typed
//! PINs are in the memory of the phone and in the request that submits them, nowhere else.

use std::time::{Duration, Instant};

use serde::Serialize;
use url::Url;
use url::form_urlencoded::Serializer;

use super::client::{Answer, Client};
use super::cookies::Cookies;
use super::model::{Keys, Model};
use super::object::{Content, ExecuteItem, MOST_FETCHED, Object, SoftKey, is_address, read};
use super::trouble::Trouble;

/// Redirects, and executes that lead to further executes, until a phone gives up.
const MOST_HOPS: u8 = 5;

/// What a phone shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Display {
    /// Its own menu of services; no service runs.
    Services,
    /// An object.
    Object(Object),
    /// That something went wrong.
    Trouble(Trouble),
}

/// What came of one thing that a phone was told to do, by its number in the answers of phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Success = 0,
    /// It is nothing that this phone can do.
    Invalid = 1,
    /// It was tried.
    Failed = 6,
}

/// What a phone fetches without anybody's doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// After how long.
    pub after: Duration,
    /// From where.
    pub url: Url,
}

/// An object and where it came from.
struct Fetched {
    url: Url,
    refresh: Option<Refresh>,
    object: Object,
}

/// Which phone it is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name, such as `SEP001122334455`.
    pub device: String,
    /// Its model.
    pub model: &'static Model,
    /// The language of its user, such as `en_US` or `zh_CN`.
    pub language: String,
}

/// A phone.
pub struct Handset {
    identity: Identity,
    client: Client,
    cookies: Cookies,
    display: Display,
    /// What stands in the fields of the form that is shown.
    typed: Vec<String>,
    /// The entry of the menu that is marked.
    marked: usize,
    /// Where what is shown came from.
    address: Option<Url>,
    refresh: Option<Refresh>,
    /// What is fetched once the phone is idle.
    waiting: Option<String>,
    /// Numbers called; `Init:CallHistory` clears them.
    pub call_log: Vec<String>,
}

impl Handset {
    /// A phone that shows its menu of services.
    pub fn new(identity: Identity, client: Client) -> Self {
        Self {
            identity,
            client,
            cookies: Cookies::default(),
            display: Display::Services,
            typed: Vec::new(),
            marked: 0,
            address: None,
            refresh: None,
            waiting: None,
            call_log: Vec::new(),
        }
    }

    /// Which phone it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What it shows.
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// The object that it shows.
    pub fn object(&self) -> Option<&Object> {
        match &self.display {
            Display::Object(object) => Some(object),
            Display::Services | Display::Trouble(_) => None,
        }
    }

    /// What stands in the fields of the form, in their order.
    pub fn typed(&self) -> &[String] {
        &self.typed
    }

    /// What it fetches by itself when it is left alone.
    pub fn refresh(&self) -> Option<&Refresh> {
        self.refresh.as_ref()
    }

    /// Opens a service by its address, with `#DEVICENAME#` and `#EMCC#` in it.
    pub fn open(&mut self, service: &str) {
        let Identity { device, model, .. } = &self.identity;
        let address = service.replace("#DEVICENAME#", device).replace("#EMCC#", model.emcc);
        self.go(&address);
    }

    /// The soft keys: those of the object, or the phone's own.
    pub fn keys(&self) -> Vec<SoftKey> {
        let Some(object) = self.object() else { return Vec::new() };
        if !object.keys.is_empty() {
            return object.keys.clone();
        }
        let first: &[&str] = match object.content {
            Content::Input { .. } => &["Submit", "<<"],
            Content::Menu { .. } => &["Select", "Update"],
            Content::Text { .. } | Content::Execute { .. } => &["Update"],
        };
        let names: Vec<&str> = match self.identity.model.keys {
            Keys::ExitLast => first.iter().copied().chain(["Exit"]).collect(),
            Keys::ExitFirst => ["Exit"].into_iter().chain(first.iter().copied()).collect(),
        };
        let key = |(name, position): (&str, u8)| SoftKey {
            name: name.to_owned(),
            position,
            url: format!("SoftKey:{name}"),
        };
        names.into_iter().zip(1..).map(key).collect()
    }

    /// Presses the soft key at a place; false: there is none.
    pub fn press(&mut self, position: u8) -> bool {
        let key = self.keys().into_iter().find(|key| key.position == position);
        key.inspect(|key| self.press_url(&key.url)).is_some()
    }

    /// Presses the soft key that says this; false: there is none.
    pub fn press_named(&mut self, name: &str) -> bool {
        let key = self.keys().into_iter().find(|key| key.name == name);
        key.inspect(|key| self.press_url(&key.url)).is_some()
    }

    /// Types into a field of the form, in place of what stands there; false: there is no such field.
    pub fn fill(&mut self, field: usize, text: &str) -> bool {
        self.marked = field;
        let typed = self.typed.get_mut(field);
        typed.map(|typed| text.clone_into(typed)).is_some()
    }

    /// Chooses an entry of the menu, from 0; false: there is none.
    pub fn choose(&mut self, entry: usize) -> bool {
        let Some(Object { content: Content::Menu { items }, .. }) = self.object() else { return false };
        if entry >= items.len() {
            return false;
        }
        self.marked = entry;
        self.next_of_form(None);
        true
    }

    /// Sends the form off.
    pub fn submit(&mut self) {
        self.next_of_form(None);
    }

    /// Does what an execute says, item by item.
    pub fn execute(&mut self, items: &[ExecuteItem]) -> Vec<Done> {
        self.execute_within(items, MOST_HOPS)
    }

    /// Shows an object that was not asked for.
    pub fn show(&mut self, object: Object) {
        self.address = None;
        self.take(object, MOST_HOPS);
    }

    fn press_url(&mut self, url: &str) {
        match url.split_once(':') {
            Some(("SoftKey", "Submit" | "Select")) => self.next_of_form(None),
            Some(("SoftKey", "<<")) => {
                if let Some(typed) = self.typed.get_mut(self.marked) {
                    typed.pop();
                }
            }
            Some(("SoftKey", "Update" | "Next")) => self.update(),
            Some(("SoftKey", "Exit" | "Cancel" | "Back")) => self.leave(),
            Some(("SoftKey", _)) => {}
            Some(("QueryStringParam", parameter)) => self.next_of_form(Some(parameter)),
            Some(_) | None if is_address(url) => self.go(url),
            Some(_) | None => {
                self.execute(&[ExecuteItem { url: url.to_owned(), priority: 0 }]);
            }
        }
    }

    /// Submits the form, or fetches what the marked entry of the menu leads to.
    fn next_of_form(&mut self, parameter: Option<&str>) {
        let Some(object) = self.object() else { return };
        let mut query = Serializer::new(String::new());
        let mut address = match &object.content {
            Content::Input { url, items } => {
                query.extend_pairs(items.iter().map(|item| item.parameter.as_str()).zip(&self.typed));
                url.clone()
            }
            Content::Menu { items } => match items.get(self.marked) {
                Some(item) => item.url.clone(),
                None => return,
            },
            Content::Text { .. } | Content::Execute { .. } => return,
        };
        if let Some((name, value)) = parameter.and_then(|parameter| parameter.split_once('=')) {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if !query.is_empty() {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(&query);
        }
        if is_address(&address) || !address.contains(':') {
            self.go(&address);
        } else {
            self.press_url(&address);
        }
    }

    /// Fetches what a page says comes next, or else the page again.
    pub fn update(&mut self) {
        let next = self.refresh.take().map(|refresh| refresh.url).or_else(|| self.address.clone());
        if let Some(url) = next {
            self.visit(url, MOST_HOPS);
        }
    }

    fn leave(&mut self) {
        self.put(Display::Services);
        self.address = None;
        if let Some(url) = self.waiting.take() {
            self.go(&url);
        }
    }

    fn go(&mut self, address: &str) {
        self.go_within(address, MOST_HOPS);
    }

    fn go_within(&mut self, address: &str, hops: u8) {
        let url = match &self.address {
            Some(base) => base.join(address),
            None => Url::parse(address),
        };
        match url {
            Ok(url) => self.visit(url, hops),
            Err(e) => self.put(Display::Trouble(Trouble::host(e.to_string()))),
        }
    }

    fn visit(&mut self, url: Url, hops: u8) {
        match self.fetch(url, hops) {
            Ok(Fetched { url, refresh, object }) => {
                self.address = Some(url);
                self.take(object, hops);
                if matches!(self.display, Display::Object(_)) {
                    self.refresh = refresh;
                }
            }
            Err(trouble) => self.put(Display::Trouble(trouble)),
        }
    }

    /// Does what an object says, or shows it.
    fn take(&mut self, object: Object, hops: u8) {
        match &object.content {
            Content::Execute { items } => {
                self.execute_within(items, hops.saturating_sub(1));
            }
            Content::Text { .. } | Content::Input { .. } | Content::Menu { .. } => {
                self.put(Display::Object(object));
            }
        }
    }

    fn put(&mut self, display: Display) {
        self.typed = match &display {
            Display::Object(Object { content: Content::Input { items, .. }, .. }) => {
                items.iter().map(|item| item.value.clone()).collect()
            }
            Display::Services | Display::Object(_) | Display::Trouble(_) => Vec::new(),
        };
        (self.display, self.marked, self.refresh) = (display, 0, None);
    }

    fn fetch(&mut self, mut url: Url, hops: u8) -> Result<Fetched, Trouble> {
        for _ in 0..hops {
            let answer = self.get(&url)?;
            if (300..400).contains(&answer.status)
                && let Some(location) = answer.header("location")
            {
                url = url.join(location).map_err(|e| Trouble::host(e.to_string()))?;
                continue;
            }
            if answer.status != 200 {
                return Err(Trouble::status(answer.status, url.path()));
            }
            if answer.body.is_empty() {
                return Err(Trouble::empty());
            }
            let charset = answer.header("content-type").and_then(crate::soap::wellformed::charset);
            let object = read(&answer.body, charset, MOST_FETCHED)?;
            let refresh = answer.header("refresh").and_then(|header| refresh(header, &url));
            return Ok(Fetched { url, refresh, object });
        }
        Err(Trouble::no_answer(format!("{} leads on and on", url.path())))
    }

    fn get(&mut self, url: &Url) -> Result<Answer, Trouble> {
        let host = url.host_str().unwrap_or_default();
        let Identity { model, language, .. } = &self.identity;
        let cookie = self.cookies.header(host, Instant::now());
        let mut headers = vec![
            ("Accept", model.accept),
            ("Accept-Language", language.as_str()),
            ("Accept-Charset", model.charsets),
            ("x-CiscoIPPhoneModelName", model.announced),
            ("x-CiscoIPPhoneDisplay", model.display),
            ("x-CiscoIPPhoneSDKVersion", model.interface),
        ];
        headers.extend(cookie.as_deref().map(|cookie| ("Cookie", cookie)));
        let answer = self.client.get(url, &headers)?;
        for header in answer.headers("set-cookie") {
            self.cookies.set(host, header, Instant::now());
        }
        Ok(answer)
    }

    fn execute_within(&mut self, items: &[ExecuteItem], hops: u8) -> Vec<Done> {
        items.iter().map(|item| self.execute_one(item, hops)).collect()
    }

    fn execute_one(&mut self, item: &ExecuteItem, hops: u8) -> Done {
        match item.url.split_once(':') {
            Some(("Init", "CallHistory")) => self.call_log.clear(),
            Some(("Init", "Services" | "Directories" | "Messages")) => self.leave(),
            Some(("Init", "AppStatus")) => {}
            Some(("Key", "Services")) => self.leave(),
            Some(("Key", name)) if !name.is_empty() => {}
            Some(_) | None if is_address(&item.url) => return self.fetch_when(item, hops),
            Some(_) | None => return Done::Invalid,
        }
        Done::Success
    }

    /// Fetches an address at once, or when the phone is idle; one that comes only if it is idle is dropped else.
    fn fetch_when(&mut self, item: &ExecuteItem, hops: u8) -> Done {
        let is_idle = self.display == Display::Services;
        match item.priority {
            1 if !is_idle => self.waiting = Some(item.url.clone()),
            2 if !is_idle => {}
            _ => self.go_within(&item.url, hops),
        }
        if matches!(self.display, Display::Trouble(_)) { Done::Failed } else { Done::Success }
    }
}

/// Reads `seconds; url=address`; without an address the page itself comes again.
fn refresh(header: &str, page: &Url) -> Option<Refresh> {
    let (seconds, rest) = header.split_once(';').unwrap_or((header, ""));
    let after = Duration::from_secs(seconds.trim().parse().ok()?);
    let url = match rest.trim().split_once('=') {
        Some((name, url)) if name.trim().eq_ignore_ascii_case("url") => page.join(url.trim()).ok()?,
        Some(_) | None => page.clone(),
    };
    Some(Refresh { after, url })
}
