//! Where the record leads as resolvers answer: an answer is that of the region whose set holds it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::types::ResourceRecordSet;
use futures_util::future::join_all;

use super::weights::region;
use crate::incident::names::RegionId;
use crate::systems::wire::resolver::Resolver;

/// The share of each region in what the resolvers answer, in percent, rounded down: all of them, or it is not 100. One that does
/// not answer, or leads where no set does, counts for no region. None when no resolver is asked.
pub(super) async fn shares(
    resolvers: &[Resolver],
    record: &str,
    sets: &[ResourceRecordSet],
    names: &BTreeMap<String, RegionId>,
) -> Option<BTreeMap<RegionId, u32>> {
    let asked = resolvers
        .iter()
        .map(|resolver| leads(resolver, record, sets, names));
    let led: Vec<Option<RegionId>> = join_all(asked).await;
    let share = |region: &RegionId| {
        let there = led.iter().flatten().filter(|to| *to == region).count();
        u32::try_from(there * 100 / led.len()).unwrap_or(0)
    };
    let regions: BTreeSet<RegionId> = sets.iter().map(|set| region(set, names)).collect();
    let shares = regions
        .into_iter()
        .map(|region| (region.clone(), share(&region)));
    (!resolvers.is_empty()).then(|| shares.collect())
}

/// The region that a resolver leads to: the one whose set holds every address of its answer.
async fn leads(
    resolver: &Resolver,
    record: &str,
    sets: &[ResourceRecordSet],
    names: &BTreeMap<String, RegionId>,
) -> Option<RegionId> {
    let (answer, _) = resolver.ask(record).await.ok()?;
    let mut held: BTreeMap<RegionId, BTreeSet<String>> = BTreeMap::new();
    for set in sets {
        let addresses = held.entry(region(set, names)).or_default();
        addresses.extend(
            set.resource_records()
                .iter()
                .map(|one| one.value().to_owned()),
        );
        // What AWS balances is led to by its name, and has addresses that change.
        if let Some(alias) = set.alias_target() {
            let found = resolver.ask(alias.dns_name()).await;
            addresses.extend(found.into_iter().flat_map(|(addresses, _)| addresses));
        }
    }
    let mut there = held
        .into_iter()
        .filter(|(_, addresses)| answer.is_subset(addresses));
    let (region, _) = there.next()?;
    // An address of two regions tells nothing.
    there.next().is_none().then_some(region)
}
