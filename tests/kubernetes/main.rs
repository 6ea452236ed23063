//! Kubernetes and what runs in it, against one real API server that all of these tests share.

#![cfg(feature = "kubernetes")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/act.rs"]
mod act;
#[path = "../common/kube.rs"]
mod kube;
mod lost;
mod operators;
mod workloads;
