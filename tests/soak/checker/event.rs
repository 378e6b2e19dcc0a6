//! Records of Kafka as a subscriber reads them: envelope and what the checks need of the data.

use chrono::DateTime;
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::journal::Micros;

/// A digest of a value, in place of the value itself.
pub(crate) type Digest = [u8; 32];

/// One record of an event topic.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: String,
    pub(crate) digest: Digest,
    pub(crate) event: Event,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) sequence: i64,
    pub(crate) id: String,
    pub(crate) stream: String,
    pub(crate) correlation: String,
    pub(crate) index: i64,
    pub(crate) count: i64,
    pub(crate) time: Micros,
    /// Surface that the request came through.
    pub(crate) via: String,
    /// The key that its record must have, by the contract and its data.
    pub(crate) key: String,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Login {
        phone: String,
        session: Session,
        expires: Option<Micros>,
        displaced: Vec<String>,
    },
    Logout {
        phone: String,
        session: Session,
        reason: String,
        replaced_by: Option<String>,
        due: Option<Micros>,
    },
    Intercom {
        line: String,
        previous: Option<String>,
        current: Option<String>,
        change: String,
    },
    Parameter {
        name: String,
        previous: String,
        value: String,
    },
    Provisioning {
        action: String,
        type_: String,
        name: String,
    },
    Rejected {
        operation: String,
        /// `-`: the request names none.
        phone: String,
        user: Option<String>,
        code: i32,
        /// The phone of the session in the way.
        existing: Option<String>,
        count: i64,
    },
    Other(String),
}

/// A session as events and tables know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) profile: String,
}

/// The digest of some bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

impl Event {
    /// Reads the value of a record; the text says what is wrong with one that is no event.
    pub(crate) fn read(value: &[u8]) -> Result<Self, String> {
        let json: Value = serde_json::from_slice(value).map_err(|e| format!("no JSON: {e}"))?;
        let sequence = text(&json, "/sequence")?;
        Ok(Self {
            sequence: sequence.parse().map_err(|_| format!("sequence {sequence}"))?,
            id: text(&json, "/id")?,
            stream: text(&json, "/emstream")?,
            correlation: text(&json, "/correlationid")?,
            index: json["emopindex"].as_i64().ok_or("no emopindex")?,
            count: json["emopcount"].as_i64().ok_or("no emopcount")?,
            time: moment(&json, "/time")?,
            via: text(&json, "/data/requestedBy/via")?,
            key: key(&json)?,
            what: what(&json)?,
        })
    }
}

fn key(json: &Value) -> Result<String, String> {
    let part = |place| text(json, place);
    Ok(match part("/type")?.as_str() {
        "em.device.login.v1" | "em.device.logout.v1" => part("/data/device/name")?,
        "em.intercom.defaultdevice.changed.v1" => line(json)?,
        "em.serviceparameter.changed.v1" => {
            format!("ServiceParameter/{}/{}", part("/data/service")?, part("/data/name")?)
        }
        "em.provisioning.changed.v1" => {
            format!("{}/{}", part("/data/objectType")?, part("/data/objectUuid")?)
        }
        "em.calllog.cleared.v1" | "em.session.expiring.v1" => part("/data/device/name")?,
        "em.login.rejected.v1" => refused_phone(json)?,
        "em.credential.changed.v1" => {
            let type_ = if part("/data/holder/kind")? == "end-user" { "User" } else { "AppUser" };
            format!("{type_}/{}", part("/data/holder/uuid")?)
        }
        other => return Err(format!("an event of type {other}")),
    })
}

/// The phone of a refusal as its key names it.
fn refused_phone(json: &Value) -> Result<String, String> {
    Ok(perhaps(json, "/data/deviceName", text)?.unwrap_or_else(|| "-".to_owned()))
}

/// An intercom line as its key names it.
fn line(json: &Value) -> Result<String, String> {
    let partition = perhaps(json, "/data/line/partition", text)?.unwrap_or_default();
    Ok(format!("{}|{partition}", text(json, "/data/line/dn")?))
}

fn what(json: &Value) -> Result<What, String> {
    Ok(match text(json, "/type")?.as_str() {
        "em.device.login.v1" => What::Login {
            phone: text(json, "/data/device/name")?,
            session: session(json)?,
            expires: perhaps(json, "/data/expiresAt", moment)?,
            displaced: list(json, "/data/displaced", "/sessionId")?,
        },
        "em.device.logout.v1" => What::Logout {
            phone: text(json, "/data/device/name")?,
            session: session(json)?,
            reason: text(json, "/data/reason")?,
            replaced_by: perhaps(json, "/data/replacedBy/sessionId", text)?,
            due: perhaps(json, "/data/dueAt", moment)?,
        },
        "em.intercom.defaultdevice.changed.v1" => What::Intercom {
            line: line(json)?,
            previous: perhaps(json, "/data/previous/name", text)?,
            current: perhaps(json, "/data/current/name", text)?,
            change: text(json, "/data/change")?,
        },
        "em.serviceparameter.changed.v1" => What::Parameter {
            name: text(json, "/data/name")?,
            previous: text(json, "/data/previousValue")?,
            value: text(json, "/data/value")?,
        },
        "em.provisioning.changed.v1" => What::Provisioning {
            action: text(json, "/data/action")?,
            type_: text(json, "/data/objectType")?,
            name: text(json, "/data/objectName")?,
        },
        "em.login.rejected.v1" => What::Rejected {
            operation: text(json, "/data/operation")?,
            phone: refused_phone(json)?,
            user: perhaps(json, "/data/userId", text)?,
            code: number(json, "/data/errorCode")?,
            existing: perhaps(json, "/data/existing/deviceName", text)?,
            count: number(json, "/data/count")?.into(),
        },
        other => What::Other(other.to_owned()),
    })
}

/// The session of a login, a logout or a session state.
pub(crate) fn session(json: &Value) -> Result<Session, String> {
    Ok(Session {
        id: text(json, "/data/sessionId")?,
        user: text(json, "/data/user/userId")?,
        profile: text(json, "/data/profile/name")?,
    })
}

/// Text at a place.
pub(crate) fn text(json: &Value, place: &str) -> Result<String, String> {
    let found = json.pointer(place).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no text at {place}"))
}

/// What stands at a place unless that is null or absent.
pub(crate) fn perhaps<T>(
    json: &Value,
    place: &str,
    read: impl Fn(&Value, &str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    match json.pointer(place) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => read(json, place).map(Some),
    }
}

fn number(json: &Value, place: &str) -> Result<i32, String> {
    let found = json.pointer(place).and_then(Value::as_i64).and_then(|n| n.try_into().ok());
    found.ok_or_else(|| format!("no number at {place}"))
}

fn list(json: &Value, place: &str, inside: &str) -> Result<Vec<String>, String> {
    let items = json.pointer(place).and_then(Value::as_array).ok_or_else(|| format!("no list at {place}"))?;
    items.iter().map(|item| text(item, inside)).collect()
}

fn moment(json: &Value, place: &str) -> Result<Micros, String> {
    let text = text(json, place)?;
    let moment = DateTime::parse_from_rfc3339(&text).map_err(|_| format!("no time at {place}: {text}"))?;
    Ok(moment.timestamp_micros())
}
