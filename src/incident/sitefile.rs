//! Reads the site file: TOML, strictly, all faults at once, onto [`Site`].
//!
//! Nothing is looked up or opened here; what can be wrong between the lines of one file is found, and only that.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::digest::digest;
use super::fault::{Fault, Source, Weight};
use super::measure::Span;
use super::names::{BackupId, LinkId, RegionId, RunbookId, TargetId};
use super::runbook::{System, variable_name};
use super::site::{Backup, Endpoint, Link, Objectives, Region, RegionRole, Site, Target};
use super::strict::{Reader, Table};

pub use self::env::{TOOL_NAMES, is_of_one, tool_env};
use self::fields::{Folder, text};

mod checks;
mod cloud;
pub mod defaults;
mod drills;
mod endpoints;
mod env;
mod fields;
mod ladder;
mod targets;

/// A commented site file that shows every key. Lines that begin with `#` and no space are the defaults.
pub const SAMPLE: &str = include_str!("../../site.sample.toml");

/// Reads a site file's text. `file` is its name for faults; relative paths start at `base`, the file's folder.
///
/// The site is given when nothing but warnings was found.
pub fn parse(file: &str, text: &str, base: &Path) -> (Option<Site>, Vec<Fault>) {
    let folder = Folder::new(base);
    let mut reader = Reader::new(Source::new(file, text));
    let table = reader.parse(0..text.len(), "the site");
    let unreadable = std::mem::take(&mut reader.faults);
    let site = site(&mut reader, table, &folder, digest(text.as_bytes()));
    let mut faults = reader.faults;
    // What the parser made of a line it could not read is no fault of its own.
    faults.retain(|fault| unreadable.iter().all(|other| other.line != fault.line));
    faults.extend(unreadable);
    faults.sort_by_key(|fault| (fault.line, fault.col));
    let usable = faults.iter().all(|fault| fault.weight == Weight::Warning);
    (site.filter(|_| usable), faults)
}

fn site(
    reader: &mut Reader<'_>,
    mut table: Table,
    folder: &Folder<'_>,
    digest: String,
) -> Option<Site> {
    let name = fields::required(
        reader,
        &mut table,
        "name",
        "name = \"NAME\", shown in the title line",
    );
    let look = |word: Option<String>| word.unwrap_or_else(|| defaults::LOOK.to_owned());
    let theme = look(text(reader, &mut table, "theme"));
    let keymap = look(text(reader, &mut table, "keymap"));
    let state_dir = folder.path(reader, &mut table, "state_dir");
    let runbooks = folder.path(reader, &mut table, "runbooks");
    let objectives = objectives(reader, &mut table);
    let categories = categories(reader, &mut table);
    let severities = ladder::severities(reader, &mut table);
    let ladder = ladder::rungs(reader, &mut table, &severities, &categories);
    let contacts = ladder::contacts(reader, &mut table);
    let regions = regions(reader, &mut table);
    let (targets, names) = targets(reader, folder, &mut table, &regions);
    let links = links(reader, &mut table, &names);
    let backups = backups(reader, &mut table, &names);
    let drills = drills::read(reader, &mut table);
    let vars = vars(reader, &mut table);
    table.finish(reader);
    Some(Site {
        name: name?,
        digest,
        regions,
        targets,
        links,
        backups,
        drills,
        objectives,
        severities,
        categories,
        ladder,
        contacts,
        theme,
        keymap,
        state_dir,
        runbooks,
        vars,
    })
}

/// `[vars.RUNBOOK]`: what its variables are filled in with here.
fn vars(
    reader: &mut Reader<'_>,
    site: &mut Table,
) -> BTreeMap<RunbookId, BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for (_, runbook, mut table) in site.named(reader, "vars", "runbook's values") {
        let mut values = BTreeMap::new();
        for name in table.keys() {
            let at = table.key_at(&name);
            if let Err(why) = variable_name(&name) {
                reader.fault(&at, why, "name it as the runbook's card does");
            }
            values.extend(table.text(reader, &name).map(|value| (name, value)));
        }
        table.finish(reader);
        found.insert(RunbookId(runbook), values);
    }
    found
}

fn objectives(reader: &mut Reader<'_>, site: &mut Table) -> Objectives {
    match site.table(reader, "objectives", "objectives") {
        None => Objectives {
            rto: None,
            rpo: None,
        },
        Some(mut table) => {
            let rto = table.span(reader, "rto");
            let rpo = table.span(reader, "rpo");
            table.finish(reader);
            Objectives { rto, rpo }
        }
    }
}

