//! The HTTP front: three listeners, the limits of security.md 1 on all of them, and the doors that other modules hang in.
//!
//! [`Servers::start`] takes what the composition wired and gives running servers, on port 0 too. Every request passes
//! [`gate`], which knows all paths; no handler sees a request that the gate did not admit. What the pages and messages
//! say is decided in `em` and `axl`.

mod body;
mod connections;
mod gate;
pub mod guard;
pub mod health;
mod hints;
mod log_level;
mod request_id;
pub mod routes;
mod server;
pub mod tls;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::cookie::Cookie;
use actix_web::web::ServiceConfig;

use crate::auth::Principal;
use crate::auth::sign_in::Proof;
use crate::clock::IdSource;
use crate::config::{HttpConfig, Limits};
use crate::telemetry::Metrics;

pub use server::{Addresses, HttpError, Servers};

/// Hangs the handlers of one module into a server.
pub type Mount = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// Why nobody is let in.
#[derive(Debug)]
pub enum NotAdmitted {
    /// The proof is wrong, or nobody has it, or the account is locked: one answer for all.
    Refused,
    /// Too many checks are under way.
    Busy,
    /// The database cannot be asked.
    Unavailable,
}

/// Whose the proof is, and the cookie that goes into the answer.
pub type Admission = Result<(Principal, Option<Cookie<'static>>), NotAdmitted>;

/// Checks the proof in a request from an address.
pub type Admit =
    Arc<dyn Fn(Proof, Option<IpAddr>) -> Pin<Box<dyn Future<Output = Admission> + Send>> + Send + Sync>;

/// Which listeners a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doors {
    /// All of them.
    All,
    /// Health and metrics: the process has other work.
    AdminOnly,
}

/// What the front needs from the composition.
#[derive(Clone)]
pub struct Front {
    /// Whether phones and programs are served; else health and metrics only.
    pub doors: Doors,
    /// Addresses, names and certificate.
    pub http: HttpConfig,
    /// Limits.
    pub limits: Limits,
    /// Where the files of this node are.
    pub state_dir: std::path::PathBuf,
    /// Makes request ids.
    pub ids: IdSource,
    /// Counts.
    pub metrics: Metrics,
    /// Checks passwords and cookies.
    pub admit: Admit,
    /// Says how we are.
    pub health: health::Health,
    /// The pages of phones and the application API.
    pub phone: Mount,
    /// SOAP and its schema.
    pub soap: Mount,
    /// What operators call.
    pub operator: Mount,
}
