//! Clients and helpers that several systems share.

pub mod host;
pub mod secret;
