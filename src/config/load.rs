//! Reads the settings: file first, then the environment and flags on top, then the checks.

use std::path::Path;

use super::error::ConfigError;
use super::flags::Flags;
use super::secret::{find_secret, refuse_exposed};
use super::{Config, KafkaConfig, host_name, listen};

/// Settings of the Kafka client that name files with a private key.
const KEY_FILES: [&str; 2] = ["ssl.key.location", "ssl.keystore.location"];

impl Config {
    /// Reads and checks the settings.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut config = Self::of_file(flags)?;
        config.find_database(flags)?;
        config.kafka.find_secrets(flags)?;
        if config.node.name.is_empty() {
            config.node.name = host_name();
        }
        if config.http.address.is_empty() {
            config.http.address.push(listen::everywhere());
        }
        config.check()?;
        config.find_embedded_broker();
        Ok(config)
    }

    /// Reads what a program needs that only looks at Kafka.
    pub fn load_kafka(flags: &Flags) -> Result<KafkaConfig, ConfigError> {
        let mut config = Self::of_file(flags)?;
        config.find_embedded_broker();
        config.kafka.find_secrets(flags)?;
        Ok(config.kafka)
    }

    /// The file, with the flags on top; where secrets are is looked up by those who find them.
    fn of_file(flags: &Flags) -> Result<Self, ConfigError> {
        let mut config = flags.config.as_deref().map_or_else(|| Ok(Self::default()), from_file)?;
        config.take(flags);
        Ok(config)
    }

    fn find_database(&mut self, flags: &Flags) -> Result<(), ConfigError> {
        let variable = std::env::var("DATABASE_URL").ok();
        let (flag, setting) = (flags.database_url_file.as_deref(), self.database.url_file.as_deref());
        if let Some(url) = find_secret("database.url_file", flag, variable, setting)? {
            self.database.url = url;
        }
        if self.database.url.is_empty() {
            let hint =
                "give the address of Postgres in DATABASE_URL or in a file named by --database-url-file";
            return Err(ConfigError::Missing { key: "database.url", hint });
        }
        if has_foreign_scheme(&self.database.url) {
            let reason = "the address begins with neither postgres:// nor postgresql://; look at DATABASE_URL, or at the \
                          file that holds it";
            return Err(ConfigError::Invalid { key: "database.url", reason: reason.to_owned() });
        }
        Ok(())
    }

    /// The embedded broker chooses its port and writes it down; a broker that is not there yet is one that is away.
    fn find_embedded_broker(&mut self) {
        if self.kafka.is_embedded() && self.kafka.embedded_broker.is_empty() {
            let written = std::fs::read_to_string(self.node.state_file("broker.address"));
            self.kafka.embedded_broker = written.unwrap_or_default().trim().to_owned();
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key, reason: &str| Err(ConfigError::Invalid { key, reason: reason.to_owned() });
        if let Some(key) = self.limits.zero() {
            return invalid(key, "must be greater than zero");
        }
        if self.database.pool == 0 {
            return invalid("database.pool", "must be greater than zero");
        }
        if self.http.certificate.is_some() != self.http.private_key.is_some() {
            return invalid("http.certificate", "needs http.private_key, and the other way round");
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !self.kafka.topic_prefix.bytes().all(plain) {
            return invalid(
                "kafka.topic_prefix",
                "holds letters, digits, dots, underscores and hyphens only",
            );
        }
        if !self.node.cluster_id.bytes().all(plain) {
            return invalid("node.cluster_id", "holds letters, digits, dots, underscores and hyphens only");
        }
        if !(1..=128).contains(&self.node.name.len()) || self.node.name.chars().any(char::is_control) {
            return invalid("node.name", "is 1 to 128 characters without control characters");
        }
        Ok(())
    }
}

impl KafkaConfig {
    /// Finds the password where one is given, and sees that nobody else can read the key of a client certificate.
    fn find_secrets(&mut self, flags: &Flags) -> Result<(), ConfigError> {
        let variable = std::env::var("KAFKA_PASSWORD").ok();
        let (flag, setting) = (flags.kafka_password_file.as_deref(), self.password_file.as_deref());
        if let Some(password) = find_secret("kafka.password_file", flag, variable, setting)? {
            self.client.insert("sasl.password".to_owned(), password.to_string());
        }
        for key in KEY_FILES {
            if let Some(path) = self.client.get(key) {
                refuse_exposed(key, Path::new(path))?;
            }
        }
        Ok(())
    }
}

fn from_file(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        key: "--config",
        path: path.to_owned(),
        source,
    })?;
    let config: Config = toml::from_str(&text)
        .map_err(|e| ConfigError::Syntax { path: path.to_owned(), message: complaint(&text, &e) })?;
    if !config.database.url.is_empty() {
        refuse_exposed("database.url", path)?;
    }
    if !config.kafka.client.is_empty() {
        refuse_exposed("kafka.client", path)?;
    }
    Ok(config)
}

