//! What a target's readings were lately: the last one, the last good one, how many failed in a row, since when it stands
//! as it does. Fed by whoever receives readings; nothing here asks a clock.

use std::collections::VecDeque;
use std::time::Duration;

use super::acts::check::CheckState;
use super::acts::postgres::PgRole;
use super::acts::redis::RedisRole;
use super::now::Now;
use super::reading::{Reading, Sight};

/// How many probes the history keeps: a sparkline's width, and four minutes at two seconds.
pub const HISTORY: usize = 120;

/// The track of one target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Track {
    last: Option<Reading>,
    good: Option<Reading>,
    took: Duration,
    failures: u32,
    since: Option<Now>,
    history: VecDeque<Sample>,
}

/// One probe as the history keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// How long it took.
    pub took: Duration,
    /// Whether it brought a sight, of a healthy endpoint where the target is one.
    pub ok: bool,
}

impl Track {
    /// Takes in the next reading and how long its probe took. One older than the last is dropped: probes may overtake.
    pub fn observe(&mut self, reading: Reading, took: Duration) {
        let before = self.last.as_ref();
        if before.is_some_and(|last| last.at.since(&reading.at) > Duration::ZERO) {
            return;
        }
        if before.is_none_or(|last| state(last) != state(&reading)) {
            self.since = Some(reading.at.clone());
        }
        let ok = ok(&reading);
        self.failures = if ok {
            0
        } else {
            self.failures.saturating_add(1)
        };
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(Sample { took, ok });
        self.took = took;
        if ok {
            self.good = Some(reading.clone());
        }
        self.last = Some(reading);
    }

    /// The last reading.
    pub fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// The last reading that was [`ok`].
    pub fn last_good(&self) -> Option<&Reading> {
        self.good.as_ref()
    }

    /// How long the last probe took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// How many readings in a row were not [`ok`], up to now.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The first reading of the state that still lasts: up or down, primary or standby.
    pub fn since(&self) -> Option<&Now> {
        self.since.as_ref()
    }

    /// The last probes, the oldest first; at most [`HISTORY`].
    pub fn history(&self) -> impl ExactSizeIterator<Item = &Sample> {
        self.history.iter()
    }
}

/// Whether a reading counts as a success: it saw something, and an endpoint called itself healthy.
pub fn ok(reading: &Reading) -> bool {
    match &reading.value {
        Ok(Sight::Http(http)) => http.healthy,
        Ok(Sight::Check(check)) => check.state != CheckState::Breach,
        value => value.is_ok(),
    }
}

/// What must change for `since` to begin anew.
fn state(reading: &Reading) -> &'static str {
    match &reading.value {
        _ if !ok(reading) => "down",
        Ok(Sight::Postgres(pg)) => match pg.role {
            PgRole::Primary(_) => "primary",
            PgRole::Standby(_) => "standby",
        },
        Ok(Sight::Redis(redis)) => match redis.role {
            _ if redis.loading => "loading",
            RedisRole::Master { .. } => "master",
            RedisRole::Replica { .. } => "replica",
        },
        Ok(Sight::Sentinel(seen)) if seen.flags.iter().any(|flag| flag == "o_down") => {
            "master down"
        }
        _ => "up",
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::sights::{at, http, reading, refused};
    use super::*;

    fn track(steps: &[(u64, Result<Sight, super::super::reading::Failure>)]) -> Track {
        let mut track = Track::default();
        for (seconds, value) in steps {
            track.observe(
                reading(*seconds, value.clone()),
                Duration::from_millis(*seconds),
            );
        }
        track
    }

    #[test]
    fn failures_in_a_row_and_the_instant_of_the_change() {
        let (ok, sick) = (|| Ok(http(200, true)), || Ok(http(503, false)));
        let table = [
            ("nothing yet", vec![], 0, None, None),
            ("fine", vec![(1, ok()), (2, ok())], 0, Some(1), Some(2)),
            (
                "refused after being fine",
                vec![(1, ok()), (2, refused()), (3, refused())],
                2,
                Some(2),
                Some(1),
            ),
            (
                "unhealthy counts as a failure",
                vec![(1, ok()), (2, refused()), (3, sick())],
                2,
                Some(2),
                Some(1),
            ),
            (
                "recovered",
                vec![(1, refused()), (2, refused()), (3, ok())],
                0,
                Some(3),
                Some(3),
            ),
            (
                "an overtaken reading is dropped",
                vec![(1, ok()), (5, refused()), (3, ok())],
                1,
                Some(5),
                Some(1),
            ),
        ];
        for (what, steps, failures, since, good) in table {
            let track = track(&steps);
            assert_eq!(track.failures(), failures, "{what}");
            assert_eq!(track.since(), since.map(at).as_ref(), "{what}");
            let last_good = track.last_good().map(|reading| reading.at.clone());
            assert_eq!(last_good, good.map(at), "{what}");
        }
    }

    #[test]
    fn the_history_is_bounded_and_keeps_the_newest() {
        let steps: Vec<_> = (0..200).map(|n| (n, Ok(http(200, true)))).collect();
        let track = track(&steps);
        assert_eq!(track.history().len(), HISTORY);
        let first = track.history().next().unwrap();
        assert_eq!(first.took, Duration::from_millis(80));
        assert_eq!(track.took(), Duration::from_millis(199));
    }
}