fn categories(reader: &mut Reader<'_>, site: &mut Table) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, category) in site.texts(reader, "categories") {
        fields::name(reader, &at, "category", &category);
        if found.contains(&category) {
            reader.fault(
                &at,
                format!("category {category} stands twice"),
                "take one out",
            );
        }
        found.push(category);
    }
    match found.is_empty() {
        true => defaults::categories(),
        false => found,
    }
}

fn regions(reader: &mut Reader<'_>, site: &mut Table) -> Vec<Region> {
    let roles = [
        ("primary", RegionRole::Primary),
        ("standby", RegionRole::Standby),
    ];
    let mut found = Vec::new();
    for (at, name, mut table) in site.named(reader, "regions", "region") {
        fields::name(reader, &at, "region", &name);
        if !table.has("role") {
            table.missing(reader, "role", "role = \"primary\" or role = \"standby\"");
        }
        let role = table
            .choice(reader, "role", &roles)
            .unwrap_or(RegionRole::Standby);
        table.finish(reader);
        found.push(Region {
            id: RegionId(name),
            role,
        });
    }
    found
}

/// A target's name with its system; none when the file gives it a system nobody knows. Targets with faults are named too,
/// so that one fault does not make others.
type Names = Vec<(String, Option<System>)>;

fn targets(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    site: &mut Table,
    regions: &[Region],
) -> (Vec<Target>, Names) {
    let regions: Vec<String> = regions.iter().map(|region| region.id.0.clone()).collect();
    let mut names = Names::new();
    let mut found: Vec<(Range<usize>, Target)> = Vec::new();
    for (at, name, table) in site.named(reader, "targets", "target") {
        let word = |system: &System| table.says("system", system.word());
        let system = System::ALL.into_iter().find(word);
        names.push((name.clone(), system));
        let Some(target) = targets::read(reader, folder, &at, &name, table, &regions) else {
            continue;
        };
        let same =
            |(_, other): &&(Range<usize>, Target)| same_server(&other.endpoint, &target.endpoint);
        if let Some((_, other)) = found.iter().find(same) {
            let place = target.endpoint.place();
            reader.fault(
                &at,
                format!("target {name}: {place} is {} already", other.id),
                "give each its own host and port",
            );
        }
        found.push((at, target));
    }
    for (at, target) in &found {
        consumers(reader, at, target, &names);
    }
    let found = found.into_iter().map(|(_, target)| target).collect();
    (found, names)
}

/// A secret's consumers are workloads of the site, which may stand behind it in the file.
fn consumers(reader: &mut Reader<'_>, at: &Range<usize>, target: &Target, names: &Names) {
    let Endpoint::Secret(secret) = &target.endpoint else {
        return;
    };
    let workload =
        |(_, system): &&(String, Option<System>)| system.is_none_or(|it| it == System::Kubernetes);
    let workloads: Vec<&str> = names
        .iter()
        .filter(workload)
        .map(|(name, _)| name.as_str())
        .collect();
    for consumer in &secret.consumers {
        if !workloads.contains(&consumer.as_str()) {
            let owner = format!("consumers of {}", target.id);
            let all = workloads.iter().copied();
            fields::unknown(reader, at, &owner, "workload", consumer.as_str(), all);
        }
    }
}

/// Two names for one server: a link between them, or a fence of one, would be about itself.
fn same_server(one: &Endpoint, other: &Endpoint) -> bool {
    let address = |endpoint: &Endpoint| match endpoint {
        Endpoint::Postgres(e) => Some((e.host.clone(), e.port)),
        Endpoint::Redis(e) => Some((e.host.clone(), e.port)),
        _ => None,
    };
    address(one).is_some_and(|place| Some(place) == address(other))
}

fn links(reader: &mut Reader<'_>, site: &mut Table, names: &Names) -> Vec<Link> {
    let mut found: Vec<Link> = Vec::new();
    for (at, name, mut table) in site.named(reader, "links", "link") {
        fields::name(reader, &at, "link", &name);
        let from = target(reader, &mut table, "from", names);
        let to = target(reader, &mut table, "to", names);
        let aim = required_span(reader, &mut table, "target", "5s");
        let gate = required_span(reader, &mut table, "gate", "30s");
        let gate_bytes = table.bytes(reader, "gate_bytes");
        let what = table.name.clone();
        table.finish(reader);
        if let (Some(aim), Some(gate)) = (aim, gate)
            && gate < aim
        {
            reader.fault(
                &at,
                format!(
                    "{what}: its gate {} is under its target {}",
                    Span(gate),
                    Span(aim)
                ),
                "make gate the larger: lag over it refuses a promotion",
            );
        }
        let (Some(from), Some(to)) = (from, to) else {
            continue;
        };
        ends(reader, &at, &what, (&from, &to), names);
        if let Some(other) = found.iter().find(|link| link.to.0 == to) {
            reader.fault(
                &at,
                format!("{what}: link {} ends at {to} already", other.id),
                "a replica follows one server",
            );
        }
        let (Some(aim), Some(gate)) = (aim, gate) else {
            continue;
        };
        found.push(Link {
            id: LinkId(name),
            from: TargetId(from),
            to: TargetId(to),
            target: aim,
            gate,
            gate_bytes,
        });
    }
    found
}

