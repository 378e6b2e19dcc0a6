//! A small site in a database of its own: phones, profiles, users, lines, and the Extension Mobility service over them.
//!
//! Rows are written directly, so that login tests do not hang on provisioning.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use diesel::prelude::*;
use emgate::auth::Source;
use emgate::auth::hash::{HashCost, HashCosts, Hasher};
use emgate::auth::pepper::Pepper;
use emgate::auth::verify::Verifier;
use emgate::clock::ManualClock;
use emgate::domain::credential::SecretKind;
use emgate::domain::event::{Actor, ActorKind, AuthType, Cause, LoginMethod, Via};
use emgate::domain::ids::{LinePk, ObjectPk, PhonePk, ProfilePk, UserPk};
use emgate::domain::login::OccupantRule;
use emgate::domain::logout::LogoutOrigin;
use emgate::domain::parameter;
use emgate::em::error::EmCode;
use emgate::em::outcome::{LoginOutcome, LogoutOutcome};
use emgate::em::service::{Authority, Em, LoginAttempt};
use emgate::em::texts::Texts;
use emgate::em::visit::PhonePage;
use emgate::em::{Wake, audit, lockout_event};
use emgate::event::Origin;
use emgate::store::associations::{self, Association};
use emgate::store::credentials;
use emgate::store::names::Named;
use emgate::store::objects::{self, Carried, NewObject, Selector};
use emgate::store::{Db, StoreError, parameters, schema};
use serde_json::{Value, json};

use super::database::TestDatabase;
use super::waiting::in_time;

/// The model of phones and profiles unless a test says otherwise.
pub(crate) const MODEL: &str = "Cisco 8851";

/// A database with a service over it.
pub(crate) struct Site {
    pub(crate) db: Db,
    pub(crate) clock: ManualClock,
    pub(crate) em: Em,
    pub(crate) woken: Arc<AtomicUsize>,
    pub(crate) database: TestDatabase,
}

impl Site {
    pub(crate) fn new() -> Self {
        let database = TestDatabase::new();
        let (db, clock) = database.open();
        Self::over(database, db, clock)
    }

    /// One whose time is the database's and whose ids are random, as in production; its clock is of no use.
    pub(crate) fn real() -> Self {
        let database = TestDatabase::new();
        let (db, (_, clock)) = (database.open_real(), database.open());
        Self::over(database, db, clock)
    }

    fn over(database: TestDatabase, db: Db, clock: ManualClock) -> Self {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let wake: Wake = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let em = service(&db, "gw-1", wake);
        Self { db, clock, em, woken, database }
    }

    /// The page of its phones.
    pub(crate) fn phone_page(&self, authority: &str) -> PhonePage {
        let texts = Arc::new(Texts::built_in().unwrap());
        PhonePage { em: self.em.clone(), default_authority: authority.to_owned(), texts }
    }

