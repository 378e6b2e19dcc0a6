//! The producer: hands a batch over in order, from one thread, and says whether all of it is acknowledged.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::complaint::Complaints;
use super::{DeliveryMode, KafkaFailure, KafkaSettings, Record, Topics, is_fenced, is_refusal, partition_of};

/// One blocking call to the library; short, so that a caller who gives up is heard.
const CALL: Duration = Duration::from_secs(2);
/// Without any acknowledgement for this long, the producer is given up and built anew.
const PATIENCE: Duration = Duration::from_secs(25);

/// Writes to our topics.
pub struct Producer {
    client: ThreadedProducer<Reports>,
    settings: KafkaSettings,
    topics: Topics,
}

/// Collects delivery reports.
#[derive(Default)]
struct Reports {
    state: Mutex<Delivered>,
    changed: Condvar,
    complaints: Complaints,
}

#[derive(Default)]
struct Delivered {
    /// Records of the batch that are not acknowledged yet.
    awaited: usize,
    failure: Option<KafkaFailure>,
}

impl Delivered {
    fn is_decided(&self) -> bool {
        self.awaited == 0 || self.failure.is_some()
    }
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.complaints.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.complaints.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => state.awaited = state.awaited.saturating_sub(1),
            Err((error, message)) => {
                let failure = match error.rdkafka_error_code() {
                    Some(code) if is_refusal(code) => {
                        KafkaFailure::Refused { topic: message.topic().to_owned(), reason: code.to_string() }
                    }
                    Some(_) | None => KafkaFailure::Unavailable(error.to_string()),
                };
                state.failure.get_or_insert(failure);
            }
        }
        // not for each record: whoever waits would wake to find that more are to come
        if state.is_decided() {
            self.changed.notify_all();
        }
    }
}

