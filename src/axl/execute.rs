//! One provisioning call from its parsed envelope to its answer: shape, secrets, transaction, events.
//!
//! Shared by everything that provisions. What needs no lock (reading, checking, hashing) is done before the transaction opens; events
//! are appended last in it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::error::AxlError;
use super::mobility;
use super::named::NamedOperation;
use super::object::Ctx;
use super::operation::{self, Handler};
use super::request::{Request, Secrets};
use super::verb::{Answer, Lookup, Transaction, Work};
use crate::auth::Caller;
use crate::auth::hash::HashError;
use crate::auth::verify::Verifier;
use crate::domain::credential::SecretKind;
pub use crate::domain::event::Trace;
use crate::domain::event::{self, Via};
use crate::domain::secret::{Password, Pin, SecretError};
use crate::em::Wake;
use crate::em::service::Em;
use crate::soap::envelope::{Call, EnvelopeError, read_call};
use crate::soap::scalar::format_uuid;
use crate::soap::shape::{Operation, OperationKind, Version, normalise};
use crate::soap::tree::Element;
use crate::soap::{wellformed, write};
use crate::store::gathered::Gathered;
use crate::store::shown::{self, Found, Wanted};

/// Most bytes of one answer (axl.md 15).
pub const LARGEST_ANSWER: usize = 8 << 20;

/// Bytes of a message that is read where it came in.
const SMALL: usize = 2 << 10;

/// Bytes that count for a line or association in an answer, next to which the rest of an object is small.
const MEMBER: usize = 128;

/// The provisioning service of this node.
#[derive(Clone)]
pub struct Axl {
    em: Em,
    wake: Wake,
    shown: Gathered<Wanted, Option<Found>>,
    largest_answer: usize,
    parsers: Arc<Semaphore>,
}

impl Axl {
    /// Makes the service; `wake` is called after each commit that wrote events.
    pub fn new(em: Em, wake: Wake) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shown = Gathered::start(em.db(), shown::find);
        Self { em, wake, shown, largest_answer: LARGEST_ANSWER, parsers: Arc::new(Semaphore::new(cores)) }
    }

    /// Does CPU-bound work on so many bytes: off the workers and at most one a core at a time (XML-8); small messages where they came in,
    /// since they take less time than the way to another thread and back.
    async fn compute<T: Send + 'static>(
        &self,
        size: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        if size <= SMALL {
            return Ok(work());
        }
        let turn = Arc::clone(&self.parsers).acquire_owned().await;
        let work = move || {
            let _until_done_even_if_nobody_waits = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await
    }
}

