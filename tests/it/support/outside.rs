//! A gateway that is provisioned from outside, and what it told of it: its event log, whole or one line an event.
//!
//! A refusal is asked for with [`Outside::refused`], which sees to it that nothing was stored and nothing told.

use std::fmt::Write as _;
use std::time::Duration;

use diesel::prelude::*;
use emgate::store::{Db, StoreError, schema};
use serde_json::{Value, json};

use super::axl::{AxlClient, Caller, Soap, told as told_of_change};
use super::gateway::TestGateway;
use super::site::told;
use super::waiting::await_some;

/// A gateway, its first administrator as a client, and an eye on its database.
pub(crate) struct Outside {
    pub(crate) axl: AxlClient,
    db: Db,
    _gateway: TestGateway,
}

impl Caller for Outside {
    fn post(&self, envelope: &str) -> Soap {
        self.axl.post(envelope)
    }
}

impl Outside {
    /// An empty site.
    pub(crate) fn new() -> Self {
        let gateway = TestGateway::start_with(|config| {
            config.node.cluster_id = "lab".into();
            // what is told of refusals is written when it is written
            config.events.audit = false;
        });
        Self { axl: AxlClient::of(&gateway), db: gateway.database.open_real(), _gateway: gateway }
    }

    fn read<T>(&self, f: impl Fn(&mut PgConnection) -> QueryResult<T>) -> T {
        self.db.write_blocking(|tx| Ok::<_, StoreError>(f(tx.connection())?)).unwrap()
    }

    fn envelopes(&self) -> Vec<Value> {
        use schema::event_log as log;
        self.read(|connection| log::table.order(log::seq).select(log::envelope).load(connection))
    }

    /// The whole events that a closure leads to; what differs from run to run was checked and put away.
    pub(crate) fn events_of(&self, f: impl FnOnce(&Self)) -> Vec<Value> {
        let before = self.envelopes().len();
        f(self);
        self.envelopes().split_off(before).into_iter().map(steady).collect()
    }

    /// The same events, one line each.
    pub(crate) fn story_of(&self, f: impl FnOnce(&Self)) -> Vec<String> {
        let line = |event: Value| {
            let type_ = event["type"].as_str().unwrap();
            told_of_change(&told(type_, &event["data"]), type_, &event["data"])
        };
        self.events_of(f).into_iter().map(line).collect()
    }

    /// Everything that is stored, as text.
    fn stored(&self) -> String {
        use emgate::store::lines::LineRow;
        use emgate::store::objects::Object;
        use schema::{associations as a, credentials as c, line_appearances as on, lines, objects};
        use schema::{object_references as r, service_parameters as p};
        let mut text = String::new();
        let mut put = |rows: &dyn std::fmt::Debug| write!(text, "{rows:#?}").unwrap();
        put(&self.envelopes().len());
        put(&self.read(|db| objects::table.order(objects::pk).select(Object::as_select()).load(db)));
        put(&self.read(|db| lines::table.order(lines::pk).select(LineRow::as_select()).load(db)));
        put(&self.read(|db| {
            let rows = a::table.order((a::holder_pk, a::kind, a::target_pk));
            rows.select((a::holder_pk, a::kind, a::target_pk)).load::<(i64, String, i64)>(db)
        }));
        put(&self.read(|db| {
            let rows = r::table.order((r::owner_pk, r::tag, r::target_pk));
            rows.select((r::owner_pk, r::tag, r::target_pk)).load::<(i64, String, i64)>(db)
        }));
        put(&self.read(|db| {
            let rows = on::table.order((on::owner_pk, on::index));
            rows.select((on::owner_pk, on::index, on::line_pk, on::settings))
                .load::<(i64, i32, i64, Value)>(db)
        }));
        put(&self.read(|db| {
            let rows = p::table.order((p::name, p::node_pk));
            rows.select((p::name, p::node_pk, p::value)).load::<(String, i64, Option<String>)>(db)
        }));
        put(&self.read(|db| {
            let rows = c::table.order((c::holder_pk, c::kind));
            rows.select((c::holder_pk, c::hash, c::must_change, c::admin_locked_at.is_null())).load::<(
                i64,
                Option<String>,
                bool,
                bool,
            )>(
                db
            )
        }));
        text
    }

    /// Calls an operation that is refused, and gives code and text: nothing is stored and nothing told.
    pub(crate) fn refused(&self, operation: &str, inner: &str) -> (i32, String) {
        let before = self.stored();
        let refusal = self.refusal(operation, inner);
        assert_eq!(self.stored(), before, "{operation} {inner}");
        refusal
    }

    /// Calls an operation that succeeds and changes nothing.
    pub(crate) fn unmoved(&self, operation: &str, inner: &str) {
        let before = self.stored();
        self.uuid(operation, inner);
        assert_eq!(self.stored(), before, "{operation} {inner}");
    }

    /// How often an object has changed.
    pub(crate) fn revision(&self, uuid: &str) -> i64 {
        use schema::objects;
        let uuid: uuid::Uuid = bare(uuid).parse().unwrap();
        self.read(|db| objects::table.filter(objects::uuid.eq(uuid)).select(objects::revision).first(db))
    }

