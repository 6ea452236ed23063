//! What is true: measures, readings, severities, objectives, the ladder, runbooks, acts and conditions, the journal and
//! its fold, the post-mortem. Pure: no clock, no I/O, no async, no terminal.

pub mod acts;
pub mod asked;
pub mod checks;
pub mod clean;
pub mod digest;
pub mod drills;
pub mod evaluate;
pub mod exercise;
pub mod facilitation;
pub mod fault;
pub mod guards;
pub mod history;
pub mod journal;
pub mod judge;
pub mod ladder;
pub mod managed;
pub mod measure;
pub mod names;
pub mod now;
pub mod openmetrics;
pub mod postmortem;
pub mod reading;
pub mod redact;
pub mod replication;
pub mod resolve;
pub mod runbook;
pub mod site;
pub mod sitefile;
pub mod statements;
pub mod strict;
pub mod track;
pub mod typed;
