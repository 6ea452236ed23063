//! A program of the operator's, by its exit: 0 fine, 1 to be watched, 2 wrong, as monitoring plug-ins have it. Its first line says
//! why. Anything else is no answer.

use futures_util::future::{BoxFuture, FutureExt};

use super::probe::Probe;
use super::wire::{self, program};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One program of the site.
pub struct Command {
    on: String,
    run: Vec<String>,
}

impl Command {
    /// The program of `target`.
    pub fn new(target: &Target, run: &[String]) -> Self {
        Self {
            on: wire::on(target),
            run: run.to_vec(),
        }
    }

    async fn run(&self) -> Result<Sight, Failure> {
        let done = program::look(&self.run, &self.on).await?;
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        // What stands behind a bar are figures for machines.
        let line = out.lines().next().unwrap_or_default();
        let words = line.split('|').next().unwrap_or_default().trim().to_owned();
        let state = match done.status.code() {
            Some(0) => CheckState::Fine,
            Some(1) => CheckState::Watch,
            Some(2) => CheckState::Breach,
            _ => {
                let said = match words.is_empty() {
                    true => String::from_utf8_lossy(&done.stderr).into_owned(),
                    false => words,
                };
                let said = said
                    .split_whitespace()
                    .take(30)
                    .collect::<Vec<_>>()
                    .join(" ");
                let what = format!("{}: {said}", done.status);
                let advice = "run it by hand to see";
                return Err(Failure::new(FailureKind::BadAnswer, &self.on, what, advice));
            }
        };
        let words = match words.as_str() {
            "" => format!("{}", done.status),
            words => words.to_owned(),
        };
        Ok(Sight::Check(CheckSight::new(state, words)))
    }
}

impl Probe for Command {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.run().boxed()
    }
}
