//! What the inputs are thrown at: the program in a process of its own, with a small site in it.
//!
//! Every answer is checked for what no answer may hold; every twentieth input is followed by a request that must work.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use diesel::connection::Connection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use emgate::soap::envelope::read_call;

use super::input::{Door, Input};
use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, basic};
use crate::support::http::{Answer, Client, Connection};
use crate::support::process::Process;
use crate::support::waiting::await_some;

/// Stands in every input that an answer must not repeat.
pub(super) const MARK: &str = "Zq7xMark";
/// The namespace of the version that tests ask for.
pub(super) const AXL: &str = "http://www.cisco.com/AXL/API/14.0";
/// The namespace of an envelope.
pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The phone that is there.
pub(super) const PHONE: &str = "SEP0000000000AA";

/// What is not for clients: words of SQL, of the database, of libraries, of the file system, of types.
const INSIDE: [&str; 30] = [
    "SELECT",
    "INSERT",
    "DELETE",
    "constraint",
    "violates",
    "relation",
    "postgres",
    "Postgres",
    "diesel",
    "SQLSTATE",
    "syntax error",
    "panicked",
    "stack backtrace",
    "/src/",
    ".rs",
    "/tmp/",
    "/target/",
    "quick_xml",
    "yaserde",
    "actix",
    "serde",
    "tokio",
    "::",
    "Option<",
    "StoreError",
    "one_name_per_type",
    "object_in_use",
    "event_log",
    "name_key",
    "libpq",
];

/// What an input must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// A fault with this code.
    Fault(&'static str),
    /// A fault, whatever its code, that is no bug of ours.
    Refusal,
    /// This status, outside SOAP.
    Status(u16),
    /// An answer or a fault that is no bug of ours.
    Anything,
    /// An answer.
    Answer,
    /// A failure of the application API with this code, and nothing besides.
    Code(u16),
    /// This status, outside SOAP, and the end of the connection.
    HangUp(u16),
    /// A status of 400 to 499 or nothing, and the end of the connection.
    Cut,
    /// A status of 400 to 499 or nothing.
    Unadmitted,
    /// An answer, a status of 400 to 499 or nothing.
    Unharmed,
}

/// What the client must mend.
const CLIENT: Expect = Expect::Fault("soapenv:Client");

/// A running gateway.
pub(super) struct Target {
    pub(super) process: Process,
    pub(super) database: TestDatabase,
    pub(super) tls: Client,
    pub(super) phone: Client,
    pub(super) password: String,
    connection: Option<Connection>,
    sent: usize,
    wrong: Vec<String>,
    _state: StateDir,
}

/// A fault taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: String,
    pub(super) text: String,
    pub(super) number: String,
    pub(super) request: String,
}

impl Target {
    /// Starts one with a small site.
    pub(super) fn start() -> Self {
        let mut target = Self::start_with(&[]);
        target.provision();
        target
    }

    /// Starts an empty one with more flags.
    pub(super) fn start_with(flags: &[&str]) -> Self {
        let (database, state) = (TestDatabase::new(), StateDir::new());
        let arguments: Vec<&str> = ["serve"].iter().chain(flags).copied().collect();
        let process = Process::start(&arguments, &database.url, &state);
        let line = process.printed.lines().find(|l| l.contains("password  ")).unwrap();
        let password = line.trim().trim_start_matches("password").trim().to_owned();
        let tls = Client::tls(process.address("everything, TLS"), &state.0.join("tls-certificate.pem"));
        let phone = process.client("phones");
        Self {
            process,
            database,
            tls,
            phone,
            password,
            connection: None,
            sent: 0,
            wrong: Vec::new(),
            _state: state,
        }
    }

    /// Makes the site.
    pub(super) fn provision(&mut self) {
        for (operation, inside) in SITE {
            let answer = self.post(envelope(operation, inside));
            assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        }
    }

    /// Sends a body to the SOAP endpoint.
    pub(super) fn post(&mut self, body: impl AsRef<[u8]>) -> Answer {
        self.post_with(&[], body)
    }

