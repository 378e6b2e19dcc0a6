//! What the front does around handlers: permits, time limits, drain. Handlers here are stand-ins that wait.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, error};
use emgate::auth::{Principal, Roles, SUPER_USERS};
use emgate::clock::IdSource;
use emgate::config::{HttpConfig, Limits};
use emgate::domain::credential::HolderKind;
use emgate::domain::ids::ObjectPk;
use emgate::http::health::{Copying, Health, Told};
use emgate::http::{Doors, Front, Mount, Servers};
use emgate::telemetry::{HttpLabels, Metrics, StatusClass, Surface};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::support::database::TestDatabase;
use crate::support::gateway::{StateDir, basic};
use crate::support::http::{Client, request};
use crate::support::waiting::{await_true, in_time};

struct Stage {
    runtime: Runtime,
    servers: Option<Servers>,
    address: SocketAddr,
    phone: Client,
    tls: Client,
    metrics: Metrics,
    _database: TestDatabase,
    _state: StateDir,
}

fn stage(
    handlers: impl Fn(&mut ServiceConfig) + Send + Sync + 'static,
    change: impl FnOnce(&mut Limits),
) -> Stage {
    let (database, state) = (TestDatabase::new(), StateDir::new());
    let mut limits = Limits::default();
    change(&mut limits);
    let handlers: Mount = Arc::new(handlers);
    let anybody = || Principal {
        pk: ObjectPk(1),
        uuid: uuid::Uuid::nil(),
        name: "anybody".parse().unwrap(),
        kind: HolderKind::AppUser,
        is_super: true,
        roles: Roles::of_groups([SUPER_USERS]),
    };
    let quiet =
        Told { copying: Arc::new(|| Copying::Off), last_proxy: Arc::new(|| None), standing: Vec::new() };
    let front = Front {
        doors: Doors::All,
        http: HttpConfig {
            address: vec!["127.0.0.1".parse().unwrap()],
            http_port: 0,
            https_port: 0,
            admin_port: 0,
            workers: 1,
            ..HttpConfig::default()
        },
        limits,
        state_dir: state.0.clone(),
        ids: IdSource::counted(),
        metrics: Metrics::default(),
        admit: Arc::new(move |_, _| Box::pin(async move { Ok((anybody(), None)) })),
        health: Health::new(database.open_real(), "stage", quiet),
        phone: Arc::clone(&handlers),
        soap: handlers,
        operator: Arc::new(|_| ()),
    };
    let metrics = front.metrics.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let servers = runtime.block_on(async { Servers::start(&front) }).unwrap();
    let addresses = servers.addresses();
    let phone = Client::plain(addresses.phone.unwrap());
    let tls = Client::tls(addresses.tls.unwrap(), &state.0.join("tls-certificate.pem"));
    Stage {
        runtime,
        servers: Some(servers),
        address: addresses.phone.unwrap(),
        phone,
        tls,
        metrics,
        _database: database,
        _state: state,
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(servers) = self.servers.take() {
            self.runtime.block_on(servers.stop());
        }
    }
}

fn post() -> String {
    request("POST", "/axl/", &[("Authorization", &basic("anybody", "x"))], "<a/>")
}

/// SOAP requests that come in, and stay until they are let go.
fn waiting(
    entered: Arc<Semaphore>,
    leave: Arc<Semaphore>,
) -> impl Fn(&mut ServiceConfig) + Send + Sync + 'static {
    move |config| {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        let wait = move || {
            let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
            async move {
                entered.add_permits(1);
                leave.acquire().await.unwrap().forget();
                HttpResponse::Ok().body("done")
            }
        };
        config.route("/axl/", web::post().to(wait.clone())).route("/emapp/EMAppServlet", web::get().to(wait));
    }
}

