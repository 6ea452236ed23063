//! What touches the world: terminal guard, keyboard, files, the watch loop, the ledger, the detached step runner.

pub mod clock;
pub mod evaluate;
pub mod exec;
pub mod ledger;
pub mod places;
mod proc;
pub mod runner;
