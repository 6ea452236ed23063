//! What comes with warroom: scenarios, and sites that several of them share.

use super::Wiring;
use super::read;

/// Every built-in scenario, by id and text; the first is the one a drill without a name plays.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("region-lost", include_str!("../scenarios/region-lost.toml")),
    (
        "database-lost",
        include_str!("../scenarios/database-lost.toml"),
    ),
    ("zone-lost", include_str!("../scenarios/zone-lost.toml")),
    (
        "data-corrupted",
        include_str!("../scenarios/data-corrupted.toml"),
    ),
    (
        "accidental-deletion",
        include_str!("../scenarios/accidental-deletion.toml"),
    ),
    ("redis-lost", include_str!("../scenarios/redis-lost.toml")),
    (
        "cluster-lost",
        include_str!("../scenarios/cluster-lost.toml"),
    ),
    (
        "credentials-leaked",
        include_str!("../scenarios/credentials-leaked.toml"),
    ),
    ("bad-release", include_str!("../scenarios/bad-release.toml")),
    (
        "provider-failure",
        include_str!("../scenarios/provider-failure.toml"),
    ),
    (
        "gdpr-restore",
        include_str!("../scenarios/gdpr-restore.toml"),
    ),
    ("failback", include_str!("../scenarios/failback.toml")),
    (
        "backups-silent",
        include_str!("../scenarios/backups-silent.toml"),
    ),
];

/// Sites that scenarios share: name, site file, and what hangs together there.
pub const SITES: &[(&str, &str, &str)] = &[
    (
        "harbour",
        include_str!("../scenarios/sites/harbour.toml"),
        include_str!("../scenarios/sites/harbour.world.toml"),
    ),
    (
        "harbour-west",
        include_str!("../scenarios/sites/harbour-west.toml"),
        include_str!("../scenarios/sites/harbour-west.world.toml"),
    ),
    (
        "pier",
        include_str!("../scenarios/sites/pier.toml"),
        include_str!("../scenarios/sites/pier.world.toml"),
    ),
];

/// Runbooks that need a simulated site to show all, by id and text; exercises offer them beside those every site gets.
pub const RUNBOOKS: &[(&str, &str)] = &[
    (
        "backups-broken",
        include_str!("../runbooks/backups-broken.md"),
    ),
    (
        "cluster-rebuild",
        include_str!("../runbooks/cluster-rebuild.md"),
    ),
    (
        "database-failover",
        include_str!("../runbooks/database-failover.md"),
    ),
    ("deleted-rows", include_str!("../runbooks/deleted-rows.md")),
    ("failback", include_str!("../runbooks/failback.md")),
    ("gdpr-restore", include_str!("../runbooks/gdpr-restore.md")),
    (
        "point-in-time-recovery",
        include_str!("../runbooks/point-in-time-recovery.md"),
    ),
    (
        "provider-fallback",
        include_str!("../runbooks/provider-fallback.md"),
    ),
    (
        "release-rollback",
        include_str!("../runbooks/release-rollback.md"),
    ),
    (
        "secret-rotation",
        include_str!("../runbooks/secret-rotation.md"),
    ),
    ("zone-watch", include_str!("../runbooks/zone-watch.md")),
];

/// A built-in site's text and its usual wiring.
pub(super) fn site(name: &str) -> Option<(&'static str, Wiring)> {
    let (_, site, world) = SITES.iter().find(|(known, _, _)| *known == name)?;
    let (wiring, _) = read::wiring(&format!("{name}.world.toml"), world, site);
    Some((site, wiring))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::names::RunbookId;
    use crate::incident::runbook;

    #[test]
    fn every_built_in_scenario_reads_without_a_fault() {
        for (id, text) in SCENARIOS {
            let (scenario, faults) = read::parse(&format!("{id}.toml"), id, text);
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(scenario.is_some() && said.is_empty(), "{said:#?}");
        }
    }

    #[test]
    fn every_runbook_of_theirs_is_clean_on_their_site() {
        let (text, _) = site("harbour").unwrap();
        let folder = std::path::Path::new("/");
        let (harbour, faults) = crate::incident::sitefile::parse("harbour", text, folder);
        assert!(faults.is_empty(), "{faults:#?}");
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 25).unwrap();
        let mut said: Vec<String> = Vec::new();
        for (id, text) in RUNBOOKS {
            let name = format!("{id}.md");
            let id = RunbookId::from(*id);
            let faults = runbook::check(&name, text, id, harbour.as_ref(), today);
            said.extend(faults.iter().map(ToString::to_string));
        }
        assert!(said.is_empty(), "{said:#?}");
    }
}
