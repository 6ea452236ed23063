//! A region: the sum of its components.

use std::collections::BTreeMap;

use super::{ComponentVital, Standing, overall};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::site::{Region, RegionRole, Site};

/// A region as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionVital {
    /// As its worst component.
    pub standing: Standing,
    /// Components that are fine.
    pub fine: usize,
    /// Components it has.
    pub total: usize,
    /// `6/6`, of a standby `6/6 ready`.
    pub words: String,
    /// Since when: the first of its components came to be as bad as it is, or the last one came to be fine.
    pub since: Option<Now>,
}

/// How a region stands by its components; one without a vital is unknown.
pub fn region(
    site: &Site,
    region: &Region,
    vitals: &BTreeMap<TargetId, ComponentVital>,
) -> RegionVital {
    let targets = site
        .targets
        .iter()
        .filter(|t| t.region.as_ref() == Some(&region.id));
    let parts: Vec<Option<&ComponentVital>> = targets.map(|t| vitals.get(&t.id)).collect();
    let standing_of =
        |part: &Option<&ComponentVital>| part.map_or(Standing::Unknown, |v| v.standing);
    let standing = overall(parts.iter().map(standing_of));
    let fine = parts
        .iter()
        .filter(|part| standing_of(part) == Standing::Fine)
        .count();
    let mut changes: Vec<&Now> = parts
        .iter()
        .filter(|part| standing_of(part) == standing)
        .filter_map(|part| part.and_then(|vital| vital.since.as_ref()))
        .collect();
    changes.sort_by_key(|at| at.wall);
    let since = match standing {
        Standing::Fine => changes.last(),
        _ => changes.first(),
    };
    let total = parts.len();
    let words = match region.role {
        RegionRole::Primary => format!("{fine}/{total}"),
        RegionRole::Standby => format!("{fine}/{total} ready"),
    };
    RegionVital {
        standing,
        fine,
        total,
        words,
        since: since.map(|at| (*at).clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sights::{at, http_target, site};
    use super::*;
    use Standing::{Breach, Fine, Unknown, Watch};

    #[test]
    fn a_region_is_the_sum_of_its_components() {
        let part = |standing, second| {
            let since = Some(at(second));
            Some(ComponentVital {
                standing,
                words: String::new(),
                since,
                age: None,
            })
        };
        let table = [
            (
                "all fine, since the last",
                [part(Fine, 1), part(Fine, 5)],
                Fine,
                "2/2",
                Some(5),
            ),
            (
                "one down, since then",
                [part(Fine, 1), part(Breach, 5)],
                Breach,
                "1/2",
                Some(5),
            ),
            (
                "both, since the first",
                [part(Breach, 3), part(Breach, 5)],
                Breach,
                "0/2",
                Some(3),
            ),
            (
                "unknown is not down",
                [part(Fine, 1), part(Unknown, 7)],
                Unknown,
                "1/2",
                Some(7),
            ),
            (
                "worth an eye is not fine",
                [part(Fine, 1), part(Watch, 2)],
                Watch,
                "1/2",
                Some(2),
            ),
            ("never seen", [None, None], Unknown, "0/2", None),
        ];
        let site = site(vec![
            http_target("a", "east"),
            http_target("b", "east"),
            http_target("c", "west"),
        ]);
        for (what, parts, standing, words, since) in table {
            let names = ["a", "b"].map(TargetId::from);
            let given = names
                .into_iter()
                .zip(parts)
                .filter_map(|(name, part)| Some((name, part?)));
            let vital = region(&site, &site.regions[0], &given.collect());
            assert_eq!(
                (vital.standing, vital.words.as_str()),
                (standing, words),
                "{what}"
            );
            assert_eq!(vital.since, since.map(at), "{what}");
        }
        let vital = region(&site, &site.regions[1], &BTreeMap::new());
        assert_eq!(vital.words, "0/1 ready");
        let empty = Region {
            id: "north".into(),
            role: RegionRole::Primary,
        };
        assert_eq!(region(&site, &empty, &BTreeMap::new()).standing, Unknown);
    }
}
