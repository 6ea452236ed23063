//! What exactly was confirmed: the resolved act with its endpoints, bound by one digest.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Mode, digest};
use crate::incident::acts::Condition;
use crate::incident::clean::Clean;
use crate::incident::names::{RegionId, RunbookId, TargetId};
use crate::incident::reading::Verdict;
use crate::incident::replication::LastKnown;
use crate::incident::runbook::{ActionRef, Code, Danger, Expect, Vars};

/// One resolution of an action: what is shown, digested, journaled and performed. Endpoints, not only names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Which action of which step.
    pub action: ActionRef,
    /// The step's title.
    pub step_title: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Real, drill or tabletop.
    pub mode: Mode,
    /// The site's name.
    pub site: String,
    /// SHA-256 of the site file.
    pub site_digest: String,
    /// The runbook.
    pub runbook: RunbookId,
    /// SHA-256 of its bytes.
    pub runbook_digest: String,
    /// What runs, its variables filled in where they are whole values.
    pub code: Code,
    /// Every target it touches, with its place.
    pub targets: Vec<Place>,
    /// Variables that reach it.
    pub vars: Vars,
    /// Secret variables that reach it: name → HMAC-SHA-256 of the value under the incident's key.
    pub secrets: BTreeMap<String, String>,
    /// Targets whose environment a shell gets.
    pub with: Vec<TargetId>,
    /// A predicate on its output.
    pub expect: Option<Expect>,
    /// Keeps its output as this variable.
    pub keep_as: Option<String>,
    /// The part of JSON that is kept.
    pub path: Option<String>,
    /// What is kept stays off every record.
    pub keep_secret: bool,
    /// Promotion guards hold for this target though the act is a shell's.
    pub guards: Option<TargetId>,
    /// How dangerous it is.
    pub danger: Danger,
    /// The phrase that is typed.
    pub phrase: Option<String>,
    /// Must hold before.
    pub checks: Vec<ResolvedCheck>,
    /// Polled afterwards; on the step's last action only.
    pub verify: Vec<ResolvedCheck>,
    /// How often `verify` is polled.
    pub every: Duration,
    /// When the operator is asked: wait on, or cancel. Nothing is killed by itself.
    pub timeout: Duration,
    /// How long it should take.
    pub estimate: Option<Duration>,
    /// Readings kept before the step's first action, as `what(target)`.
    pub capture: Vec<String>,
    /// Readings that must differ afterwards from what was kept; on the step's last action only.
    #[serde(default)]
    pub changed: Vec<String>,
    /// The observation window after it.
    pub hold: Option<(Duration, Condition)>,
    /// The old primary as it was last seen, for a promotion's loss.
    pub last_known: Option<LastKnown>,
    /// When the incident's recovery time runs out.
    pub rto_ends: Option<DateTime<Utc>>,
    /// The last promotion of this pair, in any incident.
    pub last_promotion: Option<DateTime<Utc>>,
}

impl Resolved {
    /// SHA-256 of its canonical JSON (fields in this order, maps sorted), in hexadecimal.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        digest(&json)
    }
}

/// A target with where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The target.
    pub target: TargetId,
    /// Its region.
    pub region: Option<RegionId>,
    /// Its endpoint, without secrets.
    pub place: String,
}

/// A check or a verification, its variables filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedCheck {
    /// A typed condition.
    Condition(Condition),
    /// A fence.
    Code {
        /// What runs.
        code: Code,
        /// A predicate on its output.
        expect: Option<Expect>,
        /// Targets whose environment a shell gets.
        with: Vec<TargetId>,
    },
}

/// A confirmed intention, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// What is to run.
    pub resolved: Resolved,
    /// [`Resolved::digest`] of it: what the person confirmed.
    pub digest: String,
    /// SHA-256 of the nonce that opens the gate.
    pub nonce_hash: String,
    /// Guards and checks with what they said when it was confirmed.
    pub verdicts: Vec<(String, Verdict)>,
    /// What was overridden.
    pub overrides: Vec<Override>,
}

/// A red guard or check that a person took upon themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// The guard or check.
    pub name: String,
    /// What it said then. A worse value refuses again.
    pub verdict: Verdict,
    /// Why it was overridden, ten characters or more.
    pub reason: Clean,
    /// What was typed.
    pub phrase: String,
}
