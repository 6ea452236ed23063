//! Names of a scenario against its site: targets by system, regions, links, backups, severities.

use std::ops::Range;

use crate::incident::fault::nearest;
use crate::incident::names::{BackupId, LinkId, RegionId, SeverityId, StepId, TargetId};
use crate::incident::site::Site;
use crate::incident::strict::{Reader, Table};

/// Names of the site the scenario is played on. Without a site, every name is taken: its own faults were told.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// The site.
    pub site: Option<&'a Site>,
}

/// Systems a word may name a target of; none: any.
pub(super) type Systems = &'static [&'static str];

/// Any system will do.
pub(super) const ANY: Systems = &[];
/// Databases.
pub(super) const DATABASE: Systems = &["postgres", "rds"];
/// Servers that follow another.
pub(super) const REPLICATED: Systems = &["postgres", "redis"];
/// Workloads.
pub(super) const WORKLOAD: Systems = &["kubernetes"];
/// DNS records.
pub(super) const RECORD: Systems = &["route53"];
/// Secrets.
pub(super) const SECRET: Systems = &["secrets"];
/// Endpoints.
pub(super) const ENDPOINT: Systems = &["http"];

impl<'a> Names<'a> {
    /// Names of a site.
    pub fn of(site: Option<&'a Site>) -> Self {
        Self { site }
    }

    /// A target that must be there.
    pub fn target(
        self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
        systems: Systems,
    ) -> Option<TargetId> {
        if !table.has(key) {
            table.missing(reader, key, &format!("{key} = \"TARGET\""));
        }
        self.may_target(reader, table, key, systems)
    }

    /// A target, where the key stands there.
    pub fn may_target(
        self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
        systems: Systems,
    ) -> Option<TargetId> {
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        self.target_at(reader, &at, &owner, &name, systems)
    }

    /// A target by its name at a place of the file.
    pub fn target_at(
        self,
        reader: &mut Reader<'_>,
        at: &Range<usize>,
        owner: &str,
        name: &str,
        systems: Systems,
    ) -> Option<TargetId> {
        let id = TargetId::from(name);
        let Some(site) = self.site else {
            return Some(id);
        };
        let fits = |system: &str| systems.is_empty() || systems.contains(&system);
        match site.target(&id).map(|target| target.endpoint.system()) {
            Some(system) if fits(system) => return Some(id),
            Some(system) => {
                let what = format!("{owner}: {name} is {system}");
                let instead = format!("name a target of {}", systems.join(" or "));
                reader.fault(at, what, instead);
            }
            None => {
                let fitting = site.targets.iter().filter(|t| fits(t.endpoint.system()));
                let known = fitting.map(|t| t.id.as_str());
                unknown(reader, at, owner, "target", name, known.collect());
            }
        }
        None
    }

    /// A region that must be there.
    pub fn region(self, reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<RegionId> {
        if !table.has(key) {
            table.missing(reader, key, &format!("{key} = \"REGION\""));
        }
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        self.region_at(reader, &at, &owner, &name)
    }

    /// A region by its name at a place of the file.
    pub fn region_at(
        self,
        reader: &mut Reader<'_>,
        at: &Range<usize>,
        owner: &str,
        name: &str,
    ) -> Option<RegionId> {
        let known = self.site.map(|site| &site.regions);
        let known = known.map(|all| all.iter().map(|r| r.id.as_str()).collect());
        known_name(reader, at, owner, "region", name, known).map(|name| RegionId(name.to_owned()))
    }

    /// A link that must be there.
    pub fn link(self, reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<LinkId> {
        if !table.has(key) {
            table.missing(reader, key, &format!("{key} = \"LINK\""));
        }
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        self.link_at(reader, &at, &owner, &name)
    }

    /// A link by its name at a place of the file.
    pub fn link_at(
        self,
        reader: &mut Reader<'_>,
        at: &Range<usize>,
        owner: &str,
        name: &str,
    ) -> Option<LinkId> {
        let known = self.site.map(|site| &site.links);
        let known = known.map(|all| all.iter().map(|l| l.id.as_str()).collect());
        known_name(reader, at, owner, "link", name, known).map(|name| LinkId(name.to_owned()))
    }

    /// A backup that must be there.
    pub fn backup(self, reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<BackupId> {
        if !table.has(key) {
            table.missing(reader, key, &format!("{key} = \"BACKUP\""));
        }
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        self.backup_at(reader, &at, &owner, &name)
    }

    /// A backup by its name at a place of the file.
    pub fn backup_at(
        self,
        reader: &mut Reader<'_>,
        at: &Range<usize>,
        owner: &str,
        name: &str,
    ) -> Option<BackupId> {
        // What is kept nowhere on purpose can't fail, and nothing is restored from it.
        let made = |site: &'a Site| {
            let made = site.backups.iter().filter(|backup| backup.intended);
            made.map(|backup| backup.id.as_str()).collect()
        };
        let known = self.site.map(made);
        known_name(reader, at, owner, "backup", name, known).map(|name| BackupId(name.to_owned()))
    }

    /// A severity, where the key stands there.
    pub fn severity(
        self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
    ) -> Option<SeverityId> {
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        let known = self.site.map(|site| &site.severities);
        let known = known.map(|all| all.iter().map(|s| s.id.as_str()).collect());
        let name = known_name(reader, &at, &owner, "severity", &name, known)?;
        Some(SeverityId(name.to_owned()))
    }

    /// A category, where the key stands there.
    pub fn category(self, reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<String> {
        let (at, name) = table.text_at(reader, key)?;
        let owner = table.name.clone();
        let known = self.site.map(|site| &site.categories);
        let known = known.map(|all| all.iter().map(String::as_str).collect());
        known_name(reader, &at, &owner, "category", &name, known).map(str::to_owned)
    }
}

/// The name, when it is known, or nothing is known at all.
fn known_name<'n>(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    owner: &str,
    kind: &str,
    name: &'n str,
    known: Option<Vec<&str>>,
) -> Option<&'n str> {
    match known {
        Some(known) if !known.contains(&name) => {
            unknown(reader, at, owner, kind, name, known);
            None
        }
        _ => Some(name),
    }
}

fn unknown(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    owner: &str,
    kind: &str,
    name: &str,
    known: Vec<&str>,
) {
    let instead = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => format!("the site has no such {kind}"),
        None => format!("known: {}", known.join(", ")),
    };
    reader.fault(at, format!("{owner}: no {kind} {name:?}"), instead);
}

/// Reports a runbook that the scenario does not list.
pub(super) fn listed(reader: &mut Reader<'_>, at: &Range<usize>, id: &str, runbooks: &[String]) {
    if runbooks.iter().any(|known| known == id) {
        return;
    }
    let instead = match nearest(id, runbooks.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("add {id:?} to runbooks"),
    };
    let what = format!("runbook {id} is not one of the scenario's");
    reader.fault(at, what, instead);
}

/// A step's id, without the `#`.
pub(super) fn step(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    key: &str,
    id: String,
) -> Option<StepId> {
    match id.strip_prefix('#') {
        Some(bare) => {
            let what = format!("{key} is {id:?}");
            reader.fault(at, what, format!("leave the # out, {bare:?}"));
            None
        }
        None if id.trim().is_empty() => {
            let example = "write the id of a step, such as \"promote\"";
            reader.fault(at, format!("{key} names no step"), example);
            None
        }
        None => Some(StepId(id)),
    }
}
