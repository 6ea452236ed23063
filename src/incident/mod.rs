//! its fold, the post-mortem. Pure: no clock, no I/O, no async, no terminal.

pub mod acts;
pub mod clean;
pub mod fault;
pub mod judge;
pub mod measure;
pub mod names;
pub mod now;
pub mod reading;
pub mod redact;
pub mod runbook;
pub mod site;
pub mod strict;
