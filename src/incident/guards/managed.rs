//! Guards of promotions that an operator or a provider carries out: what can be known of them beforehand.

use std::time::Duration;

use super::seen::Seen;
use super::{Guard, named};
use crate::incident::acts::cnpg::CnpgSight;
use crate::incident::acts::rds::RdsSight;
use crate::incident::measure::{Lag, Span};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Reading, Sight, Verdict};

/// The guards of `cnpg.promote`. `loss` is what is known of the standby's loss by the link of a PostgreSQL target; the operator
/// itself stops the old primary before the new one takes writes.
pub fn cnpg(
    (id, instance): (&TargetId, &str),
    reading: Option<&Reading>,
    loss: Option<Verdict>,
    now: &Now,
) -> Vec<Guard> {
    let cluster = Seen::new(id, reading, |sight| match sight {
        Sight::Cnpg(seen) => Some(seen),
        _ => None,
    });
    let blind = || {
        let why =
            format!("{id}: name the standby's PostgreSQL target (standby = …) to know the loss");
        Verdict::unknown(why)
    };
    named([
        ("readings fresh", cluster.fresh(now)),
        ("loss known and under its gate", loss.unwrap_or_else(blind)),
        (
            "instance healthy",
            cluster.judged(|seen| {
                let healthy = seen.healthy.iter().any(|name| name == instance);
                Verdict::measured(healthy, format!("healthy: {}", seen.healthy.join(", ")))
            }),
        ),
        (
            "same timeline",
            cluster.judged(|seen| same_timeline(seen, instance)),
        ),
        (
            "nothing under way",
            cluster.judged(|seen| {
                let settled = seen.primary == seen.target_primary;
                Verdict::measured(
                    settled,
                    format!("{} -> {}", seen.primary, seen.target_primary),
                )
            }),
        ),
        (
            "WAL archived",
            cluster.judged(|seen| match seen.archiving {
                Some(archiving) => {
                    Verdict::measured(archiving, "ContinuousArchiving, by the operator")
                }
                None => Verdict::unknown("the operator does not say"),
            }),
        ),
    ])
}

fn same_timeline(seen: &CnpgSight, instance: &str) -> Verdict {
    let newest = seen.timelines.values().max();
    match (seen.timelines.get(instance), newest) {
        (Some(own), Some(newest)) => Verdict::measured(
            own == newest,
            format!("{instance} timeline {own}, the newest is {newest}"),
        ),
        _ => Verdict::unknown(format!("{instance} has reported no timeline")),
    }
}

/// The guards of `aurora.switchover`, which loses nothing, and of `aurora.failover`, which may.
pub fn aurora(
    (id, to): (&TargetId, &str),
    reading: Option<&Reading>,
    lossy: bool,
    rpo: Option<Duration>,
    now: &Now,
) -> Vec<Guard> {
    let database = Seen::new(id, reading, |sight| match sight {
        Sight::Aurora(seen) => Some(seen),
        _ => None,
    });
    let loss = database.judged(
        |seen| match (seen.of(to).and_then(|member| member.lag), rpo) {
            _ if !lossy => {
                Verdict::measured(true, "a switchover waits until nothing would be lost")
            }
            (Some(lag), Some(rpo)) => behind(to, lag, rpo),
            (None, _) => {
                Verdict::unknown(format!("CloudWatch does not say how far {to} is behind"))
            }
            (_, None) => Verdict::unknown("the site states no recovery point objective"),
        },
    );
    named([
        ("readings fresh", database.fresh(now)),
        ("loss known and under its gate", loss),
        (
            "still a reader",
            database.judged(|seen| match seen.of(to) {
                Some(member) => Verdict::measured(!member.writer, seen.words()),
                None => Verdict::measured(false, format!("{id} has no cluster in {to}")),
            }),
        ),
        (
            "nothing under way",
            database.judged(|seen| {
                let words = format!("{id} is {}", seen.status);
                Verdict::measured(seen.status == "available", words)
            }),
        ),
    ])
}

