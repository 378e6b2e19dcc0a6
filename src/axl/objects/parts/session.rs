//! What phones and device profiles show of a session in the same elements.

use serde_json::{Value, json};

use crate::store::objects::Carried;
use crate::store::shown::ShownSession;

/// Elements that [`show`] fills.
pub const TAGS: [&str; 3] = ["currentProfileName", "loginTime", "loginDuration"];

/// Puts the profile in use, the begin and the limit of a session into a document; 0 is no limit.
pub fn show(session: &ShownSession, document: &mut Carried) {
    let seconds = session.max_login_seconds.unwrap_or(0);
    document.insert("currentProfileName".into(), json!({ "ref": session.profile.0 }));
    document.insert("loginTime".into(), Value::from(session.started_at.timestamp().to_string()));
    document.insert("loginDuration".into(), Value::from(seconds.to_string()));
}
