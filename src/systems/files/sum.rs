//! Checksums: computed once for a file as it is, beside the probe, since a large one takes longer than a probe may.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use super::folder::CHECKSUM;
use crate::incident::acts::files::Checksum;
use crate::incident::digest::hex;
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind, Verdict};

/// The file that a checksum is of: a change of any of these asks for a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Where it is.
    pub path: PathBuf,
    /// Its modification time.
    pub at: DateTime<Utc>,
    /// Its size.
    pub size: Size,
}

/// The newest file's checksum, known or on its way.
#[derive(Default)]
pub struct Sums(Arc<Mutex<Option<(Newest, State)>>>);

enum State {
    Computing(JoinHandle<io::Result<String>>),
    Known(String),
}

impl Sums {
    /// Compares the file with `FILE.sha256`, waiting for the computation no longer than until `deadline`.
    ///
    /// # Errors
    /// When one of the two can't be read.
    pub async fn compare(&self, file: Newest, deadline: Instant) -> io::Result<Checksum> {
        let beside = read_expected(sum_file(&file.path));
        let expected = match timeout_at(deadline, beside).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Checksum::Missing);
            }
            Ok(expected) => expected?,
            Err(_) => return Ok(Checksum::Pending),
        };
        match self.computed(file, deadline).await {
            None => Ok(Checksum::Pending),
            Some(actual) => Ok(match actual? == expected {
                true => Checksum::Right,
                false => Checksum::Wrong,
            }),
        }
    }

    /// The file's checksum, or that it can't be read through; none while that is being found out.
    async fn computed(&self, file: Newest, deadline: Instant) -> Option<io::Result<String>> {
        let mut slot = self.0.lock().await;
        if slot.as_ref().is_none_or(|(of, _)| *of != file) {
            let path = file.path.clone();
            *slot = Some((
                file,
                State::Computing(spawn_blocking(move || sha256(&path))),
            ));
        }
        let (_, state) = slot.as_mut()?;
        let ended = match state {
            State::Known(sum) => return Some(Ok(sum.clone())),
            State::Computing(task) => timeout_at(deadline, task).await.ok()?,
        };
        match ended.map_err(io::Error::other).flatten() {
            Ok(sum) => {
                *state = State::Known(sum.clone());
                Some(Ok(sum))
            }
            // Not kept: the next look reads it anew.
            Err(error) => {
                *slot = None;
                Some(Err(error))
            }
        }
    }
}

/// `sum = { file = "…", sha256 = "…" }`: the file's checksum against the one given, or against `FILE.sha256`. Takes as
/// long as reading the file takes.
///
/// # Errors
/// When the file or its checksum can't be read.
pub async fn sum(file: &str, sha256: Option<&str>) -> Result<Verdict, Failure> {
    let path = PathBuf::from(file);
    let failure = |what: &str, error: io::Error| {
        Failure::new(
            FailureKind::Local,
            file,
            format!("{what}: {error}"),
            "check the path",
        )
    };
    let expected = match sha256 {
        Some(given) => given.trim().to_ascii_lowercase(),
        None => {
            let beside = read_expected(sum_file(&path)).await;
            beside.map_err(|error| failure("checksum file", error))?
        }
    };
    let computed = spawn_blocking(move || self::sha256(&path)).await;
    let actual = computed.map_err(io::Error::other).flatten();
    let actual = actual.map_err(|error| failure("checksum", error))?;
    Ok(match actual == expected {
        true => Verdict::measured(true, format!("checksum of {file} is right")),
        false => {
            let (is, must) = (short(&actual), short(&expected));
            Verdict::measured(
                false,
                format!("checksum of {file} is {is}…, must be {must}…"),
            )
        }
    })
}

fn short(sum: &str) -> &str {
    sum.get(..12).unwrap_or(sum)
}

fn sum_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(CHECKSUM);
    name.into()
}

/// The first word of a file as `sha256sum` writes it (`\` before it when it escaped the name).
async fn read_expected(path: PathBuf) -> io::Result<String> {
    let text = tokio::fs::read_to_string(path).await?;
    let word = text.split_whitespace().next().unwrap_or_default();
    Ok(word.trim_start_matches('\\').to_ascii_lowercase())
}

/// SHA-256 of a file in hexadecimal; blocks.
fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(hex(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    /// `printf abc | sha256sum`
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn newest(path: &Path) -> Newest {
        let meta = fs::metadata(path).unwrap();
        Newest {
            path: path.into(),
            at: meta.modified().unwrap().into(),
            size: Size(meta.len()),
        }
    }

    #[tokio::test]
    async fn a_file_is_compared_with_the_checksum_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("a"), folder.path().join("a.sha256"));
        fs::write(&path, "abc").unwrap();
        let (sums, within) = (Sums::default(), Duration::from_secs(10));
        let table = [
            (None, Checksum::Missing),
            (Some(format!("{ABC}  a\n")), Checksum::Right),
            (
                Some(format!("\\{}  a\n", ABC.to_uppercase())),
                Checksum::Right,
            ),
            (Some("0000  a\n".into()), Checksum::Wrong),
            (Some(String::new()), Checksum::Wrong),
        ];
        for (written, expected) in table {
            if let Some(text) = &written {
                fs::write(&beside, text).unwrap();
            }
            let found = sums.compare(newest(&path), Instant::now() + within).await;
            assert_eq!(found.unwrap(), expected, "{written:?}");
        }
    }

    #[tokio::test]
    async fn the_condition_takes_a_given_checksum_or_the_one_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        let file = path.to_str().unwrap();
        assert_eq!(sum(file, None).await.unwrap_err().kind, FailureKind::Local);
        fs::write(folder.path().join("a.sha256"), format!("{ABC}  a\n")).unwrap();
        let right = Verdict::measured(true, format!("checksum of {file} is right"));
        assert_eq!(sum(file, None).await.unwrap(), right);
        assert_eq!(sum(file, Some(ABC)).await.unwrap(), right);
        let wrong = sum(file, Some("0000")).await.unwrap();
        assert_eq!(
            wrong.saw.as_str(),
            format!("checksum of {file} is ba7816bf8f01…, must be 0000…")
        );
    }
}
