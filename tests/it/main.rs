//! The integration tests: one binary, one module a feature, a database of its own for every test.

mod support;
