//! Why no broker talks to us, where that is for an operator to mend: credentials or certificates that one side does not accept.
//!
//! The library tells of it in passing, while the call that waits for a broker ends as if none were there. What it says holds no secret.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::KafkaFailure;

/// Listens to one client.
#[derive(Clone, Default)]
pub(super) struct Complaints(Arc<Mutex<Option<String>>>);

impl Complaints {
    /// Puts what was complained of in place of a failure that says only that nobody answers.
    pub(super) fn explain(&self, failure: impl Into<KafkaFailure>) -> KafkaFailure {
        let complaint = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (failure.into(), complaint) {
            (KafkaFailure::Unavailable(_), Some(complaint)) => KafkaFailure::Setting(complaint),
            (failure, _) => failure,
        }
    }
}

const CREDENTIALS: &str = "sasl.username or sasl.password";

/// The settings that an operator should look at.
const SETTINGS: [(Code, &str); 3] = [
    (Code::Authentication, CREDENTIALS),
    (Code::SaslAuthenticationFailed, CREDENTIALS),
    (Code::SSL, "ssl.ca.location, ssl.certificate.location or ssl.key.location"),
];

impl ClientContext for Complaints {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, "kafka client: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "kafka client: {reason}");
        let code = error.rdkafka_error_code();
        if let Some((_, settings)) = SETTINGS.iter().find(|(behind, _)| Some(*behind) == code) {
            let mut complaint = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *complaint = Some(format!("{settings}: {reason}"));
        }
    }
}

impl ConsumerContext for Complaints {}
