//! Folders of backups: how old the newest is.

use std::time::Duration;

use super::World;
use crate::drill::scenario::Wiring;
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight, Proof};
use crate::incident::measure::Size;
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site};

/// What is taken of a folder that the wiring does not mention.
const AGE: Duration = Duration::from_secs(3 * 3_600);
const SIZE: u64 = 4_200_000_000;

/// A folder of backups.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// How old the newest was at the beginning.
    age: Duration,
    every: Option<Duration>,
    size: u64,
    /// The newest that was made by hand since the beginning.
    made: Option<Duration>,
    /// Checksums lie beside the files.
    checked: bool,
}

impl Folder {
    pub(super) fn new(id: &TargetId, site: &Site, wiring: &Wiring) -> Self {
        let target = site.target(id).map(|target| &target.endpoint);
        let made = wiring.backups.iter().find(|made| made.target == *id);
        Self {
            age: made.map_or(AGE, |made| made.age),
            every: made.and_then(|made| made.every),
            size: made.map_or(SIZE, |made| made.size),
            made: None,
            checked: matches!(target, Some(Endpoint::Files(at)) if at.checksum),
        }
    }

    /// Nothing was written since so long ago, and nobody was told.
    pub(super) fn fails_since(&mut self, since: Duration) {
        (self.age, self.every) = (since, None);
    }

    /// One more, now.
    pub(super) fn make(&mut self, at: Duration) {
        self.made = Some(at);
    }

    /// How old the newest is.
    pub(super) fn age(&self, at: Duration) -> Duration {
        let age = self.age + at;
        let age = match self.every.filter(|every| !every.is_zero()) {
            Some(every) => Duration::from_millis(
                u64::try_from(age.as_millis() % every.as_millis()).unwrap_or_default(),
            ),
            None => age,
        };
        self.made
            .map_or(age, |made| age.min(at.saturating_sub(made)))
    }

    pub(super) fn sight(&self, world: &World) -> FilesSight {
        let age = self.age(world.at);
        let made = world.wall(world.at) - age;
        FilesSight {
            newest: Some(BackupFile {
                name: made.format("app-%Y%m%d-%H%M.dump").to_string(),
                at: made,
                size: Some(Size(self.size)),
                checksum: match self.checked {
                    true => Checksum::Right,
                    false => Checksum::NotAsked,
                },
            }),
            usual_size: Some(Size(self.size)),
            count: 7,
            incomplete: 0,
            proof: Proof::NotAsked,
            gap: None,
        }
    }
}
