//! Every path we answer, with its methods, its right and its limits: the one table that the gate obeys (AUTHZ-1).
//!
//! A handler whose path is not here is never reached.

use super::log_level;
use crate::config::Limits;
use crate::em::{api, credential, operator, phone_app, registrations};
use crate::telemetry::Surface;

/// One path, or the paths under one.
#[derive(Debug)]
pub struct Route {
    /// Which paths.
    pub path: Path,
    /// The door it belongs to.
    pub surface: Surface,
    /// Methods it takes.
    pub methods: &'static [&'static str],
    /// Who may come in.
    pub access: Access,
    /// What a request may carry.
    pub body: BodyKind,
}

/// Which request paths a route stands for.
#[derive(Debug)]
pub enum Path {
    /// This one.
    Exact(&'static str),
    /// This one, with a query of this name.
    Query(&'static str, &'static str),
    /// Those that begin like this and end like that.
    Under(&'static str, &'static str),
}

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody: public texts, and pages that check for themselves.
    Open,
    /// Application users and end users with their password, or the cookie that they got for it; what they may do is decided behind.
    Account,
}

/// What a request may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing, or little: a small document for its handler.
    Nothing,
    /// A SOAP message.
    Soap,
    /// A form.
    Form,
}

/// The listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Plain HTTP, phones only.
    Phone,
    /// TLS, everything but health and metrics.
    Tls,
    /// Loopback.
    Admin,
}

const GET: &[&str] = &["GET"];

/// The table; the first match counts.
pub const ROUTES: &[Route] = &[
    Route {
        path: Path::Exact(phone_app::PATH),
        surface: Surface::Phone,
        methods: &["GET", "HEAD"],
        access: Access::Open,
        body: BodyKind::Nothing,
    },
    Route {
        path: Path::Exact(api::PATH),
        surface: Surface::Phone,
        methods: &["GET", "POST"],
        access: Access::Open,
        body: BodyKind::Form,
    },
    open(Path::Exact(credential::page::PATH), Surface::Phone),
    open(Path::Query("/axl/", "wsdl"), Surface::Soap),
    open(Path::Under("/axl/", ".wsdl"), Surface::Soap),
    open(Path::Under("/axl/", ".xsd"), Surface::Soap),
    Route {
        path: Path::Exact("/axl/"),
        surface: Surface::Soap,
        methods: &["GET", "POST"],
        access: Access::Account,
        body: BodyKind::Soap,
    },
    operator(operator::http::SESSIONS, GET),
    operator(operator::http::LOGOUT, &["POST"]),
    operator(credential::http::STATE, GET),
    operator(credential::http::RESET, &["POST"]),
    operator(credential::http::UNLOCK, &["POST"]),
    operator(registrations::PATH, &["GET", "POST"]),
    open(Path::Exact("/health/live"), Surface::Admin),
    open(Path::Exact("/health/ready"), Surface::Admin),
    open(Path::Exact("/metrics"), Surface::Admin),
    Route {
        path: Path::Exact(log_level::PATH),
        surface: Surface::Admin,
        methods: &["GET", "PUT"],
        access: Access::Open,
        body: BodyKind::Nothing,
    },
];

const fn open(path: Path, surface: Surface) -> Route {
    Route { path, surface, methods: GET, access: Access::Open, body: BodyKind::Nothing }
}

const fn operator(path: &'static str, methods: &'static [&'static str]) -> Route {
    Route {
        path: Path::Exact(path),
        surface: Surface::Operator,
        methods,
        access: Access::Account,
        body: BodyKind::Nothing,
    }
}

impl Listener {
    fn has(self, surface: Surface) -> bool {
        match self {
            Self::Phone => surface == Surface::Phone,
            Self::Tls => matches!(surface, Surface::Phone | Surface::Soap | Surface::Operator),
            Self::Admin => surface == Surface::Admin,
        }
    }
}

impl Route {
    fn matches(&self, path: &str, query: &str) -> bool {
        match self.path {
            Path::Exact(exact) => path == exact,
            Path::Query(exact, name) => {
                let named = |pair: &str| pair.split('=').next().is_some_and(|n| n.eq_ignore_ascii_case(name));
                path == exact && query.split('&').any(named)
            }
            Path::Under(start, end) => path
                .strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(end))
                .is_some_and(|name| !name.is_empty() && !name.contains("..")),
        }
    }

    /// Bytes that the body may have.
    pub fn body_limit(&self, limits: &Limits) -> usize {
        match self.body {
            BodyKind::Nothing | BodyKind::Form => limits.form_body,
            BodyKind::Soap => limits.soap_body,
        }
    }

    /// Bytes that the query may have; a form may stand there too.
    pub fn query_limit(&self, limits: &Limits) -> usize {
        match (self.surface, self.body) {
            (Surface::Phone, BodyKind::Nothing) => limits.query,
            (Surface::Phone, BodyKind::Form | BodyKind::Soap)
            | (Surface::Soap | Surface::Operator | Surface::Admin | Surface::Unknown, _) => limits.uri,
        }
    }
}

/// The route of a request on a listener.
pub fn find(listener: Listener, method: &str, path: &str, query: &str) -> Option<&'static Route> {
    let here = || ROUTES.iter().filter(|r| listener.has(r.surface) && r.matches(path, query));
    here().find(|r| r.methods.contains(&method)).or_else(|| here().next_back())
}

/// The path meant by one that begins with two slashes; programs write those of phones and of the application API so.
pub fn find_slashed_twice(listener: Listener, path: &str) -> Option<&'static str> {
    let path = path.strip_prefix('/').filter(|rest| rest.starts_with('/'))?;
    ROUTES.iter().filter(|r| r.surface == Surface::Phone && listener.has(r.surface)).find_map(|r| {
        match r.path {
            Path::Exact(exact) => (exact == path).then_some(exact),
            Path::Query(..) | Path::Under(..) => None,
        }
    })
}

/// The path meant by one that differs only in the case of its letters (EM-140).
pub fn find_misspelt(listener: Listener, path: &str) -> Option<&'static str> {
    ROUTES.iter().filter(|r| listener.has(r.surface)).find_map(|r| match r.path {
        Path::Exact(exact) => exact.eq_ignore_ascii_case(path).then_some(exact),
        Path::Query(..) | Path::Under(..) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(listener: Listener, method: &str, path: &str, query: &str) -> Option<Access> {
        find(listener, method, path, query).map(|r| r.access)
    }

    #[test]
    fn schema_is_public_and_the_service_is_not() {
        assert_eq!(access(Listener::Tls, "GET", "/axl/", "wsdl"), Some(Access::Open));
        assert_eq!(access(Listener::Tls, "POST", "/axl/", "wsdl"), Some(Access::Account));
        assert_eq!(access(Listener::Tls, "GET", "/axl/", ""), Some(Access::Account));
        assert_eq!(access(Listener::Tls, "GET", "/axl/AXLAPI.wsdl", ""), Some(Access::Open));
        assert_eq!(access(Listener::Tls, "GET", "/axl", ""), None);
        assert_eq!(access(Listener::Tls, "GET", "/axl/../x.wsdl", ""), None);
    }

    #[test]
    fn listeners_serve_their_own_surfaces_only() {
        assert_eq!(access(Listener::Phone, "POST", "/axl/", ""), None);
        assert_eq!(access(Listener::Tls, "GET", "/metrics", ""), None);
        assert_eq!(access(Listener::Admin, "GET", "/emapp/EMAppServlet", ""), None);
        assert_eq!(access(Listener::Phone, "GET", "/emapp/EMAppServlet", "device=x"), Some(Access::Open));
    }
}
