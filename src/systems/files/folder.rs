//! What lies in the folder, by names, sizes and times.

use std::fs;
use std::io;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::wal;
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::FilesEndpoint;

/// Endings of files that are still being written.
const PARTIAL: [&str; 3] = [".part", ".tmp", ".partial"];

/// The ending of the file that holds another one's checksum.
pub const CHECKSUM: &str = ".sha256";

/// A file that changed within this time may still grow, unless its checksum is there already.
const SETTLED: TimeDelta = TimeDelta::seconds(5);

/// Lists the folder; blocks.
///
/// # Errors
/// When it is not there or can't be read.
pub fn list(endpoint: &FilesEndpoint, on: &str, now: DateTime<Utc>) -> Result<FilesSight, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir(&endpoint.path).map_err(|error| unreadable(&error, on))? {
        let entry = entry.map_err(|error| unreadable(&error, on))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A file that goes away between listing and look was no backup to count.
        let Ok(meta) = entry.metadata() else { continue };
        let Ok(at) = meta.modified() else { continue };
        if meta.is_file() {
            files.push(BackupFile {
                name,
                at: at.into(),
                size: Some(Size(meta.len())),
                checksum: Checksum::NotAsked,
            });
        }
    }
    let gap = endpoint
        .wal_segment
        .and_then(|segment| wal::gap(files.iter().map(|file| file.name.as_str()), segment));
    let has_sum = |name: &str| has_sum(&endpoint.path, name);
    Ok(FilesSight {
        gap,
        ..sorted(files, &endpoint.pattern, &has_sum, now)
    })
}

fn has_sum(folder: &Path, name: &str) -> bool {
    folder.join(format!("{name}{CHECKSUM}")).exists()
}

fn unreadable(error: &io::Error, on: &str) -> Failure {
    let (kind, advice) = match error.kind() {
        io::ErrorKind::NotFound => (FailureKind::Missing, "is it mounted?"),
        io::ErrorKind::PermissionDenied => (FailureKind::Denied, "who may read it?"),
        _ => (FailureKind::Local, ""),
    };
    Failure::new(kind, on, format!("read the folder: {error}"), advice)
}

fn sorted(
    files: Vec<BackupFile>,
    pattern: &str,
    has_sum: &dyn Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> FilesSight {
    let whole = |file: &BackupFile| {
        // A time that lies ahead says nothing about growth: somebody's clock is wrong.
        let quiet = !(TimeDelta::zero()..SETTLED).contains(&(now - file.at));
        file.size.is_some_and(|size| size.0 > 0)
            && !partial(&file.name)
            && (quiet || has_sum(&file.name))
    };
    let of_backups = files.into_iter().filter(|file| {
        let stem = PARTIAL
            .iter()
            .find_map(|ending| file.name.strip_suffix(ending));
        !file.name.ends_with(CHECKSUM) && matches(stem.unwrap_or(&file.name), pattern)
    });
    let (complete, incomplete): (Vec<_>, Vec<_>) = of_backups.partition(whole);
    FilesSight::of(complete, incomplete.len())
}

fn partial(name: &str) -> bool {
    PARTIAL.iter().any(|ending| name.ends_with(ending))
}

/// Whether a name fits a pattern in which `*` stands for any run of characters.
fn matches(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn file(name: &str, seconds: i64, size: u64) -> BackupFile {
        BackupFile {
            name: name.into(),
            at: at(seconds),
            size: Some(Size(size)),
            checksum: Checksum::NotAsked,
        }
    }

    fn listed(files: Vec<BackupFile>, sums: &[&str]) -> FilesSight {
        sorted(files, "*.dump", &|name| sums.contains(&name), at(0))
    }

    #[test]
    fn patterns() {
        let table = [
            ("app.dump", "*.dump", true),
            ("app.dump.part", "*.dump", false),
            ("app.dump", "app.dump", true),
            ("app-1.dump", "app.dump", false),
            ("app-2026.dump", "app-*.dump", true),
            ("app-.dum", "app-*.dump", false),
            ("a-b-c.tar.gz", "a-*-c.*", true),
            ("aa", "a*a", true),
            ("a", "a*a", false),
            ("anything", "*", true),
        ];
        for (name, pattern, expected) in table {
            assert_eq!(matches(name, pattern), expected, "{name} {pattern}");
        }
    }

    #[test]
    fn only_whole_files_count() {
        const DAY: i64 = 86_400;
        let files = vec![
            file("old.dump", -20 * DAY, 5),
            file("a.dump", -3 * DAY, 100),
            file("b.dump", -2 * DAY, 200),
            file("c.dump", -DAY, 60),
            file("c.dump.sha256", -DAY, 70),
            file("d.dump.part", -60, 30),
            file("e.dump.tmp", -60, 30),
            file("empty.dump", -60, 0),
            file("growing.dump", -2, 40),
            file("notes.txt", -60, 1),
        ];
        let listing = listed(files, &[]);
        assert_eq!(listing.newest, Some(file("c.dump", -DAY, 60)));
        assert_eq!(listing.usual_size, Some(Size(150)));
        assert_eq!((listing.count, listing.incomplete), (4, 4));
    }

    #[test]
    fn a_young_file_is_whole_when_its_checksum_is_there_or_its_clock_is_ahead() {
        let table = [
            ("young", -2, &[][..], None),
            ("young with a checksum", -2, &["x.dump"][..], Some("x.dump")),
            ("ahead", 3_600, &[][..], Some("x.dump")),
        ];
        for (what, seconds, sums, newest) in table {
            let listing = listed(vec![file("x.dump", seconds, 9)], sums);
            assert_eq!(listing.newest.map(|f| f.name).as_deref(), newest, "{what}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_missing() {
        let endpoint = FilesEndpoint {
            path: "/nowhere/at/all".into(),
            pattern: "*".into(),
            checksum: false,
            proof: None,
            wal_segment: None,
        };
        let failure = list(&endpoint, "dumps", at(0)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Missing);
        assert!(
            failure.to_string().starts_with("dumps: read the folder: "),
            "{failure}"
        );
    }
}
