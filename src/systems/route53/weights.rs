//! The weights of a record, region by region, and what a shift makes of them.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_route53::types::ResourceRecordSet;

use crate::incident::names::RegionId;

/// Weights by region, 0 to 255 each, as Route 53 takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weights(BTreeMap<RegionId, i64>);

/// The region of a set: what the site says of its identifier, else the identifier itself.
pub(super) fn region(set: &ResourceRecordSet, names: &BTreeMap<String, RegionId>) -> RegionId {
    let id = set.set_identifier().unwrap_or_default();
    names
        .get(id)
        .cloned()
        .unwrap_or_else(|| RegionId(id.to_owned()))
}

impl Weights {
    /// The weights of sets.
    ///
    /// # Errors
    /// When two types of the record, A and AAAA say, give a region different weights.
    pub(super) fn of(
        sets: &[ResourceRecordSet],
        names: &BTreeMap<String, RegionId>,
    ) -> Result<Self, String> {
        let mut weights = BTreeMap::new();
        for set in sets {
            let (region, weight) = (region(set, names), set.weight().unwrap_or(0));
            if let Some(other) = weights
                .insert(region.clone(), weight)
                .filter(|other| *other != weight)
            {
                return Err(format!(
                    "the types of the record disagree: {region} has weight {other} and {weight}"
                ));
            }
        }
        Ok(Self(weights))
    }

    /// Reads `us-east-1=100,us-west-2=0`, as it was kept before.
    pub(super) fn read(text: &str) -> Option<Self> {
        let parts = text.split(',').map(|part| {
            let (region, weight) = part.split_once('=')?;
            let weight: i64 = weight.trim().parse().ok()?;
            let fits = (0..=255).contains(&weight);
            fits.then(|| (RegionId(region.trim().to_owned()), weight))
        });
        parts.collect::<Option<_>>().map(Self)
    }

    pub(super) fn get(&self, region: &RegionId) -> Option<i64> {
        self.0.get(region).copied()
    }

    pub(super) fn regions(&self) -> impl Iterator<Item = &RegionId> {
        self.0.keys()
    }

    /// The share of each region in percent. With every weight 0 Route 53 treats all alike.
    pub(super) fn shares(&self) -> BTreeMap<RegionId, u32> {
        let sum: i64 = self.0.values().sum();
        let share = |weight: i64| match sum {
            0 => 100 / i64::try_from(self.0.len()).unwrap_or(1).max(1),
            sum => (weight * 100 + sum / 2) / sum,
        };
        let shares = self.0.iter();
        shares
            .map(|(region, weight)| (region.clone(), u32::try_from(share(*weight)).unwrap_or(0)))
            .collect()
    }

    /// Gives `to` a share in percent; the others keep their proportions in the rest.
    pub(super) fn shifted(&self, to: &RegionId, percent: u32) -> Self {
        let percent = i64::from(percent.min(100));
        let others = || self.0.iter().filter(|(region, _)| *region != to);
        let (sum, count) = (others().map(|(_, w)| w).sum::<i64>(), others().count());
        let rest = 100 - percent;
        let count = i64::try_from(count).unwrap_or(1).max(1);
        let part = |weight: i64| match sum {
            0 => rest / count,
            sum => (weight * rest + sum / 2) / sum,
        };
        let mut weights: BTreeMap<_, _> = others()
            .map(|(region, w)| (region.clone(), part(*w)))
            .collect();
        weights.insert(to.clone(), percent);
        Self(weights)
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self
            .0
            .iter()
            .map(|(region, weight)| format!("{region}={weight}"));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::RrType;

    use super::*;

    fn weights(text: &str) -> Weights {
        Weights::read(text).unwrap()
    }

    #[test]
    fn a_shift_gives_one_its_share_and_keeps_the_proportions_of_the_rest() {
        let table = [
            ("east=100,west=0", "west", 100, "east=0,west=100"),
            ("east=100,west=0", "west", 10, "east=90,west=10"),
            ("east=255,west=0", "west", 50, "east=50,west=50"),
            ("east=0,west=100", "west", 40, "east=60,west=40"),
            ("a=60,b=20,c=20", "c", 50, "a=38,b=13,c=50"),
        ];
        for (before, to, percent, after) in table {
            assert_eq!(
                weights(before).shifted(&to.into(), percent),
                weights(after),
                "{before}"
            );
        }
    }

    #[test]
    fn shares_are_percent_and_all_alike_when_every_weight_is_zero() {
        let shares = |text| weights(text).shares().into_values().collect::<Vec<_>>();
        assert_eq!(shares("east=255,west=0"), [100, 0]);
        assert_eq!(shares("east=3,west=1"), [75, 25]);
        assert_eq!(shares("east=0,west=0"), [50, 50]);
    }

    #[test]
    fn what_is_no_list_of_weights_is_refused() {
        for text in ["", "east", "east=x", "east=256", "east=-1"] {
            assert_eq!(Weights::read(text), None, "{text}");
        }
    }

    #[test]
    fn types_that_disagree_are_said() {
        let set = |kind: RrType, weight| {
            let set = ResourceRecordSet::builder().name("w.example.").r#type(kind);
            set.set_identifier("blue").weight(weight).build().unwrap()
        };
        let names: BTreeMap<String, RegionId> = [("blue".to_owned(), "east".into())].into();
        let alike = [set(RrType::A, 10), set(RrType::Aaaa, 10)];
        assert_eq!(Weights::of(&alike, &names), Ok(weights("east=10")));
        let apart = [set(RrType::A, 10), set(RrType::Aaaa, 20)];
        assert!(
            Weights::of(&apart, &names)
                .unwrap_err()
                .contains("disagree")
        );
    }
}
