//! What comes with warroom: scenarios, the sites they are played on, and runbooks that need a simulated site to show all.

use super::Wiring;
use super::read;

/// Every built-in scenario, by id and text; the first is the one a drill without a name plays.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("region-lost", include_str!("../scenarios/region-lost.toml")),
];

/// Sites that scenarios share: name, site file, and what hangs together there.
pub const SITES: &[(&str, &str, &str)] = &[(
    "harbour",
    include_str!("../scenarios/sites/harbour.toml"),
    include_str!("../scenarios/sites/harbour.world.toml"),
)];

/// Runbooks that the scenarios walk beside those every site gets, by id and text.
pub const RUNBOOKS: &[(&str, &str)] = &[];

/// A built-in site's text and its usual wiring. Neither has a fault: a test reads them all.
pub(super) fn site(name: &str) -> Option<(&'static str, Wiring)> {
    let (_, site, world) = SITES.iter().find(|(known, _, _)| *known == name)?;
    let (wiring, _) = read::wiring(&format!("{name}.world.toml"), world, site);
    Some((site, wiring))
}
