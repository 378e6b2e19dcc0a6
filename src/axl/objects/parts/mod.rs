//! Pieces of objects that several types share; none of them is a type.

pub mod appearance;
pub mod credential;
pub mod holder;
pub mod phone_model;
pub mod session;
pub mod wire;