/// Carries out one call; the answer is a whole SOAP message.
pub async fn execute(
    axl: &Axl,
    call: Call,
    version: (&'static str, Version),
    caller: &Caller,
    trace: Trace,
) -> Result<Vec<u8>, AxlError> {
    let (operation, handler) = operation::find(&call.operation)?;
    if !caller.may(operation::right(operation)) {
        return Err(AxlError::Forbidden);
    }
    let sequence = call.sequence;
    let prepared = prepare(axl, operation, handler, call, version.1).await?;
    let cause = caller.cause(Via::Soap).traced(&trace);
    let answer = match prepared {
        Prepared::Named(operation, request) => operation.run(&axl.em, &request, cause).await?,
        Prepared::Verb(Work::Lookup(wanted, answer)) => look_up(axl, wanted, answer).await?,
        Prepared::Verb(Work::Transaction(work)) => transact(axl, operation, work, cause).await?,
    };
    Ok(write::response(version.0, &operation.name, sequence, |writer| match &answer {
        Answer::Uuid(uuid) => drop(writer.element("return", &format_uuid(*uuid))),
        Answer::True => drop(writer.element("return", "true")),
        Answer::Written(bytes) => drop(writer.written(bytes)),
    }))
}

/// Answers with one object; a long answer is written off the workers.
async fn look_up(axl: &Axl, wanted: Wanted, answer: Lookup) -> Result<Answer, AxlError> {
    let found = axl.shown.ask(wanted).await.map_err(AxlError::from)?;
    let size = found.as_ref().map_or(0, Found::members) * MEMBER;
    let written = axl.compute(size, move || answer(found.as_ref())).await;
    written.unwrap_or_else(|e| Err(AxlError::Internal(e.to_string())))
}

/// Runs the work of a call in one transaction and appends its events; what only reads sees one state of the database.
async fn transact(
    axl: &Axl,
    operation: &Operation,
    work: Transaction,
    cause: event::Cause,
) -> Result<Answer, AxlError> {
    if matches!(operation.kind, OperationKind::Get | OperationKind::List) {
        return axl.em.db().read(move |tx| work(&mut Ctx::new(tx, &cause))).await;
    }
    let origin = axl.em.origin().clone();
    let (answer, had_events) = axl
        .em
        .db()
        .write(move |tx| {
            let mut ctx = Ctx::new(tx, &cause);
            let answer = work(&mut ctx)?;
            let mut events = ctx.take_events();
            mobility::tell_intercom(&mut ctx, &mut events)?;
            let had_events = !events.is_empty();
            if had_events {
                crate::event::append(ctx.tx, &origin, &cause, events)?;
            }
            Ok::<_, AxlError>((answer, had_events))
        })
        .await?;
    if had_events {
        (axl.wake)();
    }
    Ok(answer)
}

/// Hashes the PIN and password that a request carries, before any lock is held.
fn secrets_of(verifier: &Verifier, operation: &Operation, body: &Element) -> Result<Secrets, AxlError> {
    let wrapper = operation.object_field().and_then(|field| body.child(&field.name));
    let holder = wrapper.unwrap_or(body);
    let given = |tag: &str| holder.text_of(tag).filter(|text| !text.is_empty());
    let hash = |kind, secret: &str| {
        verifier.hash_for_storage(kind, secret).map_err(|e: HashError| AxlError::Internal(e.to_string()))
    };
    let refuse = |tag: &str, e: SecretError| AxlError::invalid(tag, e.to_string());
    let pin: Option<Pin> = given("pin").map(str::parse).transpose().map_err(|e| refuse("pin", e))?;
    let password: Option<Password> =
        given("password").map(str::parse).transpose().map_err(|e| refuse("password", e))?;
    Ok(Secrets {
        pin: pin.map(|p| hash(SecretKind::Pin, p.expose())).transpose()?,
        password: password.map(|p| hash(SecretKind::Password, p.expose())).transpose()?,
    })
}

/// A call that is ready for its transaction.
enum Prepared {
    Named(NamedOperation, Request),
    Verb(Work),
}

/// Checks the shape, hashes secrets and reads the typed core: all that is CPU-bound.
async fn prepare(
    axl: &Axl,
    operation: &'static Operation,
    handler: Handler,
    call: Call,
    version: Version,
) -> Result<Prepared, AxlError> {
    let (verifier, largest_answer) = (axl.em.verifier().clone(), axl.largest_answer);
    let size = if may_hash(operation) { usize::MAX } else { call.size };
    let prepared = axl.compute(size, move || {
        let normalised = normalise(&operation.request, call.body)?;
        if !normalised.unknown.is_empty() {
            tracing::info!(axl.operation = %operation.name, elements = ?normalised.unknown, "request holds elements that the schema does not know");
        }
        let secrets = secrets_of(&verifier, operation, &normalised.element)?;
        let request = Request { operation, body: normalised.element, secrets, version, largest_answer };
        Ok(match handler {
            Handler::Named(operation) => Prepared::Named(operation, request),
            Handler::Verb(start) => Prepared::Verb(start(request)?),
        })
    });
    prepared.await.unwrap_or_else(|e| Err(AxlError::Internal(e.to_string())))
}

/// Whether a call may carry a secret to be hashed, which takes far longer than to read it.
fn may_hash(operation: &Operation) -> bool {
    matches!(operation.kind, OperationKind::Add | OperationKind::Update)
}

/// Reads a message.
pub async fn parse(axl: &Axl, content_type: &str, bytes: Bytes) -> Result<Call, EnvelopeError> {
    if wellformed::charset(content_type).is_some_and(|charset| !wellformed::agrees(charset, &bytes)) {
        return Err(EnvelopeError::Encoding);
    }
    let parsed = axl.compute(bytes.len(), move || read_call(&bytes)).await;
    parsed.unwrap_or(Err(EnvelopeError::Malformed))
}
