//! What comes with warroom: scenarios, and sites that several of them share.

use super::Wiring;
use super::read;

/// Every built-in scenario, by id and text; the first is the one a drill without a name plays.
pub const SCENARIOS: &[(&str, &str)] =
    &[("region-lost", include_str!("../scenarios/region-lost.toml"))];

/// Sites that scenarios share: name, site file, and what hangs together there.
pub const SITES: &[(&str, &str, &str)] = &[];

/// A built-in site's text and its usual wiring.
pub(super) fn site(name: &str) -> Option<(&'static str, Wiring)> {
    let (_, site, world) = SITES.iter().find(|(known, _, _)| *known == name)?;
    let (wiring, _) = read::wiring(&format!("{name}.world.toml"), world, site);
    Some((site, wiring))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_reads_without_a_fault() {
        for (id, text) in SCENARIOS {
            let (scenario, faults) = read::parse(&format!("{id}.toml"), id, text);
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(scenario.is_some() && said.is_empty(), "{said:#?}");
        }
    }
}