    pub(crate) fn write<T>(&self, f: impl Fn(&mut emgate::store::Tx<'_>) -> Result<T, StoreError>) -> T {
        self.db.write_blocking(f).unwrap()
    }

    pub(crate) fn object(&self, type_: &str, name: &str, carried: &Value) -> ObjectPk {
        let empty = Carried::new();
        let carried = carried.as_object().unwrap_or(&empty).clone();
        let key = emgate::domain::names::fold(name);
        self.write(|tx| {
            let new = NewObject { type_, name, name_key: &key, description: None, carried: &carried };
            Ok(objects::insert(tx, &new)?.pk)
        })
    }

    pub(crate) fn phone(&self, name: &str) -> PhonePk {
        self.phone_with(name, MODEL, &json!({}), true)
    }

    pub(crate) fn phone_with(&self, name: &str, model: &str, carried: &Value, em_enabled: bool) -> PhonePk {
        use schema::phones;
        let pk = self.object("Phone", name, carried);
        self.write(|tx| {
            diesel::insert_into(phones::table)
                .values((
                    phones::pk.eq(pk.0),
                    phones::model.eq(model),
                    phones::protocol.eq("SIP"),
                    phones::em_enabled.eq(em_enabled),
                ))
                .execute(tx.connection())?;
            Ok(PhonePk(pk.0))
        })
    }

    pub(crate) fn profile(&self, name: &str) -> ProfilePk {
        self.profile_with(name, MODEL, &json!({}))
    }

    pub(crate) fn profile_with(&self, name: &str, model: &str, carried: &Value) -> ProfilePk {
        use schema::device_profiles;
        let pk = self.object("DeviceProfile", name, carried);
        self.write(|tx| {
            diesel::insert_into(device_profiles::table)
                .values((
                    device_profiles::pk.eq(pk.0),
                    device_profiles::model.eq(model),
                    device_profiles::protocol.eq("SIP"),
                ))
                .execute(tx.connection())?;
            Ok(ProfilePk(pk.0))
        })
    }

    pub(crate) fn default_profile(&self, name: &str, model: &str, carried: &Value) {
        use schema::default_profiles;
        let pk = self.object("DefaultDeviceProfile", name, carried);
        self.write(|tx| {
            diesel::insert_into(default_profiles::table)
                .values((
                    default_profiles::pk.eq(pk.0),
                    default_profiles::model.eq(model),
                    default_profiles::protocol.eq("SIP"),
                ))
                .execute(tx.connection())?;
            Ok(())
        });
    }

    /// A person with a PIN of 12345.
    pub(crate) fn user(&self, user_id: &str, profiles: &[ProfilePk]) -> UserPk {
        use schema::users;
        let pk = self.object("User", user_id, &json!({}));
        let hash = self.em.verifier().hash_for_storage(SecretKind::Pin, "12345").unwrap();
        self.write(|tx| {
            diesel::insert_into(users::table)
                .values((users::pk.eq(pk.0), users::last_name.eq("Test")))
                .execute(tx.connection())?;
            credentials::set(tx, pk, SecretKind::Pin, &hash)
        });
        self.associate(pk, Association::Profile, &profiles.iter().map(|p| ObjectPk(p.0)).collect::<Vec<_>>());
        UserPk(pk.0)
    }

    pub(crate) fn app_user(&self, user_id: &str, password: &str) -> ObjectPk {
        use schema::app_users;
        let pk = self.object("AppUser", user_id, &json!({}));
        let hash = self.em.verifier().hash_for_storage(SecretKind::Password, password).unwrap();
        self.write(|tx| {
            diesel::insert_into(app_users::table).values(app_users::pk.eq(pk.0)).execute(tx.connection())?;
            credentials::set(tx, pk, SecretKind::Password, &hash)
        });
        pk
    }

    pub(crate) fn associate(&self, holder: ObjectPk, kind: Association, targets: &[ObjectPk]) {
        self.write(|tx| associations::associate(tx, holder, kind, targets));
    }

    pub(crate) fn line(&self, pattern: &str) -> LinePk {
        self.line_with(pattern, "Device", None)
    }

    pub(crate) fn intercom(&self, pattern: &str, default: Option<PhonePk>) -> LinePk {
        self.line_with(pattern, "Device Intercom", default)
    }

    fn line_with(&self, pattern: &str, usage: &str, default: Option<PhonePk>) -> LinePk {
        use schema::lines;
        let pk = self.object("Line", pattern, &json!({}));
        self.write(|tx| {
            diesel::insert_into(lines::table)
                .values((
                    lines::pk.eq(pk.0),
                    lines::pattern.eq(pattern),
                    lines::usage.eq(usage),
                    lines::default_device_pk.eq(default.map(|p| p.0)),
                ))
                .execute(tx.connection())?;
            Ok(LinePk(pk.0))
        })
    }

    pub(crate) fn put_line(&self, owner: i64, index: i32, line: LinePk, settings: &Value) {
        use schema::line_appearances;
        self.write(|tx| {
            let uuid = tx.new_id();
            diesel::insert_into(line_appearances::table)
                .values((
                    line_appearances::owner_pk.eq(owner),
                    line_appearances::index.eq(index),
                    line_appearances::line_pk.eq(line.0),
                    line_appearances::uuid.eq(uuid),
                    line_appearances::settings.eq(settings),
                ))
                .execute(tx.connection())?;
            Ok(())
        });
    }

    pub(crate) fn parameter(&self, name: &str, value: &str) {
        let parameter = parameter::find(name).unwrap();
        let value = parameter.parse(value).unwrap();
        self.write(|tx| parameters::set_parameter(tx, parameter, parameter::CLUSTER_NODE, Some(&value)))
            .unwrap();
    }

    /// A login by a program; the user's own choice of profile.
    pub(crate) fn attempt(&self, phone: &str, user: &str) -> LoginAttempt {
        LoginAttempt {
            phone: Named::By(Selector::name(phone)),
            authority: Authority::Program(Some(user.parse().unwrap())),
            profile: None,
            duration: None,
            occupant: OccupantRule::Keep,
            cause: self.cause(Via::Soap),
        }
    }

    pub(crate) fn cause(&self, via: Via) -> Cause {
        let (kind, auth_type) = match via {
            Via::Phone => (ActorKind::User, AuthType::AppUser),
            _ => (ActorKind::Application, AuthType::ServiceAccount),
        };
        Cause {
            correlation: self.em.new_id(),
            part: None,
            actor: Actor { kind, id: Some("tester".into()), address: None, via },
            auth_type,
            auth_id: Some("tester".into()),
            comment: None,
            traceparent: None,
            tracestate: None,
        }
    }

    pub(crate) async fn log_in(&self, phone: &str, user: &str) -> Result<LoginOutcome, EmCode> {
        self.em.login(self.attempt(phone, user)).await
    }

    /// A login at the phone, after the PIN was checked.
    pub(crate) async fn log_in_with_pin(&self, phone: &str, user: &str) -> Result<LoginOutcome, EmCode> {
        let source = Source { address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), phone: Some(phone.into()) };
        let verified = self
            .em
            .verifier()
            .verify_pin(&user.parse().unwrap(), &"12345".parse().unwrap(), &source)
            .await
            .map_err(|_| EmCode::Authentication)?;
        let mut attempt = self.attempt(phone, user);
        attempt.authority = Authority::Person(verified, LoginMethod::UserId);
        attempt.cause = self.cause(Via::Phone);
        self.em.login(attempt).await
    }

