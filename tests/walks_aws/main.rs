//! The built-in runbooks for AWS, each walked to its end at the real console by a person's keys: RDS, ECS, Secrets Manager, Route 53
//! and CloudWatch are the AWS lab's, the database behind RDS is the lab's PostgreSQL, and what came of it is read back by boto3,
//! psql and curl.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/act.rs"]
#[allow(dead_code, reason = "other programs carry acts out by themselves")]
mod act;
#[path = "../common/again.rs"]
#[allow(dead_code, reason = "the console is a process of its own here")]
mod again;
#[path = "../common/aws.rs"]
#[allow(dead_code, reason = "other programs ask the systems by themselves")]
mod aws;
#[path = "../common/mod.rs"]
mod common;
mod drills;
mod infrastructure;
mod rds;
mod secrets;
mod services;
mod world;
