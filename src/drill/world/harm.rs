//! What somebody brought about: both sides of a pair taking writes, writes that are in no server that is in use.

use std::time::Duration;

use super::World;
use crate::drill::scenario::Grade;
use crate::incident::measure::Span;
use crate::incident::names::{LinkId, TargetId};

/// A consequence that somebody brought about.
#[derive(Debug, Clone, PartialEq)]
pub struct Harm {
    /// When it began, from the beginning of the exercise.
    pub at: Duration,
    /// In words: `both pg-east and pg-west took writes for 40 s`.
    pub words: String,
    /// What it makes of the result.
    pub makes: Grade,
}

/// What was lost for good, or may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// Committed writes that are in no server that is in use, in time.
    pub span: Duration,
    /// In bytes.
    pub bytes: u64,
}

/// A time in which both ends of a link took writes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    link: LinkId,
    ends: (TargetId, TargetId),
    since: Duration,
    until: Option<Duration>,
}

impl World {
    /// Takes down what began or ended with what just happened.
    pub(super) fn note_splits(&mut self) {
        let now = self.split();
        for split in self.splits.iter_mut().filter(|split| split.until.is_none()) {
            if !now.iter().any(|(link, ..)| *link == split.link) {
                split.until = Some(self.at);
            }
        }
        for (link, from, to) in now {
            let open = |split: &Split| split.link == link && split.until.is_none();
            if !self.splits.iter().any(open) {
                self.splits.push(Split {
                    link,
                    ends: (from, to),
                    since: self.at,
                    until: None,
                });
            }
        }
    }

    /// Links of which both ends take writes, and whom they join.
    pub fn split(&self) -> Vec<(LinkId, TargetId, TargetId)> {
        let pairs = self.site.links.iter().filter_map(|link| {
            let (from, to) = (self.servers.get(&link.from)?, self.servers.get(&link.to)?);
            let both = self.writes(&link.from, from) && self.writes(&link.to, to);
            both.then(|| (link.id.clone(), link.from.clone(), link.to.clone()))
        });
        pairs.collect()
    }

    /// The harm done so far, in the order in which it began.
    pub fn harms(&self) -> Vec<Harm> {
        let told = self.splits.iter().map(|split| {
            let (from, to) = &split.ends;
            let span = split.until.unwrap_or(self.at).saturating_sub(split.since);
            Harm {
                at: split.since,
                words: format!("both {from} and {to} took writes for {}", Span(span)),
                makes: Grade::Fail,
            }
        });
        let mut harms: Vec<Harm> = told.collect();
        harms.extend(self.moved_harms());
        harms.extend(self.harms.iter().cloned());
        harms.sort_by_key(|harm| harm.at);
        harms
    }

    /// What was lost so far: of every promotion, what the old primary has and the new one does not.
    pub fn lost(&self) -> Lost {
        let beyond = self.servers.values().filter_map(|server| {
            server.promoted?;
            let old = self.servers.get(server.follows.as_ref()?)?;
            // One that was rebuilt has no writes of its own any more: they were counted when it was.
            if old.follows.is_some() && old.promoted.is_none() {
                return None;
            }
            Some(self.written(old, self.at).saturating_sub(server.from))
        });
        let bytes = beyond.sum();
        let millis = u64::saturating_mul(bytes, 1_000) / self.rate().max(1);
        Lost {
            span: Duration::from_millis(millis).max(self.restored.span),
            bytes: bytes + self.restored.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::happening::Happening;
    use crate::drill::scenario::{built_in, parse};
    use crate::drill::world::World;
    use crate::incident::acts::Act;
    use crate::incident::acts::postgres::PgAct;

    /// Does an act to its end.
    fn act(world: &mut World, act: PgAct, at: u64) {
        world.advance(Duration::from_secs(at));
        let job = world.begin(&Act::Postgres(act)).unwrap();
        world.advance(Duration::from_secs(at) + job.takes);
        world.finish(&job);
    }

    #[test]
    fn a_promotion_harms_what_was_not_fenced_and_still_writes() {
        let (id, text) = built_in::SCENARIOS[0];
        let scenario = parse(id, id, text).0.unwrap();
        let east = || TargetId::from("pg-east");
        let promote = || PgAct::Promote {
            target: "pg-west".into(),
        };
        let fence = || PgAct::Fence { target: east() };
        let cut = Happening::CutOff(east());
        let lost = Happening::LoseRegion("us-east-1".into());
        // What happens, whether it is fenced first, how many harms, what is lost at the most.
        let table = [
            (&cut, true, 0, 60),
            (&cut, false, 1, 600),
            (&lost, true, 0, 1),
            (&lost, false, 0, 1),
        ];
        for (what, fenced_first, harms, most) in table {
            let mut world = World::new(
                &scenario.site,
                &scenario.wiring,
                chrono::DateTime::UNIX_EPOCH,
            );
            world.advance(Duration::from_secs(60));
            world.happen(what);
            if fenced_first {
                act(&mut world, fence(), 70);
            }
            act(&mut world, promote(), 110);
            world.advance(Duration::from_secs(300));
            let found = world.harms();
            assert_eq!(found.len(), harms, "{what:?}: {found:?}");
            let lost = world.lost().span;
            assert!(lost <= Duration::from_secs(most), "{what:?}: {lost:?}");
            assert_eq!(lost > Duration::from_secs(1), *what == cut, "{lost:?}");
            if harms > 0 {
                act(&mut world, fence(), 300);
                let over = world.harms()[0].words.clone();
                world.advance(Duration::from_secs(900));
                assert_eq!(world.harms()[0].words, over, "the fence ended it");
            }
        }
    }
}
