//! Conditions of workloads, records, instances and secrets, from what was seen of them.

use super::super::acts::cnpg::PrimaryIs;
use super::super::acts::kube::{KubeCondition, KubeSight, WorkloadSight};
use super::super::acts::rds::{RdsCondition, RdsSight};
use super::super::acts::route53::{DnsCondition, DnsSight};
use super::super::acts::secrets::{SecretCondition, SecretSight};
use super::super::measure::Span;
use super::super::names::TargetId;
use super::super::reading::{Sight, UNKNOWN, Verdict};
use super::super::site::{Endpoint, Target};
use super::{FRESH, Seen, other_system};

type Judged = Result<Verdict, Verdict>;

impl<'a> Seen<'a> {
    pub(super) fn kube(&self, condition: &KubeCondition) -> Judged {
        let of = condition.of();
        if let KubeCondition::NodesReady { .. } = condition {
            return match self.sight(of, FRESH)? {
                Sight::Kube(KubeSight::Cluster {
                    nodes, nodes_ready, ..
                }) => Ok(Verdict::measured(
                    nodes == nodes_ready && *nodes > 0,
                    format!("{of}: {nodes_ready} of {nodes} nodes are ready"),
                )),
                _ => Err(other_system(of, "cluster")),
            };
        }
        let seen = self.workload(of)?;
        let crashing = match seen.crashing {
            0 => String::new(),
            count => format!(", {count} crash"),
        };
        let saw = format!(
            "{of}: {} of {} replicas are ready{crashing}",
            seen.ready, seen.desired
        );
        Ok(match condition {
            KubeCondition::Ready { at_least, .. } => {
                let missing = number(at_least)?.saturating_sub(seen.ready);
                let verdict =
                    Verdict::measured(missing == 0, format!("{saw}, asked for {at_least}"));
                verdict.with_badness(u64::from(missing))
            }
            KubeCondition::Rollout { .. } => {
                let saw = format!("{saw}, {} of revision {}", seen.updated, seen.revision);
                Verdict::measured(seen.rolled_out(), saw)
            }
            _ => Verdict::measured(seen.ready == seen.desired && seen.crashing == 0, saw),
        })
    }

    fn workload(&self, of: &TargetId) -> Result<&'a WorkloadSight, Verdict> {
        match self.sight(of, FRESH)? {
            Sight::Kube(KubeSight::Workload(seen)) => Ok(seen),
            _ => Err(other_system(of, "workload")),
        }
    }

    pub(super) fn rds(&self, condition: &RdsCondition) -> Judged {
        let of = condition.of();
        let seen: &RdsSight = match self.sight(of, FRESH)? {
            Sight::Rds(seen) => seen,
            _ => return Err(other_system(of, "RDS instance")),
        };
        let saw = format!("{of} is {} in {}", seen.status, seen.zone);
        Ok(match condition {
            RdsCondition::Available { .. } => Verdict::measured(seen.status == "available", saw),
            RdsCondition::ZoneChanged { from, .. } => {
                Verdict::measured(seen.zone != *from, format!("{saw}, it was in {from}"))
            }
        })
    }

    pub(super) fn dns(&self, condition: &DnsCondition) -> Judged {
        let of = condition.of();
        let seen: &DnsSight = match self.sight(of, FRESH)? {
            Sight::Dns(seen) => seen,
            _ => return Err(other_system(of, "DNS record")),
        };
        let share =
            |region, shares: &std::collections::BTreeMap<_, u32>, at_least: &str, how: &str| {
                let share = shares.get(region).copied().unwrap_or(0);
                let missing = number(at_least)?.saturating_sub(share);
                let saw = format!("{of} {how} {region} {share} %, asked for {at_least} %");
                Ok(Verdict::measured(missing == 0, saw).with_badness(u64::from(missing)))
            };
        match condition {
            DnsCondition::Weight {
                region, at_least, ..
            } => share(region, &seen.set, at_least, "gives"),
            DnsCondition::Resolves { to, at_least, .. } => {
                let shares = seen.resolves.as_ref().ok_or_else(|| {
                    let why =
                        format!("{of}: no resolver is asked, give it resolvers in the site file");
                    Verdict::unknown(why)
                })?;
                share(to, shares, at_least, "resolves to")
            }
            DnsCondition::TtlUnder { under, .. } => Ok(Verdict::measured(
                seen.ttl <= *under,
                format!("TTL of {of} is {}", Span(seen.ttl)),
            )),
        }
    }

    pub(super) fn secret(&self, condition: &SecretCondition) -> Judged {
        let of = condition.of();
        let seen: &SecretSight = match self.sight(of, FRESH)? {
            Sight::Secret(seen) => seen,
            _ => return Err(other_system(of, "secret")),
        };
        Ok(match condition {
            SecretCondition::VersionIsNew { than, .. }
                if than.starts_with('$') || than == UNKNOWN =>
            {
                Verdict::unknown(format!("which version {of} was at before is not known"))
            }
            SecretCondition::VersionIsNew { than, .. } => Verdict::measured(
                seen.version != *than,
                format!("{of} is at version {}, it was at {than}", seen.version),
            ),
            SecretCondition::ConsumersCurrent { .. } => return self.consumers(of, seen),
            SecretCondition::OldRefused { .. } => Verdict::measured(
                !seen.old_accepted,
                match seen.old_accepted {
                    true => format!("the version before is still accepted by {of}"),
                    false => format!("only the current version of {of} is accepted"),
                },
            ),
        })
    }
}

impl Seen<'_> {
    /// Whether the instance is the primary, and meant to stay so.
    pub(super) fn primary_is(&self, condition: &PrimaryIs) -> Judged {
        let of = &condition.of;
        if let Sight::Aurora(seen) = self.sight(of, FRESH)? {
            let writer = seen.writer().map_or("none", |member| &member.region);
            let holds = writer == condition.instance && seen.fine();
            return Ok(Verdict::measured(holds, format!("{of}: {}", seen.words())));
        }
        let Sight::Cnpg(seen) = self.sight(of, FRESH)? else {
            return Err(other_system(of, "CloudNativePG cluster"));
        };
        let is = seen.primary == condition.instance && seen.target_primary == condition.instance;
        let saw = format!("{of}: {}", seen.words());
        Ok(Verdict::measured(is, saw))
    }

    /// Whether every consumer that the site names started after the secret changed: before, it read the version before.
    fn consumers(&self, of: &TargetId, secret: &SecretSight) -> Judged {
        let consumers = consumers(self.target(of)?);
        if consumers.is_empty() {
            let why = format!("the site names no consumers of {of}: who uses it can't be known");
            return Err(Verdict::unknown(why));
        }
        let mut stale = Vec::new();
        for consumer in consumers {
            let started = self.workload(consumer)?.started;
            if started.is_none_or(|started| started <= secret.changed) {
                stale.push(consumer.as_str());
            }
        }
        Ok(Verdict::measured(
            stale.is_empty(),
            match stale.as_slice() {
                [] => format!("nobody uses an older version of {of}"),
                stale => format!("an older version of {of} is used by {}", stale.join(", ")),
            },
        ))
    }
}

/// The workloads that the site says use a secret.
pub(super) fn consumers(target: &Target) -> &[TargetId] {
    match &target.endpoint {
        Endpoint::Secret(secret) => &secret.consumers,
        _ => &[],
    }
}

/// A figure as its card or a variable gives it.
fn number(text: &str) -> Result<u32, Verdict> {
    text.parse()
        .map_err(|_| Verdict::unknown(format!("{text:?} is no whole number")))
}
