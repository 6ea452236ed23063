//! One target: how it stands, in a word or two.

use std::time::Duration;

use super::{Standing, pause};
use crate::incident::acts::check::CheckState;
use crate::incident::acts::http::HttpSight;
use crate::incident::acts::kube::KubeSight;
use crate::incident::acts::postgres::{PgRole, PgSight};
use crate::incident::acts::redis::{RedisRole, RedisSight, SentinelSight};
use crate::incident::acts::route53::DnsSight;
use crate::incident::measure::{Age, Span};
use crate::incident::now::Now;
use crate::incident::reading::{FailureKind, Sight};
use crate::incident::site::{Endpoint, HttpEndpoint, Target};
use crate::incident::track::{self, Track};

/// A target as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentVital {
    /// How it stands.
    pub standing: Standing,
    /// Short: `refused ×9`, `503 ×9`, `4 m silent`, `ok 12 ms`, `primary`.
    pub words: String,
    /// The first reading of the state it is in.
    pub since: Option<Now>,
    /// How old its last reading is.
    pub age: Option<Age>,
}

/// A reading older than this says nothing any more: three intervals, or three time-outs where those are longer.
pub fn stale_after(target: &Target) -> Duration {
    target.interval.max(target.timeout) * 3
}

/// How a target stands by its track. It is down only after as many failures in a row as the site names; what could not be
/// asked properly (a password, a fault of this machine) is unknown, not down.
pub fn component(target: &Target, track: Option<&Track>, now: &Now) -> ComponentVital {
    let Some((track, last)) = track.and_then(|track| Some((track, track.last()?))) else {
        return ComponentVital {
            standing: Standing::Unknown,
            words: "not seen yet".into(),
            since: None,
            age: None,
        };
    };
    let age = now.since(&last.at);
    let count = track.failures();
    let failure = last.value.as_ref().err().map(|failure| failure.kind);
    // What is asked more rarely stays known for as much longer.
    let rarer = pause(target, count, failure).saturating_sub(target.interval);
    let (standing, words) = match &last.value {
        _ if age > stale_after(target) + rarer => {
            (Standing::Unknown, format!("{} silent", coarse(age)))
        }
        Ok(sight) if track::ok(last) => seen(target, sight, track.took()),
        Ok(sight) => {
            let (_, words) = seen(target, sight, track.took());
            (down(target, count), format!("{words} ×{count}"))
        }
        Err(failure) => {
            let standing = match failure.kind {
                // It answered, or was never asked: nothing that a failover would mend.
                FailureKind::Denied
                | FailureKind::Unsupported
                | FailureKind::Missing
                | FailureKind::Busy
                | FailureKind::Local => Standing::Unknown,
                _ => down(target, count),
            };
            (standing, format!("{} ×{count}", word(failure.kind)))
        }
    };
    ComponentVital {
        standing,
        words,
        since: track.since().cloned(),
        age: Some(Age(age)),
    }
}

fn down(target: &Target, failures: u32) -> Standing {
    match failures < target.failures {
        true => Standing::Watch,
        false => Standing::Breach,
    }
}

fn word(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "refused",
        FailureKind::TimedOut => "timed out",
        FailureKind::Unreachable => "unreachable",
        FailureKind::Denied => "denied",
        FailureKind::Tls => "TLS fails",
        FailureKind::Unsupported => "unsupported",
        FailureKind::Missing => "missing",
        FailureKind::Busy => "throttled",
        FailureKind::BadAnswer => "bad answer",
        FailureKind::Local => "local fault",
    }
}

/// How a single sight stands by itself, and its words; `took` is the probe's time.
pub fn seen(target: &Target, sight: &Sight, took: Duration) -> (Standing, String) {
    match sight {
        Sight::Postgres(pg) => of_postgres(pg),
        Sight::Redis(redis) => of_redis(redis),
        Sight::Sentinel(sentinel) => of_sentinel(target, sentinel),
        Sight::Http(http) if http.healthy => (Standing::Fine, format!("ok {}", Span(took))),
        Sight::Http(http) => (Standing::Breach, unhealthy(target, http)),
        Sight::Files(files) => match files.count {
            0 => (Standing::Watch, "no files".into()),
            1 => (Standing::Fine, "1 file".into()),
            n => (Standing::Fine, format!("{n} files")),
        },
        Sight::Check(check) => {
            let standing = match check.state {
                CheckState::Fine => Standing::Fine,
                CheckState::Watch => Standing::Watch,
                CheckState::Breach => Standing::Breach,
            };
            (standing, check.words.to_string())
        }
        Sight::Cnpg(cluster) => {
            let standing = match cluster.fine() {
                true => Standing::Fine,
                false => Standing::Watch,
            };
            (standing, cluster.words())
        }
        Sight::Aurora(seen) => {
            let standing = match seen.fine() {
                true => Standing::Fine,
                false => Standing::Watch,
            };
            (standing, seen.words())
        }
        Sight::Kube(kube) => of_kube(kube),
        Sight::Rds(rds) => {
            let standing = match rds.status.as_str() {
                "available" => Standing::Fine,
                _ => Standing::Watch,
            };
            // Its region is named elsewhere: `1a` of `us-east-1a`.
            let zone = rds.zone.rsplit('-').next().unwrap_or_default();
            (standing, format!("{}, {zone}", rds.status))
        }
        Sight::Dns(dns) => of_dns(dns),
        Sight::Secret(secret) => {
            // Ids of versions are long, and their beginnings tell them apart.
            let version: String = secret.version.chars().take(8).collect();
            (Standing::Fine, format!("version {version}"))
        }
    }
}

