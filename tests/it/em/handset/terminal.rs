//! `emgate phone` as a program, before a gateway that runs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use emgate::handset::model::MODELS;
use serde_json::Value;

use super::{Office, device};
use crate::support::process::emgate;

/// Types these lines; gives what was printed.
fn phone(office: &Office, more: &[&str], lines: &str) -> Output {
    let name = device(&MODELS[0]);
    let all: Vec<&str> = ["phone", "--device", &name].into_iter().chain(more.iter().copied()).collect();
    let mut command = emgate(&all, "", &office.gateway.state);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_login_from_a_script_prints_each_screen_and_never_the_pin() {
    let office = Office::new();
    let base = format!("http://localhost:{}", office.gateway.addresses.phone.unwrap().port());
    let output = phone(&office, &["--url", &base], "ada\n13579\n");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(printed(&output), @"
    Extension Mobility
      User ID: _
      PIN: 
    Enter user ID and PIN
    [1 Submit] [2 <<] [3 Exit]

    Extension Mobility
      User ID: ada
      PIN: _
    Enter user ID and PIN
    [1 Submit] [2 <<] [3 Exit]

    Extension Mobility
      The phone restarts.
    Login successful
    [3 Exit]
    ");
    assert_eq!(office.sessions(), [(device(&MODELS[0]), "ada".to_owned())]);
    // by the name of a key, over TLS, and the last screen for a program
    let tls = format!("https://localhost:{}", office.gateway.addresses.tls.unwrap().port());
    let certificate = office.gateway.state.0.join("tls-certificate.pem");
    let output = phone(&office, &["--url", &tls, "--ca", certificate.to_str().unwrap(), "--json"], "/yes\n");
    let screen: Value = serde_json::from_str(&printed(&output)).unwrap();
    assert_eq!((&screen["object"], &screen["prompt"]), (&"text".into(), &"Logout successful".into()));
    assert!(office.sessions().is_empty());
}

#[test]
fn menus_take_numbers_and_services_can_be_opened_again() {
    let office = Office::new();
    let base = format!("http://localhost:{}", office.gateway.addresses.phone.unwrap().port());
    let output = phone(&office, &["--url", &base, "--language", "zh"], "bob\n13579\n9\n2\n3\n1\n?\nq\nada\n");
    let printed = printed(&output);
    let last = printed.rsplit("\n\n").find(|screen| screen.contains("移动分机")).unwrap();
    assert!(last.contains("bob 已在此电话上登录。") && last.contains("[1 是] [2 否]"), "{printed}");
    assert!(printed.contains("  2 UDP_bob_lab\n") && printed.contains("nothing here does that"), "{printed}");
    assert_eq!(office.sessions(), [(device(&MODELS[0]), "bob".to_owned())]);
}

/// The program on a terminal, which `script` makes; ends with this value.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
}

impl Terminal {
    fn start(arguments: &str) -> Self {
        let line = format!("{} phone {arguments}", env!("CARGO_BIN_EXE_emgate"));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, (tell, lines)) = (BufReader::new(child.stdout.take().unwrap()), mpsc::channel());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { keys: child.stdin.take().unwrap(), child, lines }
    }

    /// Whether a line with this comes soon.
    fn shows(&self, text: &str) -> bool {
        let until = Instant::now() + Duration::from_secs(2);
        let next = || self.lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
        std::iter::from_fn(next).any(|line| line.contains(text))
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_person_at_a_terminal_sees_a_box_and_types_a_pin_into_it() {
    let office = Office::new();
    let port = office.gateway.addresses.phone.unwrap().port();
    let name = device(&MODELS[0]);
    let mut terminal = Terminal::start(&format!("--device {name} --url http://localhost:{port}"));
    terminal.type_in("ada\n");
    assert!((0..30).any(|_| terminal.shows("│   PIN: _ ")));
    // again, as what is typed before it is unseen is thrown away
    let mut enter = |_| {
        terminal.type_in("13579\n");
        terminal.shows("│ Login successful ")
    };
    assert!((0..30).any(&mut enter));
    terminal.type_in("q\n");
    assert!(terminal.child.wait().unwrap().success());
    assert_eq!(office.sessions(), [(name, "ada".to_owned())]);
}

#[test]
fn the_exit_status_tells_trouble_from_pages() {
    let office = Office::new();
    let plain = format!("http://localhost:{}", office.gateway.addresses.phone.unwrap().port());
    let tls = format!("https://localhost:{}", office.gateway.addresses.tls.unwrap().port());
    for (arguments, status, said) in [
        (vec!["--url", &plain, "--service", "/nowhere"], 1, "HTTP Error (404)"),
        (vec!["--url", "http://127.0.0.1:1"], 1, "HTTP Error [8]"),
        (vec!["--url", &tls], 1, "HTTP Error [8]"),
        (vec!["--url", &tls, "--insecure"], 0, "Enter user ID and PIN"),
        (vec!["--url", &plain, "--service", "change-pin"], 0, "Enter current and new PIN"),
        (vec!["--url", &plain, "--push-port", "0"], 0, "Enter user ID and PIN"),
    ] {
        let output = phone(&office, &arguments, "");
        assert_eq!(
            (output.status.code(), printed(&output).contains(said)),
            (Some(status), true),
            "{arguments:?}: {output:?}"
        );
    }
    let unusable = phone(&office, &["--service", "nonsense"], "");
    assert_eq!(unusable.status.code(), Some(2));
    let said = String::from_utf8(unusable.stderr).unwrap();
    assert_eq!(said, "emgate: --service \"nonsense\" is neither em, change-pin nor an address\n");
    let no_file = phone(&office, &["--url", &tls, "--ca", "no-such-file"], "");
    assert_eq!(no_file.status.code(), Some(2));
}