/// Where the file of settings is wrong and what belongs there; the value that stands there stays unsaid, it may be a secret (SEC-1).
fn complaint(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let reason = match error.message().rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {expected}"),
        Some(_) | None => error.message().to_owned(),
    };
    format!("line {line}: {reason}")
}

/// Whether an address has a scheme that is not Postgres's; its other form, `host=… dbname=…`, has none.
fn has_foreign_scheme(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.contains('=') && !["postgres", "postgresql"].contains(&scheme))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("emgate-config-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(name: &str, text: &str, mode: u32) -> Result<Config, String> {
        let path = file(name, text, mode);
        let loaded = Config::load(&Flags { config: Some(path.clone()), ..Flags::default() });
        std::fs::remove_file(path).unwrap();
        loaded.map_err(|e| e.to_string())
    }

    #[test]
    fn flags_win_over_the_file() {
        let path =
            file("flags", "[http]\nhttp_port = 1\nhttps_port = 2\n[database]\nurl = 'postgres://x'", 0o600);
        let flags = Flags { config: Some(path.clone()), http_port: Some(3), ..Flags::default() };
        let config = Config::load(&flags).unwrap();
        std::fs::remove_file(path).unwrap();
        assert_eq!((config.http.http_port, config.http.https_port, config.http.admin_port), (3, 2, 9090));
    }

    #[test]
    fn the_page_of_settings_names_every_key_and_default() {
        let page = include_str!("../../docs/configuration.md");
        let example = page.split("```toml").nth(1).and_then(|t| t.split("```").next()).unwrap();
        let mut shown: Config = toml::from_str(example).unwrap();
        let defaults = Config::default();
        // these have no default and stand there as what they may be
        shown.kafka.client.clear();
        for named in [
            &mut shown.node.first_secret_file,
            &mut shown.database.url_file,
            &mut shown.kafka.password_file,
            &mut shown.http.certificate,
            &mut shown.http.private_key,
            &mut shown.credentials.pepper_file,
            &mut shown.phone.texts_dir,
        ] {
            assert!(named.take().is_some());
        }
        assert_eq!(format!("{shown:#?}"), format!("{defaults:#?}"));
    }

    /// The keys that a part of the file may have, as the refusal of an unknown one lists them.
    fn keys(of: &str) -> Vec<String> {
        let file =
            if of.is_empty() { "unheard_of = 1".to_owned() } else { format!("[{of}]\nunheard_of = 1") };
        let refusal = toml::from_str::<Config>(&file).unwrap_err().to_string();
        let expected = refusal.split("expected").nth(1).unwrap_or_else(|| panic!("{refusal}"));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_page_of_settings_has_every_key_in_its_part() {
        let page = include_str!("../../docs/configuration.md");
        let example = page.split("```toml").nth(1).and_then(|t| t.split("```").next()).unwrap();
        let shown: toml::Table = toml::from_str(example).unwrap();
        let parts = keys("");
        assert!(parts.len() >= 7, "{parts:?}");
        for part in parts {
            let named = shown.get(&part).and_then(toml::Value::as_table);
            let named = named.unwrap_or_else(|| panic!("docs/configuration.md has no [{part}]"));
            for key in keys(&part) {
                assert!(named.contains_key(&key), "docs/configuration.md does not name {part}.{key}");
            }
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = load("unknown", "[limits]\nsoup_body = 1", 0o600).unwrap_err();
        assert!(error.contains("soup_body"), "{error}");
    }

    #[test]
    fn a_value_that_does_not_fit_is_not_repeated() {
        for (text, said) in [
            ("[kafka.client]\n\"sasl.password\" = 12345678", "line 2: expected a string"),
            ("[database]\nurl = 12345678", "line 2: expected a string"),
            ("[database]\n\npool = '12345678, expected'", "line 3: expected u32"),
            ("[credentials]\npin_passes = -12345678", "line 2: expected u32"),
        ] {
            let error = load("type", text, 0o600).unwrap_err();
            assert!(error.ends_with(&format!(": {said}")), "{error}");
        }
        for value in ["12345678x", "x12345678", "'12345678", "\"12345678\\x\"", "12345678901234567890"] {
            let error = load("syntax", &format!("[database]\nurl = {value}\n"), 0o600).unwrap_err();
            assert!(error.contains(": line 2: ") && !error.contains("12345678"), "{error}");
        }
    }

    #[test]
    fn an_address_of_another_scheme_is_none_of_postgres() {
        for url in
            ["postgress://u:p@h/d", "POSTGRES://u:p@h/d", "jdbc:postgresql://h/d", " postgres://h/d", "://"]
        {
            assert!(has_foreign_scheme(url), "{url}");
        }
        for url in ["postgres://u:p@h/d", "postgresql:///d", "host=h password=a://b", "u:p@h/d"] {
            assert!(!has_foreign_scheme(url), "{url}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_refused_by_its_key() {
        let refusal = |key: &str| {
            load("zero", &format!("[database]\nurl = 'postgres://x'\n[limits]\n{key} = 0"), 0o600).err()
        };
        for key in ["soap_body", "handshake_seconds", "head_seconds", "body_seconds", "handler_seconds"] {
            assert_eq!(refusal(key), Some(format!("limits.{key}: must be greater than zero")));
        }
        assert_eq!(refusal("drain_seconds"), None);
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let error = load("open", "[database]\nurl = 'postgres://x'", 0o644).unwrap_err();
        assert!(error.starts_with("database.url: ") && error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_setting_of_the_kafka_client_that_others_can_read_is_refused() {
        let error = load("client", "[kafka.client]\n'sasl.password' = 'hunter2'", 0o644).unwrap_err();
        assert!(error.starts_with("kafka.client: ") && error.contains("chmod 600"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn password_and_key_for_kafka_are_read_from_files_that_nobody_else_can_read() {
        let (password, key) = (file("password", " s3cret\n", 0o600), file("key", "", 0o644));
        let flags = Flags { kafka_password_file: Some(password.clone()), ..Flags::default() };
        assert_eq!(Config::load_kafka(&flags).unwrap().client["sasl.password"], "s3cret");
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = Config::load_kafka(&flags).unwrap_err().to_string();
        assert!(exposed.starts_with("kafka.password_file: ") && exposed.contains("chmod 600"), "{exposed}");
        let text = format!("[kafka.client]\n'ssl.key.location' = '{}'", key.display());
        let settings = file("mutual", &text, 0o600);
        let flags = Flags { config: Some(settings.clone()), ..Flags::default() };
        let exposed = Config::load_kafka(&flags).unwrap_err().to_string();
        assert!(exposed.starts_with("ssl.key.location: ") && exposed.contains("chmod 600"), "{exposed}");
        [password, key, settings].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }

    #[test]
    fn the_address_of_the_database_is_not_printed() {
        let shown = format!("{:?}", super::super::DatabaseConfig::at("postgres://u:hunter2@h/d"));
        assert!(!shown.contains("hunter2"));
    }
}
