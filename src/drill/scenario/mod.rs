//! A scenario: the site it is played on, what happens to it and when, what good looks like, and how a reference walk goes.
//!
//! A scenario is one TOML file, read strictly ([`parse`]); the user's own folder wins over the built-in ones.

pub mod built_in;
mod read;
mod walk;

use std::time::Duration;

pub use crate::incident::drills::{Grade, Kind};

use super::happening::Happening;
use crate::incident::acts::Condition;
use crate::incident::names::{RegionId, SeverityId, StepId, TargetId};
use crate::incident::site::Site;

pub use read::parse;

/// A scenario as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file's stem: `region-lost`.
    pub id: String,
    /// `Primary region lost`
    pub title: String,
    /// One sentence for the list.
    pub summary: String,
    /// Which kind of drill it counts as.
    pub kind: Kind,
    /// The severity it calls for.
    pub severity: SeverityId,
    /// How long it takes people, about.
    pub takes: Duration,
    /// What the participants are told before it begins.
    pub briefing: Vec<String>,
    /// What the exercise is for: objectives of the report.
    pub objectives: Vec<String>,
    /// Recovery time asked for; the site's when absent.
    pub rto: Option<Duration>,
    /// Recovery point asked for; the site's when absent.
    pub rpo: Option<Duration>,
    /// The simulated site.
    pub site: Site,
    /// Its text: a site file.
    pub site_text: String,
    /// How its parts hang together.
    pub wiring: Wiring,
    /// Runbooks offered first, by id.
    pub runbooks: Vec<String>,
    /// What happens by itself.
    pub events: Vec<Event>,
    /// What the facilitator may let happen.
    pub injects: Vec<Inject>,
    /// What hands do outside of warroom when a step is run or ticked.
    pub hands: Vec<Hands>,
    /// What good looks like at the end.
    pub goals: Vec<Goal>,
    /// Orders that do harm.
    pub harmful: Vec<Harmful>,
    /// Questions for the debrief.
    pub debrief: Vec<String>,
    /// The reference walk: ends in PASS. Empty: none is written, and it can't be played by itself.
    pub solution: Vec<Move>,
    /// A walk that does harm, and what it comes to. Without moves: none is written.
    pub losing: Losing,
}

/// How the parts of a simulated site hang together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wiring {
    /// Requests a second at the usual demand.
    pub rps: u32,
    /// Requests a second one replica answers.
    pub per_replica: u32,
    /// The time a replica takes until it is ready.
    pub replica_start: Duration,
    /// WAL and replication stream written at the usual demand, bytes a second.
    pub wal_rate: u64,
    /// Replication lag while all is well.
    pub usual_lag: Duration,
    /// Services: what each needs.
    pub services: Vec<Service>,
    /// Workloads and their replicas at the beginning.
    pub workloads: Vec<Workload>,
    /// DNS records: the share of each region at the beginning, and the TTL.
    pub records: Vec<Record>,
    /// Backups: how old the newest is at the beginning, and how often one is made.
    pub backups: Vec<MaybeClient>,
}

/// An HTTP target and what it needs to be healthy.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The HTTP target.
    pub target: TargetId,
    /// The workload that serves it.
    pub workload: Option<TargetId>,
    /// Targets of which one must take writes (the database, wherever its primary is now), or answer.
    pub needs: Vec<Vec<TargetId>>,
    /// The DNS record that sends users here: its share is the demand. None: an endpoint without users of its own.
    pub record: Option<TargetId>,
    /// It stands for the public name: its health is that of wherever the record leads.
    pub public: bool,
}

/// Replicas of a workload at the beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// The Kubernetes target.
    pub target: TargetId,
    /// How many.
    pub replicas: u32,
}

/// A DNS record at the beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The DNS target.
    pub target: TargetId,
    /// Share of each region, in percent.
    pub weights: Vec<(RegionId, u32)>,
    /// How long resolvers keep an answer.
    pub ttl: Duration,
}

/// A backup at the beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct MaybeClient {
    /// The target it lies in (`of` of the site's backup).
    pub target: TargetId,
    /// How old the newest is.
    pub age: Duration,
    /// How often one is made; none: not by itself.
    pub every: Option<Duration>,
    /// Its size in bytes.
    pub size: u64,
}

/// Something that happens by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, from the beginning.
    pub at: Duration,
    /// Up to this much later, by the seed.
    pub within: Duration,
    /// What.
    pub what: Happening,
}

