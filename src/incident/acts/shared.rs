//! Conditions whose words mean the same on every system that has them.

use super::super::names::{BackupId, RegionId};
use super::super::strict::{Reader, Table};
use super::check::ValueCondition;
use super::cnpg::PrimaryIs;
use super::{Condition, read};

/// Condition words that mean the same on every system that has them.
pub(super) const WORDS: [&str; 9] = [
    "reachable",
    "lag",
    "healthy",
    "value",
    "primary_is",
    "backup",
    "region",
    "objective",
    "sum",
];

/// Reads what stands behind one of [`WORDS`]: several conditions when it is a list.
pub(super) fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Condition> {
    match word {
        "reachable" => {
            read::each_target(reader, card, word, |target| Condition::Reachable { target })
        }
        "healthy" => read::each_target(reader, card, word, |target| Condition::Healthy { target }),
        "value" => {
            let values = read::each_table(reader, card, word, ValueCondition::read);
            values.into_iter().map(Condition::Value).collect()
        }
        "primary_is" => {
            let all = read::each_table(reader, card, word, PrimaryIs::read);
            all.into_iter().map(Condition::PrimaryIs).collect()
        }
        "lag" => read::each_table(reader, card, word, |reader, table| {
            let (of, under, under_bytes) = read::bounded(reader, table)?;
            Some(Condition::Lag {
                of,
                under,
                under_bytes,
            })
        }),
        "backup" => read::each_table(reader, card, word, |reader, table| {
            let of = read::required(reader, table, "of", "of = \"pg-dump\"");
            let younger = table.span(reader, "younger");
            let verified = table.flag(reader, "verified").unwrap_or(false);
            Some(Condition::Backup {
                of: BackupId(of?),
                younger,
                verified,
            })
        }),
        "region" => read::each_table(reader, card, word, |reader, table| {
            let healthy = read::required(reader, table, "healthy", "healthy = \"us-west-2\"")?;
            Some(Condition::Region {
                healthy: RegionId(healthy),
            })
        }),
        "objective" => read::each_table(reader, card, word, |reader, table| {
            if !table.has("rto_left") {
                table.missing(reader, "rto_left", "rto_left = \"10m\"");
            }
            let rto_left = table.span(reader, "rto_left")?;
            Some(Condition::Objective { rto_left })
        }),
        "sum" => read::each_table(reader, card, word, |reader, table| {
            let file = read::required(reader, table, "file", "file = \"/backups/app.dump\"");
            let sha256 = table.read(reader, "sha256", checksum);
            Some(Condition::Sum {
                file: file?,
                sha256,
            })
        }),
        _ => Vec::new(),
    }
}

fn checksum(text: &str) -> Result<String, String> {
    let hexadecimal = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    match hexadecimal || text.starts_with('$') {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!(
            "{text:?} is not a SHA-256 of 64 hexadecimal digits"
        )),
    }
}
