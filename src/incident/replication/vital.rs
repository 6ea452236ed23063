//! From what is seen and what was seen to what a promotion would lose.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::judge::Standing;
use super::super::measure::{Lag, Span, WalBytes};
use super::super::now::Now;
use super::super::reading::Reading;
use super::super::site::Link;
use super::ends::{Follower, Replica, View, Writer, view};
use super::history::{End, LinkHistory, Past, between};
use super::{Known, LinkState, LinkVital, Loss};

/// A standby replies every `wal_receiver_status_interval`, 10 s by default, however idle its primary; the other way
/// silence of 30 s is normal (`wal_receiver_timeout / 2`). So both directions, or data that waits, must say so.
const QUIET: Duration = Duration::from_secs(15);

/// A heartbeat row older than this on the primary itself is written by nobody and measures nothing.
const BEATING: TimeDelta = TimeDelta::seconds(10);

/// A reading is believed for this many intervals.
const INTERVALS: u32 = 3;

/// An end as the newest reading shows it.
enum Seen<'a> {
    Writes(&'a Now, Writer),
    Follows(&'a Now, Follower),
    Silent,
    Unread(String),
}

/// Which way data goes: as the site says, or the other way after a failover.
struct Way<'a> {
    link: &'a Link,
    interval: Duration,
    writer: &'a Past,
    follower: &'a Past,
    reversed: bool,
}

impl LinkHistory {
    /// The link as the newest readings of its ends, and all that were observed before, show it at `now`.
    pub fn vital(
        &self,
        link: &Link,
        from: Option<&Reading>,
        to: Option<&Reading>,
        now: &Now,
    ) -> LinkVital {
        let ahead = self.way(link, false);
        let back = self.way(link, true);
        use Seen::{Follows, Silent, Unread, Writes};
        match (self.seen(from, now), self.seen(to, now)) {
            (Writes(_, a), Writes(_, b)) => two_writers(&a, &b),
            (Writes(at_w, w), Follows(at_f, f)) => ahead.live(at_w, &w, at_f, &f),
            (Follows(at_f, f), Writes(at_w, w)) => back.live(at_w, &w, at_f, &f),
            (Writes(_, w), Silent) => ahead.replica_silent(&w),
            (Silent, Writes(_, w)) if back.ran() => back.replica_silent(&w),
            (Silent, Writes(_, w)) => ahead.promoted(&w),
            (Silent, Follows(at, f)) => ahead.writer_silent(at, &f, now),
            (Follows(at, f), Silent) if back.ran() => back.writer_silent(at, &f, now),
            (Follows(_, a), Follows(_, b)) => ahead.demoted(&a, &b),
            (Silent, Silent) => ahead.both_silent(now),
            (Unread(why), _) | (_, Unread(why)) => {
                state(LinkState::NoData, Standing::Unknown, &why)
            }
            (Follows(..), Silent) => {
                state(LinkState::NoData, Standing::Unknown, "primary not seen")
            }
        }
    }

    fn way<'a>(&'a self, link: &'a Link, reversed: bool) -> Way<'a> {
        let (writer, follower) = match reversed {
            false => (End::From, End::To),
            true => (End::To, End::From),
        };
        Way {
            link,
            interval: self.interval,
            writer: self.past(writer),
            follower: self.past(follower),
            reversed,
        }
    }

    fn seen<'a>(&self, reading: Option<&'a Reading>, now: &Now) -> Seen<'a> {
        let Some(reading) = reading else {
            return Seen::Unread("not read yet".into());
        };
        let age = now.since(&reading.at);
        if age > self.fresh {
            return Seen::Unread(format!("no reading for {}", Span(age)));
        }
        match view(reading) {
            Some(View::Writer(writer)) => Seen::Writes(&reading.at, writer),
            Some(View::Follower(follower)) => Seen::Follows(&reading.at, follower),
            None => Seen::Silent,
        }
    }
}

