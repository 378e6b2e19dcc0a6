//! `emgate phone`: a phone on a terminal, for people who have none at hand, and for scripts.
//!
//! Lines are keys and texts. With a terminal, the display is a box and PINs are typed unseen; else both are plain lines. A PIN is never
//! an argument.

use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::Term;
use url::Url;

use super::browser::{Display, Handset, Identity};
use super::client::{Client, Trust, TrustError};
use super::draw::Picture;
use super::model::{MODELS, Model};
use super::object::{Content, InputItem, Object, SoftKey};
use super::push::{Door, PushServer};

const EXTENSION_MOBILITY: &str = "/emapp/EMAppServlet?device=#DEVICENAME#&EMCC=#EMCC#";
const CHANGE_CREDENTIAL: &str = "/changecredential/ChangeCredentialServlet?device=#DEVICENAME#";
const SERVICES: [(&str, &str); 2] =
    [("Extension Mobility", EXTENSION_MOBILITY), ("Change Credential", CHANGE_CREDENTIAL)];

const HELP: &str = "\
  a number    chooses an entry of a menu, or presses a soft key where there is no menu
  /2, /exit   presses a soft key by place or name
  text        goes into the field that is marked; an empty line keeps what stands there; the last field submits
  an empty line, where there is no form, fetches the screen again
  =text       the same, for a text that begins with / or = or is q or ?
  q           hangs up: ends
";

const EXAMPLES: &str = "\
Examples:
  emgate phone --device SEP00DE00000001
  emgate phone --device SEP00DE00000001 --model 7960 --language zh_CN
  emgate phone --device SEP00DE00000001 <keys          from a script: a line for the user id, a line for the PIN
  echo /yes | emgate phone --device SEP00DE00000001 --json          log out; the last screen as JSON
  emgate phone --device SEP00DE00000001 --url https://localhost:8443 --ca state/tls-certificate.pem
  emgate phone --device SEP00DE00000001 --service '/emapp/EMAppServlet?device=#DEVICENAME#&loginType=DN'

Exit status: 0 the last screen was a page, 1 it was an error of the phone such as \"HTTP Error (404)\", 2 the phone could not be used.
A login that is refused is a page: --json or the text says which.";

/// Which phone, and where its services are.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PhoneArgs {
    /// Name of the phone; the gateway must know it
    #[arg(long, value_name = "NAME")]
    pub device: String,
    /// Where the gateway is
    #[arg(long, default_value = "http://localhost:8080")]
    pub url: Url,
    /// Model to behave as
    #[arg(long, default_value = "8851", value_parser = MODELS.map(|model| model.name))]
    pub model: String,
    /// Language of the phone
    #[arg(long, default_value = "en_US")]
    pub language: String,
    /// Service to open: em, change-pin, or an address with #DEVICENAME# in it
    #[arg(long, default_value = "em")]
    pub service: String,
    /// File of the certificates that TLS trusts; else those of the system
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// Trust any certificate
    #[arg(long)]
    pub insecure: bool,
    /// Plain lines, even on a terminal
    #[arg(long)]
    pub script: bool,
    /// Show nothing but the last screen, as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Take pushes (POST /CGI/Execute) at this port of loopback; 0 takes a free one
    #[arg(long, value_name = "PORT")]
    pub push_port: Option<u16>,
    /// Where the credentials of pushes are judged; else anybody may push
    #[arg(long, value_name = "URL", requires = "push_port")]
    pub authentication_url: Option<Url>,
}

/// Why the phone cannot be used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("--service \"{0}\" is neither em, change-pin nor an address")]
    Service(String),
    #[error("--push-port: {0}")]
    Push(io::Error),
    #[error("terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Runs the phone until its user ends; gives the exit status: 0 a page, 1 trouble, 2 it could not be used.
pub fn run(args: &PhoneArgs) -> i32 {
    match talk(args) {
        Ok(Display::Object(_) | Display::Services) => 0,
        Ok(Display::Trouble(_)) => 1,
        // whoever read our output has seen enough
        Err(Unusable::Terminal(e)) if e.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            let _unsaid = writeln!(io::stderr(), "emgate: {error}");
            2
        }
    }
}

fn talk(args: &PhoneArgs) -> Result<Display, Unusable> {
    let trust = match (&args.ca, args.insecure) {
        (Some(file), _) => Trust::File(file.clone()),
        (None, true) => Trust::Anybody,
        (None, false) => Trust::System,
    };
    let client = Client::new(&trust)?;
    let model = Model::of_name(&args.model).unwrap_or(&MODELS[0]);
    let (device, language) = (args.device.clone(), args.language.clone());
    let handset = Handset::new(Identity { device, model, language }, client.clone());
    let handset = Arc::new(Mutex::new(handset));
    let style = match (args.json, args.script || !io::stdin().is_terminal() || !io::stdout().is_terminal()) {
        (true, _) => Style::Silent,
        (false, true) => Style::Plain,
        (false, false) => Style::Boxed,
    };
    let _push = args.push_port.map(|port| take_pushes(args, port, &handset, client, style)).transpose()?;
    let mut talk = Talk { base: args.url.clone(), handset, style, field: 0 };
    talk.open(&args.service)?;
    talk.run()?;
    let display = talk.handset().display().clone();
    if args.json {
        writeln!(io::stdout(), "{}", serde_json::to_string(&display).map_err(io::Error::other)?)?;
    }
    Ok(display)
}

