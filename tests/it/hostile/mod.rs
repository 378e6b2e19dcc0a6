//! Bad input from outside: what security.md says about it, thrown at the whole program (XML-1 to XML-9).

mod conformance;
mod envelopes;
mod fields;
mod limits;
mod phone_page;
mod secrets;
mod target;
mod values;
mod wire;
