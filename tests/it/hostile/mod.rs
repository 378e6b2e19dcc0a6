//! Bad input from outside: what security.md says about it, thrown at the whole program (XML-1 to XML-9).

mod conformance;
mod corpus;
mod em_api;
mod envelopes;
mod fields;
mod framing;
mod input;
mod lexical;
mod limits;
mod phone_page;
mod secrets;
mod slow;
mod target;
mod tricks;
mod values;
mod wire;
