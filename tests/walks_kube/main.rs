//! The built-in runbooks for Kubernetes, each walked to its end at the real console, on a real API server.

#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a walk that can't go on has failed"
)]

#[path = "../common/act.rs"]
#[allow(dead_code, reason = "other tests judge acts")]
mod act;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/kube.rs"]
#[allow(dead_code, reason = "other tests read more of it")]
mod kube;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "other tests send signals")]
mod server;

#[path = "../common/again.rs"]
#[allow(dead_code, reason = "tests of AWS in their own process need it")]
mod again;
#[path = "../common/aws.rs"]
#[allow(dead_code, reason = "other tests ask more of it")]
mod aws;

mod activation;
mod application;
mod cache;
mod cluster_loss;
mod cnpg;
mod company;
mod database;
mod etcd;
mod failback;
mod handover;
mod heals;
mod knowledge;
mod names;
mod place;
mod region;
mod statuspage;
mod symptoms;
mod vault;
mod velero;
