//! Binds the listeners and runs the servers until they are told to stop.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::connections::Connections;
use super::gate::{self, Gate};
use super::guard::Hosts;
use super::routes::Listener;
use super::tls::{Certificate, TlsError};
use super::{Doors, Front, Mount, health, log_level, request_id};

/// Why the front cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An address cannot be bound.
    #[error("{key}: cannot listen on {address}: {source}")]
    Bind {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The servers do not come up.
    #[error("http: {0}")]
    Start(#[from] std::io::Error),
}

/// Where the listeners are.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Plain HTTP for phones; none where this process has no doors.
    pub phone: Option<SocketAddr>,
    /// TLS; none where this process has no doors.
    pub tls: Option<SocketAddr>,
    /// Health and metrics.
    pub admin: SocketAddr,
}

/// The running servers.
pub struct Servers {
    addresses: Addresses,
    public: Vec<ServerHandle>,
    admin: ServerHandle,
    tasks: Vec<JoinHandle<()>>,
}

impl Servers {
    /// Binds and starts them; must be called inside a multi-threaded runtime.
    pub fn start(front: &Front) -> Result<Self, HttpError> {
        let (http, hosts) = (&front.http, Hosts::of(&front.http));
        let (connections, soap) = shared(front);
        let gate = |listener| {
            let hosts = match listener {
                Listener::Admin => hosts.clone().with_loopback(),
                Listener::Phone | Listener::Tls => hosts.clone(),
            };
            web::Data::new(Gate::new(front, listener, hosts, Arc::clone(&soap)))
        };
        let start = |sockets, security, listener, mounts| {
            run(front, sockets, security, &connections, gate(listener), mounts)
        };
        let admin = bind_all("http.admin_port", &[IpAddr::V4(Ipv4Addr::LOCALHOST)], http.admin_port, &[])?;
        let mut addresses = Addresses { phone: None, tls: None, admin: first(&admin)? };
        let (mut running, mut tasks) = (Vec::new(), vec![tokio::spawn(Arc::clone(&connections).watch())]);
        if front.doors == Doors::All {
            let certificate = Certificate::load(http, &front.state_dir, hosts.names())?;
            let tls_config = certificate.server_config()?;
            let phone = bind_all("http.http_port", &http.address, http.http_port, &http.more_http_ports)?;
            let tls = bind_all("http.https_port", &http.address, http.https_port, &http.more_https_ports)?;
            addresses.phone = Some(first(&phone)?);
            addresses.tls = Some(first(&tls)?);
            let everything =
                vec![Arc::clone(&front.phone), Arc::clone(&front.soap), Arc::clone(&front.operator)];
            running.push(start(phone, None, Listener::Phone, vec![Arc::clone(&front.phone)])?);
            running.push(start(tls, Some(tls_config), Listener::Tls, everything)?);
            tasks.push(tokio::spawn(certificate.watch()));
        }
        let (health, metrics) = (front.health.clone(), front.metrics.clone());
        let own: Mount = Arc::new(move |config| {
            health::mount(config, health.clone(), metrics.clone());
            log_level::mount(config);
        });
        let admin = start(admin, None, Listener::Admin, vec![own])?;
        let public = running.iter().map(Server::handle).collect();
        let admin_handle = admin.handle();
        tasks.extend(running.into_iter().chain([admin]).map(|server| tokio::spawn(watch(server))));
        Ok(Self { addresses, public, admin: admin_handle, tasks })
    }

    /// Where they listen.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Whether all of them, and what watches over them, still run.
    pub fn are_running(&self) -> bool {
        self.tasks.iter().all(|task| !task.is_finished())
    }

    /// Accepts nothing more from outside and lets requests in work finish, as long as the limits allow.
    pub async fn drain(&self) {
        futures_util::future::join_all(self.public.iter().map(|h| h.stop(true))).await;
    }

    /// Ends health and metrics too.
    pub async fn stop(self) {
        self.drain().await;
        self.admin.stop(false).await;
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What all listeners count together.
fn shared(front: &Front) -> (Arc<Connections>, Arc<Semaphore>) {
    let soap = Arc::new(Semaphore::new(front.limits.soap_in_flight));
    (Connections::new(&front.limits, &front.metrics), soap)
}

async fn watch(server: Server) {
    if let Err(error) = server.await {
        tracing::error!(%error, "an HTTP server ended");
    }
}

/// Binds every address on every port; a port that is free to choose is the same on all addresses.
fn bind_all(
    key: &'static str,
    addresses: &[IpAddr],
    port: u16,
    more: &[u16],
) -> Result<Vec<TcpListener>, HttpError> {
    let mut sockets = Vec::new();
    for port in [port].iter().chain(more) {
        let mut port = *port;
        for address in addresses {
            let socket = bind(key, *address, port)?;
            port = socket.local_addr()?.port();
            sockets.push(socket);
        }
    }
    Ok(sockets)
}

fn first(sockets: &[TcpListener]) -> std::io::Result<SocketAddr> {
    let none = || std::io::Error::new(std::io::ErrorKind::AddrNotAvailable, "no address to listen on");
    sockets.first().ok_or_else(none)?.local_addr()
}

fn bind(key: &'static str, address: IpAddr, port: u16) -> Result<TcpListener, HttpError> {
    let address = SocketAddr::new(address, port);
    TcpListener::bind(address).map_err(|source| HttpError::Bind { key, address, source })
}

/// Runs one server with our limits instead of the library's.
fn run(
    front: &Front,
    sockets: Vec<TcpListener>,
    security: Option<rustls::ServerConfig>,
    connections: &Arc<Connections>,
    gate: web::Data<Gate>,
    mounts: Vec<Mount>,
) -> std::io::Result<Server> {
    let limits = &front.limits;
    let payload = web::PayloadConfig::new(limits.soap_body.max(limits.form_body));
    let connections = Arc::clone(connections);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(move || {
        let mounts = mounts.clone();
        App::new()
            .app_data(gate.clone())
            .app_data(payload.clone())
            .configure(move |config| mounts.iter().for_each(|mount| mount(config)))
            .default_service(web::to(|| async { gate::nothing_here() }))
            .wrap(from_fn(gate::pass))
            .wrap(from_fn(request_id::trace))
    })
    .on_connect(move |stream, extensions| connections.accept(stream, extensions))
    .workers(if front.http.workers == 0 { cores } else { front.http.workers })
    .max_connections(limits.connections)
    .max_connection_rate(limits.handshakes_per_worker)
    .tls_handshake_timeout(Duration::from_secs(limits.handshake_seconds))
    .client_request_timeout(Duration::from_secs(limits.head_seconds))
    .client_disconnect_timeout(limits.drain_time())
    .keep_alive(Duration::from_secs(limits.keep_alive_seconds))
    .shutdown_timeout(limits.shutdown_seconds)
    .disable_signals();
    let server = sockets.into_iter().try_fold(server, |server, socket| match &security {
        None => server.listen(socket),
        Some(config) => server.listen_rustls_0_23(socket, config.clone()),
    })?;
    Ok(server.run())
}
