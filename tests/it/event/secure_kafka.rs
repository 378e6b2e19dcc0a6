//! A Kafka of this test's own that asks for TLS and a password, or for TLS and a client certificate: the gateway publishes, a subscriber
//! reads, and where one side does not accept the other, an operator is told which setting to look at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::support::broker::Broker;
use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::process::{Process, emgate};

const PASSWORD: &str = "kafka-Pa55word";
const WRONG: &str = "kafka-Wr0ngword";
const PATIENCE: Duration = Duration::from_secs(60);

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Writes a file that only its owner can read.
fn keep(path: PathBuf, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Makes an authority; its certificate is `NAME.pem`.
fn authority(dir: &Path, name: &str) -> Authority {
    let mut wanted = CertificateParams::default();
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wanted.distinguished_name.push(DnType::CommonName, name);
    let made = CertifiedIssuer::self_signed(wanted, KeyPair::generate().unwrap()).unwrap();
    keep(dir.join(format!("{name}.pem")), &made.pem());
    made
}

/// Has a certificate made for 127.0.0.1: `NAME.pem`, and `NAME.key` and certificate in `NAME-both.pem`, as brokers read them.
fn certify(dir: &Path, name: &str, authority: &Authority) {
    let key = KeyPair::generate().unwrap();
    let wanted = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let made = wanted.signed_by(&key, authority).unwrap().pem();
    keep(dir.join(format!("{name}.pem")), &made);
    keep(dir.join(format!("{name}.key")), &key.serialize_pem());
    keep(dir.join(format!("{name}-both.pem")), &(key.serialize_pem() + &made));
}

struct Secured {
    broker: Broker,
    dir: StateDir,
    /// Where a password is asked for.
    password: String,
    /// Where a client certificate is asked for.
    mutual: String,
}

/// Starts a broker with both listeners beside its plain one.
fn secured() -> Option<Secured> {
    let dir = StateDir::new();
    let ours = authority(&dir.0, "authority");
    authority(&dir.0, "stranger");
    certify(&dir.0, "broker", &ours);
    certify(&dir.0, "client", &ours);
    let free = [(), ()].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [password, mutual] = free.map(|listener| listener.local_addr().unwrap().to_string());
    let file = |name: &str| dir.0.join(name).display().to_string();
    let properties = format!(
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL\n\
         sasl.enabled.mechanisms=SCRAM-SHA-256\n\
         listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
         listener.name.ssl.ssl.client.auth=required\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n",
        file("broker-both.pem"),
        file("authority.pem"),
    );
    let properties = keep(dir.0.join("properties"), &properties).display().to_string();
    let broker = Broker::start_with(|_| {
        vec![
            ("KAFKA_LISTENERS", format!("SASL_SSL://{password},SSL://{mutual}")),
            ("KAFKA_PROPERTIES", properties),
            ("KAFKA_FORMAT", format!("--add-scram SCRAM-SHA-256=[name=emgate,password={PASSWORD}]")),
        ]
    })?;
    Some(Secured { broker, dir, password, mutual })
}

impl Secured {
    /// A file of settings for the listener that asks for a password, with this authority.
    fn settings(&self, prefix: &str, authority: &str) -> String {
        let text = format!(
            "[kafka]\nbootstrap = \"{}\"\ntopic_prefix = \"{prefix}\"\n[kafka.client]\n\
             \"security.protocol\" = \"sasl_ssl\"\n\"ssl.ca.location\" = \"{}\"\n\
             \"sasl.mechanism\" = \"SCRAM-SHA-256\"\n\"sasl.username\" = \"emgate\"\n",
            self.password,
            self.dir.0.join(authority).display()
        );
        keep(self.dir.0.join(format!("{prefix}.toml")), &text).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        keep(self.dir.0.join(name), text).display().to_string()
    }
}

/// A gateway of its own with a file of settings and a password.
struct Node {
    process: Process,
    _database: TestDatabase,
    _state: StateDir,
}

impl Node {
    fn start(settings: &str, password_file: &str) -> Self {
        let (database, state) = (TestDatabase::new(), StateDir::new());
        let arguments = ["serve", "--config", settings, "--kafka-password-file", password_file];
        Self {
            process: Process::start(&arguments, &database.url, &state),
            _database: database,
            _state: state,
        }
    }
}

/// What the tail prints, or says when it fails; the password is in its environment.
fn tail(more: &[&str], password: &str) -> (bool, String) {
    let state = StateDir::new();
    let arguments =
        [&["events", "tail", "--from", "beginning", "--json", "--count", "2", "--timeout", "30"], more]
            .concat();
    let mut command = emgate(&arguments, "", &state);
    command.env("KAFKA_PASSWORD", password);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert!(!said.contains(PASSWORD) && !said.contains(WRONG), "{said}");
    (output.status.success(), said)
}

#[test]
fn events_pass_a_broker_that_asks_for_tls_and_a_password_and_what_it_does_not_accept_is_named() {
    let Some(secured) = secured() else { return };
    let (password, wrong) = (secured.file("password", PASSWORD), secured.file("wrong", WRONG));
    let good = secured.settings("good", "authority.pem");
    let [locked_out, distrustful] = [("locked-out", "authority.pem"), ("distrustful", "stranger.pem")]
        .map(|(prefix, authority)| secured.settings(prefix, authority));
    let node = Node::start(&good, &password);
    let refused = [
        (Node::start(&locked_out, &wrong), "kafka.client: sasl.username or sasl.password: ", "uthentication"),
        (Node::start(&distrustful, &password), "kafka.client: ssl.ca.location", "certificate"),
    ];

    node.process.await_kafka(PATIENCE, "connected");
    let (done, events) = tail(&["--config", &good], PASSWORD);
    assert!(done && events.contains("\"objectType\":\"AppUser\""), "{events}");
    let at = |name: &str| secured.dir.0.join(name).display().to_string();
    let certificates = [
        format!("ssl.ca.location={}", at("authority.pem")),
        format!("ssl.certificate.location={}", at("client.pem")),
        format!("ssl.key.location={}", at("client.key")),
    ];
    let [ca, certificate, key] = certificates.each_ref().map(String::as_str);
    let mutual = [
        "--kafka",
        &secured.mutual,
        "--topic-prefix",
        "good",
        "--client",
        "security.protocol=ssl",
        "--client",
        ca,
    ];
    let (done, same) = tail(&[&mutual[..], &["--client", certificate, "--client", key]].concat(), "");
    assert!(done, "{same}");
    // one that reads while they come may see the first two in either order
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(lines(&same), lines(&events));
    drop(node);

    // a client gives up after seconds: both at once
    let asks =
        [(&good, WRONG, "sasl.username or sasl.password"), (&distrustful, PASSWORD, "ssl.ca.location")];
    let asks = asks.map(|(settings, password, setting)| {
        let settings = settings.clone();
        (std::thread::spawn(move || tail(&["--config", &settings], password)), setting)
    });
    for (asked, setting) in asks {
        let (done, said) = asked.join().unwrap();
        assert!(!done && said.contains(setting), "{said}");
    }
    for (node, setting, reason) in refused {
        node.process.await_kafka(PATIENCE, "blocked");
        let log = node.process.end();
        let told = |line: &&str| line.contains("publication stands still") && line.contains(setting);
        let line = log.lines().find(told).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains("\"level\":\"error\"") && line.contains(reason), "{line}");
        assert!(!log.contains(PASSWORD) && !log.contains(WRONG), "{log}");
    }
    drop(secured.broker);
}
