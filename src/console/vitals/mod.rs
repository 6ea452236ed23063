//! What the four panes show, derived from readings, the incident and now: words and standings, ready to be drawn.

pub mod panes;

use std::time::Duration;

use crate::incident::judge::Standing;
use crate::incident::names::{BackupId, LinkId, RegionId, TargetId};
use crate::incident::site::RegionRole;

/// The four panes' contents.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vitals {
    /// Regions in the site's order, then what belongs to no region under an empty name.
    pub regions: Vec<RegionRow>,
    /// Replication links.
    pub links: Vec<LinkRow>,
    /// Backups.
    pub backups: Vec<BackupRow>,
    /// The clock; empty rows without an incident.
    pub clock: Clock,
}

/// A region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionRow {
    /// Its name; none for what belongs to no region.
    pub id: Option<RegionId>,
    /// The part it plays while all is well.
    pub role: Option<RegionRole>,
    /// Its standing: the worst of its components.
    pub standing: Standing,
    /// `6/6 ready`, `0/6`.
    pub words: String,
    /// Its components.
    pub components: Vec<ComponentRow>,
}

/// A component of a region.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentRow {
    /// The target.
    pub id: TargetId,
    /// Its system.
    pub system: &'static str,
    /// Where it is.
    pub place: String,
    /// Its standing.
    pub standing: Standing,
    /// `refused ×9`, `primary`, `4 m silent`.
    pub words: String,
    /// The whole sentence, where there is more to say.
    pub detail: String,
    /// How long it has stood so.
    pub since: Option<Duration>,
    /// How old its reading is.
    pub age: Option<Duration>,
    /// Time the newest probes took, in milliseconds, oldest first; none where one failed.
    pub history: Vec<Option<u64>>,
}

/// A replication link.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    /// The link.
    pub id: LinkId,
    /// From where.
    pub from: TargetId,
    /// To where.
    pub to: TargetId,
    /// Its standing.
    pub standing: Standing,
    /// Lag or loss in time: `12.4 s`, `≤ 2.1 s`; empty when unknown.
    pub seconds: String,
    /// In bytes: `31 MB`; empty when unknown.
    pub bytes: String,
    /// What state it is in: `streaming`, `replay paused`, `last known`.
    pub words: String,
    /// The whole sentence: what would be lost by promoting now.
    pub detail: String,
    /// Lag up to here is fine.
    pub target: Duration,
    /// Over this a promotion is refused.
    pub gate: Duration,
    /// Lag of the newest readings in milliseconds, oldest first.
    pub history: Vec<Option<u64>>,
}

/// A kind of backup.
#[derive(Debug, Clone, PartialEq)]
pub struct BackupRow {
    /// Which.
    pub id: BackupId,
    /// Its standing.
    pub standing: Standing,
    /// MaybeClient on purpose.
    pub intended: bool,
    /// Age of the newest success: `3 h 12 m`; `none` when there is none.
    pub age: String,
    /// What is asked: `<25 h`.
    pub rule: String,
    /// Findings, the gravest first: `size −41 %`, `never restored`, `checksum wrong`.
    pub notes: Vec<String>,
}

/// The clock.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clock {
    /// RTO: objective, used since the declaration, standing, and the projected finish in words.
    pub rto: Option<Burn>,
    /// RPO over every link: objective, at risk, standing.
    pub rpo: Option<Burn>,
    /// The decision that is waited for, where it has a time; its key is empty.
    pub decision: Option<RungRow>,
    /// Rungs of the ladder: the next due first, then what was done.
    pub rungs: Vec<RungRow>,
}

/// An objective and how much of it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct Burn {
    /// What is promised.
    pub objective: Duration,
    /// What is used of it; none when unknown.
    pub used: Option<Duration>,
    /// How it stands.
    pub standing: Standing,
    /// `finish ~14:31, 13 m to spare`, `≈12.4 s at risk`.
    pub words: String,
}

/// A rung of the ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct RungRow {
    /// Its key.
    pub key: String,
    /// `Engineering lead`
    pub who: String,
    /// `notify, phone`
    pub what: String,
    /// When, counted from its start.
    pub after: Duration,
    /// Watch: due soon; breach: overdue; fine: done; unknown: lies ahead.
    pub standing: Standing,
    /// `in 7:29`, `3:10 overdue`, `14:02 ana`.
    pub words: String,
}
