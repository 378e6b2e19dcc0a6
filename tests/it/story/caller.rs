//! Who calls the gateway in a story: a provisioning script over SOAP, and phones that fetch their page.

use crate::support::gateway::basic;
use crate::support::http::{Answer, Client, Connection, request};

const VERSION: &str = "14.0";

/// A provisioning script with the rights of the first administrator.
pub(super) struct Script {
    client: Client,
    authorization: String,
    connection: Option<Connection>,
}

/// A phone's browser.
pub(super) struct Browser {
    client: Client,
    connection: Option<Connection>,
}

impl Script {
    pub(super) fn new(client: Client, password: &str) -> Self {
        Self { client, authorization: basic("admin", password), connection: None }
    }

    /// Sends one operation that must succeed; gives the text inside `<return>`.
    pub(super) fn must(&mut self, operation: &str, inside: &str) -> String {
        let answer = self.call(operation, inside).expect("an answer");
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        between(&answer.body, "<return>", "</return>").unwrap_or_default().to_owned()
    }

    /// Sends one operation; `None`: the gateway went away before it answered.
    pub(super) fn call(&mut self, operation: &str, inside: &str) -> Option<Answer> {
        let namespace = format!("http://www.cisco.com/AXL/API/{VERSION}");
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <n:{operation} xmlns:n=\"{namespace}\">{inside}</n:{operation}></s:Body></s:Envelope>"
        );
        let action = format!("\"CUCM:DB ver={VERSION} {operation}\"");
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("Content-Type", "text/xml; charset=utf-8"),
            ("SOAPAction", &action),
        ];
        ask(&self.client, &mut self.connection, &request("POST", "/axl/", &headers, &body))
    }
}

impl Browser {
    pub(super) fn new(client: Client) -> Self {
        Self { client, connection: None }
    }

    /// Fetches the page for a query; `None`: the gateway went away before it answered.
    pub(super) fn get(&mut self, query: &str) -> Option<String> {
        let target = format!("/emapp/EMAppServlet?{query}");
        let answer = ask(&self.client, &mut self.connection, &request("GET", &target, &[], ""))?;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        Some(answer.body)
    }
}

/// Sends a request on a kept connection and reads its answer.
fn ask(client: &Client, kept: &mut Option<Connection>, bytes: &str) -> Option<Answer> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => client.try_open()?,
    };
    connection.send(bytes);
    let answer = connection.answer()?;
    if answer.header("connection") != Some("close") {
        *kept = Some(connection);
    }
    Some(answer)
}

/// What stands between two marks.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    Some(text.split_once(from)?.1.split_once(to)?.0)
}
