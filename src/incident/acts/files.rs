//! Backups, in a folder of files or wherever else they are kept: what a probe sees.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::super::measure::Size;

/// A folder of backups as one probe saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilesSight {
    /// The newest complete file; none when there is no backup at all.
    pub newest: Option<BackupFile>,
    /// Mean size of the complete files of the 7 days before the newest; none when there is none.
    pub usual_size: Option<Size>,
    /// How many complete files there are.
    pub count: u32,
    /// Files that match and are not complete (`.part`, `.tmp`, still growing).
    pub incomplete: u32,
    /// What the program says that reads the newest through.
    #[serde(default)]
    pub proof: Proof,
    /// What is missing in an archive of WAL: `00000001000000A300000017 is missing`.
    #[serde(default)]
    pub gap: Option<String>,
}

/// What is known of a file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The site asks for none.
    #[default]
    NotAsked,
    /// It is being read: a large file takes longer than a probe may.
    Pending,
    /// It was read from one end to the other.
    Whole,
    /// The program says why it is not.
    Damaged(String),
    /// The program could not be run to its end.
    Unread(String),
}

/// How far back the usual size looks, from the newest backup.
const USUAL: TimeDelta = TimeDelta::days(7);

impl FilesSight {
    /// What complete backups come to: the newest, and the usual size of those of the 7 days before it.
    pub fn of(mut complete: Vec<BackupFile>, incomplete: usize) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        complete.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
        let counted = count(complete.len());
        let newest = complete.pop();
        Self {
            usual_size: newest.as_ref().and_then(|newest| usual(&complete, newest)),
            newest,
            count: counted,
            incomplete: count(incomplete),
            proof: Proof::NotAsked,
            gap: None,
        }
    }
}

/// Mean size of the backups of the 7 days before the newest.
fn usual(earlier: &[BackupFile], newest: &BackupFile) -> Option<Size> {
    let week = earlier.iter().filter(|one| one.at >= newest.at - USUAL);
    let sizes: Vec<u128> = week
        .filter_map(|one| Some(u128::from(one.size?.0)))
        .collect();
    let mean = sizes
        .iter()
        .sum::<u128>()
        .checked_div(sizes.len() as u128)?;
    u64::try_from(mean).ok().map(Size)
}

/// A complete backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name where it is kept.
    pub name: String,
    /// When it was finished (a file's modification time).
    pub at: DateTime<Utc>,
    /// Its size, where it is known.
    pub size: Option<Size>,
    /// What its checksum says.
    pub checksum: Checksum,
}

/// What is known of a file's checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checksum {
    /// The site asks for none.
    NotAsked,
    /// `FILE.sha256` is not there.
    Missing,
    /// Being computed: a large file takes longer than a probe may.
    Pending,
    /// Computed and equal.
    Right,
    /// Computed and different.
    Wrong,
}
