//! Sample messages made from the schema, for tests.
