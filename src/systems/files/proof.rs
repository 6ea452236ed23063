//! Reading the newest file through: a program that fails on a damaged one, once for a file as it is, beside the probe.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::sum::Newest;
use crate::incident::acts::files::Proof;
use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::systems::wire::program;

/// How long a file may take.
const WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// What the program said of the newest file, or is about to.
#[derive(Default)]
pub struct Proofs(Mutex<Option<(Newest, State)>>);

enum State {
    Reading(JoinHandle<Proof>),
    Known(Proof),
}

impl Drop for State {
    fn drop(&mut self) {
        // Of a file that is not the newest any more nobody wants to know.
        if let State::Reading(task) = self {
            task.abort();
        }
    }
}

impl Proofs {
    /// What the program says of the file, waiting no longer than until `deadline`.
    pub async fn of(&self, argv: &[String], on: &str, file: Newest, deadline: Instant) -> Proof {
        let mut slot = self.0.lock().await;
        if slot.as_ref().is_none_or(|(of, _)| *of != file) {
            let mut argv = argv.to_vec();
            argv.push(file.path.display().to_string());
            let on = on.to_owned();
            let task = tokio::spawn(async move { read(&argv, &on).await });
            *slot = Some((file, State::Reading(task)));
        }
        let Some((_, state)) = slot.as_mut() else {
            return Proof::Pending;
        };
        let proof = match state {
            State::Known(proof) => return proof.clone(),
            State::Reading(task) => match timeout_at(deadline, task).await {
                Ok(ended) => ended.unwrap_or_else(|why| Proof::Unread(why.to_string())),
                Err(_) => return Proof::Pending,
            },
        };
        match &proof {
            // Nothing was found out about the file: the next look tries again.
            Proof::Unread(_) => *slot = None,
            known => *state = State::Known(known.clone()),
        }
        proof
    }
}

async fn read(argv: &[String], on: &str) -> Proof {
    match timeout(WITHIN, program::look(argv, on)).await {
        Ok(Ok(done)) if done.status.success() => Proof::Whole,
        Ok(Ok(done)) => {
            let line = last_line(&done.stderr).or_else(|| last_line(&done.stdout));
            Proof::Damaged(line.unwrap_or_else(|| done.status.to_string()))
        }
        Ok(Err(failure)) => Proof::Unread(failure.what.to_string()),
        Err(_) => Proof::Unread(format!("not done within {}", Span(WITHIN))),
    }
}

/// Programs say what is wrong at their end.
fn last_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().rev().map(str::trim);
    let line = lines.find(|line| !line.is_empty())?;
    Some(Clean::new(line).to_string())
}
