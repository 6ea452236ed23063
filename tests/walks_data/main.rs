//! Built-in runbooks about data, each walked at the real console to its end on real servers, and what became of the world asked
//! by other clients.

#![cfg(all(feature = "kubernetes", feature = "aws"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/act.rs"]
#[allow(dead_code, reason = "other tests judge acts")]
mod act;
#[path = "../common/again.rs"]
#[allow(dead_code, reason = "tests of AWS in their own process need it")]
mod again;
mod archive;
#[path = "../common/aws.rs"]
#[allow(dead_code, reason = "other tests ask more of it")]
mod aws;
mod backups;
mod cache;
mod checks;
#[path = "../common/mod.rs"]
mod common;
mod company;
mod damage;
mod exercises;
#[path = "../common/kube.rs"]
#[allow(dead_code, reason = "other tests read more of it")]
mod kube;
mod metrics;
mod moments;
mod procedures;
mod proofs;
mod restores;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "other tests send signals")]
mod server;
mod signatures;
mod statuspage;
