//! The program itself: what it prints, when it refuses to start, how it ends.

use std::process::Stdio;
use std::time::Duration;

use crate::support::database::TestDatabase;
use crate::support::gateway::StateDir;
use crate::support::process::{self, Process, emgate};

fn refusal(arguments: &[&str], database: &str, state: &StateDir) -> String {
    let (status, said) = process::run(emgate(arguments, database, state), Duration::from_secs(60));
    assert!(!status.success());
    said
}

#[test]
#[should_panic(expected = "it did not end in time")]
fn a_program_that_does_not_end_fails_its_test() {
    let state = StateDir::new();
    let arguments = ["broker", "--state-dir", state.0.to_str().unwrap()];
    process::run(emgate(&arguments, "", &state), Duration::from_millis(50));
}

#[test]
fn the_first_secret_is_printed_once_and_kept_where_asked() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let file = state.0.join("keep/first");
    let arguments = ["serve", "--first-secret-file", file.to_str().unwrap()];
    let first = Process::start(&arguments, &database.url, &state);
    let printed = first.printed.clone();
    let log = first.end();
    let secret = std::fs::read_to_string(&file).unwrap();
    assert_eq!(printed.matches(secret.trim()).count(), 1, "{printed}");
    assert!(!log.contains(secret.trim()));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let second = Process::start(&arguments, &database.url, &state);
    assert!(!second.printed.contains("password"), "{}", second.printed);
    second.end();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
}

#[test]
fn queries_of_phones_are_never_logged() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let process = Process::start(&["serve", "--log", "trace"], &database.url, &state);
    let phone = process.client("phones");
    for target in [
        "/emapp/EMAppServlet?device=SEP001122334455&userid=ann&seq=7391846",
        "/emapp/EMAppServlet?seq=%37391846&seq=7391846",
        "/changecredential/ChangeCredentialServlet?oldpin=7391846&newpin=7391846",
        "/nothing?seq=7391846",
        "/EMAPP/EMAppServlet?seq=7391846",
    ] {
        phone.get(target);
        phone.request("PUT", target, &[("Origin", "null")], "seq=7391846");
        phone.raw(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"));
    }
    let metrics = process.client("health, metrics").get("/metrics").body;
    assert!(!metrics.contains("7391846"));
    let log = process.end();
    assert!(log.contains("\"http.path\":\"/emapp/EMAppServlet\""), "{log}");
    assert!(!log.contains("7391846"), "{log}");
    for line in log.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON");
    }
}

#[test]
fn a_second_node_of_one_name_refuses_to_start() {
    let (database, state, other) = (TestDatabase::new(), StateDir::new(), StateDir::new());
    let process = Process::start(&["serve", "--node-name", "One"], &database.url, &state);
    std::fs::copy(state.0.join("pepper"), other.0.join("pepper")).unwrap();
    let said = refusal(&["serve", "--node-name", "one"], &database.url, &other);
    assert!(said.contains("another live node is called \"one\""), "{said}");
    let second = Process::start(&["serve", "--node-name", "two"], &database.url, &other);
    second.end();
    process.end();
    Process::start(&["serve", "--node-name", "one"], &database.url, &other).end();
}

#[test]
fn a_node_with_another_pepper_refuses_to_start() {
    let (database, state, other) = (TestDatabase::new(), StateDir::new(), StateDir::new());
    Process::start(&["serve"], &database.url, &state).end();
    let said = refusal(&["serve"], &database.url, &other);
    assert!(said.contains("pepper"), "{said}");
}

