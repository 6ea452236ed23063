//! A weighted record of Route 53: the share of each region, whether its health check holds, and how it is shifted.
//!
//! A name may have several types (A and AAAA, say), each with the same set identifiers: they are read as one and changed as one.

mod acts;
mod health;
mod resolves;
mod weights;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_route53::Client;
use aws_sdk_route53::types::ResourceRecordSet;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

use super::wire;
use super::wire::aws::{Accounts, Service};
use super::wire::policy::Caller;
use super::wire::resolver::Resolver;
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::route53::DnsSight;
use crate::incident::names::{RegionId, TargetId};
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{DnsEndpoint, Target};
use weights::Weights;

/// One record of the site.
pub struct Route53 {
    id: TargetId,
    endpoint: DnsEndpoint,
    resolvers: Vec<Resolver>,
    service: Service<Client>,
}

impl Route53 {
    /// The record of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &DnsEndpoint, accounts: &Accounts) -> Self {
        // Two questions to each, the record and what it is an alias of, and Route 53 is asked before: all in one look.
        let within = target.timeout / 4;
        let resolver = |at: &String| Resolver::new(at, within);
        Self {
            id: target.id.clone(),
            endpoint: endpoint.clone(),
            resolvers: endpoint.resolvers.iter().map(resolver).collect(),
            service: Service::new(target, (&endpoint.account, accounts), Client::new),
        }
    }

    async fn look(&self) -> Result<DnsSight, Failure> {
        let sets = self.sets().await?;
        let weights = self.weights(&sets)?;
        // An alias has the TTL of what it leads to, which is 60 s for what AWS balances.
        let ttls = sets.iter().filter_map(|set| u64::try_from(set.ttl()?).ok());
        let ttl = Duration::from_secs(ttls.max().unwrap_or(60));
        let (resolves, sick) = tokio::join!(self.resolves(&sets), self.sick(&sets));
        Ok(DnsSight {
            weights: weights.to_string(),
            set: weights.shares(),
            resolves,
            ttl,
            in_sync: None,
            sick,
        })
    }

    async fn resolves(&self, sets: &[ResourceRecordSet]) -> Option<BTreeMap<RegionId, u32>> {
        let at = &self.endpoint;
        resolves::shares(&self.resolvers, &at.record, sets, &at.sets).await
    }

    /// The record's sets, of every type: those of this very name with a weight.
    async fn sets(&self) -> Result<Vec<ResourceRecordSet>, Failure> {
        let record = self.endpoint.record.trim_end_matches('.');
        let what = format!("ListResourceRecordSets {record}");
        let request = async {
            let request = self.service.client().await.list_resource_record_sets();
            let request = request.hosted_zone_id(&self.endpoint.zone);
            request.start_record_name(record).send().await
        };
        let answer = self.service.ask(&what, request).await?;
        let all = answer.resource_record_sets.into_iter();
        let named = all.filter(|set| {
            set.name()
                .trim_end_matches('.')
                .eq_ignore_ascii_case(record)
        });
        let named: Vec<ResourceRecordSet> = named.collect();
        let weighted = |set: &ResourceRecordSet| set.weight().is_some();
        match named.iter().any(weighted) {
            true => Ok(named.into_iter().filter(weighted).collect()),
            false => {
                let why = match named.len() {
                    0 => "no such record in the zone",
                    _ => "the record has no weights",
                };
                let advice = "check zone and record; one weighted set a region is needed";
                Err(self.service.missing(format!("{what}: {why}"), advice))
            }
        }
    }

    fn weights(&self, sets: &[ResourceRecordSet]) -> Result<Weights, Failure> {
        Weights::of(sets, &self.endpoint.sets).map_err(|why| {
            let advice = "set them alike by hand first";
            Failure::new(FailureKind::BadAnswer, &self.service.on, why, advice)
        })
    }
}

impl System for Route53 {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Dns);
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let any = acts.iter().find(|act| matches!(act, Act::Dns(_)));
        let actions = Vec::from_iter(any.map(|_| "route53:ChangeResourceRecordSets"));
        async move {
            let zone = &self.endpoint.zone;
            let arn =
                |caller: &Caller| format!("arn:{}:route53:::hostedzone/{zone}", caller.partition);
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
