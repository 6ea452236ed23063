//! HTTP services: healthy while what they need works and there are replicas enough for the demand that is sent to them.

use std::time::Duration;

use super::{Way, World};
use crate::drill::scenario::{Grade, Service};
use crate::incident::acts::http::HttpSight;
use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::incident::names::{RegionId, TargetId};
use crate::incident::site::HttpEndpoint;

use super::Harm;

/// Of what is sent to a public name at least so much must be answered, in percent.
const ANSWERED: u32 = 95;

/// Failing for less than this is a blot; beyond it is an outage of one's own making.
const BLOT: Duration = Duration::from_secs(60);

/// Failing requests are counted by the second.
const STEP: Duration = Duration::from_secs(1);

impl World {
    pub(super) fn service_sight(&self, id: &TargetId, endpoint: &HttpEndpoint) -> HttpSight {
        let healthy = self
            .lies
            .get(id)
            .copied()
            .unwrap_or_else(|| self.serves(id));
        let well = endpoint.equals.as_deref().unwrap_or("ok");
        let field = endpoint.field.as_ref();
        HttpSight {
            status: if healthy { endpoint.status } else { 503 },
            field: field.map(|_| Clean::new(if healthy { well } else { "degraded" })),
            healthy,
            took: Duration::from_millis(if healthy { 45 } else { 1_200 }),
        }
    }

    /// Whether a service answers what is sent to it.
    fn serves(&self, id: &TargetId) -> bool {
        if self.failing.contains(id) || self.way(id) != Way::Open {
            return false;
        }
        let service = self.wiring.services.iter().find(|s| s.target == *id);
        service.is_none_or(|service| match service.public {
            true => self.public_serves(service),
            false => {
                self.needs_work(service) && self.has_capacity(service) && !self.locked_out(service)
            }
        })
    }

    /// Each group of what it needs has a member that works: a database or a cache that takes writes and whose rows are right,
    /// anything else that answers. A service that fell back goes on without third parties.
    fn needs_work(&self, service: &Service) -> bool {
        let works = |id: &TargetId| {
            let database = self.servers.get(id).map(super::Server::takes_writes);
            let writes = database.or_else(|| self.cache_writes(id)).unwrap_or(true);
            let right = !self.bad.contains_key(id) && !self.failing.contains(id);
            self.way(id) == Way::Open && writes && right
        };
        let third_party = |group: &[TargetId]| group.iter().any(|id| self.failing.contains(id));
        let fell_back = self.fallen_back.contains(&service.target);
        let mut groups = service.needs.iter();
        groups.all(|group| group.iter().any(works) || (fell_back && third_party(group)))
    }

    /// Replicas enough for its share of the demand.
    fn has_capacity(&self, service: &Service) -> bool {
        let Some(id) = &service.workload else {
            return true;
        };
        let Some(workload) = self.workloads.get(id) else {
            return true;
        };
        if self.way(id) != Way::Open {
            return false;
        }
        let ready = workload.ready(self.at);
        let share = match &service.record {
            Some(record) => self.share(record, &service.target),
            None => 0,
        };
        let sent = u64::from(self.wiring.rps) * u64::from(self.demand) * u64::from(share) / 10_000;
        ready > 0 && sent <= u64::from(ready) * u64::from(self.wiring.per_replica.max(1))
    }

    /// Its workload still uses a version of a secret that is refused.
    fn locked_out(&self, service: &Service) -> bool {
        let Some(workload) = &service.workload else {
            return false;
        };
        let refused = self.secrets.values().filter(|secret| !secret.old_accepted);
        refused
            .into_iter()
            .any(|secret| self.stale(secret).contains(workload))
    }

    /// The share of a record that leads to the region of a target, in percent.
    fn share(&self, record: &TargetId, target: &TargetId) -> u32 {
        let region = self.site.target(target).and_then(|t| t.region.as_ref());
        let shares = self
            .records
            .get(record)
            .map(|record| record.resolves(self.at));
        let share = region.and_then(|region| shares?.get(region).copied());
        share.unwrap_or(0)
    }

    /// The public name answers as wherever its record leads does.
    fn public_serves(&self, service: &Service) -> bool {
        let Some(record) = &service.record else {
            return true;
        };
        let behind = self
            .wiring
            .services
            .iter()
            .filter(|other| !other.public && other.record.as_ref() == Some(record));
        let answered = behind.filter(|other| self.serves(&other.target));
        let answered: u32 = answered
            .map(|other| self.share(record, &other.target))
            .sum();
        answered >= ANSWERED
    }

    /// Counts how long requests failed in regions that somebody moved traffic to, second by second.
    pub(super) fn count_failing(&mut self, to: Duration) {
        let from = self.at;
        if self.moved.is_empty() {
            return;
        }
        let mut at = Duration::from_secs(from.as_secs()) + STEP;
        while at <= to {
            self.at = at;
            let failing: Vec<RegionId> = self
                .moved
                .keys()
                .filter(|r| self.fails_in(r))
                .cloned()
                .collect();
            for region in failing {
                if let Some((_, span)) = self.moved.get_mut(&region) {
                    *span += STEP;
                }
            }
            at += STEP;
        }
    }

    /// Users are sent to a region whose service does not answer.
    fn fails_in(&self, region: &RegionId) -> bool {
        let mut services = self.wiring.services.iter().filter(|service| {
            let of = self.site.target(&service.target);
            !service.public && of.is_some_and(|t| t.region.as_ref() == Some(region))
        });
        services.any(|service| {
            let record = service.record.as_ref();
            let share = record.map_or(0, |record| self.share(record, &service.target));
            share > 0 && !self.serves(&service.target)
        })
    }

    /// What moving traffic too early cost.
    pub(super) fn moved_harms(&self) -> Vec<Harm> {
        let failed = self.moved.iter().filter(|(_, (_, span))| !span.is_zero());
        let told = failed.map(|(region, (since, span))| Harm {
            at: *since,
            words: format!(
                "requests failed for {}: traffic was moved to {region} before it could answer",
                Span(*span)
            ),
            makes: match *span < BLOT {
                true => Grade::Partial,
                false => Grade::Fail,
            },
        });
        told.collect()
    }
}
