//! What touches the world: the terminal, files, the watch loop, the ledger, the detached step runner.

pub mod clock;
pub mod desk;
pub mod evaluate;
pub mod exec;
pub mod incidents;
pub mod judging;
pub mod ledger;
pub mod places;
pub mod preflight;
mod proc;
pub mod runner;
pub mod shelf;
pub mod terminal;
pub mod watch;

use std::collections::BTreeMap;

use crate::incident::journal::Actor;
use crate::incident::names::TargetId;
use crate::systems::Shared;

/// The site's systems, by target.
pub type Systems = BTreeMap<TargetId, Shared>;

/// Who sits here: the login name, on this machine.
pub fn actor() -> Actor {
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let name = named.filter(|name| !name.is_empty());
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    Actor {
        name: name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw())),
        host,
    }
}
