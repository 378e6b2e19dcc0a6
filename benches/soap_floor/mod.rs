//! What reading a message costs before anything is done: an addPhone through front door and shape to the typed value, in the way a
//! call takes, against yaserde alone over the whole message.

mod whole;

use std::hint::black_box;
use std::time::{Duration, Instant};

use emgate::axl::execute::LARGEST_ANSWER;
use emgate::axl::operation::{self, Handler};
use emgate::axl::request::{Request, Secrets};
use emgate::axl::version::SERVED;
use emgate::soap::envelope::read_call;
use emgate::soap::shape::normalise;

use crate::frame::Outcome;
use crate::frame::lab::Lab;
use crate::frame::rounds::{Figures, Rounds};
use crate::frame::table::{Finding, Goal, number};

/// The message: 3.7 kB, two lines, two speed dials, one entity and one letter beyond ASCII.
const MESSAGE: &str = include_str!("add_phone.xml");

const OURS: &str = "emgate";
const FRONT: &str = "front door only";
const PEER: &str = "yaserde alone";

/// Runs the bench.
pub(crate) fn run(lab: &Lab) -> Outcome<Vec<Finding>> {
    both_read_all_of_it()?;
    let time = if lab.quick { Duration::from_millis(300) } else { Duration::from_secs(1) };
    let rounds = Rounds::run(
        "soap-floor",
        lab.rounds,
        vec![
            (OURS, Box::new(|| repeat(time, ours))),
            (FRONT, Box::new(|| repeat(time, front))),
            (PEER, Box::new(|| repeat(time, || yaserde_alone().map(drop)))),
        ],
    )?;
    let what = format!("addPhone of {} bytes to its typed value", MESSAGE.len());
    let (ratio, [least, greatest]) = rounds.ratio(PEER, OURS, "us");
    Ok(vec![Finding {
        what,
        unit: "µs",
        ours: rounds.median(OURS, "us"),
        peer: Some(rounds.median(PEER, "us")),
        ratio: Some((ratio, [least, greatest])),
        goal: Some(Goal::AtLeast(5.0)),
        notes: vec![format!(
            "of ours, {} µs are the front door (bytes to a checked tree); the ratio is how much faster ours is",
            number(rounds.median(FRONT, "us"))
        )],
    }])
}

fn repeat(time: Duration, mut work: impl FnMut() -> Outcome<()>) -> Outcome<Figures> {
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < time {
        for _ in 0..16 {
            work()?;
        }
        done += 16;
    }
    Ok(Figures::from([("us", begun.elapsed().as_secs_f64() * 1e6 / f64::from(done))]))
}

fn front() -> Outcome<()> {
    black_box(read_call(black_box(MESSAGE.as_bytes()))?);
    Ok(())
}

/// The steps of a call until its transaction, without the two thread hops between them.
fn ours() -> Outcome<()> {
    let call = read_call(black_box(MESSAGE.as_bytes()))?;
    let (operation, handler) = operation::find(&call.operation).map_err(|e| e.to_string())?;
    let normalised = normalise(&operation.request, call.body)?;
    let Handler::Verb(start) = handler else { return Err("addPhone is a verb".into()) };
    let version = SERVED.last().ok_or("no version is served")?.1;
    let (secrets, largest_answer) = (Secrets::default(), LARGEST_ANSWER);
    let request = Request { operation, body: normalised.element, secrets, version, largest_answer };
    drop(black_box(start(request).map_err(|e| e.to_string())?));
    Ok(())
}

fn yaserde_alone() -> Outcome<whole::Envelope> {
    Ok(yaserde::de::from_str(black_box(MESSAGE))?)
}

/// A message that one of them skips would make it fast for nothing.
fn both_read_all_of_it() -> Outcome<()> {
    ours()?;
    let read = format!("{:?}", yaserde_alone()?);
    let texts =
        MESSAGE.lines().filter(|line| line.contains("</") && !line.trim_start().starts_with("</")).count();
    let kept = read.matches("Some(\"").count();
    if kept == texts { Ok(()) } else { Err(format!("yaserde keeps {kept} of {texts} values: {read}").into()) }
}
