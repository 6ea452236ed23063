//! The schedule as it stands: of each drill when it was last held and what it came to, when the next is due, by how much
//! that was missed, and its checklist.

use std::time::Duration;

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::checklist::{ItemState, items};
use super::{DrillRecord, Record, exercises};
use crate::incident::site::{Drill, Rhythm};

/// A drill of the schedule as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillState<'a> {
    /// The drill.
    pub drill: &'a Drill,
    /// The newest exercise that counts for it; one that failed was held too.
    pub last: Option<&'a DrillRecord>,
    /// When the next is due; none: now, because it was never held.
    pub due: Option<DateTime<Utc>>,
    /// By how much that was missed.
    pub overdue: Option<Duration>,
    /// Its checklist, in order; items the journal answers are not in it.
    pub items: Vec<ItemState<'a>>,
}

impl DrillState<'_> {
    /// It is to be held now: overdue, or never held.
    pub fn calls(&self) -> bool {
        self.overdue.is_some() || self.due.is_none()
    }
}

/// What the console reminds of when it opens on a quiet site: the drill that is overdue longest, or an item whose time has
/// come; none where nothing calls.
pub fn reminder(states: &[DrillState<'_>], now: DateTime<Utc>) -> Option<String> {
    let calling: Vec<&DrillState<'_>> = states.iter().filter(|state| state.calls()).collect();
    let worst = calling
        .iter()
        .max_by_key(|state| state.overdue.unwrap_or(Duration::MAX));
    if let Some(worst) = worst {
        let since = match (worst.due, worst.overdue) {
            (Some(due), Some(_)) => format!("is due since {}", due.format("%Y-%m-%d")),
            _ => "was never held".to_owned(),
        };
        let others = match calling.len() - 1 {
            0 => String::new(),
            count => format!(", and {count} more"),
        };
        return Some(format!(
            "drill {} {since}{others} — warroom drills",
            worst.drill.id
        ));
    }
    let items = states.iter().flat_map(|state| {
        let open = state.items.iter().filter(|item| item.open(now));
        open.map(move |item| (state.drill, item))
    });
    let first = items.min_by_key(|(_, item)| item.due)?;
    let (drill, item) = first;
    let by = item.due.map_or("now".into(), |due| {
        due.format("%Y-%m-%d %H:%M UTC").to_string()
    });
    Some(format!(
        "drill {}: {}, by {by} — warroom drills",
        drill.id, item.item.words
    ))
}

/// The schedule as it stands, in the site's order.
pub fn schedule<'a>(
    drills: &'a [Drill],
    log: &'a [Record],
    now: DateTime<Utc>,
) -> Vec<DrillState<'a>> {
    drills
        .iter()
        .map(|drill| {
            let held = exercises(log).filter(|record| record.satisfies(drill));
            let last = held.max_by_key(|record| record.at);
            let due = next_due(&drill.rhythm, last.map(|record| record.at), now);
            DrillState {
                drill,
                last,
                due,
                overdue: due.and_then(|due| missed(due, now)),
                items: items(drill, last, due, log),
            }
        })
        .collect()
}

/// When a drill is due again that was last held then. After an interval: so long after that; without a last time there
/// is nothing to count from, and it is due now. By named months: at the end of the first one after the month it was
/// last held in; without a last time at the end of this month or the next named one.
pub fn next_due(
    rhythm: &Rhythm,
    last: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match (rhythm, last) {
        (Rhythm::Every(every), Some(last)) => Some(later(last, *every)),
        (Rhythm::Every(_), None) => None,
        (Rhythm::Months(_), Some(last)) => named_month(rhythm, first_of(last, 1)?),
        (Rhythm::Months(_), None) => named_month(rhythm, first_of(now, 0)?),
    }
}

/// The last second of the first named month that begins on `from` or later.
fn named_month(rhythm: &Rhythm, from: NaiveDate) -> Option<DateTime<Utc>> {
    let Rhythm::Months(named) = rhythm else {
        return None;
    };
    let mut months = (0..12).filter_map(|n| from.checked_add_months(Months::new(n)));
    let month = months.find(|month| {
        let number = month.month();
        named
            .iter()
            .any(|named| named.number_from_month() == number)
    })?;
    let next = month.checked_add_months(Months::new(1))?;
    next.and_time(NaiveTime::MIN)
        .and_utc()
        .checked_sub_signed(TimeDelta::seconds(1))
}

/// The first day of the month so many months after that of `at`.
fn first_of(at: DateTime<Utc>, months: u32) -> Option<NaiveDate> {
    at.date_naive()
        .with_day(1)?
        .checked_add_months(Months::new(months))
}

/// How long ago `due` was; none while it lies ahead.
pub(super) fn missed(due: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    (now - due).to_std().ok().filter(|over| !over.is_zero())
}

pub(super) fn later(from: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| from.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

pub(super) fn earlier(from: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| from.checked_sub_signed(by))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}
