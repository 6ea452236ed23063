//! What a server's own sight answers when it is asked: may it be written to, is it fenced, are the rows there.
//!
//! A server that is not seen is neither: unreachable is not read-only, and it is not fenced.

use std::collections::BTreeMap;

use super::acts::postgres::{PgRole, PgSight};
use super::measure::Span;
use super::names::TargetId;
use super::reading::{Failure, FailureKind, Holds, HostWord, Verdict};

/// `reachable`: it answers.
pub fn reachable(id: &TargetId, sight: Result<&PgSight, &Failure>) -> Verdict {
    match sight {
        Ok(sight) => Verdict::measured(true, format!("{id} answers, {}", role(sight))),
        Err(failure) => Verdict::measured(false, failure.to_string()),
    }
}

/// `writable`: a primary whose fresh sessions may write.
pub fn writable(id: &TargetId, sight: &PgSight) -> Verdict {
    let primary = matches!(sight.role, PgRole::Primary(_));
    Verdict::measured(
        primary && !sight.default_read_only,
        format!("{id} is {}", role(sight)),
    )
}

/// `read_only`: a standby, or a primary with a read-only default (which is no fence).
pub fn read_only(id: &TargetId, sight: &PgSight) -> Verdict {
    let writable = writable(id, sight);
    Verdict::measured(writable.holds == Holds::No, writable.saw.as_str())
}

/// `fenced`: hard, proven by the host's word or by being a standby now. Silence proves nothing.
pub fn fenced(
    id: &TargetId,
    sight: Result<&PgSight, &Failure>,
    host: Option<&HostWord>,
) -> Verdict {
    match (sight, host) {
        (Ok(sight), _) => match sight.role {
            PgRole::Standby(_) => Verdict::measured(true, format!("{id} is {}", role(sight))),
            PgRole::Primary(_) => Verdict::measured(
                false,
                format!("{id} answers and is {}: not fenced", role(sight)),
            ),
        },
        (Err(_), Some(word)) => host_verdict(id, word),
        (Err(failure), None) => Verdict::unknown(format!(
            "{id} does not answer ({}), nobody vouches for its host, and unreachable is not fenced",
            kind(failure.kind)
        )),
    }
}

fn host_verdict(id: &TargetId, word: &HostWord) -> Verdict {
    match (word.fenced, word.stopped_at) {
        (true, Some(at)) => Verdict::measured(
            true,
            format!(
                "{id} stopped at {} and can't start, by its host",
                at.format("%H:%M:%S%.3f UTC")
            ),
        ),
        (true, None) => Verdict::measured(
            true,
            format!("{id} is stopped and can't start, by its host"),
        ),
        (false, _) => Verdict::measured(
            false,
            format!("{id} does not answer, but its host says: {}", word.said),
        ),
    }
}

/// `row_counts`: every table of the baseline is there with as many rows, give or take `tolerance` percent. Tables the
/// baseline does not know are named and held against nobody.
pub fn row_counts(
    database: &str,
    expected: &BTreeMap<String, u64>,
    found: &BTreeMap<String, u64>,
    tolerance: u32,
) -> Verdict {
    let mut wrong = Vec::new();
    for (table, &wanted) in expected {
        match found.get(table) {
            None => wrong.push(format!("{table} is missing")),
            Some(&rows) if differs(wanted, rows, tolerance) => {
                wrong.push(format!("{table} has {rows} rows, not {wanted}"));
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().filter(|table| !expected.contains_key(*table));
    let extra = extra.map(String::as_str).collect::<Vec<_>>().join(", ");
    let known = match extra.as_str() {
        "" => String::new(),
        extra => format!("; not in the baseline: {extra}"),
    };
    let bad = u64::try_from(wrong.len()).unwrap_or(u64::MAX);
    let saw = match wrong.as_slice() {
        _ if expected.is_empty() => return Verdict::unknown("the baseline names no table"),
        [] => format!(
            "{database}: {} tables as in the baseline{known}",
            expected.len()
        ),
        wrong => format!("{database}: {}{known}", wrong.join(", ")),
    };
    Verdict::measured(bad == 0, saw).with_badness(bad)
}

fn differs(wanted: u64, rows: u64, tolerance: u32) -> bool {
    u128::from(wanted.abs_diff(rows)) * 100 > u128::from(wanted) * u128::from(tolerance)
}

/// `same_timeline`: one system identifier and one timeline among all.
pub fn same_timeline(servers: &[(&TargetId, &PgSight)]) -> Verdict {
    let Some((_, first)) = servers.first() else {
        return Verdict::unknown("no server was seen");
    };
    let same = servers
        .iter()
        .all(|(_, s)| s.system_id == first.system_id && s.timeline == first.timeline);
    let cluster = servers.iter().all(|(_, s)| s.system_id == first.system_id);
    let saw = servers
        .iter()
        .map(|(id, sight)| match cluster {
            true => format!("{id} timeline {}", sight.timeline),
            false => format!(
                "{id} system {} timeline {}",
                sight.system_id, sight.timeline
            ),
        })
        .collect::<Vec<_>>()
        .join(", ");
    Verdict::measured(same, saw)
}

/// What a server is, in words: `a standby on timeline 1`.
pub fn role(sight: &PgSight) -> String {
    let what = match (&sight.role, sight.default_read_only) {
        (PgRole::Standby(standby), _) if standby.replay_paused => "a standby, replay paused,",
        (PgRole::Standby(_), _) => "a standby",
        (PgRole::Primary(_), true) => "a primary, read-only by default,",
        (PgRole::Primary(_), false) => "a primary that takes writes",
    };
    format!("{what} on timeline {}", sight.timeline)
}

fn kind(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::TimedOut => "timed out",
        FailureKind::Unreachable => "no way there",
        FailureKind::Denied => "login refused",
        FailureKind::Tls => "no TLS",
        FailureKind::Unsupported => "too old",
        FailureKind::Missing => "something is missing",
        FailureKind::BadAnswer => "a strange answer",
        FailureKind::Local => "this machine failed",
    }
}

/// How long ago, in the words of every verdict.
pub(crate) fn ago(age: std::time::Duration) -> String {
    format!("{} ago", Span(age))
}
