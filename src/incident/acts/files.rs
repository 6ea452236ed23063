//! Folders of backup files: what a probe sees.

use chrono::{DateTime, Utc};
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
}

/// A complete backup file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Its name in the folder.
    pub name: String,
    /// When it was finished (its modification time).
    pub at: DateTime<Utc>,
    /// Its size.
    pub size: Size,
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