impl Way<'_> {
    /// This way is how it ran last: the follower was seen following after it was seen writing.
    fn ran(&self) -> bool {
        let written = self.follower.writer.as_ref().map(|(at, _)| at.wall);
        let followed = self.follower.follower.as_ref().map(|(at, _)| at.wall);
        self.writer.writer.is_some() && followed.is_some() && followed > written
    }

    // ── Both ends answer ─────────────────────────────────────────────────────────────────────────────────────────────

    fn live(&self, at_w: &Now, w: &Writer, at_f: &Now, f: &Follower) -> LinkVital {
        if let Some(wrong) = unrelated(w, f) {
            return wrong;
        }
        let Some(position) = f.position else {
            return state(
                LinkState::NoData,
                Standing::Unknown,
                "replay position unknown",
            );
        };
        let loss = self.live_loss(at_w, w, at_f, f, position);
        let quiet = f.quiet.unwrap_or_default();
        let behind = self.writer.first_beyond(position);
        let behind = behind.map_or(Duration::ZERO, |first| at_f.since(first));
        let (found, least, words) = if f.paused {
            (
                LinkState::Paused,
                Standing::Watch,
                format!("replay paused, {loss}"),
            )
        } else if !f.receiving {
            (
                LinkState::ReceiverStopped,
                Standing::Watch,
                format!("receiver stopped, {loss}"),
            )
        } else if quiet > self.limit() && (behind > self.limit() || self.unheard(w)) {
            (
                LinkState::CutOff,
                Standing::Breach,
                format!("cut off {}", Span(quiet)),
            )
        } else if loss.bytes == Some(WalBytes(0)) {
            (LinkState::InSync, Standing::Fine, "in sync".to_owned())
        } else {
            (LinkState::Streaming, Standing::Fine, loss.to_string())
        };
        let standing = least.max(self.rate(&loss));
        match self.reversed {
            false => vital(found, standing, loss, words),
            true => vital(
                LinkState::Reversed,
                standing.max(Standing::Watch),
                loss,
                format!("reversed: {words}"),
            ),
        }
    }

    /// Bytes are the difference of positions. Seconds come from the heartbeat while it beats, else from the positions seen.
    fn live_loss(&self, at_w: &Now, w: &Writer, at_f: &Now, f: &Follower, position: u64) -> Loss {
        let bytes = w.position.saturating_sub(position);
        // The two were not read at the same moment: the writer's clock when the follower was read.
        let clock = w.clock.map(|clock| clock + between(at_f, at_w));
        let (lag, known) = match (bytes, clock, f.heartbeat) {
            (0, _, _) => (Some(Duration::ZERO), Known::Measured),
            (_, Some(clock), Some(applied)) if beats(w) => {
                let behind = (clock - applied).to_std().unwrap_or_default();
                (Some(behind), Known::Measured)
            }
            _ => self.lag_by_positions(at_f, position, commit_age(clock, f)),
        };
        Loss {
            lag: lag.map(Lag),
            bytes: Some(WalBytes(bytes)),
            known,
        }
    }

    /// From when the writer was first seen beyond what is applied. Where nobody looked just before that, it is at most the
    /// time since it was last seen within, or since the last commit that is applied (which counts idle time, too).
    fn lag_by_positions(
        &self,
        at_f: &Now,
        position: u64,
        commit: Option<Duration>,
    ) -> (Option<Duration>, Known) {
        let within = self.writer.last_within(position);
        let beyond = self.writer.first_beyond(position);
        match (within, beyond) {
            (Some(within), Some(beyond)) if beyond.since(within) <= self.interval * INTERVALS => {
                let behind = between(at_f, beyond).to_std().unwrap_or_default();
                (Some(behind), Known::Measured)
            }
            (Some(within), _) => {
                let bound = between(at_f, within).to_std().unwrap_or_default();
                let bound = commit.map_or(bound, |commit| commit.min(bound));
                (Some(bound), Known::AtMost)
            }
            (None, _) => (commit, Known::AtMost),
        }
    }

    /// The writer has not heard from its replica either, or has none.
    fn unheard(&self, w: &Writer) -> bool {
        match self.row(w) {
            Some(row) => row.quiet.is_some_and(|quiet| quiet > self.limit()),
            None => w.replicas.is_empty(),
        }
    }

    /// The replica in its writer's list: by its target's name, else the only one there is.
    fn row<'w>(&self, w: &'w Writer) -> Option<&'w Replica> {
        let name = match self.reversed {
            false => self.link.to.as_str(),
            true => self.link.from.as_str(),
        };
        let named = w.replicas.iter().find(|replica| replica.name == name);
        named.or(match w.replicas.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Neither end takes writes. A writer of PostgreSQL that was demoted has all it ever wrote, and on its timeline nobody writes
    /// more: once the other one has applied as much, a promotion loses nothing. One that is behind where it was seen writing was
    /// made anew, and proves nothing; and Redis, which has no timelines, may have a third node that writes.
    fn demoted(&self, was: &Follower, other: &Follower) -> LinkVital {
        let written = self.writer.writer.as_ref().map(|(_, w)| w);
        let whole = written.is_some_and(|w| w.line == was.line && was.position >= Some(w.position));
        let applied = other.line == was.line && other.position >= was.position;
        let (loss, words) = match whole && applied && was.line.timeline > 0 {
            true => (Loss::NOTHING, "no primary, nothing to lose"),
            false => (Loss::UNKNOWN, "no primary"),
        };
        vital(LinkState::NoPrimary, Standing::Breach, loss, words.into())
    }

    // ── One end does not answer ──────────────────────────────────────────────────────────────────────────────────────

    /// A dead primary's readings are not stale: they are last known, and once it is proven stopped they are final.
    fn writer_silent(&self, at_f: &Now, f: &Follower, now: &Now) -> LinkVital {
        let heard = f.quiet.map(|quiet| at_f.wall - quiet);
        let seen = self.writer.writer.as_ref().map(|(at, _)| at.wall);
        let contact = seen.max(heard);
        let loss = self.silent_loss(f, contact, now);
        let stopped = self.writer.stopped.is_some();
        let (found, words) = match stopped {
            true => (LinkState::PrimaryStopped, format!("stopped, {loss}")),
            false => (LinkState::PrimarySilent, format!("last known {loss}")),
        };
        // One missed probe is no outage.
        let fresh = contact.is_some_and(|at| now.since_wall(at) <= self.interval * INTERVALS);
        let standing = match fresh && !stopped {
            true => Standing::Watch.max(self.rate(&loss)),
            false => Standing::Breach,
        };
        let words = match self.reversed {
            true => format!("reversed: {words}"),
            false => words,
        };
        vital(found, standing, loss, words)
    }

    /// Seconds: from what is surely applied to the outage, that is the proven stop, else the last contact plus one interval.
    fn silent_loss(&self, f: &Follower, contact: Option<DateTime<Utc>>, now: &Now) -> Loss {
        let (known, stop) = match self.writer.stopped {
            Some(stop) => (Known::Frozen, stop),
            None => (Known::LastKnown, None),
        };
        let (Some(position), Some(outage)) =
            (f.position, stop.or(contact.map(|at| at + self.interval)))
        else {
            return Loss::UNKNOWN;
        };
        let last = self.writer.writer.as_ref();
        if last.is_some_and(|(_, w)| w.line != f.line) {
            return Loss::UNKNOWN;
        }
        // Commits and heartbeats are stamped by the writer's clock.
        let ahead = last.and_then(|(at, w)| Some(w.clock? - at.wall));
        let stamped = f.last_commit.max(f.heartbeat);
        let stamped = stamped.map(|at| at - ahead.unwrap_or_default());
        let within = self.writer.last_within(position).map(|at| at.wall);
        let lag = stamped.max(within).map(|applied| {
            let lost = outage.min(now.wall) - applied;
            Lag(lost.to_std().unwrap_or_default())
        });
        let furthest = f.told.max(last.map(|(_, w)| w.position));
        Loss {
            lag,
            bytes: furthest.map(|furthest| WalBytes(furthest.saturating_sub(position))),
            known,
        }
    }

    /// Only the writer's word about its replica is left, and it may be old.
    fn replica_silent(&self, w: &Writer) -> LinkVital {
        let row = self
            .row(w)
            .filter(|row| row.quiet.is_some_and(|quiet| quiet <= self.limit()));
        let bytes = row.and_then(|row| row.position);
        let bytes = bytes.map(|position| WalBytes(w.position.saturating_sub(position)));
        let words = match bytes {
            Some(bytes) => format!("standby silent, {bytes} by the primary"),
            None => "standby silent".to_owned(),
        };
        let mut silent = state(LinkState::ReplicaSilent, Standing::Unknown, &words);
        silent.bytes = bytes;
        silent
    }

    fn promoted(&self, w: &Writer) -> LinkVital {
        let other = match self.writer.stopped {
            Some(_) => "is stopped",
            None => "unseen",
        };
        let words = match w.line.timeline {
            0 => format!("promoted; {} {other}", self.link.from),
            timeline => format!("promoted, timeline {timeline}; {} {other}", self.link.from),
        };
        state(LinkState::Promoted, Standing::Watch, &words)
    }

    fn both_silent(&self, now: &Now) -> LinkVital {
        let Some((at, follower)) = &self.follower.follower else {
            return state(LinkState::NoData, Standing::Unknown, "neither end answers");
        };
        let last = self.writer_silent(at, follower, now);
        let words = format!("neither end answers, {}", last.words);
        vital(LinkState::NoData, Standing::Unknown, last.loss, words)
    }

    // ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────

    fn limit(&self) -> Duration {
        QUIET.max(self.interval * INTERVALS)
    }

    fn rate(&self, loss: &Loss) -> Standing {
        let over = |bytes: WalBytes| self.link.gate_bytes.is_some_and(|gate| bytes.0 > gate);
        if loss.bytes.is_some_and(over) {
            return Standing::Breach;
        }
        match loss.lag {
            None => Standing::Unknown,
            Some(Lag(lag)) if lag <= self.link.target => Standing::Fine,
            Some(Lag(lag)) if lag <= self.link.gate => Standing::Watch,
            Some(_) => Standing::Breach,
        }
    }
}

