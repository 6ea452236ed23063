//! An instance of RDS: how it stands, its newest snapshot, how far a replica is behind; what the control plane can do to it.

mod acts;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::DbInstance;
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::time::Instant;

use super::wire::aws::{Accounts, Service, time};
use super::wire::policy::Caller;
use super::wire::{self, metric};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::rds::RdsSight;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{RdsEndpoint, Target};

/// How often the newest snapshot is asked for: they are hours apart, and requests are counted.
const SNAPSHOTS_EVERY: Duration = Duration::from_secs(60);

/// One instance of the site.
pub struct Rds {
    id: TargetId,
    instance: String,
    service: Service<Client>,
    metrics: Service<aws_sdk_cloudwatch::Client>,
    newest: Mutex<Option<(Instant, Option<DateTime<Utc>>)>>,
}

impl Rds {
    /// The instance of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &RdsEndpoint, accounts: &Accounts) -> Self {
        let account = (&endpoint.account, accounts);
        Self {
            id: target.id.clone(),
            instance: endpoint.instance.clone(),
            service: Service::new(target, account, Client::new),
            metrics: Service::new(target, account, aws_sdk_cloudwatch::Client::new),
            newest: Mutex::new(None),
        }
    }

    async fn look(&self) -> Result<RdsSight, Failure> {
        let instance = self.instance();
        let (instance, newest_snapshot) = tokio::try_join!(instance, self.newest_snapshot())?;
        let lag = match source(&instance) {
            // Without CloudWatch the lag is not known, and all else is.
            Some(_) => self.replica_lag().await.ok().flatten(),
            None => None,
        };
        let text = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        Ok(RdsSight {
            status: text(instance.db_instance_status()),
            zone: text(instance.availability_zone()),
            multi_az: instance.multi_az().unwrap_or(false),
            replica_of: source(&instance).map(str::to_owned),
            lag,
            latest_restorable: instance.latest_restorable_time().and_then(time),
            newest_snapshot,
        })
    }

    /// `DescribeDBInstances` of this one.
    async fn instance(&self) -> Result<DbInstance, Failure> {
        self.named(&self.instance).await
    }

    async fn named(&self, name: &str) -> Result<DbInstance, Failure> {
        let what = format!("DescribeDBInstances {name}");
        let request = async {
            let request = self.service.client().await.describe_db_instances();
            request.db_instance_identifier(name).send().await
        };
        let answer = self.service.ask(&what, request).await?;
        let found = answer.db_instances.into_iter().flatten().next();
        let missing = || {
            self.service.missing(
                format!("{what}: no such instance"),
                "check its name and region",
            )
        };
        found.ok_or_else(missing)
    }

    /// How far the replica is behind, by CloudWatch.
    async fn replica_lag(&self) -> Result<Option<Duration>, Failure> {
        let of = [("DBInstanceIdentifier", self.instance.as_str())];
        let seconds = metric::newest(&self.metrics, "ReplicaLag", &of).await?;
        Ok(seconds.map(Duration::from_secs_f64))
    }

    /// When the newest snapshot that can be restored was made.
    async fn newest_snapshot(&self) -> Result<Option<DateTime<Utc>>, Failure> {
        let kept = *self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |(asked, _): &(Instant, _)| asked.elapsed() < SNAPSHOTS_EVERY;
        if let Some((_, newest)) = kept.filter(fresh) {
            return Ok(newest);
        }
        let request = async {
            let request = self.service.client().await.describe_db_snapshots();
            let pages = request
                .db_instance_identifier(&self.instance)
                .into_paginator();
            pages.items().send().collect::<Result<Vec<_>, _>>().await
        };
        let snapshots = self.service.ask("DescribeDBSnapshots", request).await?;
        let made = snapshots.iter().filter_map(|snapshot| {
            let whole = snapshot.status() == Some("available");
            time(snapshot.snapshot_create_time()?).filter(|_| whole)
        });
        let newest = made.max();
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((Instant::now(), newest));
        Ok(newest)
    }
}

/// The instance a replica replicates from; AWS leaves an empty name where there is none any more.
fn source(instance: &DbInstance) -> Option<&str> {
    let source = instance.read_replica_source_db_instance_identifier();
    source.filter(|name| !name.is_empty())
}

impl System for Rds {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Rds);
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let actions: BTreeSet<_> = acts.iter().filter_map(acts::action).collect();
        async move {
            let name = format!("db:{}", self.instance);
            let region = self.service.region();
            let arn = |caller: &Caller| caller.arn("rds", region, &name);
            let actions = Vec::from_iter(actions);
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
