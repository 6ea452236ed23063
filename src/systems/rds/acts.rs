//! What can be done to an instance: each request goes out once, and is done when the instance shows it.

use std::time::Duration;

use aws_sdk_rds::types::DbInstance;
use chrono::DateTime;

use super::{Rds, source};
use crate::incident::acts::Act;
use crate::incident::acts::rds::RdsAct;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often an instance is asked while an act is under way.
const EVERY: Duration = Duration::from_secs(2);

/// A failover takes one or two minutes, a promotion a few: longer, and nobody can say any more.
const SWITCHED_WITHIN: Duration = Duration::from_secs(900);

/// A snapshot or a new instance takes as long as its data are large.
const MADE_WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// What an instance has to show before an act is done: words when it does.
type Shows = dyn Fn(&DbInstance) -> Option<String> + Send + Sync;

/// What a policy calls the request of an act.
pub(super) fn action(act: &Act) -> Option<&'static str> {
    let Act::Rds(act) = act else {
        return None;
    };
    Some(match act {
        RdsAct::Failover { .. } => "rds:RebootDBInstance",
        RdsAct::Promote { .. } => "rds:PromoteReadReplica",
        RdsAct::Snapshot { .. } => "rds:CreateDBSnapshot",
        RdsAct::RestoreSnapshot { .. } => "rds:RestoreDBInstanceFromDBSnapshot",
        RdsAct::RestoreToTime { .. } => "rds:RestoreDBInstanceToPointInTime",
    })
}

