//! What was seen of both ends over time: positions with their instants, the last sight of each, and the proof of a stop.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::acts::postgres::{PgRole, PgSight};
use super::super::measure::Lsn;
use super::super::now::Now;
use super::super::reading::Reading;
use super::super::site::Target;
use super::LastKnown;
use super::ends::{Follower, Line, View, Writer, view};

/// How many positions are kept: an hour of a busy primary at one a second. Older ones are thinned, never all dropped.
const POSITIONS: usize = 4_096;

/// How long a host may take to give its word (`systems::wire::host`).
const HOST_WORD: Duration = Duration::from_secs(5);

/// An end of a link, by the site's word: where data comes from while all is well, and where it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The primary.
    From,
    /// The replica.
    To,
}

/// The past of one link, fed with every reading of its ends.
#[derive(Debug, Clone)]
pub struct LinkHistory {
    pub(super) interval: Duration,
    /// A reading is believed for this long: three intervals, unless said otherwise.
    pub(super) fresh: Duration,
    from: Past,
    to: Past,
}

/// The past of one end.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    positions: VecDeque<Position>,
    pub writer: Option<(Now, Writer)>,
    pub follower: Option<(Now, Follower)>,
    /// Proven stopped, and when, where the proof knows.
    pub stopped: Option<Option<DateTime<Utc>>>,
}

/// A stretch of time in which a writer was always seen at the same position.
#[derive(Debug, Clone)]
struct Position {
    position: u64,
    first: Now,
    last: Now,
}

impl LinkHistory {
    /// An empty past; `interval` is the longer of both ends' probe intervals.
    pub fn new(interval: Duration) -> Self {
        LinkHistory {
            interval,
            fresh: interval * 3,
            from: Past::default(),
            to: Past::default(),
        }
    }

    /// A past that knows one thing of the primary: where it was seen last, as an intent kept it.
    pub fn resume(interval: Duration, known: &LastKnown, now: &Now) -> Self {
        Self::new(interval).knowing(known, now)
    }

    /// The same, knowing where the primary was seen last.
    pub fn knowing(mut self, known: &LastKnown, now: &Now) -> Self {
        let at = Now {
            wall: known.at,
            boot: now.boot.saturating_sub(now.since_wall(known.at)),
            boot_id: now.boot_id.clone(),
        };
        let writer = Writer {
            line: Line {
                system: known.system.clone(),
                timeline: known.timeline,
            },
            position: known.lsn.0,
            clock: None,
            heartbeat: None,
            replicas: Vec::new(),
        };
        self.from.wrote(&at, writer);
        self
    }

    /// An empty past of a link between two targets: a reading is believed for three intervals and as long as a probe that
    /// fails may take, its host's word included; else a silent server would be unknown instead of silent.
    pub fn between(from: &Target, to: &Target) -> Self {
        let interval = from.interval.max(to.interval);
        let probe = from.timeout.max(to.timeout) + HOST_WORD;
        Self::new(interval).believing(interval * 3 + probe)
    }

    /// The same, believing a reading for at least `fresh`.
    pub fn believing(self, fresh: Duration) -> Self {
        LinkHistory {
            fresh: self.fresh.max(fresh),
            ..self
        }
    }

    /// Takes a reading in; call it once for each, in order.
    pub fn observe(&mut self, end: End, reading: &Reading) {
        let past = match end {
            End::From => &mut self.from,
            End::To => &mut self.to,
        };
        match (view(reading), &reading.host) {
            (Some(View::Writer(writer)), _) => past.wrote(&reading.at, writer),
            (Some(View::Follower(follower)), _) => {
                past.stopped = None;
                past.follower = Some((reading.at.clone(), follower));
            }
            // A host that can't be asked takes back nothing it said before.
            (None, None) => {}
            (None, Some(word)) => past.stopped = word.fenced.then_some(word.stopped_at),
        }
    }

    /// The last that was seen of the primary, for a step's intent.
    pub fn last_known(&self) -> Option<LastKnown> {
        let (at, writer) = self.from.writer.as_ref()?;
        Some(LastKnown {
            lsn: Lsn(writer.position),
            at: at.wall,
            system: writer.line.system.clone(),
            timeline: writer.line.timeline,
        })
    }

    pub(super) fn past(&self, end: End) -> &Past {
        match end {
            End::From => &self.from,
            End::To => &self.to,
        }
    }
}

impl LastKnown {
    /// What a server of PostgreSQL showed at an instant of this machine's wall clock; none when it was no primary.
    pub fn of_primary(sight: &PgSight, at: DateTime<Utc>) -> Option<LastKnown> {
        let PgRole::Primary(primary) = &sight.role else {
            return None;
        };
        Some(LastKnown {
            lsn: primary.lsn,
            at,
            system: sight.system_id.to_string(),
            timeline: sight.timeline,
        })
    }
}

impl Past {
    fn wrote(&mut self, at: &Now, writer: Writer) {
        self.stopped = None;
        let same_line = self
            .writer
            .as_ref()
            .is_none_or(|(_, before)| before.line == writer.line);
        let newest = self.positions.back().map(|p| p.position);
        // Another history, or a server that went backwards: its old positions mean nothing for the new ones.
        if !same_line || newest > Some(writer.position) {
            self.positions.clear();
        }
        match self.positions.back_mut() {
            Some(newest) if newest.position == writer.position => newest.last = at.clone(),
            _ => self.positions.push_back(Position {
                position: writer.position,
                first: at.clone(),
                last: at.clone(),
            }),
        }
        if self.positions.len() > POSITIONS {
            self.thin();
        }
        self.writer = Some((at.clone(), writer));
    }

    /// Drops every second position of the older half.
    fn thin(&mut self) {
        let half = self.positions.len() / 2;
        let mut index = 0;
        self.positions.retain(|_| {
            index += 1;
            index > half || index % 2 == 1
        });
    }

    /// When the writer was first seen beyond `position`.
    pub fn first_beyond(&self, position: u64) -> Option<&Now> {
        let beyond = self.positions.iter().find(|p| p.position > position);
        beyond.map(|p| &p.first)
    }

    /// When the writer was last seen at `position` or before it: all it wrote until then is at or below `position`.
    pub fn last_within(&self, position: u64) -> Option<&Now> {
        let within = self
            .positions
            .iter()
            .take_while(|p| p.position <= position)
            .last();
        within.map(|p| &p.last)
    }
}

/// Which instant is the earlier, as [`Now::since`] tells time.
fn order(a: &Now, b: &Now) -> Ordering {
    match a.boot_id == b.boot_id {
        true => a.boot.cmp(&b.boot),
        false => a.wall.cmp(&b.wall),
    }
}

/// `a - b`, negative when `a` is the earlier.
pub(super) fn between(a: &Now, b: &Now) -> TimeDelta {
    let (later, earlier, negative) = match order(a, b) {
        Ordering::Less => (b, a, true),
        Ordering::Equal | Ordering::Greater => (a, b, false),
    };
    let delta = TimeDelta::from_std(later.since(earlier)).unwrap_or(TimeDelta::MAX);
    match negative {
        true => -delta,
        false => delta,
    }
}