impl Producer {
    /// Connects, shuts out a former publisher where the mode can, and sees that the topics are there.
    pub fn connect(settings: &KafkaSettings, go_on: &dyn Fn() -> bool) -> Result<Self, KafkaFailure> {
        let mut config = settings.client_config()?;
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "1")
            .set("compression.type", "lz4");
        match settings.mode {
            DeliveryMode::Transactional => config
                .set("transactional.id", format!("em-relay-{}", settings.cluster))
                .set("transaction.timeout.ms", "30000")
                .set("message.timeout.ms", "20000"),
            DeliveryMode::Idempotent => {
                config.set("message.timeout.ms", "0").set("enable.gapless.guarantee", "true")
            }
        };
        let client: ThreadedProducer<Reports> = config.create_with_context(Reports::default())?;
        let topics = Topics::ensure(client.client(), settings)
            .map_err(|failure| client.context().complaints.explain(failure))?;
        if settings.mode == DeliveryMode::Transactional {
            again_while_retriable(go_on, || client.init_transactions(CALL))?;
        }
        Ok(Self { client, settings: settings.clone(), topics })
    }

    /// The topics as they are on the brokers.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Sends a batch in order and waits until all of it is acknowledged.
    pub fn publish(&self, records: &[Record], go_on: &dyn Fn() -> bool) -> Result<(), KafkaFailure> {
        match self.settings.mode {
            DeliveryMode::Idempotent => self.send_all(records, go_on),
            DeliveryMode::Transactional => {
                self.client.begin_transaction()?;
                let sent = self
                    .send_all(records, go_on)
                    .and_then(|()| again_while_retriable(go_on, || self.client.commit_transaction(CALL)));
                if let Err(failure) = &sent
                    && *failure != KafkaFailure::Fenced
                    && let Err(e) = self.client.abort_transaction(CALL)
                {
                    // the next producer of this transactional id discards what is left open
                    tracing::debug!(reason = %e, "transaction not aborted: {e}");
                }
                sent
            }
        }
    }

    /// Begins a batch and leaves it: what a publisher that dies leaves behind.
    #[doc(hidden)]
    pub fn publish_without_commit(&self, records: &[Record]) -> Result<(), KafkaFailure> {
        self.client.begin_transaction()?;
        self.send_all(records, &|| true)
    }

    fn send_all(&self, records: &[Record], go_on: &dyn Fn() -> bool) -> Result<(), KafkaFailure> {
        *self.reports() = Delivered { awaited: records.len(), failure: None };
        for record in records {
            self.send(record, go_on)?;
        }
        self.await_reports(go_on)
    }

    fn send(&self, record: &Record, go_on: &dyn Fn() -> bool) -> Result<(), KafkaFailure> {
        let topic = self.settings.topic_name(&record.topic);
        let refused = |reason: String| KafkaFailure::Refused { topic: topic.clone(), reason };
        let partitions =
            self.topics.partitions(&record.topic).ok_or_else(|| refused("no such topic".into()))?;
        let headers = record.headers().map_err(|e| refused(format!("no envelope: {e}")))?;
        let mut sending = BaseRecord::to(&topic)
            .key(record.key.as_bytes())
            .partition(partition_of(record.key.as_bytes(), partitions))
            .timestamp(record.time_ms)
            .headers(headers);
        sending.payload = record.value().map(str::as_bytes);
        loop {
            let Err((error, back)) = self.client.send(sending) else { return Ok(()) };
            match error.rdkafka_error_code() {
                Some(Code::QueueFull) if go_on() => {
                    std::thread::sleep(Duration::from_millis(5));
                    sending = back;
                }
                Some(Code::QueueFull) => return Err(KafkaFailure::Stopped),
                Some(code) if is_refusal(code) => return Err(refused(code.to_string())),
                Some(_) | None => return Err(self.fatal().unwrap_or_else(|| error.into())),
            }
        }
    }

    fn await_reports(&self, go_on: &dyn Fn() -> bool) -> Result<(), KafkaFailure> {
        let context = self.client.context();
        let (mut awaited, mut heard) = (usize::MAX, Instant::now());
        loop {
            let state = self.reports();
            let (state, _) = context
                .changed
                .wait_timeout_while(state, Duration::from_millis(200), |s| !s.is_decided())
                .unwrap_or_else(PoisonError::into_inner);
            match &state.failure {
                // without transactions a refusal is fatal to the client, too; what was refused says more
                Some(refusal @ KafkaFailure::Refused { .. }) => return Err(refusal.clone()),
                Some(failure) => return Err(self.fatal().unwrap_or_else(|| failure.clone())),
                None => {}
            }
            if state.awaited == 0 {
                drop(state);
                return self.settle(go_on);
            }
            if state.awaited < awaited {
                (awaited, heard) = (state.awaited, Instant::now());
            }
            drop(state);
            if let Some(fatal) = self.fatal() {
                return Err(fatal);
            }
            if !go_on() {
                return Err(KafkaFailure::Stopped);
            }
            if heard.elapsed() > PATIENCE {
                return Err(KafkaFailure::Unavailable("no acknowledgement".into()));
            }
        }
    }

    /// Waits for the library to forget the last report: asked to commit before, it would sleep for a tenth of a second.
    fn settle(&self, go_on: &dyn Fn() -> bool) -> Result<(), KafkaFailure> {
        while self.client.in_flight_count() > 0 {
            if !go_on() {
                return Err(KafkaFailure::Stopped);
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }

    fn reports(&self) -> std::sync::MutexGuard<'_, Delivered> {
        self.client.context().state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has made the client unusable, if anything has.
    fn fatal(&self) -> Option<KafkaFailure> {
        let (code, text) = self.client.client().fatal_error()?;
        Some(if is_fenced(code) { KafkaFailure::Fenced } else { KafkaFailure::Unavailable(text) })
    }
}

/// Repeats a transactional call for as long as the library says that the same call may succeed.
fn again_while_retriable(
    go_on: &dyn Fn() -> bool,
    call: impl Fn() -> Result<(), KafkaError>,
) -> Result<(), KafkaFailure> {
    let begun = Instant::now();
    loop {
        let error = match call() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let retriable = if let KafkaError::Transaction(e) = &error {
            e.is_retriable() && !e.is_fatal() && !e.txn_requires_abort()
        } else {
            error == KafkaError::Flush(Code::OperationTimedOut)
        };
        if !retriable || begun.elapsed() > PATIENCE {
            return Err(error.into());
        }
        if !go_on() {
            return Err(KafkaFailure::Stopped);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
