//! What several test programs share; none uses all of it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test program uses its part, and one that can't set up has failed"
)]

pub mod between;
pub mod cache;
pub mod lab;
pub mod operator;
pub mod pg;
pub mod pty;
pub mod run;
pub mod through;
pub mod walk;
