//! The watch loop: each target is looked at with its own interval and time-out; missed ticks are skipped, and a probe
//! that hangs is a reading that failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Systems;
use super::clock::Clock;
use crate::console::event::Event;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Reading};
use crate::incident::site::{Site, Target};
use crate::systems::Shared;

/// A system's own time-out ends a probe first; this much later the loop gives up on one that does not keep to it. It
/// leaves room for asking the host (5 s) about a server that did not answer.
const GRACE: Duration = Duration::from_secs(6);

/// Watches every target until the set is dropped.
pub fn start(
    site: &Site,
    systems: &Systems,
    events: &mpsc::Sender<Event>,
    refresh: &Arc<Notify>,
) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    for target in &site.targets {
        let Some(system) = systems.get(&target.id) else {
            continue;
        };
        watches.spawn(watch(
            target.clone(),
            Arc::clone(system),
            systems.clock.clone(),
            events.clone(),
            Arc::clone(refresh),
        ));
    }
    watches
}

async fn watch(
    target: Target,
    system: Shared,
    clock: Clock,
    events: mpsc::Sender<Event>,
    refresh: Arc<Notify>,
) {
    let mut ticks = interval(target.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = refresh.notified() => ticks.reset(),
        }
        let reading = look(&target, &system, &clock).await;
        if events
            .send(Event::Observed(target.id.clone(), Box::new(reading)))
            .await
            .is_err()
        {
            break;
        }
    }
}

/// Looks at every target once, all at the same time.
pub async fn once(site: &Site, systems: &Systems) -> BTreeMap<TargetId, Reading> {
    let mut looks = JoinSet::new();
    for target in &site.targets {
        let Some(system) = systems.get(&target.id) else {
            continue;
        };
        let (target, system) = (target.clone(), Arc::clone(system));
        let clock = systems.clock.clone();
        looks.spawn(async move {
            let reading = look(&target, &system, &clock).await;
            (target.id, reading)
        });
    }
    looks.join_all().await.into_iter().collect()
}

/// One look, stamped with the instant it began so that an age is never too young.
pub async fn look(target: &Target, system: &Shared, clock: &Clock) -> Reading {
    let at = clock.now();
    let observation = clock.limit(target.timeout + GRACE, system.observe()).await;
    let observation = observation.unwrap_or_else(|| Observation {
        target: target.id.clone(),
        value: Err(Failure::new(
            FailureKind::TimedOut,
            format_args!("{} ({})", target.id, target.endpoint.place()),
            "probe: no answer, nor an end of its own",
            "the console goes on without it",
        )),
        host: None,
        took: target.timeout + GRACE,
    });
    Reading {
        at,
        value: observation.value,
        host: observation.host,
    }
}
