//! Reading a backup through takes longer than a look may: it is done once for a backup as it is, beside the looks, which tell
//! what came of it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::program;
use crate::incident::acts::files::Proof;
use crate::incident::clean::Clean;
use crate::incident::measure::Span;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// What is known of the newest backup, or is being found out; `K` tells one backup from another.
pub struct Proofs<K>(Mutex<Option<(K, State)>>);

enum State {
    Reading(JoinHandle<Proof>),
    Known(Proof),
}

impl<K> Default for Proofs<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // Of a backup that is not the newest any more nobody wants to know.
        if let State::Reading(task) = self {
            task.abort();
        }
    }
}

impl<K: PartialEq> Proofs<K> {
    /// What is known of a backup, waiting no longer than until `deadline`. A program reads it through, and `judge` says what its
    /// end and its output mean.
    pub async fn of(
        &self,
        backup: K,
        deadline: Instant,
        argv: Vec<String>,
        judge: fn(&std::process::Output) -> Proof,
    ) -> Proof {
        let mut slot = self.0.lock().await;
        if slot.as_ref().is_none_or(|(of, _)| *of != backup) {
            let task = tokio::spawn(async move { read(&argv, judge).await });
            *slot = Some((backup, State::Reading(task)));
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
            // Nothing was found out about it: the next look tries again.
            Proof::Unread(_) => *slot = None,
            known => *state = State::Known(known.clone()),
        }
        proof
    }
}

async fn read(argv: &[String], judge: fn(&std::process::Output) -> Proof) -> Proof {
    match timeout(WITHIN, program::look(argv, "")).await {
        Ok(Ok(done)) => judge(&done),
        Ok(Err(failure)) => Proof::Unread(failure.what.to_string()),
        Err(_) => Proof::Unread(format!("not done within {}", Span(WITHIN))),
    }
}

/// The judgement of a program that fails on what is damaged, and says at its end why.
pub fn by_exit(done: &std::process::Output) -> Proof {
    if done.status.success() {
        return Proof::Whole;
    }
    let line = last_line(&done.stderr).or_else(|| last_line(&done.stdout));
    Proof::Damaged(line.unwrap_or_else(|| done.status.to_string()))
}

fn last_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().rev().map(str::trim);
    let line = lines.find(|line| !line.is_empty())?;
    Some(Clean::new(line).to_string())
}