/// Something the facilitator lets happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Inject {
    /// Its id.
    pub id: String,
    /// In a few words, for the facilitator.
    pub title: String,
    /// When it happens by itself where nobody facilitates; none: only by hand.
    pub at: Option<Duration>,
    /// Who speaks: `Customer`, `CEO`, `Monitoring`.
    pub from: String,
    /// What the participants read; empty: nothing is said.
    pub says: String,
    /// What happens to the world.
    pub what: Vec<Happening>,
}

/// What hands do outside of warroom: what a shell step or a ticked item of that step does to the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Hands {
    /// The runbook; any when absent.
    pub runbook: Option<String>,
    /// The step.
    pub step: StepId,
    /// The action or item; any, once all of the step are done, when absent.
    pub index: Option<usize>,
    /// How long it takes; the step's estimate when absent.
    pub takes: Option<Duration>,
    /// What it prints.
    pub prints: Vec<String>,
    /// It fails.
    pub fails: bool,
    /// What it does to the world once it ends.
    pub what: Vec<Happening>,
}

/// A condition that must hold at the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// In words: `Writes are taken in us-west-2`.
    pub words: String,
    /// The condition.
    pub holds: Condition,
}

/// A step before another that ought to come first.
#[derive(Debug, Clone, PartialEq)]
pub struct Harmful {
    /// What is wrong with it: `Traffic was moved before there was anything to answer it`.
    pub words: String,
    /// This step …
    pub step: StepId,
    /// … begun before this one was done. None: begun at all.
    pub before: Option<StepId>,
    /// What it makes of the result.
    pub makes: Grade,
}

/// One move of a reference walk: what an operator who knows what to do would do at the console.
#[derive(Debug, Clone, PartialEq)]
pub enum Move {
    /// `{ wait = "2m" }`
    Wait(Duration),
    /// `{ until = { subject = "region us-east-1", is = "breach" } }`: waits for a standing on the console's panes.
    Until {
        /// `target pg-east`, `region us-east-1`, `link pg`, `backup pg-dump`.
        subject: String,
        /// `fine`, `watch`, `breach`, `unknown`.
        is: String,
    },
    /// `{ declare = "Primary region lost", severity = "SEV-1", category = "availability" }`
    Declare {
        /// The title.
        title: String,
        /// The severity.
        severity: SeverityId,
        /// The category.
        category: Option<String>,
    },
    /// `{ runbook = "regional-failover", vars = { … } }`
    Runbook {
        /// Its id.
        id: String,
        /// Values that differ from the defaults.
        vars: Vec<(String, String)>,
    },
    /// `{ walk = true }` to the end, or `{ walk = "promote" }` up to a step, confirming each; with `overriding` what is red is
    /// overridden for that reason, else the walk stops there.
    Walk {
        /// The step before which to stop.
        to: Option<StepId>,
        /// The reason given for overrides.
        overriding: Option<String>,
    },
    /// `{ go = "promote", reason = "…" }`: out of order.
    Go {
        /// Where to.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// `{ run = "promote", overriding = "…" }`: that step alone, as it stands next.
    Run {
        /// The step.
        step: StepId,
        /// The reason given for overrides.
        overriding: Option<String>,
    },
    /// `{ skip = "verify", reason = "…" }`
    Skip {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// `{ decide = "Promote the copy", reason = "…" }`: the answer to the decision that is next.
    Decide {
        /// The answer's words.
        answer: String,
        /// Why.
        reason: String,
    },
    /// `{ leave = "…" }`: the walk, with steps undone, for that reason.
    Leave(String),
    /// `{ note = "…" }`
    Note(String),
    /// `{ role = "Incident commander", who = "ana" }`
    Role {
        /// Which.
        role: String,
        /// Who.
        who: String,
    },
    /// `{ acknowledge = true }`: every rung that is due.
    Acknowledge,
    /// `{ mitigated = "…" }`: users are served again, and how that is known.
    Mitigated(String),
    /// `{ resolve = "…" }`: with a summary; what is owed is waived with the same words.
    Resolve(String),
}

/// A walk that does harm.
#[derive(Debug, Clone, PartialEq)]
pub struct Losing {
    /// Its moves.
    pub moves: Vec<Move>,
    /// What it comes to: PARTIAL or FAIL.
    pub grade: Grade,
    /// Words that the report's reasons must contain.
    pub because: String,
}
