//! Built-in runbooks for a docker-compose host, each walked at the real console to its end. The host is a network, processes and mounts
//! of its own with a real sshd and a real Docker engine (tests/lab/host); what became of it is asked by ssh, psql, redis-cli and curl.

#![cfg(feature = "aws")]
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
#[path = "../common/aws.rs"]
#[allow(dead_code, reason = "other tests ask more of it")]
mod aws;
mod cache;
#[path = "../common/mod.rs"]
mod common;
mod crash;
mod database;
mod host;
mod moves;
mod network;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "other tests send signals")]
mod server;
mod shop;
