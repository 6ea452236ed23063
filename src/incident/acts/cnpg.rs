//! CloudNativePG: what a probe sees of a cluster, what can be asked of it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::strict::{Reader, Table};
use super::read;

/// The phase of a cluster that is as it should be.
pub const HEALTHY: &str = "Cluster in healthy state";

/// A cluster as one probe saw it, by its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CnpgSight {
    /// `phase`
    pub phase: String,
    /// Instances that are wanted.
    pub instances: u32,
    /// `readyInstances`
    pub ready: u32,
    /// `currentPrimary`
    pub primary: String,
    /// `targetPrimary`: another one while a switchover is under way.
    pub target_primary: String,
    /// The timeline of each instance, as it reported it.
    pub timelines: BTreeMap<String, u32>,
    /// Instances that are healthy.
    pub healthy: Vec<String>,
    /// Instances that are fenced; `*`: all of them.
    pub fenced: Vec<String>,
    /// WAL is archived; none when the operator does not say.
    pub archiving: Option<bool>,
    /// `lastSuccessfulBackup`
    pub last_backup: Option<DateTime<Utc>>,
}

impl CnpgSight {
    /// Healthy, whole, and with nothing under way.
    pub fn fine(&self) -> bool {
        let settled = self.primary == self.target_primary && !self.primary.is_empty();
        settled
            && self.phase == HEALTHY
            && self.ready == self.instances
            && self.archiving != Some(false)
    }

    /// In a few words: `3 of 3 ready, primary pg-1`.
    pub fn words(&self) -> String {
        let mut words = format!(
            "{} of {} ready, primary {}",
            self.ready, self.instances, self.primary
        );
        if self.phase != HEALTHY {
            words = format!("{}: {words}", self.phase);
        }
        if self.archiving == Some(false) {
            words.push_str(", WAL is not archived");
        }
        if !self.fenced.is_empty() {
            words.push_str(&format!(", fenced {}", self.fenced.join(" ")));
        }
        words
    }
}

/// `primary_is = { of = "pg", instance = "pg-2" }`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryIs {
    /// The cluster.
    pub of: TargetId,
    /// The instance.
    pub instance: String,
}

impl PrimaryIs {
    /// Reads the table behind `primary_is =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, table: &mut Table) -> Option<Self> {
        let of = read::target(reader, table, "of", "pg");
        let instance = read::required(reader, table, "instance", "instance = \"pg-2\"");
        Some(Self {
            of: of?,
            instance: instance?,
        })
    }
}

impl fmt::Display for PrimaryIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is the primary of {}", self.instance, self.of)
    }
}
