//! Conditions and guards, judged on readings taken for this very judgement.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;

use super::{Systems, watch};
use crate::incident::acts::Condition;
use crate::incident::acts::aurora;
use crate::incident::acts::orders::Order;
use crate::incident::acts::postgres::PgCondition;
use crate::incident::evaluate;
use crate::incident::guards::{self, Guard, PromotionFacts};
use crate::incident::journal::Resolved;
use crate::incident::names::TargetId;
use crate::incident::reading::{Reading, Sight, Verdict};
use crate::incident::replication::{End, LastKnown, LinkHistory, LinkVital};
use crate::incident::site::{Endpoint, Link, Site};
use crate::systems::files;

/// A reading of a silent target may be this old when its host has answered too: it was taken for this judgement.
const FRESH: Duration = Duration::from_secs(10);

/// Judges conditions for one act, against one site.
pub struct Judge<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its systems.
    pub systems: &'a Systems,
    /// The old primary as it was last seen, for what a promotion would lose.
    pub last_known: Option<&'a LastKnown>,
    /// When the recovery time runs out, where an incident is open.
    pub rto_ends: Option<DateTime<Utc>>,
}

impl<'a> Judge<'a> {
    /// A judge of what stands before and behind one act.
    pub fn of(resolved: &'a Resolved, site: &'a Site, systems: &'a Systems) -> Self {
        Self {
            site,
            systems,
            last_known: resolved.last_known.as_ref(),
            rto_ends: resolved.rto_ends,
        }
    }

    /// A judge of a condition that stands by itself.
    pub fn plain(site: &'a Site, systems: &'a Systems) -> Self {
        Self {
            site,
            systems,
            last_known: None,
            rto_ends: None,
        }
    }

    /// One condition: from fresh sights where they are enough, else by asking the system. What can't be measured is unknown.
    pub async fn condition(&self, condition: &Condition) -> Verdict {
        let stage = self.systems.stage.as_ref();
        if let Some(verdict) = stage.and_then(|stage| stage.holds(condition)) {
            return verdict;
        }
        let targets = evaluate::targets_of(condition, self.site);
        let sights = self.look(&targets).await;
        let now = self.systems.clock.now();
        if let Condition::Postgres(PgCondition::Loss {
            of,
            under,
            under_bytes,
        }) = condition
        {
            return match self.site.link_to(of) {
                Some(link) => self
                    .history(link, &sights)
                    .judge_loss(of, *under, *under_bytes),
                None => Verdict::unknown(format!("no link of the site ends at {of}")),
            };
        }
        let rto_left = self
            .rto_ends
            .map(|end| (end - now.wall).to_std().unwrap_or_default());
        if let Some(verdict) = evaluate::from_sights(condition, &sights, self.site, rto_left, &now)
        {
            return verdict;
        }
        if let Condition::Sum { file, sha256 } = condition {
            let sum = files::sum(file, sha256.as_deref()).await;
            return sum.unwrap_or_else(|failure| Verdict::unknown(failure.to_string()));
        }
        let Some(system) = targets.first().and_then(|target| self.systems.get(target)) else {
            return Verdict::unknown("the site names no target that could answer this");
        };
        system
            .holds(condition)
            .await
            .unwrap_or_else(|failure| Verdict::unknown(failure.to_string()))
    }

    /// The guards of promoting `standby`.
    pub async fn promotion(&self, standby: &TargetId, resolved: &Resolved) -> Vec<Guard> {
        self.promoting(standby, resolved, guards::promotion).await
    }

