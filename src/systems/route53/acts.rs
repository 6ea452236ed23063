//! Shifting a record's weights: one batch with every set, done when every name server of the zone has it.

use std::time::Duration;

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecordSet};

use super::Route53;
use super::weights::{Weights, region};
use crate::incident::acts::Act;
use crate::incident::acts::route53::DnsAct;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::systems::Output;
use crate::systems::wire::aws::sorted;
use crate::systems::wire::{self, Patience, Wrong};

/// How often a change is asked for.
const EVERY: Duration = Duration::from_secs(2);

/// AWS says 60 s; longer than this, and nobody can say.
const SYNCED_WITHIN: Duration = Duration::from_secs(600);

impl Route53 {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Outcome {
        let done = match act {
            Act::Dns(act) if act.target() == &self.id => match act {
                DnsAct::Shift { to, percent, .. } => match percent.parse::<u32>() {
                    Ok(percent) if percent <= 100 => {
                        let change = |before: &Weights| before.shifted(to, percent);
                        self.change(&change, out).await
                    }
                    _ => {
                        Err(self.undone(format!("{percent:?} is no percentage"), "write 0 to 100"))
                    }
                },
                DnsAct::Point { to, .. } => match Weights::read(to) {
                    Some(weights) => self.change(&|_| weights.clone(), out).await,
                    None => Err(self.undone(
                        format!("{to:?} are no weights"),
                        "write us-east-1=100,us-west-2=0",
                    )),
                },
            },
            other => Err(Wrong::Undone(wire::not_known(&self.on, other.word()))),
        };
        match done {
            Ok(said) => wire::done(&said),
            Err(wrong) => wrong.outcome(),
        }
    }

    async fn change(
        &self,
        wanted: &(dyn Fn(&Weights) -> Weights + Sync),
        out: &Output,
    ) -> Result<String, Wrong> {
        let sets = self.sets().await.map_err(Wrong::Undone)?;
        let before = self.weights(&sets).map_err(Wrong::Undone)?;
        let after = wanted(&before);
        if let Some(unknown) = after.regions().find(|region| before.get(region).is_none()) {
            let known: Vec<&str> = before.regions().map(|region| region.as_str()).collect();
            let what = format!(
                "{unknown} has no set of this record; known: {}",
                known.join(", ")
            );
            return Err(self.undone(what, "name one of them, or add sets to the target"));
        }
        let record = &self.endpoint.record;
        // The way back: it stands in the evidence before anything is changed.
        out.line(format!("{record} before: {before}"));
        if after == before {
            return Ok(format!("{record} has {before} already; nothing was sent"));
        }
        out.line(format!("{record} from now on: {after}"));
        let id = self.submit(&sets, &before, &after).await?;
        self.synced(&id, out).await?;
        Ok(format!(
            "{record} is at {after} on every name server; it was {before}"
        ))
    }

    /// Sends the change, and gives its id.
    async fn submit(
        &self,
        sets: &[ResourceRecordSet],
        before: &Weights,
        after: &Weights,
    ) -> Result<String, Wrong> {
        let mut batch = ChangeBatch::builder().comment(format!("warroom; before: {before}"));
        for set in sets {
            let mut set = set.clone();
            set.weight = after.get(&region(&set, &self.endpoint.sets)).or(set.weight);
            let change = Change::builder()
                .action(ChangeAction::Upsert)
                .resource_record_set(set)
                .build();
            batch = batch.changes(change.map_err(|why| self.undone(why.to_string(), ""))?);
        }
        let batch = batch
            .build()
            .map_err(|why| self.undone(why.to_string(), ""))?;
        let request = self.client().await.change_resource_record_sets();
        let request = request
            .hosted_zone_id(&self.endpoint.zone)
            .change_batch(batch);
        let what = (self.on.as_str(), "ChangeResourceRecordSets");
        let sent = request.send().await.map_err(|error| sorted(what, error))?;
        let info = sent.change_info();
        Ok(info.map(|info| info.id().to_owned()).unwrap_or_default())
    }

    async fn synced(&self, id: &str, out: &Output) -> Result<(), Wrong> {
        let (patience, mut before) = (Patience::new(SYNCED_WITHIN, EVERY), String::new());
        loop {
            let asked = self.client().await.get_change().id(id).send().await;
            let what = (self.on.as_str(), "GetChange");
            let now = match asked.map_err(|error| sorted(what, error).into_failure()) {
                Ok(answer) => match answer.change_info().map(|info| info.status().clone()) {
                    Some(ChangeStatus::Insync) => return Ok(()),
                    status => status.map_or("unknown".to_owned(), |s| s.as_str().to_owned()),
                },
                Err(failure) => failure.what.to_string(),
            };
            if now != before {
                out.line(format!("change {id}: {now}"));
                before = now;
            }
            if !patience.again().await {
                let what = format!("change {id}: {before} after {}", Span(SYNCED_WITHIN));
                let advice = "Route 53 took the change: look at the record";
                let failure = Failure::new(FailureKind::TimedOut, &self.on, what, advice);
                return Err(Wrong::Lost(failure));
            }
        }
    }

    fn undone(&self, what: String, advice: &str) -> Wrong {
        Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
    }
}
