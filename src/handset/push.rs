//! The way in for servers: `POST /CGI/Execute`, by which a phone is told to do or show something.
//!
//! Who asks proves who it is by Basic credentials, which the phone has judged at its authentication URL; a phone without one lets
//! anybody in. Listens until it is dropped.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use url::form_urlencoded;

use super::browser::{Done, Handset};
use super::client::Client;
use super::object::{Content, read};
use crate::soap::write::Writer;

/// Bytes of an object that may be pushed.
const MOST_PUSHED: usize = 40 << 10;
const PATH: &str = "/CGI/Execute";

/// A phone that others may tell what to do.
#[derive(Clone)]
pub struct Door {
    /// The phone.
    pub handset: Arc<Mutex<Handset>>,
    /// What asks the authentication URL.
    pub client: Client,
    /// Where credentials are judged; none: anybody may.
    pub authentication: Option<Url>,
    /// Called after something was pushed.
    pub pushed: Arc<dyn Fn(&Handset) + Send + Sync>,
}

/// A listener for pushes.
pub struct PushServer {
    address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What is answered instead of doing anything, by its number.
#[derive(Debug, Clone, Copy)]
enum Refused {
    Parse = 1,
    Authentication = 4,
}

impl PushServer {
    /// Listens at an address; port 0 takes any free one.
    pub fn start(address: SocketAddr, door: Door) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let (started, is_started) = mpsc::channel();
        let thread = std::thread::Builder::new().name("push".to_owned()).spawn(move || {
            rt::System::new().block_on(async {
                let app = move || {
                    let form = web::PayloadConfig::new(4 * MOST_PUSHED);
                    let door = web::Data::new(door.clone());
                    App::new().app_data(form).app_data(door).route(PATH, web::post().to(execute))
                };
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener);
                let server = server.map(HttpServer::run);
                let _nobody_waits =
                    started.send(server.as_ref().map(|s| s.handle()).map_err(io::Error::kind));
                if let Ok(server) = server {
                    let _ended = server.await;
                }
            });
        })?;
        let handle = is_started.recv().map_err(io::Error::other)?.map_err(io::Error::from)?;
        Ok(Self { address, handle, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PushServer {
    fn drop(&mut self) {
        // the message is sent when this returns; its thread carries it out
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn execute(request: HttpRequest, body: web::Bytes, door: web::Data<Door>) -> HttpResponse {
    let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = authorization.and_then(credentials);
    if door.authentication.is_some() && credentials.is_none() {
        return HttpResponse::Unauthorized()
            .insert_header((WWW_AUTHENTICATE, "Basic realm=\"user\""))
            .finish();
    }
    // the phone may fetch something before it answers
    let answer = web::block(move || door.answer(credentials, &body)).await;
    match answer {
        Ok(answer) => HttpResponse::Ok().content_type("text/xml").body(answer),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// User and password of a header `Authorization`.
fn credentials(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let (user, password) = str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl Door {
    fn answer(&self, credentials: Option<(String, String)>, body: &[u8]) -> Vec<u8> {
        match self.execute(credentials, body) {
            Ok(results) => response(&results),
            Err(refused) => {
                let mut writer = Writer::new();
                let number = (refused as u8).to_string();
                writer.start("CiscoIPPhoneError").attribute("Number", &number).end();
                writer.finish()
            }
        }
    }

    fn execute(
        &self,
        credentials: Option<(String, String)>,
        body: &[u8],
    ) -> Result<Vec<(String, Done)>, Refused> {
        if !self.is_authorized(credentials) {
            return Err(Refused::Authentication);
        }
        let mut fields = form_urlencoded::parse(body);
        let (_, xml) = fields.find(|(name, _)| name == "XML").ok_or(Refused::Parse)?;
        let object = read(xml.as_bytes(), None, MOST_PUSHED).map_err(|_| Refused::Parse)?;
        let mut handset = self.handset.lock().unwrap_or_else(PoisonError::into_inner);
        let results = match &object.content {
            Content::Execute { items } => {
                let done = handset.execute(items);
                items.iter().map(|item| item.url.clone()).zip(done).collect()
            }
            Content::Text { .. } | Content::Input { .. } | Content::Menu { .. } => {
                handset.show(object);
                vec![(String::new(), Done::Success)]
            }
        };
        (self.pushed)(&handset);
        Ok(results)
    }

    /// Whether whoever judges for this phone answers exactly `AUTHORIZED`.
    fn is_authorized(&self, credentials: Option<(String, String)>) -> bool {
        let Some(mut url) = self.authentication.clone() else { return true };
        let Some((user, password)) = credentials else { return false };
        let device = {
            let handset = self.handset.lock().unwrap_or_else(PoisonError::into_inner);
            handset.identity().device.clone()
        };
        let asked = [("UserID", user), ("Password", password), ("devicename", device)];
        url.query_pairs_mut().extend_pairs(asked);
        let answer = self.client.get(&url, &[("Accept", "text/*")]);
        answer.is_ok_and(|answer| answer.status == 200 && answer.body == b"AUTHORIZED")
    }
}

/// What came of each thing.
fn response(results: &[(String, Done)]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.start("CiscoIPPhoneResponse");
    for (url, done) in results {
        let data = match done {
            Done::Success => "Success",
            Done::Invalid => "Invalid URI",
            Done::Failed => "Failure",
        };
        let status = (*done as u8).to_string();
        writer.start("ResponseItem").attribute("Status", &status).attribute("Data", data);
        writer.attribute("URL", url).end();
    }
    writer.end();
    writer.finish()
}