#[test]
fn a_database_that_is_away_is_named_without_its_password() {
    let state = StateDir::new();
    let said = refusal(&["serve"], "postgres://someone:hunter2@127.0.0.1:1/nothing", &state);
    assert!(
        said.starts_with("emgate: the database cannot be used: ") && said.contains("DATABASE_URL"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
    let said = refusal(&["serve"], "", &state);
    assert!(said.contains("database.url is not set") && said.contains("DATABASE_URL"), "{said}");
}

#[test]
fn no_part_of_an_address_that_cannot_be_used_is_printed() {
    let state = StateDir::new();
    for (address, said) in [
        ("postgress://em:hunter2@127.0.0.1:1/d", "database.url: the address begins with neither postgres://"),
        ("em:hunter2@127.0.0.1:1/d", "unavailable: "),
        ("postgres://em:hunter2%zz@127.0.0.1:1/d", "unavailable: "),
        ("postgres://em:hunter2/x@127.0.0.1:1/d", "unavailable: "),
        ("postgres://em:x@127.0.0.1:1/d?hunter2=x", "unavailable: "),
        ("host=127.0.0.1 port=1 password=x hunter2", "unavailable: "),
    ] {
        let printed = refusal(&["migrate"], address, &state);
        assert!(printed.contains(said) && printed.contains("DATABASE_URL"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

#[test]
fn the_environment_says_where_secrets_are_before_the_file_does() {
    let (database, state) = (TestDatabase::empty(), StateDir::new());
    let (file, absent) = (state.0.join("settings.toml"), state.0.join("absent"));
    let text = format!("[database]\nurl_file = '{0}'\n[kafka]\npassword_file = '{0}'\n", absent.display());
    std::fs::write(&file, text).unwrap();
    let arguments = ["migrate", "--config", file.to_str().unwrap()];
    let mut both = emgate(&arguments, &database.url, &state);
    both.env("KAFKA_PASSWORD", "x");
    let (status, said) = process::run(both, Duration::from_secs(60));
    assert!(status.success(), "{said}");
    let said = refusal(&arguments, &database.url, &state);
    assert!(said.contains("kafka.password_file: cannot read"), "{said}");
    let said = refusal(&arguments, "", &state);
    assert!(said.contains("database.url_file: cannot read"), "{said}");
    let flag = ["--database-url-file", absent.to_str().unwrap()];
    let said = refusal(&[&arguments[..1], &flag].concat(), &database.url, &state);
    assert!(said.contains("database.url_file: cannot read"), "{said}");
}

#[test]
fn a_first_start_that_cannot_write_leaves_nothing_half_written() {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let serve = emgate(&["serve"], &database.url, &state);
    // a limit of the size of files stands for a full disk; the shell's signal for it is ignored, so that the write fails instead
    let mut full = std::process::Command::new("sh");
    full.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" serve"]).arg(serve.get_program());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => full.env(name, value),
            None => full.env_remove(name),
        };
    }
    full.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (status, said) = process::run(full, Duration::from_secs(60));
    assert!(!status.success() && said.contains("pepper file"), "{said}");
    assert_eq!(std::fs::read_dir(&state.0).unwrap().count(), 0);
    Process::start(&["serve"], &database.url, &state).end();
}

#[test]
fn pending_migrations_are_named_with_the_command_that_runs_them() {
    let (database, state) = (TestDatabase::empty(), StateDir::new());
    let said = refusal(&["serve"], &database.url, &state);
    assert!(said.contains("run `emgate migrate`"), "{said}");
    assert!(process::run(emgate(&["migrate"], &database.url, &state), Duration::from_secs(60)).0.success());
    Process::start(&["serve"], &database.url, &state).end();
}

#[test]
fn serve_runs_migrations_when_it_is_told_to() {
    let (database, state) = (TestDatabase::empty(), StateDir::new());
    Process::start(&["serve", "--migrate"], &database.url, &state).end();
}

#[test]
fn help_names_every_setting_and_shows_no_secret() {
    let state = StateDir::new();
    let output = emgate(&["serve", "--help"], "postgres://u:hunter2@h/d", &state).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in ["--config", "--http-port", "--kafka", "--node-name", "--migrate", "DATABASE_URL"] {
        assert!(text.contains(flag), "{flag}");
    }
    assert!(!text.contains("hunter2"));
}
