//! DNS records: what is set, what resolvers still answer, and when every name server has it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::drill::scenario::Wiring;
use crate::incident::acts::route53::DnsSight;
use crate::incident::names::{RegionId, TargetId};

/// How long resolvers keep an answer where the wiring does not say.
const TTL: Duration = Duration::from_secs(60);

/// Until every name server has a change.
pub(super) const SYNC: Duration = Duration::from_secs(20);

type Shares = BTreeMap<RegionId, u32>;

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    ttl: Duration,
    before: Shares,
    set: Shares,
    changed: Option<Duration>,
}

impl Record {
    pub(super) fn new(id: &TargetId, wiring: &Wiring) -> Self {
        let known = wiring.records.iter().find(|record| record.target == *id);
        let weights = known.map(|record| record.weights.iter().cloned().collect());
        let set: Shares = weights.unwrap_or_default();
        Self {
            ttl: known.map_or(TTL, |record| record.ttl),
            before: set.clone(),
            set,
            changed: None,
        }
    }

    /// Gives a region a share; what is left is shared by the others as before.
    pub(super) fn shift(&mut self, to: &RegionId, percent: u32, at: Duration) {
        let rest = 100 - percent.min(100);
        let others: u32 = self
            .set
            .iter()
            .filter(|(id, _)| *id != to)
            .map(|(_, n)| n)
            .sum();
        let count = u32::try_from(self.set.len())
            .unwrap_or(1)
            .saturating_sub(1)
            .max(1);
        let mut set: Shares = self
            .set
            .iter()
            .map(|(id, share)| {
                let share = match others {
                    0 => rest / count,
                    _ => share * rest / others,
                };
                (id.clone(), share)
            })
            .collect();
        set.insert(to.clone(), percent.min(100));
        self.put(set, at);
    }

    /// Sets weights as a capture keeps them, `us-east-1=100,us-west-2=0`; none when they can't be read.
    pub(super) fn point(&mut self, weights: &str, at: Duration) -> Option<()> {
        let parts = weights.split(',').map(|part| {
            let (region, share) = part.split_once('=')?;
            Some((
                RegionId(region.trim().to_owned()),
                share.trim().parse().ok()?,
            ))
        });
        let set: Option<Shares> = parts.collect();
        self.put(set?, at);
        Some(())
    }

    fn put(&mut self, set: Shares, at: Duration) {
        self.before = self.resolves(at);
        self.set = set;
        self.changed = Some(at);
    }

    /// What resolvers answer: within the TTL they come over one after the other.
    pub(super) fn resolves(&self, at: Duration) -> Shares {
        let Some(changed) = self.changed else {
            return self.set.clone();
        };
        let passed = u64::try_from(at.saturating_sub(changed).as_millis()).unwrap_or(u64::MAX);
        let ttl = u64::try_from(self.ttl.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let come = passed.min(ttl);
        let regions = self.set.keys().chain(self.before.keys());
        let share =
            |shares: &Shares, id: &RegionId| u64::from(shares.get(id).copied().unwrap_or(0));
        regions
            .map(|id| {
                let mixed = share(&self.before, id) * (ttl - come) + share(&self.set, id) * come;
                (id.clone(), u32::try_from(mixed / ttl).unwrap_or(100))
            })
            .collect()
    }

    pub(super) fn sight(&self, at: Duration) -> DnsSight {
        let weights: Vec<String> = self.set.iter().map(|(id, n)| format!("{id}={n}")).collect();
        DnsSight {
            weights: weights.join(","),
            set: self.set.clone(),
            resolves: Some(self.resolves(at)),
            ttl: self.ttl,
            in_sync: Some(self.changed.is_none_or(|changed| at >= changed + SYNC)),
            sick: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_come_over_within_the_ttl() {
        let (east, west) = (RegionId::from("east"), RegionId::from("west"));
        let mut record = Record {
            ttl: TTL,
            before: Shares::new(),
            set: [(east.clone(), 100), (west.clone(), 0)].into(),
            changed: None,
        };
        let second = Duration::from_secs;
        record.shift(&west, 100, second(100));
        for (at, share, in_sync) in [(100, 0, false), (130, 50, true), (160, 100, true)] {
            let sight = record.sight(second(at));
            assert_eq!(
                (sight.resolves.unwrap()[&west], sight.in_sync),
                (share, Some(in_sync)),
                "{at}"
            );
        }
        assert_eq!(record.sight(second(200)).weights, "east=0,west=100");
        record.shift(&east, 10, second(300));
        assert_eq!(record.sight(second(400)).weights, "east=10,west=90");
        assert_eq!(record.point("east=100,west=0", second(500)), Some(()));
        assert_eq!(record.sight(second(600)).resolves.unwrap()[&east], 100);
        assert_eq!(record.point("nonsense", second(700)), None);
    }
}
