//! What a reading means: standings, and how they follow from readings and time. Nothing here asks a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How something stands. Ordered by how much it asks for attention; unknown is not fine.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Measured, fresh, within its limits.
    Fine,
    /// Worth an eye: over its target, under its gate.
    Watch,
    /// Not measured, too old, or impossible.
    #[default]
    Unknown,
    /// Over its limit, or down.
    Breach,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Standing::Fine => "fine",
            Standing::Watch => "watch",
            Standing::Unknown => "unknown",
            Standing::Breach => "breach",
        })
    }
}