    /// Sends a body with more header fields.
    pub(super) fn post_with(&mut self, fields: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let mut head = format!(
            "POST /axl/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Length: {}\r\n",
            basic("admin", &self.password),
            body.len()
        );
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        let bytes = [head.as_bytes(), b"\r\n", body].concat();
        for _ in 0..2 {
            let connection = self.connection.get_or_insert_with(|| self.tls.open());
            connection.send(&bytes);
            if let Some(answer) = connection.answer() {
                if answer.header("connection") == Some("close") {
                    self.connection = None;
                }
                return answer;
            }
            self.connection = None;
        }
        panic!("no answer");
    }

    /// Throws one input and checks what comes back; gives the fault.
    pub(super) fn throw(&mut self, what: &str, body: impl AsRef<[u8]>, expect: Expect) -> Option<Fault> {
        let start = Instant::now();
        let answer = self.post(body);
        let took = start.elapsed();
        if took > Duration::from_secs(8) {
            self.wrong(format!("{what}: {took:?}"));
        }
        let judged = self.judge(what, &answer, expect);
        self.look_after(what);
        judged
    }

    /// Every twentieth input is followed by a request that must work.
    fn look_after(&mut self, what: &str) {
        self.sent += 1;
        if self.sent.is_multiple_of(20) {
            self.canary(what);
        }
    }

