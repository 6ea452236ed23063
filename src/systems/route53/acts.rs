//! Shifting a record's weights: one batch with every set, done when every name server of the zone has it.

use std::time::Duration;

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecordSet};

use super::Route53;
use super::weights::{Weights, region};
use crate::incident::acts::Act;
use crate::incident::acts::route53::DnsAct;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often a change is asked for.
const EVERY: Duration = Duration::from_secs(2);

/// AWS says 60 s; longer than this, and nobody can say.
const SYNCED_WITHIN: Duration = Duration::from_secs(600);

impl Route53 {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Dns(act) if act.target() == &self.id => match act {
                DnsAct::Shift { to, percent, .. } => {
                    let share = percent
                        .parse::<u32>()
                        .ok()
                        .filter(|percent| *percent <= 100);
                    let wrong = || {
                        self.service
                            .undone(format!("{percent:?} is no percentage"), "write 0 to 100")
                    };
                    let share = share.ok_or_else(wrong)?;
                    self.change(&|before| before.shifted(to, share), out).await
                }
                DnsAct::Point { to, .. } => {
                    let advice = "write us-east-1=100,us-west-2=0";
                    let wrong = || {
                        self.service
                            .undone(format!("{to:?} are no weights"), advice)
                    };
                    let weights = Weights::read(to).ok_or_else(wrong)?;
                    self.change(&|_| weights.clone(), out).await
                }
            },
            other => Err(Wrong::Undone(wire::not_known(
                &self.service.on,
                other.word(),
            ))),
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
            return Err(self
                .service
                .undone(what, "name one of them, or add sets to the target"));
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
            batch = batch.changes(change.map_err(|why| self.service.undone(why.to_string(), ""))?);
        }
        let batch = batch
            .build()
            .map_err(|why| self.service.undone(why.to_string(), ""))?;
        let request = self.service.client().await.change_resource_record_sets();
        let request = request
            .hosted_zone_id(&self.endpoint.zone)
            .change_batch(batch);
        let sent = self
            .service
            .order("ChangeResourceRecordSets", request.send())
            .await?;
        let info = sent.change_info();
        Ok(info.map(|info| info.id().to_owned()).unwrap_or_default())
    }

    async fn synced(&self, id: &str, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            let asked = self.service.client().await.get_change().id(id).send();
            let now = match self.service.ask("GetChange", asked).await {
                Ok(answer) => match answer.change_info().map(|info| info.status().clone()) {
                    Some(ChangeStatus::Insync) => return Look::Done(String::new()),
                    status => status.map_or("unknown".to_owned(), |s| s.as_str().to_owned()),
                },
                Err(failure) => failure.what.to_string(),
            };
            Look::Still(format!("change {id}: {now}"))
        };
        let advice = "Route 53 took the change: look at the record";
        let lost = |what: String| self.service.lost(what, advice);
        watched(out, (SYNCED_WITHIN, EVERY), lost, look).await
    }
}
