//! Workloads: replicas that start, crash and are rolled out, and the zone that takes a third of them away.

use std::time::Duration;

use crate::drill::scenario::Wiring;
use crate::incident::acts::kube::WorkloadSight;
use crate::incident::names::TargetId;

/// What is taken of a workload that the wiring does not mention.
const REPLICAS: u32 = 3;
const START: Duration = Duration::from_secs(30);

/// The revision everything begins with.
const FIRST: u64 = 41;

/// A workload.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    /// How long a replica takes to be ready.
    start: Duration,
    desired: u32,
    /// Replicas that were ready when they were last changed, and when that was.
    from: u32,
    changed: Duration,
    revision: u64,
    /// The newest revision crashes at its start.
    bad: bool,
    /// A third is gone until then.
    zone_until: Option<Duration>,
    /// When its replicas last started anew: with the secrets there were then.
    pub restarted: Duration,
    /// And when they had before that.
    before: Duration,
}

impl Workload {
    pub(super) fn new(id: &TargetId, wiring: &Wiring) -> Self {
        let known = wiring.workloads.iter().find(|w| w.target == *id);
        let replicas = known.map_or(REPLICAS, |known| known.replicas);
        Self {
            start: match wiring.replica_start.is_zero() {
                true => START,
                false => wiring.replica_start,
            },
            desired: replicas,
            from: replicas,
            changed: Duration::ZERO,
            revision: FIRST,
            bad: false,
            zone_until: None,
            restarted: Duration::ZERO,
            before: Duration::ZERO,
        }
    }

    /// Replicas that are ready.
    pub(super) fn ready(&self, at: Duration) -> u32 {
        let zone = self.zone_until.filter(|until| at < *until);
        let lost = zone.map_or(0, |_| self.desired.div_ceil(3));
        let settled = match (self.bad, at >= self.changed + self.start) {
            // The old replicas stay until the new ones are ready, which they never are; one in four is gone by then.
            (true, _) => self.desired / 4,
            (false, true) => self.desired,
            (false, false) => self.from.min(self.desired),
        };
        settled.saturating_sub(lost)
    }

    pub(super) fn scale(&mut self, replicas: u32, at: Duration) {
        self.settle(at);
        self.desired = replicas;
    }

    /// One replica after the other: as many as before stay ready.
    pub(super) fn restart(&mut self, at: Duration) {
        self.settle(at);
        self.start_anew(at);
    }

    pub(super) fn release(&mut self, bad: bool, at: Duration) {
        self.settle(at);
        self.revision += 1;
        self.bad = bad;
        self.start_anew(at);
    }

    fn start_anew(&mut self, at: Duration) {
        self.before = self.started(at);
        self.restarted = at + self.start;
    }

    /// Since when its oldest replica runs.
    fn started(&self, at: Duration) -> Duration {
        match at < self.restarted {
            true => self.before,
            false => self.restarted,
        }
    }

    pub(super) fn lose_zone(&mut self, until: Duration) {
        self.zone_until = Some(until);
    }

    fn settle(&mut self, at: Duration) {
        self.from = self.ready(at);
        self.changed = at;
    }

    pub(super) fn sight(&self, world: &super::World) -> WorkloadSight {
        let at = world.at;
        let ready = self.ready(at);
        WorkloadSight {
            desired: self.desired,
            ready,
            updated: match (self.bad, at < self.restarted) {
                (true, _) => 1.min(self.desired),
                (false, true) => self.desired / 2,
                (false, false) => self.desired,
            },
            old: 0,
            crashing: if self.bad { self.desired - ready } else { 0 },
            revision: self.revision,
            image: format!("harbour/web:{}", self.revision),
            started: Some(world.wall(self.started(at))),
            warnings: None,
            unbound: Vec::new(),
        }
    }
}
