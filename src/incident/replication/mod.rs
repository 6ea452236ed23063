//! What would be lost by promoting now: a link's vital, from readings of both its ends over time.
//!
//! No single column of a server tells it. Measured on real servers: `now() - last_xact_replay` says 36 s on an idle pair
//! that is in sync; "0 if received = replayed" says 0 behind a partition of 65 s; the primary's `replay_lag` sticks at its
//! last value. So positions of the primary are kept with their instants, and compared with what the standby has replayed.

mod ends;
mod history;
mod vital;

#[cfg(test)]
mod demoted;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::history::{End, LinkHistory};
use super::judge::Standing;
use super::measure::{Lag, Lsn, WalBytes};
use super::names::TargetId;
use super::reading::Verdict;

/// A link as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkVital {
    /// Which of the states that call for different words and acts.
    pub state: LinkState,
    /// How far the replica is behind in time; none when nobody can tell.
    pub lag: Option<Lag>,
    /// How far it is behind in bytes; none when nobody can tell.
    pub bytes: Option<WalBytes>,
    /// What promoting the replica now would lose.
    pub loss: Loss,
    /// Fine up to the link's target, watch up to its gate.
    pub standing: Standing,
    /// A few words for a pane: `12.4 s, 31 MB`, `replay paused, 20.1 s`.
    pub words: String,
}

/// States of a link, each with its own meaning for a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The replica has all the primary has.
    InSync,
    /// It follows, some way behind.
    Streaming,
    /// Replay is paused by somebody.
    Paused,
    /// The replica does not receive at all.
    ReceiverStopped,
    /// It believes that it receives, and nothing comes.
    CutOff,
    /// The primary does not answer; what was known of it last stands.
    PrimarySilent,
    /// The primary is proven stopped: the loss can't grow any more.
    PrimaryStopped,
    /// The replica does not answer.
    ReplicaSilent,
    /// The replica is on another timeline than the primary.
    WrongTimeline,
    /// The two don't share a history at all.
    WrongSystem,
    /// Both take writes: split brain.
    BothWritable,
    /// The roles are swapped: the link runs the other way.
    Reversed,
    /// The replica was promoted and nothing follows it.
    Promoted,
    /// Neither end is a primary.
    NoPrimary,
    /// Not read yet, too old, or not to be seen.
    NoData,
}

impl fmt::Display for LinkState {
    /// A state in the fewest words, beside figures of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            LinkState::InSync => "in sync",
            LinkState::Streaming => "streaming",
            LinkState::Paused => "replay paused",
            LinkState::ReceiverStopped => "not receiving",
            LinkState::CutOff => "cut off",
            LinkState::PrimarySilent => "last known",
            LinkState::PrimaryStopped => "stopped, frozen",
            LinkState::ReplicaSilent => "replica silent",
            LinkState::WrongTimeline => "other timeline",
            LinkState::WrongSystem => "other cluster",
            LinkState::BothWritable => "both writable",
            LinkState::Reversed => "reversed",
            LinkState::Promoted => "promoted",
            LinkState::NoPrimary => "no primary",
            LinkState::NoData => "no data",
        })
    }
}

/// What promoting the replica now would lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// In seconds of writes.
    pub lag: Option<Lag>,
    /// In bytes of the log.
    pub bytes: Option<WalBytes>,
    /// How well it is known.
    pub known: Known,
}

/// How well a loss is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// Measured on both ends.
    Measured,
    /// Both ends answer; the time is an upper bound.
    AtMost,
    /// Up to the last contact with the primary: if it lives, it grows.
    LastKnown,
    /// The primary is proven stopped, or is none any more.
    Frozen,
    /// Not at all.
    Unknown,
}

impl Loss {
    /// Nothing is known.
    pub const UNKNOWN: Loss = Loss {
        lag: None,
        bytes: None,
        known: Known::Unknown,
    };

    /// Nobody writes any more, and the replica has all of it.
    pub const NOTHING: Loss = Loss {
        lag: Some(Lag(Duration::ZERO)),
        bytes: Some(WalBytes(0)),
        known: Known::Frozen,
    };
}

impl fmt::Display for Loss {
    /// `340 ms, 12 kB`, `≤ 2.1 s, 0 B`, `unknown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = match self.known {
            Known::Measured => "",
            _ => "≤ ",
        };
        match (self.lag, self.bytes) {
            (None, None) => f.write_str("unknown"),
            (Some(lag), None) => write!(f, "{bound}{lag}"),
            (None, Some(bytes)) => write!(f, "{bytes}"),
            (Some(lag), Some(bytes)) => write!(f, "{bound}{lag}, {bytes}"),
        }
    }
}

/// The last that was seen of a primary, as a step's intent keeps it for the process that carries the step out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastKnown {
    /// Its position: an LSN, or Redis' replication offset.
    pub lsn: Lsn,
    /// When it was seen there, by this machine's wall clock.
    pub at: DateTime<Utc>,
    /// Which history it is a position of: PostgreSQL's system identifier, Redis' replication id.
    pub system: String,
    /// Its timeline; 0 of Redis, which has none.
    pub timeline: u32,
}

impl LinkVital {
    /// `lag = { of = …, under = … }`: how far `of` is behind a primary that answers.
    pub fn judge_lag(&self, of: &TargetId, under: Duration, under_bytes: Option<u64>) -> Verdict {
        let live = matches!(self.loss.known, Known::Measured | Known::AtMost);
        let loss = match live {
            true => self.loss,
            false => Loss::UNKNOWN,
        };
        limited("lag", of, loss, &self.words, under, under_bytes)
    }

    /// `loss = { of = …, under = … }`: what promoting `of` now would lose, be the primary alive or not.
    pub fn judge_loss(&self, of: &TargetId, under: Duration, under_bytes: Option<u64>) -> Verdict {
        limited("loss", of, self.loss, &self.words, under, under_bytes)
    }
}

fn limited(
    what: &str,
    of: &TargetId,
    loss: Loss,
    words: &str,
    under: Duration,
    under_bytes: Option<u64>,
) -> Verdict {
    let Some(lag) = loss.lag else {
        return Verdict::unknown(format!("{what} of {of} is unknown ({words})"));
    };
    let wanted = match under_bytes {
        Some(bytes) => format!("{} and {}", Lag(under), WalBytes(bytes)),
        None => Lag(under).to_string(),
    };
    let millis = u64::try_from(lag.0.as_millis()).unwrap_or(u64::MAX);
    let (fits, badness) = match (under_bytes, loss.bytes) {
        (Some(_), None) => {
            return Verdict::unknown(format!("{what} of {of} is unknown in bytes ({words})"));
        }
        // Bytes are the figure only where they are what is over: a verdict that holds is told apart by time.
        (Some(most), Some(bytes)) if lag.0 <= under && bytes.0 > most => (false, bytes.0),
        _ => (lag.0 <= under, millis),
    };
    let sign = if fits { "within" } else { "over" };
    Verdict::measured(fits, format!("{what} of {of} {loss}, {sign} {wanted}")).with_badness(badness)
}