    /// Sends one input of the corpus and checks what comes back.
    pub(super) fn try_input(&mut self, input: &Input) {
        let what = format!("{} {:?}", input.class, input.what);
        let client = match input.door {
            Door::Soap => return drop(self.throw(&what, &input.bytes, input.expect)),
            Door::Tls => &self.tls,
            Door::Phone => &self.phone,
        };
        let (start, bytes) = (Instant::now(), self.with_credentials(&input.bytes));
        let heard = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let mut connection = client.open();
            connection.send(bytes);
            let answer = connection.answer();
            let closing = matches!(input.expect, Expect::HangUp(_) | Expect::Cut);
            (answer, closing && !connection.is_closed())
        }));
        let took = start.elapsed();
        match heard {
            Err(_) => self.wrong(format!("{what}: neither answered nor ended")),
            Ok(_) if took > Duration::from_secs(8) => self.wrong(format!("{what}: {took:?}")),
            Ok((_, true)) => self.wrong(format!("{what}: the connection goes on")),
            Ok((answer, false)) => self.judge_raw(&what, answer, input.expect),
        }
        self.look_after(&what);
    }

    fn judge_raw(&mut self, what: &str, answer: Option<Answer>, expect: Expect) {
        let status = answer.as_ref().map(|a| a.status);
        let refused = status.is_none_or(|s| (400..500).contains(&s));
        let fits = match expect {
            Expect::HangUp(wanted) => status == Some(wanted),
            Expect::Cut | Expect::Unadmitted => refused,
            Expect::Unharmed => refused || status == Some(200),
            Expect::Fault(_)
            | Expect::Refusal
            | Expect::Status(_)
            | Expect::Anything
            | Expect::Answer
            | Expect::Code(_) => status.is_some(),
        };
        match answer {
            Some(answer) if fits => drop(self.judge(what, &answer, expect)),
            answer => {
                if !fits {
                    self.wrong(format!("{what}: {expect:?}, came {:?}", answer.map(|a| (a.status, a.body))));
                }
            }
        }
    }

    /// Puts the good credentials where they belong in raw bytes.
    pub(super) fn with_credentials(&self, bytes: &[u8]) -> Vec<u8> {
        let place = b"@good";
        match bytes.windows(place.len()).position(|w| w == place) {
            None => bytes.to_vec(),
            Some(at) => {
                let good = basic("admin", &self.password);
                [&bytes[..at], good.as_bytes(), &bytes[at + place.len()..]].concat()
            }
        }
    }

    /// Waits until no more files and connections are open than there were.
    #[track_caller]
    pub(super) fn await_open_files(&self, before: usize) {
        await_some(Duration::from_secs(20), || match self.process.open_files() {
            open if open > before => Err(format!("{open} files are open, {before} were")),
            _ => Ok(()),
        });
    }

    /// Checks an answer; what is wrong with it fails the test at its end, beside what else is.
    pub(super) fn judge(&mut self, what: &str, answer: &Answer, expect: Expect) -> Option<Fault> {
        match std::panic::catch_unwind(|| judge(what, answer, expect)) {
            Ok(fault) => fault,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                self.wrong(text.chars().take(900).collect());
                None
            }
        }
    }

    /// Throws an input that the client must mend.
    pub(super) fn client_fault(&mut self, what: &str, body: impl AsRef<[u8]>) -> Fault {
        self.throw(what, body, CLIENT).unwrap_or_default()
    }

    /// Notes something that is wrong; it fails the test at its end.
    pub(super) fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Ends the gateway and gives back what it printed and logged.
    pub(super) fn end(self) -> (String, String) {
        (self.process.printed.clone(), self.process.end())
    }

    /// A request that must work.
    pub(super) fn canary(&mut self, after: &str) {
        let answer = self.post(envelope("getPhone", &format!("<name>{PHONE}</name>")));
        assert!(answer.status == 200 && answer.body.contains(PHONE), "after {after}: {}", answer.body);
    }

    /// How many parts of the program have panicked.
    pub(super) fn panics(&self) -> String {
        let metrics = self.process.client("health, metrics").get("/metrics").body;
        let line = metrics.lines().find(|l| l.starts_with("em_panics_total")).unwrap();
        line.split(' ').nth(1).unwrap().to_owned()
    }

    /// All that the database holds, as one text.
    pub(super) fn stored(&self) -> String {
        let mut connection = PgConnection::establish(&self.database.url).unwrap();
        let all =
            diesel::dsl::sql::<diesel::sql_types::Text>("schema_to_xml('public', true, false, '')::text");
        diesel::select(all).get_result(&mut connection).unwrap()
    }

    /// What is stored once every event has its number.
    #[track_caller]
    fn settled(&self) -> String {
        await_some(Duration::from_secs(10), || {
            let stored = self.stored();
            let pending =
                stored.split("<event_pending>").nth(1).and_then(|rest| rest.split("</event_pending>").next());
            match pending.is_some_and(|rows| rows.contains("<row>")) {
                true => Err("events stay without numbers"),
                false => Ok(stored),
            }
        })
    }

    /// Runs inputs that must change nothing, and checks that they did not.
    #[track_caller]
    pub(super) fn unchanged(&mut self, inputs: impl FnOnce(&mut Self)) {
        // The first request counts the administrator's login.
        self.canary("the start");
        let before = self.settled();
        inputs(self);
        self.canary("the end");
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        let after = self.settled();
        for (was, now_is) in before.lines().zip(after.lines()) {
            assert_eq!(was, now_is);
        }
        assert_eq!(before.len(), after.len());
        assert_eq!(self.panics(), "0");
    }
}

/// An envelope around an operation.
pub(super) fn envelope(operation: &str, inside: &str) -> String {
    body(&format!("<n:{operation} xmlns:n=\"{AXL}\">{inside}</n:{operation}>"))
}

/// An envelope around anything.
pub(super) fn body(inside: &str) -> String {
    format!("<s:Envelope xmlns:s=\"{SOAP}\"><s:Body>{inside}</s:Body></s:Envelope>")
}

