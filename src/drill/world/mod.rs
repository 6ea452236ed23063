//! The simulated site: a state machine that is looked at and acted upon like real systems.
//!
//! Consequences follow from what was done, not from a script: promote an unfenced pair and both sides take writes; move
//! traffic before there are replicas and requests fail; restore, and what came after the backup is lost. What a probe sees
//! follows from the instant alone, so that it does not matter how often somebody looks.

mod acts;
mod backup;
mod data;
mod dns;
mod happen;
mod harm;
mod postgres;
mod rds;
mod redis;
mod secret;
mod service;
mod truth;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::acts::Job;
pub use self::harm::{Harm, Lost};

use self::backup::Folder;
use self::data::Bad;
use self::dns::Record;
use self::harm::Split;
use self::postgres::Server;
use self::rds::Instance;
use self::redis::Cache;
use self::secret::Secret;
use self::workload::Workload;
use super::scenario::Wiring;
use crate::incident::acts::Condition;
use crate::incident::acts::kube::KubeSight;
use crate::incident::acts::postgres::PgCondition;
use crate::incident::acts::secrets::SecretSight;
use crate::incident::asked;
use crate::incident::clean::Clean;
use crate::incident::names::{RegionId, TargetId};
use crate::incident::reading::{Failure, FailureKind, HostWord, Observation, Sight, Verdict};
use crate::incident::site::{Endpoint, KubeEndpoint, Site};

/// How long a probe takes on a simulated network.
const PROBE: Duration = Duration::from_millis(20);

/// What keeps a target from answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Way {
    #[default]
    Open,
    /// Its process has ended.
    Stopped,
    /// It takes connections and never answers.
    Hung,
    /// No way leads there; it goes on.
    CutOff,
}

/// The simulated site.
#[derive(Debug, Clone)]
pub struct World {
    site: Site,
    wiring: Wiring,
    begins: DateTime<Utc>,
    at: Duration,
    ways: BTreeMap<TargetId, Way>,
    lies: BTreeMap<TargetId, bool>,
    servers: BTreeMap<TargetId, Server>,
    caches: BTreeMap<TargetId, Cache>,
    folders: BTreeMap<TargetId, Folder>,
    workloads: BTreeMap<TargetId, Workload>,
    records: BTreeMap<TargetId, Record>,
    instances: BTreeMap<TargetId, Instance>,
    secrets: BTreeMap<TargetId, Secret>,
    /// Servers whose rows are wrong or missing.
    bad: BTreeMap<TargetId, Bad>,
    /// Servers whose writers were stopped, and when.
    quiet: BTreeMap<TargetId, Duration>,
    /// Endpoints of third parties that fail.
    failing: BTreeSet<TargetId>,
    /// Services that go on without them.
    fallen_back: BTreeSet<TargetId>,
    /// Percent of the usual demand.
    demand: u32,
    /// Steps whose next attempt fails, with what it says.
    fails: BTreeMap<String, String>,
    splits: Vec<Split>,
    /// What was lost by restores.
    restored: Lost,
    /// Regions that traffic was moved to by somebody, and how long requests failed there since.
    moved: BTreeMap<RegionId, (Duration, Duration)>,
    harms: Vec<Harm>,
}

