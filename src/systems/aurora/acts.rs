//! Another region made the writer: planned, without a loss; or while the writer is gone, with one.

use std::time::Duration;

use super::Aurora;
use crate::incident::acts::Act;
use crate::incident::acts::aurora::lossy;
use crate::incident::acts::orders::Order;
use crate::incident::runbook::System;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often the database is asked while it changes, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const SWITCHED_WITHIN: Duration = Duration::from_secs(1_800);

/// What a policy calls the request of an act.
pub(super) fn action(act: &Act) -> Option<&'static str> {
    match act {
        Act::Order(order) if order.system == System::Aurora => Some(match lossy(order) {
            true => "rds:FailoverGlobalCluster",
            false => "rds:SwitchoverGlobalCluster",
        }),
        _ => None,
    }
}

impl Aurora {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Order(order) if order.system == System::Aurora && order.target == self.id => {
                self.make_writer(order, out).await
            }
            other => Err(Wrong::Undone(wire::not_known(
                &self.service.on,
                other.word(),
            ))),
        }
    }

    async fn make_writer(&self, order: &Order, out: &Output) -> Result<String, Wrong> {
        let to = order.arg("to");
        let before = self.look().await.map_err(Wrong::Undone)?;
        let old = before.writer().map_or("none", |member| &member.region);
        if old == to {
            return Ok(format!("{to} is the writer already; nothing was sent"));
        }
        let Some(member) = before.of(to) else {
            let regions: Vec<&str> = before
                .members
                .iter()
                .map(|one| one.region.as_str())
                .collect();
            let what = format!("{} has no cluster in {to}", self.name);
            let advice = format!("it has them in {}", regions.join(", "));
            return Err(self.service.undone(what, &advice));
        };
        out.line(format!("{}: {} from {old} to {to}", self.name, order.word));
        let client = self.service.client().await;
        match lossy(order) {
            true => {
                let request = client.failover_global_cluster().allow_data_loss(true);
                let request = request.global_cluster_identifier(&self.name);
                let request = request.target_db_cluster_identifier(&member.arn);
                self.service
                    .order("FailoverGlobalCluster", request.send())
                    .await?;
            }
            false => {
                let request = client.switchover_global_cluster();
                let request = request.global_cluster_identifier(&self.name);
                let request = request.target_db_cluster_identifier(&member.arn);
                self.service
                    .order("SwitchoverGlobalCluster", request.send())
                    .await?;
            }
        }
        self.switched(to, old, out).await
    }

    async fn switched(&self, to: &str, old: &str, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            match self.look().await {
                Ok(now) if now.fine() && now.writer().is_some_and(|it| it.region == to) => {
                    Look::Done(format!("{to} takes writes; it was {old}"))
                }
                Ok(now) => Look::Still(now.words()),
                Err(failure) => Look::Still(failure.what.to_string()),
            }
        };
        let advice = "RDS took the order: see the events of its clusters";
        let lost = |what: String| self.service.lost(what, advice);
        watched(out, (SWITCHED_WITHIN, EVERY), lost, look).await
    }
}
