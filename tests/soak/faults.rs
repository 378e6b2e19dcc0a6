//! Brings faults about, from outside and without any hook in the product, and waits until everything works again.

use std::time::{Duration, Instant};

use super::eye::{Eye, Hold, Line};
use super::gateway::Gateway;
use super::load::Work;
use super::plan::Fault;
use super::proxy::{Cut, Proxy};
use super::servers::Server;
use super::tally::Tally;

/// Longest that anything may take to work again.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest that a window is waited for.
const WINDOW: Duration = Duration::from_secs(10);
/// The contract's time for a take-over.
const TAKE_OVER: Duration = Duration::from_secs(10);
/// Confirmed is what Kafka has and the database was told so, which it is once a second; on a busy machine it takes its time.
const NOTED: Duration = Duration::from_secs(5);
/// One miss, of one fault of its kind, may be chance.
const DEALT: u64 = 2;

/// Everything that can be made to fail.
pub(crate) struct Stage<'w> {
    pub(crate) postgres: Server,
    pub(crate) kafka: Server,
    pub(crate) proxy: Proxy,
    pub(crate) eye: Eye,
    pub(crate) gateways: Vec<Gateway>,
    /// How many of them are meant to run.
    pub(crate) wanted: usize,
    pub(crate) work: &'w Work,
    pub(crate) tally: Tally,
    /// What went wrong with the nodes themselves.
    pub(crate) findings: Vec<String>,
}