impl World {
    /// The site as it is before anything happens; `begins` is the wall clock then.
    pub fn new(site: &Site, wiring: &Wiring, begins: DateTime<Utc>) -> Self {
        fn all<T>(
            site: &Site,
            wanted: fn(&Endpoint) -> bool,
            make: impl Fn(&TargetId) -> T,
        ) -> BTreeMap<TargetId, T> {
            let fitting = site.targets.iter().filter(|t| wanted(&t.endpoint));
            fitting.map(|t| (t.id.clone(), make(&t.id))).collect()
        }
        Self {
            servers: all(
                site,
                |e| matches!(e, Endpoint::Postgres(_)),
                |id| Server::new(id, site),
            ),
            caches: all(
                site,
                |e| matches!(e, Endpoint::Redis(_)),
                |id| Cache::new(id, site),
            ),
            folders: all(
                site,
                |e| matches!(e, Endpoint::Files(_)),
                |id| Folder::new(id, site, wiring),
            ),
            workloads: all(site, is_workload, |id| Workload::new(id, wiring)),
            records: all(
                site,
                |e| matches!(e, Endpoint::Dns(_)),
                |id| Record::new(id, wiring),
            ),
            instances: all(
                site,
                |e| matches!(e, Endpoint::Rds(_)),
                |_| Instance::default(),
            ),
            secrets: all(
                site,
                |e| matches!(e, Endpoint::Secret(_)),
                |_| Secret::default(),
            ),
            site: site.clone(),
            wiring: wiring.clone(),
            begins,
            at: Duration::ZERO,
            ways: BTreeMap::new(),
            lies: BTreeMap::new(),
            bad: BTreeMap::new(),
            quiet: BTreeMap::new(),
            failing: BTreeSet::new(),
            fallen_back: BTreeSet::new(),
            demand: 100,
            fails: BTreeMap::new(),
            splits: Vec::new(),
            restored: Lost::default(),
            moved: BTreeMap::new(),
            harms: Vec::new(),
        }
    }

    /// Lets time pass up to `to`, counted from the beginning. It never runs backwards.
    pub fn advance(&mut self, to: Duration) {
        self.count_failing(to);
        self.fail_over_by_themselves(to);
        self.at = self.at.max(to);
    }

    /// What a probe of a target sees now.
    pub fn observe(&self, target: &TargetId) -> Observation {
        Observation {
            target: target.clone(),
            value: self.see(target),
            host: self.host(target),
            took: PROBE,
        }
    }

    fn see(&self, id: &TargetId) -> Result<Sight, Failure> {
        let Some(target) = self.site.target(id) else {
            let what = "look: no such target";
            return Err(Failure::new(FailureKind::Missing, id, what, ""));
        };
        let on = format!("{id} ({})", target.endpoint.place());
        let fail = |kind, what: &str| Err(Failure::new(kind, &on, what, "simulated"));
        match self.way(id) {
            Way::Stopped => return fail(FailureKind::Refused, "connect: connection refused"),
            Way::Hung => return fail(FailureKind::TimedOut, "query: no answer in time"),
            Way::CutOff => return fail(FailureKind::Unreachable, "connect: no route to host"),
            Way::Open => {}
        }
        let seen = match &target.endpoint {
            Endpoint::Postgres(_) => self.server_sight(id),
            Endpoint::Redis(_) => self.cache_sight(id),
            Endpoint::Sentinel(_) => self.sentinel_sight(id),
            Endpoint::Http(endpoint) => Some(Sight::Http(self.service_sight(id, endpoint))),
            Endpoint::Files(_) => self.folders.get(id).map(|f| Sight::Files(f.sight(self))),
            Endpoint::Kube(KubeEndpoint { workload: None, .. }) => Some(cluster()),
            Endpoint::Kube(_) => {
                let seen = self.workloads.get(id).map(|w| w.sight(self));
                seen.map(|seen| Sight::Kube(KubeSight::Workload(seen)))
            }
            Endpoint::Rds(at) => {
                let region = &at.account.region;
                let seen = self.instances.get(id).map(|i| i.sight(region, self));
                seen.map(Sight::Rds)
            }
            Endpoint::Dns(_) => self.records.get(id).map(|r| Sight::Dns(r.sight(self.at))),
            Endpoint::Secret(_) => self.secret_sight(id).map(Sight::Secret),
            // No scenario has them; a runbook's own site may.
            Endpoint::Check(_) | Endpoint::Store(_) | Endpoint::Managed(_) => {
                let system = target.endpoint.system();
                return fail(
                    FailureKind::Unsupported,
                    &format!("{system} can't be simulated"),
                );
            }
        };
        seen.ok_or_else(|| missing(&on))
    }

