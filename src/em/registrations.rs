//! Where phones are, told by whoever knows: a PBX or an adapter reports over HTTP (design.md 22; security.md PHONE-1).
//!
//! `POST /operator/v1/registrations` takes a report of up to 300 phones in one transaction and answers for each; `GET` shows what is known,
//! a page at a time. TLS only; a program with the proxy right may report, an administrator too. The reported address is what Validate IP
//! Address compares with, and a call that is reported is what an automatic logout may wait for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::operator::door::{self, Refused};
use super::operator::members::Members;
use super::service::Em;
use crate::auth::Right;
use crate::domain::names::{DeviceName, fold};
use crate::domain::short_text::ShortText;
use crate::store::registrations::{self, PhoneKnown, PhoneReport, Registration};

/// Path of the feed.
pub const PATH: &str = "/operator/v1/registrations";

/// Phones in one report, and in one page of the list.
const MOST: usize = 300;

/// Who may report and see what is reported.
const REPORTERS: &[Right] = &[Right::EmService, Right::Operate];

/// A report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    phones: Vec<Members<Reported>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Reported {
    name: String,
    status: ReportedStatus,
    address: Option<IpAddr>,
    protocol: Option<ReportedProtocol>,
    #[serde(default, deserialize_with = "door::given_text")]
    active_load: Option<ShortText<64>>,
    busy: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReportedStatus {
    Registered,
    Unregistered,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum ReportedProtocol {
    #[serde(rename = "SIP")]
    Sip,
    #[serde(rename = "SCCP")]
    Sccp,
}

/// What became of the report of a phone.
#[derive(Serialize)]
struct Taken {
    name: String,
    result: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    name: String,
    status: String,
    address: Option<String>,
    protocol: Option<String>,
    active_load: Option<String>,
    busy: bool,
    reported_by: Option<String>,
    reported_at: DateTime<Utc>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    /// The last name of the page before.
    after: String,
}

/// Hangs the path into a server.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route(PATH, web::get().to(show)).route(PATH, web::post().to(take));
}

async fn take(request: HttpRequest, body: web::Bytes, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        let caller = door::admit(&request, REPORTERS)?;
        let reports = parse(&body)?;
        let (by, told) = (caller.principal.name.to_string(), reports.clone());
        let exist = em.db().write(move |tx| registrations::report(tx, &by, &told)).await?;
        let taken = reports.into_iter().zip(exist).map(|(report, exists)| Taken {
            name: report.name,
            result: if exists { "taken" } else { "unknown-phone" },
        });
        Ok(taken.collect::<Vec<_>>())
    })
    .await
}

async fn show(request: HttpRequest, em: web::Data<Em>) -> HttpResponse {
    door::answer(async {
        door::admit(&request, REPORTERS)?;
        let Page { after } = door::query(&request)?;
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let known = em.db().read(move |tx| registrations::list(tx, &fold(&after), most)).await?;
        Ok(known.into_iter().map(shown).collect::<Vec<_>>())
    })
    .await
}

/// Reads a report; the whole of it is refused where a phone is in it twice or something cannot be.
fn parse(body: &[u8]) -> Result<Vec<PhoneReport>, Refused> {
    let Report { phones } = door::body(body)?;
    if phones.is_empty() || phones.len() > MOST {
        return Err(Refused::field("phones", format_args!("give 1 to {MOST} at a time")));
    }
    let mut seen = BTreeSet::new();
    for Members(Reported { name, .. }) in &phones {
        name.parse::<DeviceName>().map_err(|error| Refused::field("name", error))?;
        if !seen.insert(fold(name)) {
            return Err(Refused::field("name", format_args!("\"{name}\" is in the report twice")));
        }
    }
    Ok(phones.into_iter().map(|Members(phone)| reported(phone)).collect())
}

fn reported(phone: Reported) -> PhoneReport {
    let Reported { name, status, address, protocol, active_load, busy } = phone;
    PhoneReport {
        name,
        registration: match status {
            ReportedStatus::Registered => Registration::Registered,
            ReportedStatus::Unregistered => Registration::Unregistered,
        },
        address: address.map(|address| address.to_canonical()),
        protocol: protocol.map(|protocol| match protocol {
            ReportedProtocol::Sip => "SIP".to_owned(),
            ReportedProtocol::Sccp => "SCCP".to_owned(),
        }),
        active_load: active_load.map(ShortText::into_string),
        is_busy: busy,
    }
}

fn shown(known: PhoneKnown) -> Known {
    let PhoneKnown { phone, status, address, protocol, active_load, is_busy, reported_by, reported_at } =
        known;
    let name = phone.name;
    Known { name, status, address, protocol, active_load, busy: is_busy, reported_by, reported_at }
}
