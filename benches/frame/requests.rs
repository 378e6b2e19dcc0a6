//! Requests as bytes, made once and sent many times: only the digits that name phone, user and profile change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Six digits that every name of the site ends in; a request has them wherever it names something.
const NUMBER: &str = "000000";

/// One request with the places of its number.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

/// Whose requests they are.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    authorization: String,
    app: String,
}

impl Sender {
    /// The administrator.
    pub(crate) fn admin(password: &str) -> Self {
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
        Self {
            authorization: format!("Basic {}", STANDARD.encode(format!("admin:{password}"))),
            app: format!("<appInfo><appID>admin</appID><appCertificate>{encoded}</appCertificate></appInfo>"),
        }
    }

    /// One request of the application API.
    pub(crate) fn ask(&self, inside: &str) -> Request {
        let body = format!("xml=<request>{}{inside}</request>", self.app);
        let head = format!(
            "POST /emservice/EMServiceServlet HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Request::of(head, &body)
    }

    /// One operation of the API of version 15.0.
    pub(crate) fn call(&self, operation: &str, inner: &str) -> Request {
        let body = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:ns=\"http://www.cisco.com/AXL/API/15.0\"><soapenv:Header/><soapenv:Body><ns:{operation}>{inner}</ns:{operation}></soapenv:Body></soapenv:Envelope>"
        );
        let head = format!(
            "POST /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nSOAPAction: \"CUCM:DB ver=15.0 {operation}\"\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            self.authorization,
            body.len()
        );
        Request::of(head, &body)
    }
}

impl Request {
    fn of(head: String, body: &str) -> Self {
        let places = body.match_indices(NUMBER).map(|(at, _)| head.len() + at).collect();
        Self { bytes: (head + body).into_bytes(), places }
    }

    /// What a phone asks of its page, as firmware says it.
    fn of_phone(query: &str) -> Self {
        let head = format!(
            "GET /emapp/EMAppServlet?{query} HTTP/1.1\r\nHost: localhost\r\nAccept: x-CiscoIPPhone/*;version=8.5.0,text/xml\r\nAccept-Charset: utf-8,iso-8859-1;q=0.8\r\nAccept-Language: en\r\n\r\n"
        );
        let places = head.match_indices(NUMBER).map(|(at, _)| at).collect();
        Self { bytes: head.into_bytes(), places }
    }

    /// The bytes that name what has this number.
    pub(crate) fn numbered(&mut self, number: usize) -> &[u8] {
        let digits = format!("{number:06}");
        for place in &self.places {
            if let Some(slot) = self.bytes.get_mut(*place..*place + NUMBER.len()) {
                slot.copy_from_slice(digits.as_bytes());
            }
        }
        &self.bytes
    }
}

/// Lines of numbers begun so far.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// Numbers that look random.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// Begins a line that no load before has had: a sample must not ask again for what its warm-up has brought into memory.
    pub(crate) fn fresh() -> Self {
        let line = BEGUN.fetch_add(1, Ordering::Relaxed) + 1;
        Self(0x9E37_79B9_7F4A_7C15 ^ line.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// The next number below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or(0)
    }

    /// Seconds until the next of arrivals that come at random, so many a second on average.
    pub(crate) fn pause(&mut self, rate: f64) -> f64 {
        let part = self.below(1 << 30) as f64 / f64::from(1 << 30);
        -(1.0 - part).ln() / rate
    }
}

/// Which phone comes next.
type Numbers = Box<dyn FnMut() -> usize>;

/// A login and a logout in turn, each pair on another phone; phones of two lanes never meet.
pub(crate) struct Churn {
    login: Request,
    logout: Request,
    numbers: Numbers,
    on: Option<usize>,
}

impl Churn {
    /// The lane of one connection, over the provisioning API.
    pub(crate) fn new(sender: &Sender, lane: usize, lanes: usize, phones: usize) -> Self {
        let login = "<deviceName>SEP0A1B2C000000</deviceName><loginDuration>0</loginDuration><profileName>Profile 000000</profileName><userId>user000000</userId>";
        let logout = "<deviceName>SEP0A1B2C000000</deviceName>";
        let requests = (sender.call("doDeviceLogin", login), sender.call("doDeviceLogout", logout));
        Self::of(requests, at_random(lane, lanes, phones))
    }

    /// The same over the application API.
    pub(crate) fn over_api(sender: &Sender, lane: usize, lanes: usize, phones: usize) -> Self {
        let phone = "<deviceName>SEP0A1B2C000000</deviceName>";
        let login = format!(
            "<login>{phone}<userID>user000000</userID><deviceProfile>Profile 000000</deviceProfile><exclusiveDuration><time>0</time></exclusiveDuration></login>"
        );
        let requests = (sender.ask(&login), sender.ask(&format!("<logout>{phone}</logout>")));
        Self::of(requests, at_random(lane, lanes, phones))
    }

    /// The same at the phones themselves, with the PIN of each user.
    pub(crate) fn at_phones(lane: usize, lanes: usize, phones: usize) -> Self {
        Self::of(at_a_phone(), at_random(lane, lanes, phones))
    }

    /// The same for one phone and user after the other, whoever asks for the next.
    pub(crate) fn at_phones_in_turn(next: Arc<AtomicUsize>, phones: usize) -> Self {
        Self::of(at_a_phone(), Box::new(move || next.fetch_add(1, Ordering::Relaxed) % phones))
    }

    fn of((login, logout): (Request, Request), numbers: Numbers) -> Self {
        Self { login, logout, numbers, on: None }
    }
}

fn at_a_phone() -> (Request, Request) {
    let phone = "device=SEP0A1B2C000000";
    let login = Request::of_phone(&format!("{phone}&userid=user000000&seq=24680"));
    (login, Request::of_phone(&format!("{phone}&doLogout=true")))
}

/// Phones of one lane, each as likely as the others.
fn at_random(lane: usize, lanes: usize, phones: usize) -> Numbers {
    let mut random = Random::fresh();
    Box::new(move || lane + lanes * random.below(phones / lanes))
}

/// What a connection sends, one request after the other.
pub(crate) trait Work {
    /// The next request.
    fn next(&mut self) -> &[u8];

    /// Whether the connection may stop here.
    fn is_whole(&self) -> bool {
        true
    }
}

impl Work for Churn {
    fn next(&mut self) -> &[u8] {
        match self.on.take() {
            Some(number) => self.logout.numbered(number),
            None => {
                let number = (self.numbers)();
                self.on = Some(number);
                self.login.numbered(number)
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.on.is_none()
    }
}

/// One request for changing numbers.
pub(crate) struct Repeat {
    request: Request,
    numbers: Box<dyn FnMut() -> usize + Send>,
}

impl Repeat {
    /// The same request, each time for another of these numbers.
    pub(crate) fn new(request: Request, numbers: impl FnMut() -> usize + Send + 'static) -> Self {
        Self { request, numbers: Box::new(numbers) }
    }
}

impl Work for Repeat {
    fn next(&mut self) -> &[u8] {
        let number = (self.numbers)();
        self.request.numbered(number)
    }
}
