//! What happens to the world, as a table says it: `{ stop = "pg-east" }`.

use crate::incident::strict::{Reader, Table};

use super::super::super::happening::Happening;
use super::names::{ANY, DATABASE, ENDPOINT, Names, RECORD, REPLICATED, SECRET, WORKLOAD};
use super::{names, only_one, percent, required};

/// Every word that says what happens.
const WORDS: [&str; 29] = [
    "stop",
    "hang",
    "cut_off",
    "lose_region",
    "lose_zone",
    "bring_back",
    "bring_back_region",
    "corrupt",
    "delete_rows",
    "put_back",
    "restore",
    "restore_to_time",
    "rejoin",
    "bad_release",
    "scale",
    "undo",
    "shift",
    "leak",
    "rotate",
    "backups_fail",
    "backup_made",
    "lag",
    "traffic",
    "lie",
    "truth",
    "fail_next",
    "offline",
    "provider",
    "fall_back",
];

/// The happenings of `what = [{ … }]`, in order.
pub(super) fn list(
    reader: &mut Reader<'_>,
    table: &mut Table,
    names: &Names<'_>,
) -> Vec<Happening> {
    let tables = table.one_or_more(reader, "what");
    let read = |table| read(reader, table, names);
    tables.into_iter().filter_map(read).collect()
}

/// The one happening of a table; other keys were taken before.
pub(super) fn read(
    reader: &mut Reader<'_>,
    mut table: Table,
    names: &Names<'_>,
) -> Option<Happening> {
    let word = only_one(reader, &mut table, &WORDS, "stop = \"pg-east\"");
    let happening = word.and_then(|word| {
        simple(reader, &mut table, names, word)
            .or_else(|| detailed(reader, &mut table, names, word))
    });
    table.finish(reader);
    happening
}

/// Happenings that are one name or one number.
fn simple(
    reader: &mut Reader<'_>,
    table: &mut Table,
    names: &Names<'_>,
    word: &'static str,
) -> Option<Happening> {
    let (systems, make): (names::Systems, fn(_) -> Happening) = match word {
        "stop" => (ANY, Happening::Stop),
        "hang" => (ANY, Happening::Hang),
        "cut_off" => (ANY, Happening::CutOff),
        "bring_back" => (ANY, Happening::BringBack),
        "corrupt" => (DATABASE, Happening::Corrupt),
        "delete_rows" => (DATABASE, Happening::DeleteRows),
        "put_back" => (DATABASE, Happening::PutBack),
        "bad_release" => (WORKLOAD, Happening::BadRelease),
        "undo" => (WORKLOAD, Happening::Undo),
        "leak" => (SECRET, Happening::Leak),
        "rotate" => (SECRET, Happening::Rotate),
        "truth" => (ENDPOINT, Happening::Truth),
        "fall_back" => (ENDPOINT, Happening::FallBack),
        "lose_region" => return names.region(reader, table, word).map(Happening::LoseRegion),
        "bring_back_region" => {
            let region = names.region(reader, table, word);
            return region.map(Happening::BringBackRegion);
        }
        "backup_made" => return names.backup(reader, table, word).map(Happening::BackupMade),
        "traffic" => return table.integer(reader, word).map(Happening::Traffic),
        "offline" => return table.text(reader, word).map(Happening::Offline),
        _ => return None,
    };
    names.target(reader, table, word, systems).map(make)
}

/// Happenings that are a table.
fn detailed(
    reader: &mut Reader<'_>,
    table: &mut Table,
    names: &Names<'_>,
    word: &'static str,
) -> Option<Happening> {
    let of_a_table = [
        "lose_zone",
        "restore",
        "restore_to_time",
        "rejoin",
        "scale",
        "shift",
        "backups_fail",
        "lag",
        "lie",
        "fail_next",
        "provider",
    ];
    if !of_a_table.contains(&word) {
        return None;
    }
    let mut details = table.table(reader, word, word)?;
    let happening = of_table(reader, &mut details, names, word);
    details.finish(reader);
    happening
}

fn of_table(
    reader: &mut Reader<'_>,
    details: &mut Table,
    names: &Names<'_>,
    word: &str,
) -> Option<Happening> {
    match word {
        "restore" => {
            let target = names.target(reader, details, "target", DATABASE);
            let from = names.backup(reader, details, "from");
            Some(Happening::Restore {
                target: target?,
                from: from?,
            })
        }
        "restore_to_time" => {
            let target = names.target(reader, details, "target", DATABASE);
            target.map(Happening::RestoreToTime)
        }
        "rejoin" => {
            let target = names.target(reader, details, "target", REPLICATED);
            let of = names.target(reader, details, "of", REPLICATED);
            Some(Happening::Rejoin {
                target: target?,
                of: of?,
            })
        }
        "scale" => {
            let target = names.target(reader, details, "target", WORKLOAD);
            let replicas = required(reader, details, "replicas", "10", Table::integer);
            Some(Happening::Scale {
                target: target?,
                replicas: replicas?,
            })
        }
        "shift" => {
            let record = names.target(reader, details, "record", RECORD);
            let to = names.region(reader, details, "to");
            let percent = required(reader, details, "percent", "100", percent);
            Some(Happening::Shift {
                record: record?,
                to: to?,
                percent: percent?,
            })
        }
        "lie" => {
            let target = names.target(reader, details, "target", ENDPOINT);
            let healthy = required(reader, details, "healthy", "false", Table::flag);
            Some(Happening::Lie {
                target: target?,
                healthy: healthy?,
            })
        }
        "provider" => {
            let target = names.target(reader, details, "target", ENDPOINT);
            let works = required(reader, details, "works", "false", Table::flag);
            Some(Happening::Provider {
                target: target?,
                works: works?,
            })
        }
        _ => of_time(reader, details, names, word),
    }
}

/// Happenings with a time in them, and a step that fails.
fn of_time(
    reader: &mut Reader<'_>,
    details: &mut Table,
    names: &Names<'_>,
    word: &str,
) -> Option<Happening> {
    match word {
        "lose_zone" => {
            let region = names.region(reader, details, "region");
            let heals_in = required(reader, details, "heals_in", "\"4m\"", Table::span);
            Some(Happening::LoseZone {
                region: region?,
                heals_in: heals_in?,
            })
        }
        "backups_fail" => {
            let backup = names.backup(reader, details, "backup");
            let since = required(reader, details, "since", "\"14d\"", Table::span);
            Some(Happening::BackupsFail {
                backup: backup?,
                since: since?,
            })
        }
        "lag" => {
            let link = names.link(reader, details, "link");
            let behind = required(reader, details, "behind", "\"40s\"", Table::span);
            Some(Happening::Lag {
                link: link?,
                behind: behind?,
            })
        }
        "fail_next" => {
            let step = super::step(reader, details, "step");
            let says = details.required_text(reader, "says", "says = \"disk full\"");
            Some(Happening::FailNext {
                step: step?.0,
                says: says?,
            })
        }
        _ => None,
    }
}
