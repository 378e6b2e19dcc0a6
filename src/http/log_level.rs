//! `/log-level` on the loopback listener: how much the log of this node says, changed while it runs (EM-139).
//!
//! `GET` tells how things are, `PUT` changes them by its query: `filter` for all of the node until it ends (empty: that of the settings
//! again), `phone` or `user` with `minutes` for everything about their requests. Whoever can reach this listener can do so.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::telemetry::{Levels, Watch};

/// Path of it.
pub(super) const PATH: &str = "/log-level";
/// How long somebody is watched unless it is said, and at most.
const MINUTES: u64 = 10;
const MOST_MINUTES: u64 = 24 * 60;

/// What a change asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    filter: Option<String>,
    phone: Option<String>,
    user: Option<String>,
    minutes: Option<u64>,
}

pub(super) fn mount(config: &mut web::ServiceConfig) {
    config.route(PATH, web::get().to(show)).route(PATH, web::put().to(change));
}

async fn show() -> HttpResponse {
    match Levels::of_process() {
        Some(levels) => HttpResponse::Ok().json(levels.report()),
        None => refused("the log of this process is not ours".to_owned()),
    }
}

async fn change(asked: Result<web::Query<Change>, actix_web::Error>) -> HttpResponse {
    let (Ok(asked), Some(levels)) = (asked, Levels::of_process()) else {
        return refused("give filter, or phone or user with minutes".to_owned());
    };
    match apply(levels, asked.into_inner()) {
        Ok(()) => {
            tracing::info!(filter = levels.report().filter, "the level of the log was changed");
            show().await
        }
        Err(why) => refused(why),
    }
}

/// Carries out a change, or says why it cannot be meant.
fn apply(levels: &Levels, asked: Change) -> Result<(), String> {
    let minutes = asked.minutes.unwrap_or(MINUTES);
    if minutes > MOST_MINUTES {
        return Err(format!("minutes: give at most {MOST_MINUTES}"));
    }
    let whom = asked.phone.map(Watch::Phone).into_iter().chain(asked.user.map(Watch::User));
    let whom: Vec<Watch> = whom.collect();
    if whom.is_empty() && (asked.filter.is_none() || asked.minutes.is_some()) {
        return Err("give filter, or phone or user with minutes".to_owned());
    }
    if let Some(filter) = asked.filter {
        let filter = Some(filter.as_str()).filter(|filter| !filter.is_empty());
        levels.set_filter(filter).map_err(|error| format!("filter: {error}"))?;
    }
    let time = Duration::from_secs(minutes * 60);
    whom.into_iter().try_for_each(|one| levels.watch(one, time)).map_err(|error| error.to_string())
}

fn refused(why: String) -> HttpResponse {
    HttpResponse::BadRequest().json(serde_json::json!({ "error": why }))
}