    /// Guards by the facts of a pair; without a link to the standby nothing of them can be known, and that refuses.
    async fn promoting(
        &self,
        standby: &TargetId,
        resolved: &Resolved,
        judge: impl FnOnce(&PromotionFacts<'_>) -> Vec<Guard>,
    ) -> Vec<Guard> {
        let Some(link) = self.site.link_to(standby) else {
            let verdict = Verdict::unknown(format!(
                "no link of the site ends at {standby}: what it would lose can't be known"
            ));
            return vec![Guard {
                name: "loss known and under its gate".into(),
                verdict,
            }];
        };
        let sights = self.look(&[link.from.clone(), link.to.clone()]).await;
        let now = self.systems.clock.now();
        judge(&PromotionFacts {
            now: &now,
            link,
            interval: self.interval(link),
            standby: sights.get(&link.to),
            primary: sights.get(&link.from),
            last_known: resolved.last_known.as_ref(),
            rpo: self.site.objectives.rpo,
            last_promotion: resolved.last_promotion,
        })
    }

    /// The guards of a failover by Sentinels.
    pub async fn sentinel_failover(&self, sentinel: &TargetId) -> Vec<Guard> {
        let sights = self.look(std::slice::from_ref(sentinel)).await;
        let reading = sights.get(sentinel);
        let master = reading.and_then(master_of);
        let links = self.site.links.iter();
        let links: Vec<_> = links.filter(|link| Some(&link.from) == master).collect();
        let ends = links.iter().flat_map(|link| [&link.from, &link.to]);
        let ends = self.look(&ends.cloned().collect::<Vec<_>>()).await;
        let losses = links.into_iter().map(|link| {
            let rpo = self.site.objectives.rpo.unwrap_or(link.gate);
            let gate = rpo.min(link.gate);
            let vital = self.history(link, &ends);
            vital.judge_loss(&link.to, gate, link.gate_bytes)
        });
        let now = self.systems.clock.now();
        guards::redis::failover((sentinel, reading), losses.collect(), &now)
    }

    /// The guards of promoting a replica of Redis past its Sentinels.
    pub async fn redis_promotion(&self, replica: &TargetId, resolved: &Resolved) -> Vec<Guard> {
        let pair = self.site.link_to(replica).map(|link| &link.from);
        let sentinels = self.site.targets.iter();
        let sentinels = sentinels.filter(|t| matches!(t.endpoint, Endpoint::Sentinel(_)));
        let sentinels: Vec<_> = sentinels.map(|target| target.id.clone()).collect();
        let seen = self.look(&sentinels).await;
        let of_pair = |master| Some(master) == pair || master == replica;
        let watchers = seen
            .iter()
            .filter(|(_, reading)| master_of(reading).is_some_and(of_pair));
        let watchers: Vec<_> = watchers.map(|(id, _)| id.clone()).collect();
        let judge = |facts: &PromotionFacts<'_>| guards::redis::promotion(facts, &watchers);
        self.promoting(replica, resolved, judge).await
    }

    /// The guards of promoting a replica of RDS.
    pub async fn rds_promotion(&self, replica: &TargetId) -> Vec<Guard> {
        let sights = self.look(std::slice::from_ref(replica)).await;
        let reading = sights.get(replica);
        let of = match reading.map(|reading| &reading.value) {
            Some(Ok(Sight::Rds(seen))) => seen.replica_of.clone(),
            _ => None,
        };
        let source = self
            .site
            .targets
            .iter()
            .find(|target| match &target.endpoint {
                Endpoint::Rds(at) => Some(&at.instance) == of.as_ref(),
                _ => false,
            });
        let source = source.map(|target| target.id.clone());
        let old = self.look(source.as_slice()).await;
        let source = source.as_ref().map(|id| (id, old.get(id)));
        let now = self.systems.clock.now();
        guards::managed::rds(replica, reading, source, self.site.objectives.rpo, &now)
    }

    /// The guards of making another region of a global database its writer.
    pub async fn aurora(&self, order: &Order) -> Vec<Guard> {
        let sights = self.look(std::slice::from_ref(&order.target)).await;
        let now = self.systems.clock.now();
        let (what, lossy) = ((&order.target, order.arg("to")), aurora::lossy(order));
        let rpo = self.site.objectives.rpo;
        guards::managed::aurora(what, sights.get(&order.target), lossy, rpo, &now)
    }

    /// The guards of promoting an instance of a CloudNativePG cluster; its loss is that of the PostgreSQL target the order names.
    pub async fn cnpg_promotion(&self, order: &Order, resolved: &Resolved) -> Vec<Guard> {
        let loss = match order.arg("standby") {
            "" => None,
            standby => {
                let guards = self.promotion(&TargetId::from(standby), resolved).await;
                let loss = guards
                    .into_iter()
                    .find(|guard| guard.name.starts_with("loss"));
                loss.map(|guard| guard.verdict)
            }
        };
        let sights = self.look(std::slice::from_ref(&order.target)).await;
        let now = self.systems.clock.now();
        let what = (&order.target, order.arg("instance"));
        guards::managed::cnpg(what, sights.get(&order.target), loss, &now)
    }

    /// Looks at targets, all at the same time.
    async fn look(&self, targets: &[TargetId]) -> BTreeMap<TargetId, Reading> {
        let looks = targets.iter().filter_map(|id| {
            let (target, system) = (self.site.target(id)?, self.systems.get(id)?);
            Some(async move {
                let look = watch::look(target, system, &self.systems.clock).await;
                (look.target, look.reading)
            })
        });
        join_all(looks).await.into_iter().collect()
    }

    fn interval(&self, link: &Link) -> Duration {
        let ends = [&link.from, &link.to]
            .into_iter()
            .filter_map(|id| self.site.target(id));
        ends.map(|target| target.interval).max().unwrap_or_default()
    }

    fn history(&self, link: &Link, sights: &BTreeMap<TargetId, Reading>) -> LinkVital {
        let now = self.systems.clock.now();
        let interval = self.interval(link);
        let history = match self.last_known {
            Some(known) => LinkHistory::resume(interval, known, &now),
            None => LinkHistory::new(interval),
        };
        let mut history = history.believing(FRESH);
        for (end, id) in [(End::From, &link.from), (End::To, &link.to)] {
            if let Some(reading) = sights.get(id) {
                history.observe(end, reading);
            }
        }
        history.vital(link, sights.get(&link.from), sights.get(&link.to), &now)
    }
}

/// The target that a Sentinel's reading gives out as the master.
fn master_of(reading: &Reading) -> Option<&TargetId> {
    match &reading.value {
        Ok(Sight::Sentinel(seen)) => seen.master_target.as_ref(),
        _ => None,
    }
}
