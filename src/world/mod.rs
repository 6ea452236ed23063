//! What touches the world: the terminal, files, the watch loop, the ledger, the detached step runner.

pub mod clock;
pub mod desk;
pub mod drillog;
pub mod evaluate;
pub mod exec;
pub mod gate;
pub mod incidents;
pub mod judging;
pub mod ledger;
pub mod places;
pub mod preflight;
pub mod proc;
pub mod runner;
pub mod shelf;
pub mod stage;
pub mod terminal;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::incident::journal::Actor;
use crate::incident::names::TargetId;
use crate::systems::Shared;

use self::clock::{Clock, Played};
use self::stage::Stage;

/// The world of a site: its systems by target, and the time that passes there.
#[derive(Clone, Default)]
pub struct Systems {
    targets: Arc<BTreeMap<TargetId, Shared>>,
    /// What tells the time.
    pub clock: Clock,
    /// Who plays code where there is nothing to touch; none in the real world.
    pub stage: Option<Arc<dyn Stage>>,
}

impl Systems {
    /// What is really there.
    pub fn real(targets: BTreeMap<TargetId, Shared>) -> Self {
        Self {
            targets: Arc::new(targets),
            ..Self::default()
        }
    }

    /// What is only played.
    pub fn played(
        targets: BTreeMap<TargetId, Shared>,
        clock: Arc<Played>,
        stage: Arc<dyn Stage>,
    ) -> Self {
        Self {
            targets: Arc::new(targets),
            clock: Clock::Played(clock),
            stage: Some(stage),
        }
    }

    /// The system of a target.
    pub fn get(&self, target: &TargetId) -> Option<&Shared> {
        self.targets.get(target)
    }
}

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
