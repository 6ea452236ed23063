//! What several test programs share; none uses all of it.
#![allow(dead_code)]

pub mod cache;
pub mod lab;
pub mod pg;
pub mod pty;
pub mod run;
pub mod walk;