/// A lag against the recovery point objective.
fn behind(who: &str, lag: Duration, rpo: Duration) -> Verdict {
    let sign = if lag < rpo { '<' } else { '≥' };
    let saw = format!("{who} is {} behind {sign} {}", Lag(lag), Span(rpo));
    let millis = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
    Verdict::measured(lag < rpo, saw).with_badness(millis)
}

/// The guards of `rds.promote`: `source` is the instance it replicates from, where the site has it.
pub fn rds(
    id: &TargetId,
    reading: Option<&Reading>,
    source: Option<(&TargetId, Option<&Reading>)>,
    rpo: Option<Duration>,
    now: &Now,
) -> Vec<Guard> {
    let replica = Seen::new(id, reading, sight);
    named([
        ("readings fresh", replica.fresh(now)),
        (
            "loss known and under its gate",
            replica.judged(|seen| match (seen.lag, rpo) {
                (Some(lag), Some(rpo)) => behind(id.as_str(), lag, rpo),
                (None, _) => Verdict::unknown(format!("CloudWatch has no ReplicaLag of {id}")),
                (_, None) => Verdict::unknown("the site states no recovery point objective"),
            }),
        ),
        (
            "still a replica",
            replica.judged(|seen| match &seen.replica_of {
                Some(of) => Verdict::measured(true, format!("{id} replicates from {of}")),
                None => Verdict::measured(false, format!("{id} is an instance of its own already")),
            }),
        ),
        (
            "available",
            replica.judged(|seen| {
                Verdict::measured(
                    seen.status == "available",
                    format!("{id} is {}", seen.status),
                )
            }),
        ),
        ("old primary fenced", stopped(source)),
    ])
}

/// Only a stopped instance can't take writes beside the one that is promoted.
fn stopped(source: Option<(&TargetId, Option<&Reading>)>) -> Verdict {
    let Some((id, reading)) = source else {
        return Verdict::unknown("the instance it replicates from is no target of the site");
    };
    Seen::new(id, reading, sight).judged(|seen| {
        Verdict::measured(seen.status == "stopped", format!("{id} is {}", seen.status))
    })
}

