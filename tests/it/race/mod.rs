//! Races (security.md 6): sixteen clients at once, over SOAP, over the application API and at phones, on one node and on two. Each row
//! of the table there is a test; answers, sessions and the order of events on the number line are asserted.

mod ground;
mod limits;
mod lockout;
mod logout;
mod one_phone;
mod one_user;
mod pin;
mod removal;
mod surfaces;

/// Rounds of each race on each number of nodes.
const ROUNDS: usize = 6;
