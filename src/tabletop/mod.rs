//! The hall of exercises: the console on a world that is not there. It joins the simulated site (`drill`) to the console, the
//! journal and the step runner, which are the very same as in an outage, and lets time pass.
//!
//! Nothing here opens a connection: the systems of an exercise are made of [`simulated`] alone, and code goes to [`stage`].

pub mod agenda;
mod begin;
mod effects;
mod ending;
pub mod facilitation;
pub mod pilot;
pub mod record;
pub mod scenarios;
pub mod session;
pub mod show;
pub mod simulated;
pub mod stage;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::drill::scenario::Scenario;
use crate::drill::world::World;

pub use ending::Ended;
pub use session::{Beginning, Hand, Session};

/// What is played.
#[derive(Debug, Clone)]
pub struct Script {
    /// The scenario; of a runbook that is only walked one without events.
    pub scenario: Arc<Scenario>,
    /// SHA-256 of its text.
    pub digest: String,
    /// There is no site: acts are described, not played.
    pub talk: bool,
}

/// The world, as its targets, its stage and the session share it.
#[derive(Clone)]
pub struct SharedWorld(Arc<Mutex<World>>);

impl SharedWorld {
    /// Shares a world.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// The world, for a moment.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