impl Rds {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Rds(act) if act.target() == &self.id => match act {
                RdsAct::Failover { .. } => self.fail_over(out).await,
                RdsAct::Promote { .. } => self.promote(out).await,
                RdsAct::Snapshot { name, .. } => self.snapshot(name, out).await,
                RdsAct::RestoreSnapshot {
                    snapshot, instance, ..
                } => self.restore_snapshot(snapshot, instance, out).await,
                RdsAct::RestoreToTime { time, instance, .. } => {
                    self.restore_to_time(time, instance, out).await
                }
            },
            other => Err(Wrong::Undone(wire::not_known(
                &self.service.on,
                other.word(),
            ))),
        }
    }

    async fn fail_over(&self, out: &Output) -> Result<String, Wrong> {
        let before = self.before().await?;
        let zone = before.availability_zone().unwrap_or("unknown").to_owned();
        if !before.multi_az().unwrap_or(false) {
            let what = format!(
                "failover: {} has no standby, it is not Multi-AZ",
                self.instance
            );
            return Err(self
                .service
                .undone(what, "restore it elsewhere, or make it Multi-AZ first"));
        }
        out.line(format!(
            "{} is in {zone}: reboot with failover",
            self.instance
        ));
        let request = self.service.client().await.reboot_db_instance();
        let request = request
            .db_instance_identifier(&self.instance)
            .force_failover(true);
        self.service
            .order("RebootDBInstance", request.send())
            .await?;
        let name = self.instance.clone();
        let shows = move |now: &DbInstance| {
            let to = now.availability_zone().filter(|to| *to != zone)?;
            available(now).then(|| format!("{name} is available in {to}; it was in {zone}"))
        };
        self.until(&self.instance, SWITCHED_WITHIN, &shows, out)
            .await
    }

    async fn promote(&self, out: &Output) -> Result<String, Wrong> {
        let before = self.before().await?;
        let name = self.instance.clone();
        let Some(from) = source(&before).map(str::to_owned) else {
            return Ok(format!("{name} is no replica any more; nothing was sent"));
        };
        out.line(format!("{name} replicates from {from}: promote"));
        let request = self.service.client().await.promote_read_replica();
        let request = request.db_instance_identifier(&self.instance);
        self.service
            .order("PromoteReadReplica", request.send())
            .await?;
        let shows = move |now: &DbInstance| {
            let own = available(now) && source(now).is_none();
            own.then(|| format!("{name} is an instance of its own, and no longer follows {from}"))
        };
        self.until(&self.instance, SWITCHED_WITHIN, &shows, out)
            .await
    }

    async fn snapshot(&self, name: &str, out: &Output) -> Result<String, Wrong> {
        self.before().await?;
        out.line(format!("{}: snapshot {name}", self.instance));
        let request = self.service.client().await.create_db_snapshot();
        let request = request
            .db_instance_identifier(&self.instance)
            .db_snapshot_identifier(name);
        self.service
            .order("CreateDBSnapshot", request.send())
            .await?;
        let times = (MADE_WITHIN, EVERY);
        watched(
            out,
            times,
            |what| self.lost(&what),
            || self.snapshot_now(name),
        )
        .await
    }

    /// How a snapshot stands.
    async fn snapshot_now(&self, name: &str) -> Look {
        let asked = self.service.client().await.describe_db_snapshots();
        let asked = asked.db_snapshot_identifier(name).send();
        let found = match self.service.ask("DescribeDBSnapshots", asked).await {
            Ok(found) => found,
            Err(failure) => return Look::Still(failure.what.to_string()),
        };
        let snapshot = found.db_snapshots().first();
        let percent = snapshot.and_then(|it| it.percent_progress()).unwrap_or(0);
        match snapshot.and_then(|it| it.status()).unwrap_or("unknown") {
            "available" => Look::Done(format!("snapshot {name} of {} is available", self.instance)),
            "failed" => {
                let what = format!("snapshot {name}: RDS says failed");
                Look::Failed(
                    self.service
                        .undone(what, "see its events, and take another"),
                )
            }
            status => Look::Still(format!("snapshot {name}: {status}, {percent} %")),
        }
    }

    async fn restore_snapshot(
        &self,
        snapshot: &str,
        instance: &str,
        out: &Output,
    ) -> Result<String, Wrong> {
        let like = self.before().await?;
        out.line(format!(
            "restore {snapshot} as {instance}, in the network of {}",
            self.instance
        ));
        let request = self
            .service
            .client()
            .await
            .restore_db_instance_from_db_snapshot();
        let request = request
            .db_snapshot_identifier(snapshot)
            .db_instance_identifier(instance)
            .set_db_instance_class(like.db_instance_class().map(str::to_owned))
            .set_db_subnet_group_name(subnets(&like))
            .set_vpc_security_group_ids(groups(&like))
            .set_multi_az(like.multi_az());
        self.service
            .order("RestoreDBInstanceFromDBSnapshot", request.send())
            .await?;
        self.made(instance, out).await
    }

    async fn restore_to_time(
        &self,
        time: &str,
        instance: &str,
        out: &Output,
    ) -> Result<String, Wrong> {
        let at = DateTime::parse_from_rfc3339(time).map_err(|why| {
            self.service
                .undone(format!("{time:?}: {why}"), "write 2026-11-21T14:00:00Z")
        })?;
        let like = self.before().await?;
        out.line(format!(
            "restore {} as of {time} as {instance}",
            self.instance
        ));
        let request = self
            .service
            .client()
            .await
            .restore_db_instance_to_point_in_time();
        let request = request
            .source_db_instance_identifier(&self.instance)
            .target_db_instance_identifier(instance)
            .restore_time(aws_sdk_rds::primitives::DateTime::from_secs(at.timestamp()))
            .set_db_instance_class(like.db_instance_class().map(str::to_owned))
            .set_db_subnet_group_name(subnets(&like))
            .set_vpc_security_group_ids(groups(&like))
            .set_multi_az(like.multi_az());
        self.service
            .order("RestoreDBInstanceToPointInTime", request.send())
            .await?;
        self.made(instance, out).await
    }

    /// Waits for a new instance.
    async fn made(&self, instance: &str, out: &Output) -> Result<String, Wrong> {
        let name = instance.to_owned();
        let shows = move |now: &DbInstance| {
            let at = now
                .endpoint()
                .and_then(|at| at.address())
                .unwrap_or("no address yet");
            available(now).then(|| format!("{name} is available at {at}"))
        };
        self.until(instance, MADE_WITHIN, &shows, out).await
    }

    /// The instance as it is before an act: what can't be looked at is not touched.
    async fn before(&self) -> Result<DbInstance, Wrong> {
        self.instance().await.map_err(Wrong::Undone)
    }

    /// Looks at an instance until it shows what it has to.
    async fn until(
        &self,
        name: &str,
        within: Duration,
        shows: &Shows,
        out: &Output,
    ) -> Result<String, Wrong> {
        let look = || async move {
            let now = match self.named(name).await {
                Ok(now) => match shows(&now) {
                    Some(said) => return Look::Done(said),
                    None => now.db_instance_status().unwrap_or("unknown").to_owned(),
                },
                Err(failure) => failure.what.to_string(),
            };
            Look::Still(format!("{name}: {now}"))
        };
        watched(out, (within, EVERY), |what| self.lost(&what), look).await
    }

    fn lost(&self, what: &str) -> Wrong {
        let advice = "RDS took the request: look at the instance and its events";
        self.service.lost(what, advice)
    }
}

fn available(instance: &DbInstance) -> bool {
    instance.db_instance_status() == Some("available")
}

/// A new instance without them lands in the default network, behind the default rules.
fn subnets(like: &DbInstance) -> Option<String> {
    let group = like.db_subnet_group()?;
    group.db_subnet_group_name().map(str::to_owned)
}

fn groups(like: &DbInstance) -> Option<Vec<String>> {
    let groups = like.vpc_security_groups().iter();
    let ids: Vec<String> = groups
        .filter_map(|group| group.vpc_security_group_id().map(str::to_owned))
        .collect();
    (!ids.is_empty()).then_some(ids)
}