#[test]
fn a_soap_request_too_many_is_sent_away_at_once() {
    let (entered, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let stage = stage(waiting(Arc::clone(&entered), Arc::clone(&leave)), |l| l.soap_in_flight = 2);
    let mut inside: Vec<_> = (0..2).map(|_| stage.tls.open()).collect();
    inside.iter_mut().for_each(|c| c.send(post()));
    stage.runtime.block_on(in_time(entered.acquire_many(2))).unwrap().forget();
    let refused = stage.tls.raw(post()).expect("an answer");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    leave.add_permits(3);
    assert!(inside.iter_mut().all(|c| c.answer().is_some_and(|a| a.status == 200)));
    assert_eq!(stage.tls.raw(post()).expect("an answer").status, 200);
}

#[test]
fn a_handler_that_takes_too_long_loses_its_caller() {
    let (entered, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let stage = stage(waiting(entered, leave), |l| l.handler_seconds = 1);
    for answer in [stage.phone.get("/emapp/EMAppServlet"), stage.tls.raw(post()).expect("an answer")] {
        assert_eq!((answer.status, answer.body.as_str()), (408, "no answer in time\n"));
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(answer.header("x-request-id").is_some());
    }
    let counted = [Surface::Phone, Surface::Soap, Surface::Unknown].map(|surface| {
        let labels = HttpLabels { surface, status: StatusClass::ClientError };
        stage.metrics.http_requests.get_or_create(&labels).get()
    });
    assert_eq!(counted, [1, 1, 0]);
}

#[test]
fn requests_in_work_are_finished_before_the_end() {
    let (entered, leave) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut stage = stage(waiting(Arc::clone(&entered), Arc::clone(&leave)), |_| ());
    let mut inside = stage.tls.open();
    inside.send(post());
    stage.runtime.block_on(in_time(entered.acquire())).unwrap().forget();
    let servers = stage.servers.take().unwrap();
    let ended = stage.runtime.spawn(servers.stop());
    let listens = || TcpStream::connect(stage.address).is_ok();
    await_true(Duration::from_secs(20), "nobody listens", || !listens());
    assert!(!ended.is_finished());
    leave.add_permits(1);
    let answer = inside.answer().expect("the answer of the request in work");
    assert_eq!((answer.status, answer.body.as_str()), (200, "done"));
    assert!(inside.is_closed());
    stage
        .runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(5), ended).await })
        .unwrap()
        .unwrap();
}

#[test]
fn texts_of_libraries_do_not_reach_clients() {
    let handlers = |config: &mut ServiceConfig| {
        let fail = || async { Err::<HttpResponse, _>(error::ErrorBadRequest("secret detail")) };
        config.route("/emapp/EMAppServlet", web::get().to(fail));
    };
    let stage = stage(handlers, |_| ());
    let answer = stage.phone.get("/emapp/EMAppServlet?device=x");
    assert_eq!((answer.status, answer.body.as_str()), (400, "request refused\n"));
}

#[test]
fn a_handler_that_panics_costs_its_connection_only() {
    async fn fail() -> HttpResponse {
        panic!("of a test")
    }
    let handlers = |config: &mut ServiceConfig| {
        config.route("/emapp/EMAppServlet", web::get().to(fail));
    };
    let stage = stage(handlers, |_| ());
    assert!(stage.phone.raw(request("GET", "/emapp/EMAppServlet", &[], "")).is_none());
    assert_eq!(stage.phone.get("/nothing").status, 404);
}

/// Asks for a page and takes 64 KiB of it at a time, the first after a while and the others after a pause; how many bytes come in all.
fn taken(address: SocketAddr, before: Duration, pause: Duration) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let ask = request("GET", "/emapp/EMAppServlet", &[("Connection", "close")], "");
    stream.write_all(ask.as_bytes()).unwrap();
    std::thread::sleep(before);
    let (mut piece, mut taken) = (vec![0; 64 << 10], 0);
    while let Ok(more @ 1..) = stream.read(&mut piece) {
        taken += more;
        std::thread::sleep(pause);
    }
    taken
}

#[test]
fn a_client_that_takes_its_answer_slowly_gets_it_whole_and_one_that_takes_nothing_does_not() {
    const LONG: usize = 16 << 20;
    let handlers = |config: &mut ServiceConfig| {
        let long = || async { vec![b'x'; LONG] };
        config.route("/emapp/EMAppServlet", web::get().to(long));
    };
    let stage = stage(handlers, |l| (l.keep_alive_seconds, l.head_seconds) = (1, 1));
    let (address, at_once) = (stage.address, Duration::ZERO);
    let slow = std::thread::spawn(move || taken(address, at_once, Duration::from_millis(25)));
    let stuck = std::thread::spawn(move || taken(address, Duration::from_secs(5), at_once));
    let (slow, stuck) = (slow.join().unwrap(), stuck.join().unwrap());
    assert!(slow > LONG, "{slow} bytes of the head and {LONG}");
    assert!(stuck < LONG, "{stuck} bytes");
}

#[test]
fn a_client_that_asks_on_and_on_and_takes_nothing_is_shut_out() {
    let stage = stage(|_| {}, |l| (l.keep_alive_seconds, l.head_seconds) = (1, 1));
    let mut stream = TcpStream::connect(stage.address).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let requests = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
    while stream.write_all(requests.as_bytes()).is_ok() {}
    assert_eq!(stage.metrics.http_connections.get(), 1, "its answers fill the way to it");
    await_true(Duration::from_secs(10), "it is let go", || stage.metrics.http_connections.get() == 0);
}
