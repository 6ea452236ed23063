//! What touches the world: the terminal, files, the watch loop, the ledger, the detached step runner.

pub mod ledger;
