//! What was seen of the one target that a guard is about.

use super::FRESH;
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Reading, Sight, Verdict};

/// A target, the reading taken for this judgement, and the sight in it that a guard of the kind knows.
pub struct Seen<'a, S> {
    id: &'a TargetId,
    reading: Option<&'a Reading>,
    sight: Option<&'a S>,
}

impl<'a, S> Seen<'a, S> {
    /// The target's reading; `pick` takes the sight out of it.
    pub fn new(
        id: &'a TargetId,
        reading: Option<&'a Reading>,
        pick: fn(&Sight) -> Option<&S>,
    ) -> Self {
        let sight = reading.and_then(|reading| reading.value.as_ref().ok());
        Self {
            id,
            reading,
            sight: sight.and_then(pick),
        }
    }

    /// Whether the reading is of now.
    pub fn fresh(&self, now: &Now) -> Verdict {
        let id = self.id;
        let Some(reading) = self.reading else {
            return Verdict::measured(false, format!("{id} was not read"));
        };
        let age = now.since(&reading.at);
        match &reading.value {
            Err(failure) => Verdict::measured(false, failure.to_string()),
            Ok(_) => Verdict::measured(age <= FRESH, format!("{id} {} ago", Span(age))),
        }
    }

    /// What the sight comes to; unknown where there is none.
    pub fn judged(&self, judge: impl FnOnce(&S) -> Verdict) -> Verdict {
        match self.sight {
            Some(sight) => judge(sight),
            None => Verdict::unknown(format!("{} was not seen", self.id)),
        }
    }
}
