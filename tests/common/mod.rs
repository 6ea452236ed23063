//! What several test programs share; none uses all of it.
#![allow(dead_code)]

pub mod lab;
pub mod pg;
pub mod pty;
pub mod walk;
