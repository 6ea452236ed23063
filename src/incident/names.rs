//! Names of things the site file or a runbook names. Each is a type of its own, so a region is never passed as a target.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self { Self(text.to_owned()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
    )*};
}

name! {
    /// A target of the site file: `pg-west`.
    TargetId,
    /// A region of the site file: `us-west-2`.
    RegionId,
    /// A replication link of the site file: `pg`.
    LinkId,
    /// A backup of the site file: `pg-dump`.
    BackupId,
    /// A drill of the site file's schedule: `restore`.
    DrillId,
    /// A severity of the site's scheme: `SEV-1`.
    SeverityId,
    /// A runbook by its file's stem: `regional-failover`.
    RunbookId,
    /// A step of a runbook, without the `#`: `promote`.
    StepId,
    /// An incident: `INC-2026-0007`; drills `DRL-…`, tabletops `TTX-…`.
    IncidentId,
}
