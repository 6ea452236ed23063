//! What a reading means: standings, and how they follow from readings and time. Nothing here asks a clock.

mod backup;
mod component;
mod pace;
mod region;
#[cfg(test)]
pub(super) mod sights;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::backup::{BackupVital, backup, kept};
pub use self::component::{ComponentVital, component, seen, stale_after};
pub use self::pace::pause;
pub use self::region::{RegionVital, region};

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

/// How all of it stands: as the part that asks for most attention. Nothing at all is unknown.
pub fn overall(standings: impl IntoIterator<Item = Standing>) -> Standing {
    standings.into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_stands_as_its_worst_part() {
        use Standing::{Breach, Fine, Unknown, Watch};
        let table = [
            (vec![], Unknown),
            (vec![Fine, Fine], Fine),
            (vec![Fine, Watch], Watch),
            (vec![Unknown, Watch, Fine], Unknown),
            (vec![Unknown, Breach, Fine], Breach),
        ];
        for (parts, whole) in table {
            assert_eq!(overall(parts.clone()), whole, "{parts:?}");
        }
    }
}
