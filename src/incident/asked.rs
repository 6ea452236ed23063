//! What a server's own sight answers when it is asked: may it be written to, is it fenced, are the rows there.
//!
//! A server that is not seen is neither: unreachable is not read-only, and it is not fenced.

use std::collections::BTreeMap;

use super::acts::postgres::{PgRole, PgSight};
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
        (Err(failure), host) => silent(id, failure, host),
    }
}

/// The same of a server that does not answer: only its host can vouch for it.
pub fn silent(id: &TargetId, failure: &Failure, host: Option<&HostWord>) -> Verdict {
    match host {
        Some(word) => host_verdict(id, word),
        None => Verdict::unknown(format!(
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
        FailureKind::Busy => "asked too much",
        FailureKind::BadAnswer => "a strange answer",
        FailureKind::Local => "this machine failed",
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::acts::postgres::{PgPrimary, PgStandby};
    use super::super::clean::Clean;
    use super::super::measure::Lsn;
    use super::*;

    fn server(primary: bool, default_read_only: bool) -> PgSight {
        let role = match primary {
            true => PgRole::Primary(PgPrimary {
                lsn: Lsn(1),
                replicas: vec![],
                backup_running: false,
                archived_at: None,
                archive_failing: false,
            }),
            false => PgRole::Standby(PgStandby {
                receive: None,
                replay: None,
                replay_paused: false,
                last_commit: None,
                receiving: true,
                last_message_age: None,
                told: None,
            }),
        };
        PgSight {
            system_id: 7,
            timeline: 1,
            version: 150_018,
            clock: DateTime::UNIX_EPOCH,
            default_read_only,
            heartbeat: None,
            role,
        }
    }

    #[test]
    fn only_a_primary_without_a_read_only_default_is_writable() {
        let id = TargetId::from("pg-east");
        for (sight, holds) in [
            (server(true, false), Holds::Yes),
            (server(true, true), Holds::No),
            (server(false, false), Holds::No),
        ] {
            assert_eq!(writable(&id, &sight).holds, holds);
            assert_ne!(read_only(&id, &sight).holds, holds);
        }
    }

    #[test]
    fn silence_is_no_fence_and_neither_is_a_read_only_default() {
        let id = TargetId::from("pg-east");
        let lost = Failure::new(FailureKind::TimedOut, "pg-east", "no answer", "");
        let word = |fenced| HostWord {
            fenced,
            stopped_at: None,
            said: Clean::new("is running"),
        };
        let (no, yes) = (word(false), word(true));
        let (soft, standby) = (server(true, true), server(false, false));
        let table = [
            (Err(&lost), None, Holds::Unknown),
            (Err(&lost), Some(&no), Holds::No),
            (Err(&lost), Some(&yes), Holds::Yes),
            (Ok(&soft), None, Holds::No),
            (Ok(&standby), None, Holds::Yes),
            // What answers and writes is not stopped, whatever its host says.
            (Ok(&soft), Some(&yes), Holds::No),
        ];
        for (sight, host, holds) in table {
            assert_eq!(fenced(&id, sight, host).holds, holds, "{sight:?} {host:?}");
        }
    }

    #[test]
    fn rows_may_differ_by_the_tolerance_and_missing_tables_never() {
        let counts = |rows: &[(&str, u64)]| -> BTreeMap<String, u64> {
            rows.iter().map(|(t, n)| ((*t).to_owned(), *n)).collect()
        };
        let baseline = counts(&[("a", 100), ("b", 0)]);
        let table = [
            (counts(&[("a", 100), ("b", 0), ("c", 5)]), 0, Holds::Yes),
            (counts(&[("a", 95), ("b", 0)]), 5, Holds::Yes),
            (counts(&[("a", 106), ("b", 0)]), 5, Holds::No),
            (counts(&[("a", 100), ("b", 1)]), 5, Holds::No),
            (counts(&[("a", 100)]), 100, Holds::No),
        ];
        for (found, tolerance, holds) in table {
            let verdict = row_counts("app", &baseline, &found, tolerance);
            assert_eq!(verdict.holds, holds, "{}", verdict.saw);
        }
        let nothing = row_counts("app", &counts(&[]), &baseline, 0);
        assert_eq!(nothing.holds, Holds::Unknown);
    }

    #[test]
    fn the_same_timeline_of_another_cluster_is_another_timeline() {
        let (a, b) = (TargetId::from("pg-east"), TargetId::from("pg-west"));
        let (one, mut two) = (server(true, false), server(false, false));
        assert_eq!(same_timeline(&[(&a, &one), (&b, &two)]).holds, Holds::Yes);
        two.system_id = 8;
        let verdict = same_timeline(&[(&a, &one), (&b, &two)]);
        assert_eq!(verdict.holds, Holds::No);
        assert!(verdict.saw.as_str().contains("system 8"));
        assert_eq!(same_timeline(&[]).holds, Holds::Unknown);
    }
}
