//! The SOAP layer: bytes to a checked element tree and back, guided by the schema files in `wsdl/`.
//!
//! Owns: the front door for XML (`envelope`, `wellformed`), our reading of the schema (`shape`), carried settings as JSON
//! (`document`), the bridge to typed cores (`scalar`, `typed`), the byte-exact writer and faults (`write`, `fault`), and
//! the schema files as they are served (`wsdl`). Promises: nothing it accepts is longer, deeper or of another type than
//! the schema says, and no text it produces for an error repeats input. Knows no object, no database, no HTTP.

pub mod document;
pub mod envelope;
pub mod fault;
pub mod scalar;
pub mod shape;
pub mod tree;
pub mod typed;
pub mod wellformed;
pub mod write;
pub mod wsdl;
