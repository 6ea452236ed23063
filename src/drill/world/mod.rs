//! The simulated site: a state machine that is looked at and acted upon like real systems.
//!
//! Consequences follow from what was done, not from a script: promote an unfenced pair and both sides take writes. It knows
//! PostgreSQL pairs, HTTP services and folders of backups; what happens to other systems is not simulated yet.

mod backup;
mod harm;
mod postgres;
mod service;
mod truth;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

pub use self::harm::{Harm, Lost};

use self::backup::Folder;
use self::harm::Split;
use self::postgres::Server;
use super::happening::Happening;
use super::scenario::Wiring;
use crate::incident::acts::postgres::{PgAct, PgCondition};
use crate::incident::acts::{Act, Condition};
use crate::incident::asked;
use crate::incident::clean::Clean;
use crate::incident::names::{RegionId, TargetId};
use crate::incident::reading::{
    Failure, FailureKind, HostWord, Observation, Outcome, Sight, Verdict,
};
use crate::incident::site::{Endpoint, Site};

/// How long a probe takes on a simulated network.
const PROBE: Duration = Duration::from_millis(20);

/// An act that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What is done.
    pub act: Act,
    /// How long it takes.
    pub takes: Duration,
}

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
    folders: BTreeMap<TargetId, Folder>,
    splits: Vec<Split>,
}

impl World {
    /// The site as it is before anything happens; `begins` is the wall clock then.
    pub fn new(site: &Site, wiring: &Wiring, begins: DateTime<Utc>) -> Self {
        let of = |what: fn(&Endpoint) -> bool| {
            let fitting = site.targets.iter().filter(move |t| what(&t.endpoint));
            fitting.map(|target| target.id.clone())
        };
        let servers = of(|e| matches!(e, Endpoint::Postgres(_)));
        let folders = of(|e| matches!(e, Endpoint::Files(_)));
        Self {
            servers: servers
                .map(|id| (id.clone(), Server::new(&id, site)))
                .collect(),
            folders: folders
                .map(|id| (id.clone(), Folder::new(&id, wiring)))
                .collect(),
            site: site.clone(),
            wiring: wiring.clone(),
            begins,
            at: Duration::ZERO,
            ways: BTreeMap::new(),
            lies: BTreeMap::new(),
            splits: Vec::new(),
        }
    }

    /// Lets time pass up to `to`, counted from the beginning. It never runs backwards.
    pub fn advance(&mut self, to: Duration) {
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
            return Err(Failure::new(
                FailureKind::Missing,
                id,
                "look: no such target",
                "",
            ));
        };
        let on = format!("{id} ({})", target.endpoint.place());
        let fail = |kind, what: &str| Err(Failure::new(kind, &on, what, "simulated"));
        match self.way(id) {
            Way::Stopped => return fail(FailureKind::Refused, "connect: connection refused"),
            Way::Hung => return fail(FailureKind::TimedOut, "query: no answer in time"),
            Way::CutOff => return fail(FailureKind::Unreachable, "connect: no route to host"),
            Way::Open => {}
        }
        match &target.endpoint {
            Endpoint::Postgres(_) => self.server_sight(id).ok_or_else(|| missing(&on)),
            Endpoint::Http(endpoint) => Ok(Sight::Http(self.service_sight(id, endpoint))),
            Endpoint::Files(_) => {
                let folder = self.folders.get(id).map(|f| Sight::Files(f.sight(self)));
                folder.ok_or_else(|| missing(&on))
            }
            Endpoint::Redis(_) | Endpoint::Sentinel(_) => {
                fail(FailureKind::Unsupported, "this system is not simulated")
            }
        }
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
            _ => Err(Failure::new(
                FailureKind::Unsupported,
                "simulated site",
                format!("{condition}: is not simulated"),
                "take it as a question to the participants",
            )),
        }
    }

    /// Begins an act: how long it takes.
    ///
    /// # Errors
    /// The outcome of an act that can't even begin.
    pub fn begin(&mut self, act: &Act) -> Result<Job, Outcome> {
        let takes = match act {
            Act::Postgres(act) => self.begin_postgres(act)?,
            Act::Redis(_) | Act::Wait(_) | Act::Runbook(_) => return Err(unsupported(act)),
        };
        let act = act.clone();
        Ok(Job { act, takes })
    }

    /// Ends an act that was begun, once its time has passed: its consequences come about now.
    pub fn finish(&mut self, job: &Job) -> Outcome {
        let outcome = match &job.act {
            Act::Postgres(act) => self.finish_postgres(act),
            act => unsupported(act),
        };
        self.note_splits();
        outcome
    }

    /// Something happens. What this world does not simulate does nothing.
    pub fn happen(&mut self, what: &Happening) {
        match what {
            Happening::Stop(target) => self.put(target, Way::Stopped),
            Happening::Hang(target) => self.put(target, Way::Hung),
            Happening::CutOff(target) => self.put(target, Way::CutOff),
            Happening::BringBack(target) => self.put(target, Way::Open),
            Happening::LoseRegion(region) => self.put_region(region, Way::CutOff),
            Happening::BringBackRegion(region) => self.put_region(region, Way::Open),
            Happening::Lie { target, healthy } => {
                self.lies.insert(target.clone(), *healthy);
            }
            Happening::Truth(target) => {
                self.lies.remove(target);
            }
            _ => {}
        }
        self.note_splits();
    }

    /// Whether a server takes writes from anybody: one in a lost region has nobody left to write.
    fn writes(&self, id: &TargetId, server: &Server) -> bool {
        server.takes_writes() && server.lost.is_none() && self.way(id) != Way::Stopped
    }

    fn put(&mut self, target: &TargetId, way: Way) {
        let at = self.at;
        if let Some(server) = self.servers.get_mut(target) {
            server.cut(at, way != Way::Open);
        }
        self.ways.insert(target.clone(), way);
    }

    fn put_region(&mut self, region: &RegionId, way: Way) {
        let of = |t: &&crate::incident::site::Target| t.region.as_ref() == Some(region);
        let ids: Vec<TargetId> = self
            .site
            .targets
            .iter()
            .filter(of)
            .map(|t| t.id.clone())
            .collect();
        for id in &ids {
            self.put(id, way);
            let lost = (way == Way::CutOff).then_some(self.at);
            if let Some(server) = self.servers.get_mut(id) {
                server.lost = lost;
            }
        }
    }

    fn way(&self, id: &TargetId) -> Way {
        match self.servers.get(id).is_some_and(|s| s.fenced.is_some()) {
            true => Way::Stopped,
            false => self.ways.get(id).copied().unwrap_or_default(),
        }
    }

    fn wall(&self, at: Duration) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(at).unwrap_or(TimeDelta::MAX);
        self.begins
            .checked_add_signed(passed)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

fn missing(on: &str) -> Failure {
    Failure::new(FailureKind::Missing, on, "look: it is not simulated", "")
}

fn unsupported(act: &Act) -> Outcome {
    let what = format!("{act}: this act is not simulated yet");
    let failure = Failure::new(
        FailureKind::Unsupported,
        "simulated site",
        what,
        "skip the step",
    );
    Outcome::Failed {
        failure,
        exit: None,
    }
}

/// What a refused or impossible act says.
fn refused(act: &PgAct, what: &str) -> Outcome {
    let failure = Failure::new(FailureKind::BadAnswer, act.target(), what, "");
    Outcome::Failed {
        failure,
        exit: None,
    }
}
