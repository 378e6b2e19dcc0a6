//! Login and logout for every surface: queue, translate the answer.
//!
//! The phone's page, the provisioning API and the application API come through here, so that each rule exists once. Whether the
//! caller may act for the user was judged before; a person's own login carries the proof of its PIN.

use std::sync::Arc;

use uuid::Uuid;

use super::asked::{Asked, AskedEnding, Reply, Task};
use super::audit::{Attempt, Audit};
use super::counts::Counts;
use super::error::{Doing, EmCode};
use super::outcome::{LoginOutcome, LogoutOutcome};
use super::strangers::Strangers;
use super::throttle::{self, Throttle};
use super::trust::TrustCache;
use super::writer::{Wake, Writers};
use crate::auth::Principal;
use crate::auth::proof::Verified;
use crate::auth::ticket::Tickets;
use crate::auth::verify::Verifier;
use crate::domain::event::{Cause, LoginMethod};
use crate::domain::ids::{PhonePk, UserPk};
use crate::domain::login::{LoginRequest, OccupantRule, ProfileRight};
use crate::domain::login_limit::LoginLimit;
use crate::domain::logout::LogoutOrigin;
use crate::domain::names::{UserId, fold};
use crate::event::Origin;
use crate::store::Db;
use crate::store::conditions::{self, Conditions, ConditionsKey};
use crate::store::gathered::Gathered;
use crate::store::names::{Named, Names};
use crate::store::objects::Selector;
use crate::store::session_expiry::{self, EndAtPhone};

/// The Extension Mobility service of this node.
#[derive(Clone)]
pub struct Em {
    db: Db,
    verifier: Verifier,
    origin: Origin,
    wake: Wake,
    writers: Arc<Writers>,
    node_key: Arc<str>,
    conditions: Gathered<ConditionsKey, Conditions>,
    ends: Gathered<PhonePk, EndAtPhone>,
    throttle: Arc<Throttle>,
    trust_cache: Arc<TrustCache>,
    audit: Arc<Audit>,
    counts: Counts,
    tickets: Tickets,
    strangers: Arc<Strangers>,
}

/// On whose authority a user is logged in.
#[derive(Debug, Clone)]
pub enum Authority {
    /// The person, who gave a PIN at the phone.
    Person(Verified<Principal>, LoginMethod),
    /// A program that may act for users, of whom nobody has what is no user id; it may name any profile.
    Program(Option<UserId>),
    /// The person, who gave a password and not at the phone.
    Oneself(UserPk),
}

/// A login that is asked for.
#[derive(Debug, Clone)]
pub struct LoginAttempt {
    /// The phone.
    pub phone: Named<PhonePk>,
    /// The user, and who answers for it.
    pub authority: Authority,
    /// The profile, if one is named.
    pub profile: Option<Selector>,
    /// The caller's own limit.
    pub duration: Option<LoginLimit>,
    /// What happens to somebody else on the phone.
    pub occupant: OccupantRule,
    /// Who asks, for the events.
    pub cause: Cause,
}

impl Em {
    /// Starts the writers, for which at most so many requests wait; `wake` is called after each commit that wrote events.
    pub fn start(db: Db, verifier: Verifier, origin: Origin, most_waiting: usize, wake: Wake) -> Self {
        let writers = Arc::new(Writers::start(&db, &origin, most_waiting, &wake));
        let (node_key, conditions) = (fold(&origin.node).into(), Gathered::start(&db, conditions::find));
        let ends = Gathered::start(&db, session_expiry::at_phones);
        let (throttle, trust_cache) = (Throttle::new(throttle::PATIENCE), Arc::default());
        let (audit, counts) = (Arc::new(Audit::off()), Counts::default());
        let (tickets, strangers) = (Tickets::new(&verifier), Arc::default());
        Self {
            db,
            verifier,
            origin,
            wake,
            writers,
            node_key,
            conditions,
            ends,
            throttle,
            trust_cache,
            audit,
            counts,
            tickets,
            strangers,
        }
    }

    /// The same service with an audit of refusals, which [`super::audit::run`] writes.
    #[must_use]
    pub fn with_audit(self) -> Self {
        Self { audit: Arc::new(Audit::on()), ..self }
    }

    /// Takes note of a refusal, with the code that is answered (events.md 6.9); never waits and cannot fail.
    pub fn rejected(&self, attempt: Attempt, code: EmCode) {
        attempt.log_refusal(code);
        self.counts.refused(attempt.doing, attempt.cause.actor.via, code);
        self.audit.take(attempt, code);
    }

    /// Has refusals written at once from now on; nothing more is refused.
    pub fn close_audit(&self) {
        self.audit.close();
    }

