//! The host's word about a server that may not be able to speak for itself: the site's `fence` programs.

use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::incident::clean::Clean;
use crate::incident::reading::{Failure, FailureKind, HostWord};
use crate::incident::site::Fence;

/// How long the host may take to answer.
const PROOF_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the host may take to stop a server.
const FENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a program of the host said, and how it ended.
struct Said {
    exit: Option<i32>,
    text: String,
}

/// Asks the host whether the server is stopped for good. `Ok` with `fenced: false` when it says no.
///
/// # Errors
/// When the program can't be run or gives no answer in 5 s.
pub async fn proof(fence: &Fence, on: &str) -> Result<HostWord, Failure> {
    let said = run(&fence.proof, on, PROOF_TIMEOUT).await?;
    let stopped_at = said
        .text
        .lines()
        .next()
        .and_then(|line| DateTime::parse_from_rfc3339(line.trim()).ok());
    let words = said.text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(HostWord {
        fenced: said.exit == Some(0),
        stopped_at: stopped_at.map(|at| at.with_timezone(&Utc)),
        said: Clean::new(&words),
    })
}

/// Has the host stop the server and disable its start; what it says afterwards is for [`proof`] to find out.
///
/// # Errors
/// When the program can't be run, fails, or does not end within a minute: the caller then asks for proof all the same.
pub async fn fence(fence: &Fence, on: &str) -> Result<Clean, Failure> {
    finished(&fence.run, on).await
}

/// Has the host let the server start again.
///
/// # Errors
/// As [`fence()`], and when the site names no `undo`.
pub async fn unfence(fence: &Fence, on: &str) -> Result<Clean, Failure> {
    match &fence.undo {
        Some(argv) => finished(argv, on).await,
        None => Err(Failure::new(
            FailureKind::Unsupported,
            on,
            "unfence: the site names no way",
            "add fence.undo to the target",
        )),
    }
}

async fn finished(argv: &[String], on: &str) -> Result<Clean, Failure> {
    let said = run(argv, on, FENCE_TIMEOUT).await?;
    let words = Clean::new(said.text.trim());
    match said.exit {
        Some(0) => Ok(words),
        exit => {
            let exit = exit.map_or("a signal".into(), |code| format!("exit {code}"));
            let what = format!("{}: {exit}: {words}", argv.join(" "));
            Err(Failure::new(
                FailureKind::Local,
                on,
                what,
                "run it by hand to see",
            ))
        }
    }
}

async fn run(argv: &[String], on: &str, within: Duration) -> Result<Said, Failure> {
    let shown = argv.join(" ");
    let program = argv.first().map(String::as_str).unwrap_or_default();
    let child = tokio::process::Command::new(program)
        .args(argv.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(within, child).await {
        Err(_) => {
            let what = format!("{shown}: no answer within {} s", within.as_secs());
            Err(Failure::new(
                FailureKind::TimedOut,
                on,
                what,
                "run it by hand to see",
            ))
        }
        Ok(Err(error)) => {
            let what = format!("{shown}: {error}");
            Err(Failure::new(
                FailureKind::Local,
                on,
                what,
                "check the fence of this target in the site file",
            ))
        }
        Ok(Ok(output)) => {
            let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            Ok(Said {
                exit: output.status.code(),
                text,
            })
        }
    }
}
