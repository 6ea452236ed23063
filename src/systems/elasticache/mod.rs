//! A replication group of ElastiCache: its state, its nodes, and a failover of one shard.

use std::time::Duration;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, NodeGroup, ReplicationGroup};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

use super::wire::aws::{Accounts, Service};
use super::wire::policy::Caller;
use super::wire::watched::{Look, watched};
use super::wire::{self, Wrong};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::orders::words_to;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{AwsAccount, Target};

/// How often the group is asked while it fails over, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const SWITCHED_WITHIN: Duration = Duration::from_secs(900);

/// One replication group.
pub struct Elasticache {
    id: TargetId,
    group: String,
    service: Service<Client>,
}

impl Elasticache {
    /// The group of `target`; nothing is connected yet.
    pub fn new(target: &Target, group: &str, account: (&AwsAccount, &Accounts)) -> Self {
        Self {
            id: target.id.clone(),
            group: group.to_owned(),
            service: Service::new(target, account, Client::new),
        }
    }

    async fn describe(&self) -> Result<ReplicationGroup, Failure> {
        let request = async {
            let request = self.service.client().await.describe_replication_groups();
            request.replication_group_id(&self.group).send().await
        };
        let what = format!("DescribeReplicationGroups {}", self.group);
        let answer = self.service.ask(&what, request).await?;
        let found = answer.replication_groups.into_iter().flatten().next();
        let missing = || {
            self.service.missing(
                format!("{what}: no such group"),
                "check its name and region",
            )
        };
        found.ok_or_else(missing)
    }

    async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        let order = match act {
            Act::Order(order) if order.target == self.id => order,
            other => {
                return Err(Wrong::Undone(wire::not_known(
                    &self.service.on,
                    other.word(),
                )));
            }
        };
        let shard = order.arg("shard");
        let before = self.describe().await.map_err(Wrong::Undone)?;
        if before.automatic_failover() != Some(&AutomaticFailoverStatus::Enabled) {
            let what = format!("failover: automatic failover of {} is off", self.group);
            return Err(self
                .service
                .undone(what, "enable it first, or promote by hand"));
        }
        let Some(old) = node(&before, shard).and_then(primary).map(str::to_owned) else {
            let what = format!(
                "failover: {} has no shard {shard} with a primary",
                self.group
            );
            return Err(self.service.undone(what, "name one of its shards"));
        };
        out.line(format!(
            "{} shard {shard}: fail over from {old}",
            self.group
        ));
        let request = self.service.client().await.test_failover();
        let request = request
            .replication_group_id(&self.group)
            .node_group_id(shard);
        self.service.order("TestFailover", request.send()).await?;
        self.switched(shard, &old, out).await
    }

    async fn switched(&self, shard: &str, old: &str, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            let group = match self.describe().await {
                Ok(group) => group,
                Err(failure) => return Look::Still(failure.what.to_string()),
            };
            let status = group.status().unwrap_or("unknown");
            let new = node(&group, shard)
                .and_then(primary)
                .filter(|new| *new != old);
            match (new, status) {
                (Some(new), "available") => Look::Done(format!(
                    "{new} is the primary of shard {shard}; it was {old}"
                )),
                _ => Look::Still(format!("{}: {status}", self.group)),
            }
        };
        let advice = "ElastiCache took the order: see the group's events";
        let lost = |what: String| self.service.lost(what, advice);
        watched(out, (SWITCHED_WITHIN, EVERY), lost, look).await
    }
}

fn node<'a>(group: &'a ReplicationGroup, shard: &str) -> Option<&'a NodeGroup> {
    let mut shards = group.node_groups().iter();
    shards.find(|one| one.node_group_id() == Some(shard))
}

fn primary(shard: &NodeGroup) -> Option<&str> {
    let mut members = shard.node_group_members().iter();
    members
        .find(|one| one.current_role() == Some("primary"))?
        .cache_cluster_id()
}

fn judged(group: &ReplicationGroup) -> CheckSight {
    let status = group.status().unwrap_or("unknown");
    let members: usize = group
        .node_groups()
        .iter()
        .map(|shard| shard.node_group_members().len())
        .sum();
    let state = match status {
        "available" => CheckState::Fine,
        "create-failed" | "deleting" => CheckState::Breach,
        _ => CheckState::Watch,
    };
    let shards = group.node_groups().len();
    CheckSight::new(state, format!("{status}, {shards} shards, {members} nodes"))
}

impl System for Elasticache {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.describe().map_ok(|group| Sight::Check(judged(&group)));
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let any = words_to(acts, runbook::System::Elasticache).next();
        let actions = Vec::from_iter(any.map(|_| "elasticache:TestFailover"));
        async move {
            let name = format!("replicationgroup:{}", self.group);
            let region = self.service.region();
            let arn = |caller: &Caller| caller.arn("elasticache", region, &name);
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