    pub(super) fn audit(&self) -> Arc<Audit> {
        Arc::clone(&self.audit)
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Whether all writers live; they end only with a panic as long as this exists.
    pub fn can_write(&self) -> bool {
        self.writers.are_running()
    }

    /// Answers what was asked and takes nothing more; blocks until that is done.
    pub fn finish(&self) {
        self.writers.finish();
    }

    /// The check of secrets.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Where events of this node come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Says that events were committed.
    pub(super) fn wake(&self) {
        (self.wake)();
    }

    /// Makes the identity of an operation.
    pub fn new_id(&self) -> Uuid {
        self.db.ids().next()
    }

    pub(super) fn node_key(&self) -> Arc<str> {
        Arc::clone(&self.node_key)
    }

    pub(super) fn gathered_conditions(&self) -> &Gathered<ConditionsKey, Conditions> {
        &self.conditions
    }

    pub(super) fn gathered_ends(&self) -> &Gathered<PhonePk, EndAtPhone> {
        &self.ends
    }

    pub(super) fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    pub(super) fn strangers(&self) -> &Strangers {
        &self.strangers
    }

    pub(super) fn throttle(&self) -> &Arc<Throttle> {
        &self.throttle
    }

    pub(super) fn trust_cache(&self) -> Arc<TrustCache> {
        Arc::clone(&self.trust_cache)
    }

    /// Logs a user in.
    pub async fn login(&self, attempt: LoginAttempt) -> Result<LoginOutcome, EmCode> {
        let LoginAttempt { phone, authority, profile, duration, occupant, cause } = attempt;
        let (user, method, right, pin_version) = match authority {
            Authority::Person(who, method) => {
                let user = Some(Named::Known(UserPk(who.who().pk.0)));
                (user, method, ProfileRight::Controlled, Some(who.version()))
            }
            Authority::Program(user) => {
                let user = user.map(|user| Named::By(Selector::name(user.as_str())));
                (user, LoginMethod::Api, ProfileRight::Any, None)
            }
            Authority::Oneself(user) => {
                (Some(Named::Known(user)), LoginMethod::Api, ProfileRight::Controlled, None)
            }
        };
        let names = Names { phone, user, profile: profile.map(Named::By) };
        let request = LoginRequest { method, profile: None, right, duration, pin_version, occupant };
        let via = cause.actor.via;
        match self.writers.ask(Asked { names, task: Task::Login(request), cause }).await? {
            Reply::Login(outcome) => {
                if !matches!(outcome, LoginOutcome::ChooseProfile(_)) {
                    self.counts.succeeded(Doing::Login, via);
                }
                tracing::debug!(?outcome, "login decided");
                Ok(outcome)
            }
            Reply::Refused(code) => Err(code),
            Reply::Logout(_) | Reply::Again => Err(EmCode::Unknown),
        }
    }

    /// Ends the session on a phone.
    pub async fn logout(
        &self,
        phone: Named<PhonePk>,
        origin: LogoutOrigin,
        cause: Cause,
    ) -> Result<LogoutOutcome, EmCode> {
        self.log_out_by(Names { phone, user: None, profile: None }, origin, cause).await
    }

    /// Ends the session on a phone for a person who is not there, which is refused when it is not their own.
    pub async fn log_out_own(
        &self,
        phone: Named<PhonePk>,
        user: UserPk,
        cause: Cause,
    ) -> Result<LogoutOutcome, EmCode> {
        let names = Names { phone, user: Some(Named::Known(user)), profile: None };
        self.log_out_by(names, LogoutOrigin::Api, cause).await
    }

    /// Ends the session on a phone, which is refused when a user is named and it is not theirs.
    pub(super) async fn log_out_by(
        &self,
        names: Names,
        origin: LogoutOrigin,
        cause: Cause,
    ) -> Result<LogoutOutcome, EmCode> {
        let via = cause.actor.via;
        let outcome = self.end(Asked { names, task: Task::Logout(AskedEnding::By(origin)), cause }).await?;
        if matches!(outcome, LogoutOutcome::LoggedOut { .. }) {
            self.counts.succeeded(Doing::Logout, via);
        }
        tracing::debug!(?outcome, "logout decided");
        Ok(outcome)
    }

    pub(super) async fn end(&self, asked: Asked) -> Result<LogoutOutcome, EmCode> {
        match self.writers.ask(asked).await? {
            Reply::Logout(outcome) => Ok(outcome),
            Reply::Refused(code) => Err(code),
            Reply::Login(_) | Reply::Again => Err(EmCode::Unknown),
        }
    }
}
