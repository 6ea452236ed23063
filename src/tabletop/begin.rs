//! What a tabletop begins with: the simulated site's systems, and everything that will come by itself.

use std::sync::Arc;
use std::time::Duration;

use super::agenda::{Agenda, Due};
use super::session::TICK;
use super::simulated::Simulated;
use super::stage::{Scripted, Talk};
use super::{Script, SharedWorld};
use crate::incident::site::{Site, Target};
use crate::systems::Shared;
use crate::world::Systems;
use crate::world::clock::Played;
use crate::world::stage::Stage;

pub(super) fn systems(
    script: &Script,
    site: &Site,
    world: &SharedWorld,
    clock: &Arc<Played>,
) -> Systems {
    let simulated = |target: &Target| {
        let system: Shared = Arc::new(Simulated {
            target: target.id.clone(),
            world: world.clone(),
            clock: Arc::clone(clock),
        });
        (target.id.clone(), system)
    };
    let clock_of = || Arc::clone(clock);
    let stage: Arc<dyn Stage> = match script.talk {
        true => Arc::new(Talk { clock: clock_of() }),
        false => Arc::new(Scripted {
            scenario: Arc::clone(&script.scenario),
            world: world.clone(),
            clock: clock_of(),
        }),
    };
    let targets = site.targets.iter().map(simulated).collect();
    Systems::played(targets, Arc::clone(clock), stage)
}

/// Everything that comes by itself: events with their chances, injects, the first look at each target, the first tick.
pub(super) fn plan(agenda: &mut Agenda, script: &Script, site: &Site, seed: u64) {
    let mut chances = fastrand::Rng::with_seed(seed);
    for event in &script.scenario.events {
        let within = u64::try_from(event.within.as_millis()).unwrap_or(u64::MAX);
        let later = Duration::from_millis(chances.u64(0..=within));
        agenda.put(event.at + later, Due::Happens(event.what.clone()));
    }
    for (number, inject) in script.scenario.injects.iter().enumerate() {
        if let Some(at) = inject.at {
            agenda.put(at, Due::Inject(number));
        }
    }
    for target in &site.targets {
        agenda.put(Duration::ZERO, Due::Probe(target.id.clone()));
    }
    agenda.put(TICK, Due::Tick);
}