    fn secret_sight(&self, id: &TargetId) -> Option<SecretSight> {
        let secret = self.secrets.get(id)?;
        Some(SecretSight {
            version: secret.version.to_string(),
            changed: match secret.changed.is_zero() {
                // It was current before anything began.
                true => self.begins - TimeDelta::days(30),
                false => self.wall(secret.changed),
            },
            old_accepted: secret.old_accepted,
        })
    }

    /// Workloads that were not started anew since a secret changed.
    fn stale(&self, secret: &Secret) -> Vec<TargetId> {
        let old = self.workloads.iter().filter(|(_, workload)| {
            secret.changed > Duration::ZERO
                && (workload.restarted <= secret.changed || workload.restarted > self.at)
        });
        old.map(|(id, _)| id.clone()).collect()
    }

    /// The word of a silent server's host, where the site names one.
    fn host(&self, id: &TargetId) -> Option<HostWord> {
        self.site.target(id)?.fence.as_ref()?;
        let server = self.servers.get(id)?;
        (self.way(id) != Way::Open).then(|| HostWord {
            fenced: server.fenced.is_some(),
            stopped_at: server.stopped_at().map(|at| self.wall(at)),
            said: Clean::new(match server.fenced {
                Some(_) => "stopped, and disabled",
                None => "is running, by its provider",
            }),
        })
    }

    /// Conditions that need more than sights.
    ///
    /// # Errors
    /// When the simulated site has nothing to answer with.
    pub fn holds(&self, condition: &Condition) -> Result<Verdict, Failure> {
        match condition {
            Condition::Postgres(PgCondition::Fenced { target }) => {
                let seen = self.see(target);
                let sight = match &seen {
                    Ok(Sight::Postgres(sight)) => Ok(sight),
                    Ok(_) => return Err(missing(target.as_str())),
                    Err(failure) => Err(failure),
                };
                Ok(asked::fenced(target, sight, self.host(target).as_ref()))
            }
            Condition::Postgres(PgCondition::RowCounts { of, .. }) => {
                let bad = self.bad.get(of);
                let saw = bad.map_or_else(
                    || format!("{of}: every table as in the baseline"),
                    |bad| format!("{of}: {}", bad.words()),
                );
                Ok(Verdict::measured(bad.is_none(), saw))
            }
            _ => Err(Failure::new(
                FailureKind::Unsupported,
                "simulated site",
                format!("{condition}: is not simulated"),
                "take it as a question to the participants",
            )),
        }
    }

    /// The next attempt at that step fails with these words, where an inject said so; asked once, it is forgotten.
    pub fn fails_next(&mut self, step: &str) -> Option<String> {
        self.fails.remove(step)
    }

    /// Whether a server takes writes from anybody: one in a lost region has nobody left to write.
    fn writes(&self, id: &TargetId, server: &Server) -> bool {
        server.takes_writes() && server.lost.is_none() && self.way(id) != Way::Stopped
    }

    fn way(&self, id: &TargetId) -> Way {
        match self.servers.get(id).is_some_and(|s| s.fenced.is_some()) {
            true => Way::Stopped,
            false => self.ways.get(id).copied().unwrap_or_default(),
        }
    }

    fn wall(&self, at: Duration) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(at).unwrap_or(TimeDelta::MAX);
        let wall = self.begins.checked_add_signed(passed);
        wall.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

fn is_workload(endpoint: &Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Kube(KubeEndpoint {
            workload: Some(_),
            ..
        })
    )
}

fn cluster() -> Sight {
    Sight::Kube(KubeSight::Cluster {
        nodes: 6,
        nodes_ready: 6,
        version: "v1.34.1".into(),
    })
}

fn missing(on: &str) -> Failure {
    Failure::new(FailureKind::Missing, on, "look: it is not simulated", "")
}
