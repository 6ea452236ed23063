//! What is still to come in an exercise: at which instant, and in which order what falls on the same one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::drill::happening::Happening;
use crate::incident::names::TargetId;

/// Something that is due at an instant.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// The scenario lets something happen to the world.
    Happens(Happening),
    /// The inject of that number, unless the facilitator was faster.
    Inject(usize),
    /// A target is looked at.
    Probe(TargetId),
    /// A second went by.
    Tick,
}

/// What is due, by instant; on the same instant in the order in which it was put there.
#[derive(Debug, Default)]
pub struct Agenda {
    due: BTreeMap<(Duration, u64), Due>,
    count: u64,
}

impl Agenda {
    /// Puts something there.
    pub fn put(&mut self, at: Duration, what: Due) {
        self.count += 1;
        self.due.insert((at, self.count), what);
    }

    /// The first instant at which something is due.
    pub fn next(&self) -> Option<Duration> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Takes the first thing that is due by `now`.
    pub fn take(&mut self, now: Duration) -> Option<Due> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Takes a thing out that will not come.
    pub fn strike(&mut self, what: &Due) {
        self.due.retain(|_, due| due != what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_by_instant_and_then_in_the_order_they_were_put() {
        let second = Duration::from_secs;
        let mut agenda = Agenda::default();
        agenda.put(second(2), Due::Tick);
        agenda.put(second(1), Due::Inject(7));
        agenda.put(second(1), Due::Tick);
        agenda.put(second(3), Due::Inject(8));
        agenda.strike(&Due::Inject(8));
        assert_eq!(agenda.next(), Some(second(1)));
        assert_eq!(agenda.take(second(0)), None);
        let all = std::iter::from_fn(|| agenda.take(second(9)));
        assert_eq!(
            all.collect::<Vec<_>>(),
            [Due::Inject(7), Due::Tick, Due::Tick]
        );
    }
}