fn sight(sight: &Sight) -> Option<&RdsSight> {
    match sight {
        Sight::Rds(seen) => Some(seen),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::refuses;
    use super::*;
    use crate::incident::judge::sights::{at, reading, refused};

    fn names(guards: &[Guard]) -> Vec<String> {
        refuses(guards)
            .iter()
            .map(|guard| guard.name.clone())
            .collect()
    }

    fn instance(status: &str, lag: Option<u64>, of: Option<&str>) -> Reading {
        reading(
            0,
            Ok(Sight::Rds(RdsSight {
                status: status.into(),
                zone: "a".into(),
                multi_az: false,
                replica_of: of.map(str::to_owned),
                lag: lag.map(Duration::from_secs),
                latest_restorable: None,
                newest_snapshot: None,
            })),
        )
    }

    #[test]
    fn a_replica_is_promoted_only_behind_a_stopped_source_and_with_a_known_lag() {
        let (id, source) = ("replica".into(), "orders".into());
        let rpo = Some(Duration::from_secs(300));
        let judged = |replica: &Reading, old: &Reading, second| {
            names(&rds(
                &id,
                Some(replica),
                Some((&source, Some(old))),
                rpo,
                &at(second),
            ))
        };
        let (stopped, up) = (
            instance("stopped", None, None),
            instance("available", None, None),
        );
        let good = instance("available", Some(4), Some("orders"));
        assert_eq!(judged(&good, &stopped, 1), Vec::<String>::new());
        assert_eq!(judged(&good, &up, 1), ["old primary fenced"]);
        let far = instance("available", Some(301), Some("orders"));
        assert_eq!(judged(&far, &stopped, 1), ["loss known and under its gate"]);
        let blind = instance("available", None, Some("orders"));
        assert_eq!(
            judged(&blind, &stopped, 1),
            ["loss known and under its gate"]
        );
        let own = instance("modifying", Some(1), None);
        assert_eq!(judged(&own, &stopped, 1), ["still a replica", "available"]);
        assert_eq!(judged(&good, &stopped, 60), ["readings fresh"]);
        assert_eq!(
            judged(&good, &reading(0, refused()), 1),
            ["old primary fenced"]
        );
        assert_eq!(
            names(&rds(&id, Some(&good), None, rpo, &at(1))),
            ["old primary fenced"]
        );
        assert_eq!(names(&rds(&id, None, None, rpo, &at(1))).len(), 5);
    }

    #[test]
    fn an_instance_is_promoted_only_when_it_is_healthy_on_the_newest_timeline_and_its_loss_known() {
        let cluster = |change: &dyn Fn(&mut CnpgSight)| {
            let mut seen = CnpgSight {
                phase: "x".into(),
                instances: 2,
                ready: 2,
                primary: "pg-1".into(),
                target_primary: "pg-1".into(),
                timelines: [("pg-1".to_owned(), 4), ("pg-2".to_owned(), 4)].into(),
                healthy: vec!["pg-1".into(), "pg-2".into()],
                fenced: vec![],
                archiving: Some(true),
                last_backup: None,
            };
            change(&mut seen);
            reading(0, Ok(Sight::Cnpg(seen)))
        };
        let id = "pg".into();
        let known = || Some(Verdict::measured(true, "0 s"));
        let judged =
            |reading: &Reading, loss| names(&cnpg((&id, "pg-2"), Some(reading), loss, &at(1)));
        assert_eq!(judged(&cluster(&|_| {}), known()), Vec::<String>::new());
        assert_eq!(
            judged(&cluster(&|_| {}), None),
            ["loss known and under its gate"]
        );
        let sick = cluster(&|seen| seen.healthy = vec!["pg-1".into()]);
        assert_eq!(judged(&sick, known()), ["instance healthy"]);
        let behind = cluster(&|seen| {
            seen.timelines = [("pg-1".to_owned(), 4), ("pg-2".to_owned(), 3)].into();
        });
        assert_eq!(judged(&behind, known()), ["same timeline"]);
        let mute = cluster(&|seen| seen.timelines.clear());
        assert_eq!(judged(&mute, known()), ["same timeline"]);
        let busy = cluster(&|seen| seen.target_primary = "pg-3".into());
        assert_eq!(judged(&busy, known()), ["nothing under way"]);
        for archiving in [Some(false), None] {
            let bare = cluster(&|seen| seen.archiving = archiving);
            assert_eq!(judged(&bare, known()), ["WAL archived"]);
        }
        assert_eq!(judged(&reading(0, refused()), None).len(), 6);
    }

    #[test]
    fn another_region_becomes_the_writer_only_where_the_loss_is_known() {
        use crate::incident::acts::aurora::{AuroraMember, AuroraSight};
        let member = |region: &str, writer: bool, lag: Option<u64>| AuroraMember {
            arn: format!("arn:aws:rds:{region}:1:cluster:orders"),
            region: region.into(),
            writer,
            lag: lag.map(Duration::from_millis),
        };
        let rpo = Some(Duration::from_secs(60));
        let judged = |lag, lossy, to: &str, status: &str| {
            let seen = AuroraSight {
                status: status.into(),
                members: vec![
                    member("us-east-1", true, None),
                    member("us-west-2", false, lag),
                ],
            };
            let seen = reading(0, Ok(Sight::Aurora(seen)));
            let guards = aurora((&"orders".into(), to), Some(&seen), lossy, rpo, &at(0));
            names(&guards).join(", ")
        };
        let west = "us-west-2";
        assert_eq!(judged(Some(300), true, west, "available"), "");
        assert_eq!(judged(None, false, west, "available"), "");
        let loss = "loss known and under its gate";
        assert_eq!(judged(None, true, west, "available"), loss);
        assert_eq!(judged(Some(61_000), true, west, "available"), loss);
        assert_eq!(
            judged(Some(300), false, "us-east-1", "available"),
            "still a reader"
        );
        assert_eq!(
            judged(Some(300), false, "eu-west-1", "available"),
            "still a reader"
        );
        assert_eq!(
            judged(Some(300), true, west, "failing-over"),
            "nothing under way"
        );
    }
}
