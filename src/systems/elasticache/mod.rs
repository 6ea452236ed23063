//! A replication group of ElastiCache: its state, its nodes, and a failover of one shard.

use std::time::Duration;

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, NodeGroup, ReplicationGroup};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::sync::OnceCell;

use super::wire::aws::{Account, Accounts, ask, sorted};
use super::wire::{self, Patience, Wrong};
use super::{Output, System};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::{Act, Condition};
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{AwsAccount, Target};

/// How often the group is asked while it fails over, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const SWITCHED_WITHIN: Duration = Duration::from_secs(900);

/// One replication group.
pub struct Elasticache {
    id: TargetId,
    on: String,
    timeout: Duration,
    group: String,
    account: Account,
    client: OnceCell<Client>,
}

impl Elasticache {
    /// The group of `target`; nothing is connected yet.
    pub fn new(target: &Target, group: &str, account: &AwsAccount, accounts: &Accounts) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            timeout: target.timeout,
            group: group.to_owned(),
            account: accounts.of(account),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        let client = async || Client::new(self.account.config().await);
        self.client.get_or_init(client).await
    }

    async fn describe(&self) -> Result<ReplicationGroup, Failure> {
        let request = async {
            let request = self.client().await.describe_replication_groups();
            request.replication_group_id(&self.group).send().await
        };
        let what = format!("DescribeReplicationGroups {}", self.group);
        let answer = ask((&self.on, &what), self.timeout, request).await?;
        answer
            .replication_groups
            .into_iter()
            .flatten()
            .next()
            .ok_or_else(|| {
                let what = format!("{what}: no such group");
                Failure::new(
                    FailureKind::Missing,
                    &self.on,
                    what,
                    "check its name and region",
                )
            })
    }

    async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        let order = match act {
            Act::Order(order) if order.target == self.id => order,
            other => return Err(Wrong::Undone(wire::not_known(&self.on, other.word()))),
        };
        let shard = order.arg("shard");
        let before = self.describe().await.map_err(Wrong::Undone)?;
        let undone = |what: String, advice: &str| {
            Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
        };
        if before.automatic_failover() != Some(&AutomaticFailoverStatus::Enabled) {
            let what = format!("failover: automatic failover of {} is off", self.group);
            return Err(undone(what, "enable it first, or promote by hand"));
        }
        let Some(old) = node(&before, shard).and_then(primary).map(str::to_owned) else {
            let what = format!(
                "failover: {} has no shard {shard} with a primary",
                self.group
            );
            return Err(undone(what, "name one of its shards"));
        };
        out.line(format!(
            "{} shard {shard}: fail over from {old}",
            self.group
        ));
        let request = self.client().await.test_failover();
        let request = request
            .replication_group_id(&self.group)
            .node_group_id(shard);
        let sent = request.send().await;
        sent.map_err(|error| sorted((&self.on, "TestFailover"), error))?;
        self.switched(shard, &old, out).await
    }

    async fn switched(&self, shard: &str, old: &str, out: &Output) -> Result<String, Wrong> {
        let (patience, mut before) = (Patience::new(SWITCHED_WITHIN, EVERY), String::new());
        loop {
            let now = match self.describe().await {
                Ok(group) => {
                    let status = group.status().unwrap_or("unknown").to_owned();
                    let new = node(&group, shard)
                        .and_then(primary)
                        .filter(|new| *new != old);
                    if let (Some(new), "available") = (new, status.as_str()) {
                        return Ok(format!(
                            "{new} is the primary of shard {shard}; it was {old}"
                        ));
                    }
                    status
                }
                Err(failure) => failure.what.to_string(),
            };
            wire::progress(out, &mut before, format!("{}: {now}", self.group));
            if !patience.again().await {
                let what = format!("failover: {now} after {}", Span(SWITCHED_WITHIN));
                let advice = "ElastiCache took the order: see the group's events";
                let failure = Failure::new(FailureKind::TimedOut, &self.on, what, advice);
                return Err(Wrong::Lost(failure));
            }
        }
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
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move { Err(wire::not_known(&self.on, "this condition")) }.boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }
}