fn commit_age(clock: Option<DateTime<Utc>>, f: &Follower) -> Option<Duration> {
    (clock? - f.last_commit?).to_std().ok()
}

fn beats(w: &Writer) -> bool {
    matches!((w.clock, w.heartbeat), (Some(clock), Some(beat)) if clock - beat <= BEATING)
}

fn two_writers(a: &Writer, b: &Writer) -> LinkVital {
    match a.line.timeline > 0 && a.line.system != b.line.system {
        true => state(LinkState::WrongSystem, Standing::Breach, "another cluster"),
        false => state(
            LinkState::BothWritable,
            Standing::Breach,
            "BOTH TAKE WRITES",
        ),
    }
}

/// Histories that don't belong together. A Redis replica keeps its old history's name until it has synced, so there only
/// a link that is up can be wrong.
fn unrelated(w: &Writer, f: &Follower) -> Option<LinkVital> {
    let (ours, theirs) = (f.line.timeline, w.line.timeline);
    if w.line.system != f.line.system && (theirs > 0 || f.receiving) {
        return Some(state(
            LinkState::WrongSystem,
            Standing::Breach,
            "another cluster",
        ));
    }
    (ours != theirs).then(|| {
        let words = format!("wrong timeline: {ours}, primary {theirs}");
        state(LinkState::WrongTimeline, Standing::Breach, &words)
    })
}

fn state(state: LinkState, standing: Standing, words: &str) -> LinkVital {
    vital(state, standing, Loss::UNKNOWN, words.to_owned())
}

fn vital(state: LinkState, standing: Standing, loss: Loss, words: String) -> LinkVital {
    LinkVital {
        state,
        lag: loss.lag,
        bytes: loss.bytes,
        loss,
        standing,
        words,
    }
}
