//! Programs that only look: their output, and killed when nobody waits for it any more.

use std::io;
use std::process::{Output, Stdio};

use tokio::process::Command;

use crate::incident::reading::{Failure, FailureKind};

/// Runs a program without a terminal and without input, to its end.
///
/// # Errors
/// When it can't be run. How it ended is for the caller to judge, and how long it may take.
pub async fn look(argv: &[String], on: &str) -> Result<Output, Failure> {
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let child = Command::new(name)
        .args(argv.iter().skip(1))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    child.await.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "is it installed, and in PATH?",
            io::ErrorKind::PermissionDenied => "may it be run?",
            _ => "",
        };
        Failure::new(FailureKind::Local, on, format!("{name}: {error}"), advice)
    })
}

/// What a program wrote where it ended well.
///
/// # Errors
/// As [`look`], and when it ended otherwise; then with what it said.
pub async fn output(argv: &[String], on: &str) -> Result<String, Failure> {
    let done = look(argv, on).await?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let said = match said.trim() {
        "" => String::from_utf8_lossy(&done.stdout).into_owned(),
        said => said.to_owned(),
    };
    let said = said
        .split_whitespace()
        .take(40)
        .collect::<Vec<_>>()
        .join(" ");
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let what = format!("{name}: {}: {said}", done.status);
    Err(Failure::new(
        FailureKind::BadAnswer,
        on,
        what,
        "run it by hand to see",
    ))
}
