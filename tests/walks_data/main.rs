//! Built-in runbooks about data, each walked at the real console to its end on real servers, and what became of the world asked
//! by other clients.

#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/act.rs"]
mod act;
mod checks;
#[path = "../common/mod.rs"]
mod common;
mod company;
mod damage;
#[path = "../common/kube.rs"]
mod kube;
mod restores;
#[path = "../common/server.rs"]
mod server;
