//! Acts and conditions in one line each, as a confirmation and the journal show them: `lag of pg-west < 30 s`.

use std::fmt;
use std::time::Duration;

use super::super::measure::Size;
use super::{Act, Condition, Wait};

/// A duration a person chose, exactly: `30 s`, `25 h`, `1 h 30 m`. (`Span` is for what was measured, and cuts.)
pub(super) fn limit(span: Duration) -> String {
    const UNITS: [(u128, &str); 5] = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut rest = span.as_millis();
    let mut parts = Vec::new();
    for (millis, unit) in UNITS {
        // Hours are read as hours up to two days: an author who wrote 25h means 25 h.
        let count = match unit {
            "d" if rest < 2 * millis && !rest.is_multiple_of(millis) => 0,
            _ => rest / millis,
        };
        rest -= count * millis;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.join(" ")
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Postgres(act) => write!(f, "postgres.{act}"),
            Act::Redis(act) => write!(f, "redis.{act}"),
            Act::Kube(act) => write!(f, "kube.{act}"),
            Act::Rds(act) => write!(f, "rds.{act}"),
            Act::Dns(act) => write!(f, "route53.{act}"),
            Act::Secret(act) => write!(f, "secrets.{act}"),
            Act::Order(order) => order.fmt(f),
            Act::Wait(wait) => write!(f, "wait {wait}"),
            Act::Runbook(sub) => {
                write!(f, "runbook {}", sub.file)?;
                sub.vars
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::For(span) => f.write_str(&limit(*span)),
            Wait::Until(at) => write!(f, "until {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
            Wait::UntilHolds(condition) => write!(f, "until {condition}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::Reachable { target } => write!(f, "reachable {target}"),
            Condition::Lag {
                of,
                under,
                under_bytes,
            } => {
                write!(f, "lag of {of} < {}", limit(*under))?;
                under_bytes.map_or(Ok(()), |bytes| write!(f, " and < {}", Size(bytes)))
            }
            Condition::Postgres(condition) => condition.fmt(f),
            Condition::Redis(condition) => condition.fmt(f),
            Condition::Kube(condition) => condition.fmt(f),
            Condition::Rds(condition) => condition.fmt(f),
            Condition::Dns(condition) => condition.fmt(f),
            Condition::Secret(condition) => condition.fmt(f),
            Condition::PrimaryIs(primary) => primary.fmt(f),
            Condition::Healthy { target } => write!(f, "healthy {target}"),
            Condition::Value(value) => value.fmt(f),
            Condition::Backup {
                of,
                younger,
                verified,
            } => {
                write!(f, "backup of {of}")?;
                if let Some(younger) = younger {
                    write!(f, " younger than {}", limit(*younger))?;
                }
                f.write_str(if *verified { ", verified" } else { "" })
            }
            Condition::Region { healthy } => write!(f, "region {healthy} healthy"),
            Condition::Objective { rto_left } => {
                write!(f, "objective rto_left ≥ {}", limit(*rto_left))
            }
            Condition::Sum { file, sha256 } => match sha256 {
                Some(sha256) => write!(f, "sum of {file} = {sha256}"),
                None => write!(f, "sum of {file} = {file}.sha256"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_print_what_their_author_wrote() {
        let table = [
            (0, "0 s"),
            (500, "500 ms"),
            (30_000, "30 s"),
            (300_000, "5 m"),
            (5_400_000, "1 h 30 m"),
            (86_400_000, "1 d"),
            (90_000_000, "25 h"),
            (7_776_000_000, "90 d"),
        ];
        for (millis, shown) in table {
            assert_eq!(limit(Duration::from_millis(millis)), shown);
        }
    }
}
