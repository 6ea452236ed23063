//! What touches the world: terminal guard, keyboard, files, the watch loop, the ledger, the detached step runner.

pub mod clock;
pub mod ledger;
pub mod places;
