//! The host's word about a server that may not be able to speak for itself: the site's `fence` programs.

use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustix::fs::{MemfdFlags, memfd_create};
use tokio::process::Command;
use tokio::time::timeout;

use crate::incident::clean::Clean;
use crate::incident::measure::Span;
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
    let said = look(&fence.proof, on).await?;
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
    let said = run_to_its_end(argv, on).await?;
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

/// A program that changes something: half a fence is worse than a slow one, so it is waited for, never killed. It is in a
/// process group of its own (a Ctrl-C in the terminal does not reach it) and writes to memory, not to a pipe that would
/// break when this process goes first.
async fn run_to_its_end(argv: &[String], on: &str) -> Result<Said, Failure> {
    let failed = |error: std::io::Error| cannot_run(argv, on, &error);
    let memory = memfd_create("warroom-host", MemfdFlags::CLOEXEC)
        .map(std::fs::File::from)
        .map_err(|errno| failed(errno.into()))?;
    let mut child = command(argv)
        .process_group(0)
        .stdout(memory.try_clone().map_err(failed)?)
        .stderr(memory.try_clone().map_err(failed)?)
        .spawn()
        .map_err(failed)?;
    let status = match timeout(FENCE_TIMEOUT, child.wait()).await {
        Err(_) => return Err(no_answer(argv, on, FENCE_TIMEOUT)),
        Ok(status) => status.map_err(failed)?,
    };
    let mut text = vec![0; usize::from(u16::MAX)];
    let read = memory.read_at(&mut text, 0).map_err(failed)?;
    Ok(Said {
        exit: status.code(),
        text: String::from_utf8_lossy(&text[..read]).into_owned(),
    })
}

/// A program that only looks: killed when it takes too long.
async fn look(argv: &[String], on: &str) -> Result<Said, Failure> {
    let asked = command(argv).kill_on_drop(true).output();
    match timeout(PROOF_TIMEOUT, asked).await {
        Err(_) => Err(no_answer(argv, on, PROOF_TIMEOUT)),
        Ok(Err(error)) => Err(cannot_run(argv, on, &error)),
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

fn command(argv: &[String]) -> Command {
    let mut command = Command::new(argv.first().map(String::as_str).unwrap_or_default());
    command
        .args(argv.get(1..).unwrap_or_default())
        .stdin(Stdio::null());
    command
}

fn no_answer(argv: &[String], on: &str, within: Duration) -> Failure {
    let what = format!("{}: no answer within {}", argv.join(" "), Span(within));
    Failure::new(FailureKind::TimedOut, on, what, "run it by hand to see")
}

fn cannot_run(argv: &[String], on: &str, error: &std::io::Error) -> Failure {
    let what = format!("{}: {error}", argv.join(" "));
    let advice = "check the fence of this target in the site file";
    Failure::new(FailureKind::Local, on, what, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(script: &str) -> Fence {
        let argv = vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        Fence {
            run: argv.clone(),
            proof: argv,
            undo: None,
        }
    }

    #[tokio::test]
    async fn proof_is_an_exit_of_zero_and_its_first_line_may_be_the_time() {
        let word =
            |script: &'static str| async move { proof(&by(script), "pg-east").await.unwrap() };
        let stopped = word("echo 2026-11-21T14:00:00.250Z; echo stopped by hand").await;
        assert!(stopped.fenced);
        assert_eq!(stopped.stopped_at.unwrap().timestamp_millis() % 1_000, 250);
        let running = word("echo it runs; exit 1").await;
        assert!(!running.fenced && running.said.as_str() == "it runs");
    }

    #[tokio::test]
    async fn a_fence_that_is_given_up_on_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("fenced");
        let script = format!(
            "echo begun; sleep 0.3; echo later; touch {}",
            mark.display()
        );
        let slow = by(&script);
        let given_up = timeout(Duration::from_millis(50), fence(&slow, "pg-east")).await;
        assert!(given_up.is_err());
        let seen = async {
            while !mark.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), seen).await.unwrap();
    }

    #[tokio::test]
    async fn what_a_fence_prints_is_told_when_it_fails() {
        let failure = fence(&by("echo no such host >&2; exit 3"), "pg-east").await;
        let sentence = failure.unwrap_err().to_string();
        assert!(sentence.contains("exit 3: no such host"), "{sentence}");
        assert!(unfence(&by("true"), "pg-east").await.is_err());
    }
}
