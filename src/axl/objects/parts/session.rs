//! What phones and device profiles show of a session in the same elements.

use serde_json::{Value, json};

use crate::axl::object::Fields;
use crate::store::shown::ShownSession;

/// Elements that [`show`] fills.
pub const TAGS: [&str; 3] = ["currentProfileName", "loginTime", "loginDuration"];

/// Shows the profile in use, the begin and the limit of a session; 0 is no limit.
pub fn show(session: &ShownSession, fields: &mut Fields<'_>) {
    fields.put("currentProfileName", || json!({ "ref": session.profile.0 }));
    fields.put("loginTime", || Value::from(session.started_at.timestamp().to_string()));
    fields.put("loginDuration", || Value::from(session.max_login_seconds.unwrap_or(0).to_string()));
}
