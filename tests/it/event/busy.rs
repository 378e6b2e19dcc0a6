//! Requests that hold every connection of their pool do not hold up the publication of events.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use emgate::store::number_line;

use super::commit_one;
use super::samples::login_on;
use crate::support::axl::{AxlClient, Caller as _};
use crate::support::gateway::TestGateway;
use crate::support::waiting::await_true;

const POOL: u32 = 2;

#[test]
fn numbering_goes_on_while_requests_hold_all_connections() {
    let gateway = TestGateway::start_with(|config| config.database.pool = POOL);
    let client = AxlClient::of(&gateway);
    client.ok("addUser", "<user><userid>ada</userid><lastName>A</lastName></user>");
    let (db, _clock) = gateway.database.open();
    let line = || db.write_blocking(number_line::line).unwrap();
    let epoch = line().leader_epoch;
    let mut holder = db.connect().unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE").unwrap();
    std::thread::scope(|scope| {
        let update = "<userid>ada</userid><lastName>B</lastName>";
        let held: Vec<_> = (0..POOL).map(|_| scope.spawn(|| client.call("updateUser", update))).collect();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(3500) {
            std::thread::sleep(Duration::from_millis(300));
            let last = line().last_pos;
            commit_one(&db, login_on("SEP0011223344AA"));
            await_true(Duration::from_millis(900), "an event has its number", || line().last_pos > last);
        }
        assert!(held.iter().all(|request| !request.is_finished()), "the requests hold their connections");
        holder.batch_execute("ROLLBACK").unwrap();
    });
    assert_eq!(line().leader_epoch, epoch, "the node leads on");
}