/// Whether replication can join the two.
fn ends(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    what: &str,
    (from, to): (&str, &str),
    names: &Names,
) {
    let system = |name: &str| {
        names
            .iter()
            .find(|(n, _)| n == name)
            .and_then(|(_, system)| *system)
    };
    match (system(from), system(to)) {
        _ if from == to => reader.fault(
            at,
            format!("{what} joins {from} to itself"),
            "write the primary in from, the replica in to",
        ),
        (Some(System::Postgres), Some(System::Postgres))
        | (Some(System::Redis), Some(System::Redis))
        | (None, _)
        | (_, None) => {}
        (Some(one), Some(two)) => reader.fault(
            at,
            format!("{what}: {from} is {one}, {to} is {two}"),
            "a link joins two postgres or two redis targets",
        ),
    }
}

/// The name of a target that is there.
fn target(reader: &mut Reader<'_>, table: &mut Table, key: &str, names: &Names) -> Option<String> {
    if !table.has(key) {
        table.missing(reader, key, &format!("{key} = \"TARGET\""));
    }
    let (at, name) = table.text_at(reader, key)?;
    if names.iter().any(|(known, _)| *known == name) {
        return Some(name);
    }
    fields::unknown(
        reader,
        &at,
        &table.name,
        "target",
        &name,
        names.iter().map(|(name, _)| name.as_str()),
    );
    None
}

fn required_span(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
) -> Option<std::time::Duration> {
    if !table.has(key) {
        table.missing(reader, key, &format!("{key} = {example:?}"));
    }
    table.span(reader, key)
}

fn backups(reader: &mut Reader<'_>, site: &mut Table, names: &Names) -> Vec<Backup> {
    let mut found = Vec::new();
    for (at, name, mut table) in site.named(reader, "backups", "backup") {
        fields::name(reader, &at, "backup", &name);
        let intended = table.flag(reader, "intended").unwrap_or(true);
        let backup = match intended {
            true => backup(reader, &at, &mut table, &name, names),
            false => Some(not_intended(reader, &at, &mut table, &name)),
        };
        table.finish(reader);
        found.extend(backup);
    }
    found
}

fn backup(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    table: &mut Table,
    name: &str,
    names: &Names,
) -> Option<Backup> {
    let of = target(reader, table, "of", names);
    let younger = required_span(reader, table, "younger", "25h");
    let size_change = table
        .integer::<u32>(reader, "size_change")
        .unwrap_or(defaults::SIZE_CHANGE);
    let restore_test = table.span(reader, "restore_test");
    let system = of
        .as_ref()
        .and_then(|of| names.iter().find(|(name, _)| name == of))
        .and_then(|(_, system)| *system);
    if let (Some(of), Some(system)) = (&of, system)
        && !system.keeps_backups()
    {
        reader.fault(
            at,
            format!("{}: {of} is {system}", table.name),
            "name a target that keeps backups, such as files, pgbackrest, s3, velero, redis or rds",
        );
    }
    Some(Backup {
        id: BackupId::from(name),
        of: Some(TargetId(of?)),
        intended: true,
        younger: younger?,
        size_change,
        restore_test,
    })
}

/// What is kept nowhere on purpose: a row that says so. Rules for it would be a mistake.
fn not_intended(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    table: &mut Table,
    name: &str,
) -> Backup {
    for key in ["of", "younger", "size_change", "restore_test"] {
        if table.take(key).is_some() {
            reader.fault(
                at,
                format!("{} is not intended, yet has {key}", table.name),
                format!("take {key} or intended = false out"),
            );
        }
    }
    Backup {
        id: BackupId::from(name),
        of: None,
        intended: false,
        younger: std::time::Duration::ZERO,
        size_change: defaults::SIZE_CHANGE,
        restore_test: None,
    }
}

#[cfg(test)]
mod tests;
