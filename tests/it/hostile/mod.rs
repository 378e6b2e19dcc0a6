//! Bad input from outside: what security.md says about it, thrown at the whole program (XML-1 to XML-9).

mod envelopes;
mod limits;
mod target;
