//! What comes with warroom: the sites that scenarios are played on.

use super::Wiring;
use super::read;

/// Sites that scenarios share: name, site file, and what hangs together there.
pub const SITES: &[(&str, &str, &str)] = &[];

/// A built-in site's text and its usual wiring.
pub(super) fn site(name: &str) -> Option<(&'static str, Wiring)> {
    let (_, site, world) = SITES.iter().find(|(known, _, _)| *known == name)?;
    let (wiring, _) = read::wiring(&format!("{name}.world.toml"), world, site);
    Some((site, wiring))
}