    pub(crate) async fn log_out(&self, phone: &str, origin: LogoutOrigin) -> Result<LogoutOutcome, EmCode> {
        self.em.logout(Named::By(Selector::name(phone)), origin, self.cause(Via::Phone)).await
    }

    /// Every event so far: type and data, in order.
    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        events(&self.db)
    }

    /// Every envelope so far, in order.
    pub(crate) fn envelopes(&self) -> Vec<Value> {
        envelopes(&self.db)
    }

    /// Every event in one line each: what, where, who, why.
    pub(crate) fn story(&self) -> Vec<String> {
        story(&self.db)
    }

    /// Who is on which phone.
    pub(crate) fn sessions(&self) -> Vec<(String, String)> {
        sessions(&self.db)
    }

    /// Waits until something is in the log.
    pub(crate) async fn first_event(&self) {
        in_time(async {
            while self.events().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Locks the PIN of a user until the second value is dropped.
    pub(crate) fn hold_credential(&self, user: UserPk) -> (JoinHandle<()>, mpsc::Sender<()>) {
        use schema::credentials;
        let (db, (holds, is_held), (release, released)) = (self.db.clone(), mpsc::channel(), mpsc::channel());
        let held = std::thread::spawn(move || {
            let done: Result<(), StoreError> = db.write_blocking(|tx| {
                let pin = credentials::table.find((user.0, "pin"));
                pin.select(credentials::version).for_update().first::<i64>(tx.connection())?;
                holds.send(()).unwrap();
                let _dropped = released.recv();
                Ok(())
            });
            done.unwrap();
        });
        is_held.recv().unwrap();
        (held, release)
    }
}

pub(crate) fn envelopes(db: &Db) -> Vec<Value> {
    use schema::event_log as log;
    let read = db.write_blocking(|tx| -> Result<_, StoreError> {
        Ok(log::table.order(log::seq).select(log::envelope).load(tx.connection())?)
    });
    read.unwrap()
}

fn events(db: &Db) -> Vec<(String, Value)> {
    let of = |e: Value| (e["type"].as_str().unwrap().to_owned(), e["data"].clone());
    envelopes(db).into_iter().map(of).collect()
}

/// Every event in a log in one line each: what, where, who, why.
pub(crate) fn story(db: &Db) -> Vec<String> {
    events(db).into_iter().map(|(type_, data)| told(&type_, &data)).collect()
}

/// Who is on which phone.
pub(crate) fn sessions(db: &Db) -> Vec<(String, String)> {
    use schema::{objects, sessions};
    let (phone, user) = diesel::alias!(schema::objects as phone, schema::objects as user);
    let read = db.write_blocking(|tx| -> Result<_, StoreError> {
        Ok(sessions::table
            .inner_join(phone.on(phone.field(objects::pk).eq(sessions::phone_pk)))
            .inner_join(user.on(user.field(objects::pk).eq(sessions::user_pk)))
            .order(phone.field(objects::name))
            .select((phone.field(objects::name), user.field(objects::name)))
            .load(tx.connection())?)
    });
    read.unwrap()
}

/// Logins and logouts that may wait for their batch.
pub(crate) const MOST_WAITING: usize = 1024;

/// The Extension Mobility service of a node; hashes are cheap, and refusals wait for [`write_audit`].
pub(crate) fn service(db: &Db, node: &str, wake: Wake) -> Em {
    let cheap = HashCost { memory_kib: 64, passes: 1 };
    let hasher = Hasher::new(&Pepper::from_bytes(&[7; 32]), HashCosts { password: cheap, pin: cheap });
    let origin = Origin { cluster: "lab".into(), node: node.into() };
    let listener = lockout_event::listener(db.clone(), origin.clone(), Arc::clone(&wake));
    let verifier = Verifier::start(db, hasher, Some(listener)).unwrap();
    Em::start(db.clone(), verifier, origin, MOST_WAITING, wake).with_audit()
}

/// Writes the refusals so far, and from now on each when this is called.
pub(crate) async fn write_audit(em: &Em) {
    em.close_audit();
    audit::run(em.clone()).await;
}

/// One event in a line: what, where, who, why.
pub(crate) fn told(type_: &str, data: &Value) -> String {
    let text = |v: &Value| v.as_str().unwrap_or("-").to_owned();
    match type_ {
        "em.device.login.v1" => {
            format!("login {} {}", text(&data["device"]["name"]), text(&data["user"]["userId"]))
        }
        "em.device.logout.v1" => format!(
            "logout {} {} {}",
            text(&data["device"]["name"]),
            text(&data["user"]["userId"]),
            text(&data["reason"])
        ),
        "em.session.expiring.v1" => format!(
            "expiring {} {} extendable {}",
            text(&data["device"]["name"]),
            text(&data["user"]["userId"]),
            data["extendableSeconds"].as_i64().map_or("-".to_owned(), |more| more.to_string())
        ),
        "em.session.extended.v1" => format!(
            "extended {} {} times {}",
            text(&data["device"]["name"]),
            text(&data["user"]["userId"]),
            data["timesExtended"]
        ),
        "em.calllog.cleared.v1" => {
            format!("call-log {} {}", text(&data["device"]["name"]), text(&data["trigger"]))
        }
        "em.intercom.defaultdevice.changed.v1" => format!(
            "intercom {} {} {}",
            text(&data["line"]["dn"]),
            text(&data["current"]["name"]),
            text(&data["change"])
        ),
        "em.login.rejected.v1" => {
            let behind = data["existing"]["deviceName"].as_str();
            format!(
                "rejected {} {} {} {} x{}{}",
                text(&data["operation"]),
                text(&data["deviceName"]),
                text(&data["userId"]),
                data["errorCode"],
                data["count"],
                behind.map_or(String::new(), |phone| format!(" behind {phone}"))
            )
        }
        other => other.to_owned(),
    }
}