fn of_kube(kube: &KubeSight) -> (Standing, String) {
    match kube {
        KubeSight::Workload(seen) => {
            let mut words = format!("{}/{} ready", seen.ready, seen.desired);
            if let Some(claim) = seen.unbound.first() {
                words = format!("{words}, {} {}", claim.name, claim.phase);
            }
            if let Some(warnings) = &seen.warnings {
                words = format!("{words}, {}", warnings.reason);
            }
            match (seen.crashing, seen.ready >= seen.desired) {
                // They run on until somebody starts them anew.
                (0, true) if !seen.unbound.is_empty() => (Standing::Watch, words),
                (0, true) => (Standing::Fine, words),
                (0, false) if seen.ready > 0 => (Standing::Watch, words),
                (0, false) => (Standing::Breach, words),
                (crashing, _) => (Standing::Breach, format!("{words}, {crashing} crash")),
            }
        }
        KubeSight::Cluster {
            nodes, nodes_ready, ..
        } => {
            let standing = match nodes_ready == nodes {
                true => Standing::Fine,
                false => Standing::Watch,
            };
            (standing, format!("{nodes_ready}/{nodes} nodes"))
        }
    }
}

fn of_dns(dns: &DnsSight) -> (Standing, String) {
    let shares = dns.resolves.as_ref().unwrap_or(&dns.set).iter();
    let shares = shares.filter(|(_, share)| **share > 0);
    let words = shares.map(|(region, share)| format!("{region} {share} %"));
    let sick = dns.sick.keys().map(|region| format!("{region} sick"));
    let standing = match dns.in_sync != Some(false) && dns.sick.is_empty() {
        true => Standing::Fine,
        false => Standing::Watch,
    };
    let words: Vec<String> = sick.chain(words).collect();
    (standing, words.join(", "))
}

fn of_postgres(pg: &PgSight) -> (Standing, String) {
    let (standing, words) = match &pg.role {
        PgRole::Primary(_) if pg.default_read_only => (Standing::Watch, "primary, read-only"),
        PgRole::Primary(primary) if primary.archive_failing => {
            (Standing::Watch, "primary, archiving fails")
        }
        PgRole::Primary(_) => (Standing::Fine, "primary"),
        PgRole::Standby(standby) if standby.replay_paused => {
            (Standing::Watch, "standby, replay paused")
        }
        PgRole::Standby(standby) if !standby.receiving => {
            (Standing::Watch, "standby, receives nothing")
        }
        PgRole::Standby(_) => (Standing::Fine, "standby"),
    };
    (standing, words.into())
}

fn of_redis(redis: &RedisSight) -> (Standing, String) {
    let (standing, words) = match &redis.role {
        _ if redis.loading => (Standing::Watch, "loading"),
        RedisRole::Master { .. } => (Standing::Fine, "master"),
        RedisRole::Replica { link_up: true, .. } => (Standing::Fine, "replica"),
        RedisRole::Replica { link_up: false, .. } => (Standing::Watch, "replica, link down"),
    };
    (standing, words.into())
}

fn of_sentinel(target: &Target, seen: &SentinelSight) -> (Standing, String) {
    let has = |flag: &str| seen.flags.iter().any(|known| known == flag);
    let nodes = match &target.endpoint {
        Endpoint::Sentinel(at) => at.nodes.len(),
        _ => 0,
    };
    let answer = format!("{} of {nodes}", seen.answered);
    let all_answer = usize::try_from(seen.answered).is_ok_and(|n| n >= nodes);
    match () {
        () if has("o_down") => (Standing::Breach, "master down".into()),
        () if has("s_down") => (Standing::Watch, "master silent".into()),
        () if !seen.agreed => (Standing::Watch, "disagree".into()),
        () if !seen.can_fail_over => (Standing::Watch, "no quorum".into()),
        () if seen.replicas_ok == 0 => (Standing::Watch, "no replica ready".into()),
        () if !all_answer => (Standing::Watch, format!("{answer} answer")),
        () => (Standing::Fine, answer),
    }
}