fn take_pushes(
    args: &PhoneArgs,
    port: u16,
    handset: &Arc<Mutex<Handset>>,
    client: Client,
    style: Style,
) -> Result<PushServer, Unusable> {
    let door = Door {
        handset: Arc::clone(handset),
        client,
        authentication: args.authentication_url.clone(),
        pushed: Arc::new(move |handset| {
            let _unsaid = style.show(handset, None);
        }),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let server = PushServer::start(address, door).map_err(Unusable::Push)?;
    let _unsaid = writeln!(io::stderr(), "pushes: http://{}/CGI/Execute", server.address());
    Ok(server)
}

/// How the display is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Boxed,
    Plain,
    Silent,
}

impl Style {
    fn show(self, handset: &Handset, field: Option<usize>) -> io::Result<()> {
        let picture = Picture::of(handset, &SERVICES.map(|(name, _)| name), field);
        let text = match self {
            Self::Boxed => picture.boxed(),
            Self::Plain => picture.plain() + "\n",
            Self::Silent => return Ok(()),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// A phone in use.
struct Talk {
    base: Url,
    handset: Arc<Mutex<Handset>>,
    style: Style,
    /// The field of the form that is filled in next.
    field: usize,
}

impl Talk {
    fn handset(&self) -> MutexGuard<'_, Handset> {
        self.handset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&mut self, service: &str) -> Result<(), Unusable> {
        let base = self.base.as_str().trim_end_matches('/');
        let address = match service {
            "em" => format!("{base}{EXTENSION_MOBILITY}"),
            "change-pin" => format!("{base}{CHANGE_CREDENTIAL}"),
            path if path.starts_with('/') => format!("{base}{path}"),
            address if address.contains("://") => address.to_owned(),
            other => return Err(Unusable::Service(other.to_owned())),
        };
        self.handset().open(&address);
        Ok(())
    }

    /// Carries out line after line until there is none, or the user ends.
    fn run(&mut self) -> Result<(), Unusable> {
        loop {
            let item = self.item();
            self.style.show(&self.handset(), item.is_some().then_some(self.field))?;
            let is_masked = item.is_some_and(|item| item.is_masked());
            let Some(line) = self.read(is_masked)? else { return Ok(()) };
            match line.as_str() {
                "q" => return Ok(()),
                "?" => self.say(HELP)?,
                line => self.carry_out(line)?,
            }
        }
    }

    /// The field that is filled in next, where a form is shown.
    fn item(&mut self) -> Option<InputItem> {
        let item = match self.handset().object() {
            Some(Object { content: Content::Input { items, .. }, .. }) => items.get(self.field).cloned(),
            Some(_) | None => None,
        };
        if item.is_none() {
            self.field = 0;
        }
        item
    }

    /// The next line; unseen where a PIN is typed on a terminal.
    fn read(&self, is_masked: bool) -> io::Result<Option<String>> {
        if self.style == Style::Boxed {
            write!(io::stdout(), "> ")?;
            io::stdout().flush()?;
            if is_masked {
                return Term::stdout().read_secure_line().map(Some);
            }
        }
        let mut line = String::new();
        // locked for a line only: whoever reads unseen wants it too
        if io::stdin().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn say(&self, text: &str) -> io::Result<()> {
        if self.style == Style::Silent { Ok(()) } else { io::stdout().write_all(text.as_bytes()) }
    }

    fn carry_out(&mut self, line: &str) -> Result<(), Unusable> {
        let is_done = match line.strip_prefix('/') {
            Some(key) => self.press(key),
            None if self.item().is_some() => {
                self.type_in(line);
                true
            }
            None => self.choose(line)?,
        };
        if !is_done {
            self.say("nothing here does that; ? helps\n")?;
        }
        Ok(())
    }

    /// Presses a soft key by its place or name.
    fn press(&mut self, key: &str) -> bool {
        let before = self.handset().display().clone();
        let place = key.parse().ok().or_else(|| {
            let named = |own: &SoftKey| own.name.to_lowercase() == key.to_lowercase();
            self.handset().keys().into_iter().find(named).map(|key| key.position)
        });
        let is_pressed = place.is_some_and(|place| self.handset().press(place));
        if *self.handset().display() != before {
            self.field = 0;
        }
        is_pressed
    }

    /// Does what a line means where there is no form.
    fn choose(&mut self, line: &str) -> Result<bool, Unusable> {
        let number = line.trim().parse::<usize>().ok();
        let entry = number.and_then(|n| n.checked_sub(1));
        let display = self.handset().display().clone();
        Ok(match (display, entry) {
            (Display::Services, Some(entry)) => match SERVICES.get(entry) {
                Some((_, path)) => self.open(path).map(|()| true)?,
                None => false,
            },
            (Display::Object(Object { content: Content::Menu { .. }, .. }), Some(entry)) => {
                self.handset().choose(entry)
            }
            (Display::Object(_), Some(_)) => self.press(line.trim()),
            (Display::Object(_) | Display::Trouble(_), None) if line.is_empty() => {
                self.handset().update();
                true
            }
            (Display::Services | Display::Object(_) | Display::Trouble(_), _) => false,
        })
    }

    /// Puts a text into the marked field; an empty one keeps what is there. The last field submits the form.
    fn type_in(&mut self, line: &str) {
        let field = self.field;
        let mut handset = self.handset();
        if !line.is_empty() {
            handset.fill(field, line.strip_prefix('=').unwrap_or(line));
        }
        if field + 1 < handset.typed().len() {
            drop(handset);
            self.field += 1;
        } else {
            handset.submit();
            drop(handset);
            self.field = 0;
        }
    }
}
