//! The watch loop: each target is looked at with its own interval and time-out. Looks are spread over the interval and pass
//! a gate; missed ones are skipped, what is silent is asked more rarely, and a probe that hangs is a reading that failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::Systems;
use super::clock::Clock;
use super::gate::Gate;
use crate::console::event::{Event, Look};
use crate::incident::judge::pause;
use crate::incident::reading::{Failure, FailureKind, Observation, Reading};
use crate::incident::site::{Site, Target};
use crate::incident::track;
use crate::systems::Shared;

/// A system's own time-out ends a probe first; this much later the loop gives up on one that does not keep to it. It
/// leaves room for asking the host (5 s) about a server that did not answer.
const GRACE: Duration = Duration::from_secs(6);

/// Looks that end within this reach the console as one event: it judges the site once for all of them.
const GATHER: Duration = Duration::from_millis(100);

/// Watches every target until the set is dropped.
pub fn start(
    site: &Site,
    systems: &Systems,
    events: &mpsc::Sender<Event>,
    refresh: &Arc<Notify>,
) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    let gate = Arc::new(Gate::new(site));
    let (looks, seen) = mpsc::unbounded_channel();
    watches.spawn(gather(seen, events.clone()));
    let now = Instant::now();
    for (target, phase) in site.targets.iter().zip(phases(site)) {
        let Some(system) = systems.get(&target.id) else {
            continue;
        };
        let watch = Watch {
            target: target.clone(),
            system: Arc::clone(system),
            clock: systems.clock.clone(),
            gate: Arc::clone(&gate),
            refresh: Arc::clone(refresh),
        };
        watches.spawn(watch.run(now + phase, looks.clone()));
    }
    watches
}

/// For each target how far into its interval it is looked at: those with the same interval take turns.
fn phases(site: &Site) -> impl Iterator<Item = Duration> {
    let mut alike = BTreeMap::<Duration, u32>::new();
    for target in &site.targets {
        *alike.entry(target.interval).or_default() += 1;
    }
    let mut turns = BTreeMap::<Duration, u32>::new();
    site.targets.iter().map(move |target| {
        let turn = turns.entry(target.interval).or_default();
        *turn += 1;
        target.interval * *turn / alike[&target.interval]
    })
}

/// What one target is watched with.
struct Watch {
    target: Target,
    system: Shared,
    clock: Clock,
    gate: Arc<Gate>,
    refresh: Arc<Notify>,
}

impl Watch {
    /// Looks at once, then at `due`, then at every interval after it; when everything is refreshed, also in between.
    async fn run(self, mut due: Instant, looks: mpsc::UnboundedSender<Look>) {
        let mut failures = 0_u32;
        loop {
            let look = look(&self.target, &self.system, &self.clock);
            let seen = self.gate.pass(&self.target.id, look).await;
            failures = match track::ok(&seen.reading) {
                true => 0,
                false => failures.saturating_add(1),
            };
            let last = seen.reading.value.as_ref().err().map(|why| why.kind);
            if looks.send(seen).is_err() {
                return;
            }
            due = next(due, pause(&self.target, failures, last));
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.refresh.notified() => {}
            }
        }
    }
}

/// When the next look is due: at `due` if that is still to come, else the first whole number of pauses later that is.
fn next(due: Instant, pause: Duration) -> Instant {
    let now = Instant::now();
    if due > now {
        return due;
    }
    let missed = (now - due).as_nanos() / pause.as_nanos().max(1);
    due + pause * u32::try_from(missed + 1).unwrap_or(u32::MAX)
}

/// Passes looks on, those that end about the same time together.
async fn gather(mut seen: mpsc::UnboundedReceiver<Look>, events: mpsc::Sender<Event>) {
    while let Some(first) = seen.recv().await {
        sleep(GATHER).await;
        let mut looks = vec![first];
        while let Ok(look) = seen.try_recv() {
            looks.push(look);
        }
        if events.send(Event::Observed(looks)).await.is_err() {
            return;
        }
    }
}

/// Looks at every target once, as many at the same time as the gate lets through.
pub async fn once(site: &Site, systems: &Systems) -> Vec<Look> {
    let gate = Arc::new(Gate::new(site));
    let mut looks = JoinSet::new();
    for target in &site.targets {
        let Some(system) = systems.get(&target.id) else {
            continue;
        };
        let (target, system) = (target.clone(), Arc::clone(system));
        let (clock, gate) = (systems.clock.clone(), Arc::clone(&gate));
        looks.spawn(async move {
            let look = look(&target, &system, &clock);
            gate.pass(&target.id, look).await
        });
    }
    looks.join_all().await
}

/// One look, stamped with the instant it began so that an age is never too young.
pub async fn look(target: &Target, system: &Shared, clock: &Clock) -> Look {
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
    Look {
        target: target.id.clone(),
        took: clock.now().since(&at),
        reading: Reading {
            at,
            value: observation.value,
            host: observation.host,
        },
    }
}