/// `503`, or with the right status what the field says: `database.status down`.
fn unhealthy(target: &Target, http: &HttpSight) -> String {
    let Endpoint::Http(HttpEndpoint {
        status,
        field: Some(field),
        ..
    }) = &target.endpoint
    else {
        return http.status.to_string();
    };
    match &http.field {
        _ if http.status != *status => http.status.to_string(),
        Some(says) => format!("{field} {says}"),
        None => format!("no {field}"),
    }
}

/// A duration's largest unit alone: `12 s`, `4 m`, `3 h`.
fn coarse(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sights::*;
    use super::*;
    use crate::incident::reading::Failure;
    use Standing::{Breach, Fine, Unknown, Watch};

    fn vital(target: &Target, values: Vec<Result<Sight, Failure>>, now: u64) -> (Standing, String) {
        let mut track = Track::default();
        for (second, value) in (0..).zip(values) {
            track.observe(reading(second, value), Duration::from_millis(12));
        }
        let vital = component(target, Some(&track), &at(now));
        (vital.standing, vital.words)
    }

    #[test]
    fn a_target_is_down_after_as_many_failures_as_the_site_names() {
        let api = http_target("api", "us-east-1");
        let sick = || Ok(http(503, false));
        let table = [
            ("healthy", vec![Ok(http(200, true))], 0, Fine, "ok 12 ms"),
            ("one failure", vec![refused()], 0, Watch, "refused ×1"),
            ("two", vec![refused(), refused()], 1, Watch, "refused ×2"),
            (
                "three",
                vec![refused(), refused(), refused()],
                2,
                Breach,
                "refused ×3",
            ),
            (
                "of both kinds",
                vec![refused(), refused(), sick()],
                2,
                Breach,
                "503 ×3",
            ),
            (
                "a wrong field",
                vec![Ok(http(200, false))],
                0,
                Watch,
                "database.status down ×1",
            ),
            (
                "back again",
                vec![refused(), refused(), refused(), Ok(http(200, true))],
                3,
                Fine,
                "ok 12 ms",
            ),
            (
                "three intervals old",
                vec![Ok(http(200, true))],
                6,
                Fine,
                "ok 12 ms",
            ),
            ("older", vec![Ok(http(200, true))], 7, Unknown, "7 s silent"),
            (
                "older, and down before",
                vec![refused(), refused(), refused()],
                260,
                Unknown,
                "4 m silent",
            ),
            (
                "not let in",
                vec![failure(FailureKind::Denied); 3],
                2,
                Unknown,
                "denied ×3",
            ),
            (
                "not there, it says",
                vec![failure(FailureKind::Missing); 3],
                2,
                Unknown,
                "missing ×3",
            ),
            (
                "no secret",
                vec![failure(FailureKind::Local); 3],
                2,
                Unknown,
                "local fault ×3",
            ),
        ];
        for (what, values, now, standing, words) in table {
            assert_eq!(
                vital(&api, values, now),
                (standing, words.to_owned()),
                "{what}"
            );
        }
        assert_eq!(component(&api, None, &at(0)).standing, Unknown);
    }

    #[test]
    fn what_answers_says_what_it_is() {
        let any = http_target("x", "us-east-1");
        let table = [
            (pg_primary(100), Fine, "primary"),
            (pg_read_only(100), Watch, "primary, read-only"),
            (pg_standby(100, Some(0)), Fine, "standby"),
            (redis_master(9), Fine, "master"),
            (redis_replica(9, true), Fine, "replica"),
            (redis_replica(9, false), Watch, "replica, link down"),
            (redis_loading(), Watch, "loading"),
            (files(None), Watch, "no files"),
        ];
        for (sight, standing, words) in table {
            assert_eq!(
                seen(&any, &sight, Duration::ZERO),
                (standing, words.to_owned())
            );
        }
    }

    #[test]
    fn a_master_that_its_sentinels_call_down_is_down_although_they_give_its_address() {
        type Change<'a> = &'a dyn Fn(&mut SentinelSight);
        let target = sentinel_target();
        let change = |change: Change<'_>| {
            let mut sight = sentinel_sight();
            change(&mut sight);
            seen(&target, &Sight::Sentinel(sight), Duration::ZERO)
        };
        let table: [(Change<'_>, Standing, &str); 7] = [
            (&|_| (), Fine, "3 of 3"),
            (&|s| s.flags.push("o_down".into()), Breach, "master down"),
            (&|s| s.flags.push("s_down".into()), Watch, "master silent"),
            (&|s| s.agreed = false, Watch, "disagree"),
            (&|s| s.can_fail_over = false, Watch, "no quorum"),
            (&|s| s.replicas_ok = 0, Watch, "no replica ready"),
            (&|s| s.answered = 2, Watch, "2 of 3 answer"),
        ];
        for (how, standing, words) in table {
            assert_eq!(change(how), (standing, words.to_owned()));
        }
    }
}