    /// Whether a call that succeeds waits for whoever has locked a phone.
    pub(crate) fn waits_for_phone(&self, name: &str, operation: &str, inner: &str) -> bool {
        use diesel::connection::SimpleConnection;
        use schema::{objects, phones};
        let looks = "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock') THEN RAISE 'nobody'; END IF; END $$";
        let somebody_waits = || {
            self.db.write_blocking(|tx| Ok::<_, StoreError>(tx.connection().batch_execute(looks)?)).is_ok()
        };
        let axl = &self.axl;
        std::thread::scope(|scope| {
            let (call, waited) = self
                .db
                .write_blocking(|tx| {
                    let found = objects::table.filter(objects::name.eq(name)).select(objects::pk);
                    let phone = phones::table.filter(phones::pk.eq_any(found)).select(phones::pk);
                    phone.for_update().first::<emgate::domain::ids::PhonePk>(tx.connection())?;
                    let call = scope.spawn(|| axl.uuid(operation, inner));
                    let waits = await_some(Duration::from_secs(30), || {
                        match (somebody_waits(), call.is_finished()) {
                            (false, false) => Err(format!("{operation} neither waits nor ends")),
                            (waits, _) => Ok(waits),
                        }
                    });
                    Ok::<_, StoreError>((call, waits))
                })
                .unwrap();
            call.join().unwrap();
            waited
        })
    }

    /// Some elements of an object as `get` answers them, without the element around them.
    pub(crate) fn shown(&self, type_: &str, selector: &str, tags: &[&str]) -> String {
        let tags: String = tags.iter().map(|tag| format!("<{tag}/>")).collect();
        let tags = format!("<returnedTags>{tags}</returnedTags>");
        let content = self.ok(&format!("get{type_}"), &format!("{selector}{tags}"));
        let inside = content.strip_prefix("<return>").and_then(|c| c.strip_suffix("</return>")).unwrap();
        let (head, rest) = inside.split_once('>').unwrap();
        let tag = head.trim_start_matches('<').split(' ').next().unwrap();
        rest.strip_suffix(&format!("</{tag}>")).unwrap().to_owned()
    }

    /// One element of every row of a list.
    pub(crate) fn listed(&self, type_: &str, criteria: &str, page: &str, tag: &str) -> Vec<String> {
        let inner =
            format!("<searchCriteria>{criteria}</searchCriteria><returnedTags><{tag}/></returnedTags>{page}");
        let rows = self.tree(&format!("list{type_}"), &inner);
        rows.children.iter().map(|row| row.text_of(tag).unwrap().to_owned()).collect()
    }
}

/// Checks what differs from run to run and puts a mark in its place.
fn steady(mut event: Value) -> Value {
    for tag in ["id", "correlationid"] {
        let id: uuid::Uuid = event[tag].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7, "{tag}: {event}");
        event[tag] = json!(tag);
    }
    chrono::DateTime::parse_from_rfc3339(event["time"].as_str().unwrap()).unwrap();
    event["time"] = json!("time");
    event
}

/// A uuid of an answer as events spell it.
pub(crate) fn bare(uuid: &str) -> String {
    uuid.trim_matches(['{', '}']).to_lowercase()
}

/// An event of the first administrator over SOAP, whole, the only one of its operation.
pub(crate) fn event(type_: &str, key: &str, data: Value) -> Value {
    let mut data = data;
    data["requestedBy"] =
        json!({ "kind": "administrator", "id": "admin", "address": "127.0.0.1", "via": "soap" });
    json!({
        "specversion": "1.0", "id": "id", "type": type_, "source": "/em/lab", "subject": format!("object/{key}"),
        "time": "time", "datacontenttype": "application/json", "dataschema": format!("urn:em:schema:{type_}"),
        "partitionkey": key, "correlationid": "correlationid", "emopindex": 1, "emopcount": 1, "emnode": "test",
        "authtype": "user", "authid": "admin", "data": data
    })
}

/// A provisioning event, whole: an addition lists nothing, and what is listed without a value is to be fetched.
pub(crate) fn change(
    action: &str,
    (type_, uuid, name): (&str, &str, &str),
    changed: &[(&str, Option<&str>)],
) -> Value {
    let uuid = bare(uuid);
    let listed: Vec<Value> = changed
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value, "redacted": false }))
        .collect();
    let fetch = action == "add" || changed.iter().any(|(_, value)| value.is_none());
    event(
        "em.provisioning.changed.v1",
        &format!("{type_}/{uuid}"),
        json!({
            "action": action, "objectType": type_, "objectUuid": uuid, "objectName": name, "changed": listed,
            "fetchAgain": fetch, "cascadeOf": null, "bulk": null
        }),
    )
}

/// The same event when another object's change forced it.
pub(crate) fn forced(mut event: Value, (type_, name): (&str, &str)) -> Value {
    event["data"]["cascadeOf"] = json!({ "objectType": type_, "objectName": name });
    event["data"]["requestedBy"]["via"] = json!("cascade");
    event
}

/// Numbers the events of one operation.
pub(crate) fn together(mut events: Vec<Value>) -> Vec<Value> {
    let count = events.len();
    for (event, index) in events.iter_mut().zip(1..) {
        event["emopindex"] = json!(index);
        event["emopcount"] = json!(count);
    }
    events
}