impl Stage<'_> {
    /// Brings one fault about and waits until it is over; an error: things do not work again.
    pub(crate) fn play(&mut self, fault: Fault) -> Result<(), String> {
        match fault {
            Fault::Nodes(n) => self.nodes(n),
            Fault::Kill { leader } => self.kill_one(leader),
            Fault::KillAfterCommit => self.kill_after_commit(),
            Fault::KillAfterNumbering => self.kill_after_numbering()?,
            Fault::KillMidProduce { ms } => self.kill_mid_produce(ms)?,
            Fault::KillBeforeConfirm => self.kill_before_confirm(),
            Fault::KillDuringTakeOver { ms } => self.kill_during_take_over(ms),
            Fault::StopPostgres { ms } => self.stop_postgres(ms)?,
            Fault::EndBackends { most } => {
                let ended = self.eye.end_backends(most);
                let ended = u64::try_from(ended).unwrap_or_default();
                self.tally.fault("ends of backends", 1, ended.min(1));
                self.tally.add("backends ended by Postgres", ended);
            }
            Fault::CutCommits { cut, times } => self.cut_commits(cut, times),
            Fault::BrokerAway { frozen, ms } => self.broker_away(frozen, ms)?,
            Fault::FreezeLeader { ms } => self.freeze_leader(ms),
        }
        self.recover()
    }

    /// Kinds of fault that were dealt more than once and never came about: what they would have shown is not known.
    pub(crate) fn never_came(&self) -> impl Iterator<Item = String> {
        self.tally.never(DEALT)
    }

    /// Starts what was killed, and waits until answers come, numbers are given and records confirmed.
    pub(crate) fn recover(&mut self) -> Result<(), String> {
        let mut started = Vec::new();
        for n in 0..self.wanted {
            if let Some(status) = self.gateways[n].ended() {
                let log = self.gateways[n].log();
                self.findings.push(format!("a node ended by itself: {status}, see {}", log.display()));
                self.gateways[n].kill();
            }
            if !self.gateways[n].is_started() {
                self.gateways[n].start();
                started.push(n);
            }
        }
        for n in 0..self.wanted {
            let ready = self.gateways[n].await_ready(PATIENCE)?;
            if started.contains(&n) {
                self.tally.time("start to ready", ready);
            }
        }
        self.work.await_success(PATIENCE).ok_or("no request succeeds any more")?;
        let line = self.line()?;
        let confirmed = self.eye.await_line(PATIENCE, |l| l.confirmed > line.last);
        self.tally.time("after recovery: next confirmed", confirmed.ok_or("nothing is confirmed any more")?);
        Ok(())
    }

    fn line(&mut self) -> Result<Line, String> {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.eye.line() {
                return Ok(line);
            }
            if begun.elapsed() > PATIENCE {
                return Err("Postgres does not answer any more".into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn nodes(&mut self, n: usize) {
        self.wanted = n;
        for gateway in &mut self.gateways[n..] {
            if let Err(why) = gateway.end() {
                self.findings.push(why);
            }
        }
    }

    fn leader(&self) -> Option<usize> {
        (0..self.wanted).find(|n| self.gateways[*n].leads())
    }

    /// Waits for a leader; with one node that is soon.
    fn await_leader(&self) -> usize {
        let begun = Instant::now();
        loop {
            match self.leader() {
                Some(leader) => return leader,
                None if begun.elapsed() > PATIENCE => return 0,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Kills in a window that was waited for, and is counted if it was reached; without it the kill comes at a random moment.
    fn kill(&mut self, n: usize, window: &'static str, reached: bool) {
        self.gateways[n].kill();
        self.tally.count("gateways killed");
        self.tally.fault(window, 1, u64::from(reached));
    }

    fn kill_one(&mut self, leader: bool) {
        let n = self.await_leader();
        let n = if leader { n } else { (n + 1) % self.wanted };
        self.kill(n, "  at a random moment", true);
        if leader {
            self.await_next_leader(n);
        }
    }

    /// Times how long it takes, without a node that led, until numbers are given again and what has them is in Kafka.
    fn await_next_leader(&mut self, gone: usize) {
        let [numbered, confirmed] = match self.wanted {
            1 => ["leader gone to next number, one node", "leader gone to next confirmed, one node"],
            _ => ["leader gone to next number, two nodes", "leader gone to next confirmed, two nodes"],
        };
        if self.wanted == 1 && !self.gateways[gone].is_started() {
            self.gateways[gone].start();
        }
        let begun = Instant::now();
        // looked at now: until a moment ago the one that is gone gave numbers
        let last = self.eye.line().map_or(0, |l| l.last);
        self.await_again(numbered, begun, TAKE_OVER, |l| l.last > last);
        self.await_again(confirmed, begun, TAKE_OVER + NOTED, |l| l.confirmed > last);
    }

    /// Waits until the line goes on and times it; with a second node that takes no longer than is promised.
    fn await_again(&mut self, what: &'static str, begun: Instant, most: Duration, is: impl Fn(Line) -> bool) {
        if self.eye.await_line(PATIENCE, is).is_none() {
            return self.findings.push(format!("{what}: not within {PATIENCE:?}"));
        }
        let took = begun.elapsed();
        self.tally.time(what, took);
        if self.wanted > 1 && took > most {
            self.findings.push(format!("{what}: took {took:?}, which must not be more than {most:?}"));
        }
    }

    fn kill_after_commit(&mut self) {
        let n = self.await_leader();
        let hold = self.eye.hold_line();
        let reached = hold.is_some() && self.eye.await_line(WINDOW, |l| l.pending > 3).is_some();
        self.kill(n, "  after commit, before numbering", reached);
        drop(hold);
    }

    fn kill_after_numbering(&mut self) -> Result<(), String> {
        let n = self.await_leader();
        self.kafka.signal("STOP")?;
        let at = self.eye.line().map_or(0, |l| l.last);
        let reached = self.eye.await_line(WINDOW, |l| l.last > at + 5 && l.last > l.confirmed).is_some();
        self.kill(n, "  after numbering, before producing", reached);
        self.kafka.signal("CONT")
    }

    fn kill_mid_produce(&mut self, ms: u64) -> Result<(), String> {
        let n = self.await_leader();
        let at = self.eye.line().map_or(0, |l| l.last);
        // right after a number was given, its record is on its way
        let reached = self.eye.await_line(WINDOW, |l| l.last > at).is_some();
        self.kafka.signal("STOP")?;
        std::thread::sleep(Duration::from_millis(ms));
        self.kill(n, "  in the middle of producing", reached);
        self.kafka.signal("CONT")
    }

    fn kill_before_confirm(&mut self) {
        let n = self.await_leader();
        let begun = Instant::now();
        let mut hold = None;
        while hold.is_none() && begun.elapsed() < WINDOW {
            hold = self.hold_unconfirmed(n);
        }
        self.kill(n, "  before confirming", hold.is_some());
        drop(hold);
    }

    /// Holds the line when Kafka has acknowledged all that is numbered, and that cannot be noted; none: all was noted before, which is
    /// chance.
    fn hold_unconfirmed(&mut self, n: usize) -> Option<Hold> {
        let (hold, begun) = (self.eye.hold_line()?, Instant::now());
        while begun.elapsed() < Duration::from_secs(2) {
            let line = self.eye.line().filter(|l| l.confirmed < l.last)?;
            if self.gateways[n].gauge("em_stream_confirmed_sequence") == Some(line.last) {
                return Some(hold);
            }
        }
        None
    }

    fn kill_during_take_over(&mut self, ms: u64) {
        let first = self.await_leader();
        self.kill(first, "  of a leader, for a take-over", true);
        let begun = Instant::now();
        let other = (first + 1) % self.wanted;
        while !self.gateways[other].leads() && begun.elapsed() < WINDOW {
            std::thread::sleep(Duration::from_millis(2));
        }
        let reached = begun.elapsed() < WINDOW;
        std::thread::sleep(Duration::from_millis(ms));
        self.kill(other, "  during take-over", reached);
    }

    fn stop_postgres(&mut self, ms: u64) -> Result<(), String> {
        self.postgres.signal("QUIT")?;
        self.tally.count("Postgres stopped at once");
        std::thread::sleep(Duration::from_millis(ms));
        self.postgres.start()?;
        let took = self.work.await_success(PATIENCE).ok_or("no request succeeds after Postgres came back")?;
        self.tally.time("Postgres back to first success", took);
        Ok(())
    }

    fn cut_commits(&mut self, cut: Cut, times: u64) {
        let before = self.proxy.disarm();
        self.proxy.arm(cut, times);
        let begun = Instant::now();
        while self.proxy.cuts() < before + times && begun.elapsed() < WINDOW {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (fault, connections) = match cut {
            Cut::Before => ("cuts before COMMIT", "connections cut before COMMIT"),
            Cut::Sent => ("cuts after COMMIT was sent", "connections cut after COMMIT was sent"),
            Cut::Answered => ("cuts before COMMIT's answer", "connections cut before COMMIT's answer"),
        };
        let done = self.proxy.disarm() - before;
        self.tally.fault(fault, 1, done.min(1));
        self.tally.add(connections, done);
    }

    fn broker_away(&mut self, frozen: bool, ms: u64) -> Result<(), String> {
        self.kafka.signal(if frozen { "STOP" } else { "KILL" })?;
        self.tally.count(if frozen { "brokers frozen" } else { "brokers killed" });
        std::thread::sleep(Duration::from_millis(ms));
        let line = self.line()?;
        if frozen {
            self.kafka.signal("CONT")?;
        } else {
            self.kafka.start()?;
        }
        let took = self.eye.await_line(PATIENCE, |l| l.confirmed >= line.last);
        self.tally.time(
            "broker back to all confirmed",
            took.ok_or("nothing is confirmed after the broker came back")?,
        );
        Ok(())
    }

    fn freeze_leader(&mut self, ms: u64) {
        let first = self.await_leader();
        self.gateways[first].signal("STOP");
        self.tally.count("leaders frozen");
        let frozen = Instant::now();
        self.await_next_leader(first);
        std::thread::sleep(Duration::from_millis(ms).saturating_sub(frozen.elapsed()));
        self.gateways[first].signal("CONT");
        // it must see that it leads no more
        let begun = Instant::now();
        while self.gateways[first].leads() && begun.elapsed() < WINDOW {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.gateways[first].leads() && self.gateways[(first + 1) % self.wanted].leads() {
            self.findings.push("a leader that was frozen still says that it leads".into());
        }
    }
}