/// Checks an answer for what it must be and must not hold.
fn judge(what: &str, answer: &Answer, expect: Expect) -> Option<Fault> {
    let text = &answer.body;
    let what = what.chars().take(300).collect::<String>();
    if answer.status != 200 {
        for word in INSIDE {
            let fixed = text.replace("duplicate value in a UNIQUE INDEX column", "");
            assert!(!fixed.contains(word), "{what}: \"{word}\" in {text}");
        }
        assert!(!text.contains(MARK) || expect == Expect::Anything, "{what}: repeated in {text}");
    }
    let fault = (answer.status >= 500 && ![503, 599].contains(&answer.status)).then(|| fault(&what, answer));
    if let Some(fault) = &fault {
        assert_ne!(fault.text, "internal error", "{what}");
        assert!(fault.text.len() < 1024, "{what}: {}", fault.text);
    }
    match expect {
        Expect::Fault(code) => {
            assert_eq!(
                fault.as_ref().map(|f| f.code.as_str()),
                Some(code),
                "{what}: {} {text}",
                answer.status
            )
        }
        Expect::Refusal => assert!(fault.is_some(), "{what}: {} {text}", answer.status),
        Expect::Status(status) => assert_eq!(answer.status, status, "{what}: {text}"),
        Expect::Anything => assert!(fault.is_some() || answer.status == 200, "{what}: {}", answer.status),
        Expect::Answer => assert_eq!(answer.status, 200, "{what}: {text}"),
        Expect::Code(code) => {
            let (_, failure) = text.split_once("<response>\n<failure>\n<error code=\"").unwrap_or(("", text));
            let (number, rest) = failure.split_once("\">").unwrap_or((failure, ""));
            let (words, end) = rest.split_once('<').unwrap_or((rest, ""));
            assert_eq!((answer.status, number), (200, code.to_string().as_str()), "{what}: {text}");
            assert_eq!(end, "/error>\n</failure>\n</response>\n", "{what}: {text}");
            assert!(words.len() < 100 && !text.contains("success") && !text.contains(MARK), "{what}: {text}");
        }
        Expect::HangUp(_) | Expect::Cut | Expect::Unadmitted | Expect::Unharmed => {}
    }
    fault
}

fn fault(what: &str, answer: &Answer) -> Fault {
    assert_eq!(answer.status, 500, "{what}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=UTF-8"), "{what}");
    let call = read_call(answer.body.as_bytes()).unwrap_or_else(|e| panic!("{what}: {e}: {}", answer.body));
    assert_eq!((call.operation.as_str(), call.namespace.as_deref()), ("Fault", Some(SOAP)), "{what}");
    let text = |name: &str| call.body.text_of(name).unwrap().to_owned();
    let error = call.body.child("detail").unwrap().child("axlError").unwrap();
    let detail = |name: &str| error.text_of(name).unwrap().to_owned();
    assert_eq!(text("faultstring"), detail("axlmessage"), "{what}");
    let (code, text) = (text("faultcode"), text("faultstring"));
    Fault { code, text, number: detail("axlcode"), request: detail("request") }
}

/// A partition, a search space, a line, a profile, a phone, a person, an application, a service.
const SITE: [(&str, &str); 8] = [
    ("addRoutePartition", "<routePartition><name>Inside</name></routePartition>"),
    ("addCss", "<css><name>Everywhere</name></css>"),
    ("addLine", "<line><pattern>7001</pattern><routePartitionName>Inside</routePartitionName></line>"),
    (
        "addDeviceProfile",
        "<deviceProfile><name>Ada at work</name><product>Cisco 8851</product><class>Device Profile</class>\
         <protocol>SIP</protocol><protocolSide>User</protocolSide></deviceProfile>",
    ),
    (
        "addPhone",
        "<phone><name>SEP0000000000AA</name><product>Cisco 8851</product><class>Phone</class>\
         <protocol>SIP</protocol><protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName>\
         <enableExtensionMobility>true</enableExtensionMobility></phone>",
    ),
    (
        "addUser",
        "<user><firstName>Ada</firstName><lastName>Adams</lastName><userid>ada</userid><pin>24680</pin>\
         <phoneProfiles><profileName>Ada at work</profileName></phoneProfiles></user>",
    ),
    ("addAppUser", "<appUser><userid>robot</userid><password>Pa55-word!</password></appUser>"),
    (
        "addIpPhoneServices",
        "<ipPhoneServices><serviceName>EM</serviceName><asciiServiceName>EM</asciiServiceName>\
         <serviceUrl>http://h/e</serviceUrl></ipPhoneServices>",
    ),
];
