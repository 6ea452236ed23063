//! One notion of time: the wall clock for words, the boot clock for ages.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An instant as both clocks tell it. The hall stamps it; nothing else in the program asks a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    /// The wall clock: what people read and the journal prints.
    pub wall: DateTime<Utc>,
    /// `CLOCK_BOOTTIME`: runs through suspend, never jumps.
    pub boot: Duration,
    /// The boot the boot clock belongs to (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

impl Now {
    /// Time from `earlier` until now: by the boot clock within one boot, else by the wall clock; never negative.
    pub fn since(&self, earlier: &Now) -> Duration {
        if self.boot_id == earlier.boot_id {
            self.boot.saturating_sub(earlier.boot)
        } else {
            self.since_wall(earlier.wall)
        }
    }

    /// Time from the wall-clock instant `earlier` until now; zero when it lies ahead.
    pub fn since_wall(&self, earlier: DateTime<Utc>) -> Duration {
        (self.wall - earlier).to_std().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, boot: u64, boot_id: &str) -> Now {
        let wall = DateTime::from_timestamp(wall, 0).unwrap();
        Now {
            wall,
            boot: Duration::from_secs(boot),
            boot_id: boot_id.into(),
        }
    }

    #[test]
    fn ages_ignore_a_jump_of_the_wall_clock_within_a_boot() {
        assert_eq!(
            at(10_000, 107, "a").since(&at(1_000, 100, "a")),
            Duration::from_secs(7)
        );
        assert_eq!(
            at(500, 107, "a").since(&at(1_000, 100, "a")),
            Duration::from_secs(7)
        );
        assert_eq!(
            at(1_060, 3, "b").since(&at(1_000, 100, "a")),
            Duration::from_secs(60)
        );
        assert_eq!(at(900, 3, "b").since(&at(1_000, 100, "a")), Duration::ZERO);
    }
}
