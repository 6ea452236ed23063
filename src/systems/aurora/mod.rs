//! An Aurora global database: which region takes writes, how far the others are behind, and another region made the writer.

mod acts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{GlobalCluster, GlobalClusterMember};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt, join_all};
use tokio::sync::Mutex;

use super::wire::aws::{Accounts, Service};
use super::wire::policy::Caller;
use super::wire::{self, metric};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::aurora::{AuroraMember, AuroraSight};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{AwsAccount, Target};

/// CloudWatch of one region.
type Metrics = Arc<Service<aws_sdk_cloudwatch::Client>>;

/// One global database.
pub struct Aurora {
    id: TargetId,
    name: String,
    service: Service<Client>,
    target: Target,
    account: AwsAccount,
    /// Each region keeps the figures of its own clusters.
    metrics: Mutex<BTreeMap<String, Metrics>>,
}

impl Aurora {
    /// The global database of `target`; nothing is connected yet.
    pub fn new(target: &Target, name: &str, (account, accounts): (&AwsAccount, &Accounts)) -> Self {
        Self {
            id: target.id.clone(),
            name: name.to_owned(),
            service: Service::new(target, (account, accounts), Client::new),
            target: target.clone(),
            account: account.clone(),
            metrics: Mutex::default(),
        }
    }

    async fn look(&self) -> Result<AuroraSight, Failure> {
        let cluster = self.describe().await?;
        let writer = cluster
            .global_cluster_members()
            .iter()
            .find(|member| member.is_writer() == Some(true));
        let source = writer.map(|member| region(member).to_owned());
        let members = cluster.global_cluster_members().iter();
        let members = members.map(|member| self.member(member, source.as_deref()));
        Ok(AuroraSight {
            status: cluster.status().unwrap_or("unknown").to_owned(),
            members: join_all(members).await,
        })
    }

    async fn member(&self, member: &GlobalClusterMember, source: Option<&str>) -> AuroraMember {
        let (arn, region) = (member.db_cluster_arn().unwrap_or_default(), region(member));
        let writer = member.is_writer() == Some(true);
        let lag = match source.filter(|_| !writer) {
            // Without CloudWatch the lag is not known, and all else is.
            Some(source) => self.lag(region, arn, source).await.ok().flatten(),
            None => None,
        };
        AuroraMember {
            arn: arn.to_owned(),
            region: region.to_owned(),
            writer,
            lag,
        }
    }

    async fn lag(
        &self,
        region: &str,
        arn: &str,
        source: &str,
    ) -> Result<Option<Duration>, Failure> {
        let metrics = self.metrics(region).await;
        let cluster = arn.rsplit(':').next().unwrap_or_default();
        let of = [("DBClusterIdentifier", cluster), ("SourceRegion", source)];
        let millis = metric::newest(&metrics, "AuroraGlobalDBReplicationLag", &of).await?;
        Ok(millis.map(|millis| Duration::from_secs_f64(millis / 1000.0)))
    }

    async fn metrics(&self, region: &str) -> Metrics {
        let mut known = self.metrics.lock().await;
        let fresh = || {
            let account = AwsAccount {
                region: region.to_owned(),
                ..self.account.clone()
            };
            let account = (&account, &Accounts::default());
            let make = aws_sdk_cloudwatch::Client::new;
            Arc::new(Service::new(&self.target, account, make))
        };
        Arc::clone(known.entry(region.to_owned()).or_insert_with(fresh))
    }

    async fn describe(&self) -> Result<GlobalCluster, Failure> {
        let what = format!("DescribeGlobalClusters {}", self.name);
        let request = async {
            let request = self.service.client().await.describe_global_clusters();
            request.global_cluster_identifier(&self.name).send().await
        };
        let answer = self.service.ask(&what, request).await?;
        let all = answer.global_clusters.into_iter().flatten();
        let mut mine = all.filter(|one| one.global_cluster_identifier() == Some(&self.name));
        let missing = || {
            let what = format!("{what}: no such global database");
            self.service.missing(what, "check its name and region")
        };
        mine.next().ok_or_else(missing)
    }
}

/// `arn:aws:rds:us-west-2:123456789012:cluster:orders-west`
fn region(member: &GlobalClusterMember) -> &str {
    let arn = member.db_cluster_arn().unwrap_or_default();
    arn.split(':').nth(3).unwrap_or("unknown")
}

impl System for Aurora {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Aurora);
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let actions: BTreeSet<_> = acts.iter().filter_map(acts::action).collect();
        async move {
            let arn =
                |caller: &Caller| caller.arn("rds", "", &format!("global-cluster:{}", self.name));
            self.service.forbidden(&Vec::from_iter(actions), arn).await
        }
        .boxed()
    }
}
