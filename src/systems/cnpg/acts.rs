//! Orders to CloudNativePG's operator, each written as its documents say, under a lock: whoever changed the cluster since it was read
//! wins, and the order is refused.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::{Cnpg, FENCED, fenced, sight};
use crate::incident::acts::Act;
use crate::incident::acts::cnpg::CnpgSight;
use crate::incident::acts::orders::Order;
use crate::systems::Output;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often the cluster is asked while an order is under way.
const EVERY: Duration = Duration::from_secs(1);

/// A switchover takes seconds, a fence too; a new cluster as long as its data are large.
const SWITCHED_WITHIN: Duration = Duration::from_secs(600);
const FENCED_WITHIN: Duration = Duration::from_secs(120);
const RECOVERED_WITHIN: Duration = Duration::from_secs(4 * 3_600);

impl Cnpg {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Order(order) if order.target == self.id => match order.word.as_str() {
                "promote" => self.promote(order.arg("instance"), out).await,
                "fence" => self.fence(order.arg("instance"), out).await,
                "unfence" => self.unfence(order.arg("instance"), out).await,
                "recover" => self.recover(order, out).await,
                _ => Err(Wrong::Undone(wire::not_known(&self.objects.on, act.word()))),
            },
            other => Err(Wrong::Undone(wire::not_known(
                &self.objects.on,
                other.word(),
            ))),
        }
    }

    async fn promote(&self, instance: &str, out: &Output) -> Result<String, Wrong> {
        let cluster = self.before().await?;
        let seen = sight(&cluster);
        if seen.primary == instance && seen.target_primary == instance {
            return Ok(format!(
                "{instance} is the primary already; nothing was written"
            ));
        }
        if seen.primary != seen.target_primary {
            let what = format!(
                "promote: a switchover to {} is under way",
                seen.target_primary
            );
            return Err(self.objects.undone(what, "wait for its end"));
        }
        if !seen.healthy.iter().any(|name| name == instance) {
            let known = seen.healthy.join(", ");
            let what = format!("promote: {instance} is no healthy instance; healthy: {known}");
            return Err(self.objects.undone(what, "name one of them"));
        }
        out.line(format!("{}: {} -> {instance}", self.name, seen.primary));
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let status = json!({
            "targetPrimary": instance,
            "targetPrimaryTimestamp": now,
            "phase": "Switchover in progress",
            "phaseReason": format!("Switching over to {instance}"),
        });
        self.objects
            .patch(&cluster, json!({ "status": status }), true)
            .await?;
        let shows = |now: &CnpgSight| now.primary == instance;
        self.until(&self.name, SWITCHED_WITHIN, &shows, out).await?;
        Ok(format!("{instance} is the primary of {}", self.name))
    }

    async fn fence(&self, instance: &str, out: &Output) -> Result<String, Wrong> {
        let cluster = self.before().await?;
        let mut names = fenced(&cluster);
        if !names.iter().any(|name| name == instance) {
            names.push(instance.to_owned());
        }
        out.line(format!("{}: fence {instance}", self.name));
        self.write_fenced(&cluster, &names).await?;
        // The operator stops PostgreSQL in the instance; its pod stays, and is healthy no more.
        let shows = |now: &CnpgSight| match instance {
            "*" => now.healthy.is_empty(),
            name => !now.healthy.iter().any(|healthy| healthy == name),
        };
        self.until(&self.name, FENCED_WITHIN, &shows, out).await?;
        Ok(format!(
            "{instance} of {} is fenced: PostgreSQL in it is stopped",
            self.name
        ))
    }

    async fn unfence(&self, instance: &str, out: &Output) -> Result<String, Wrong> {
        let cluster = self.before().await?;
        let names: Vec<String> = match instance {
            "*" => Vec::new(),
            name => fenced(&cluster)
                .into_iter()
                .filter(|one| one != name)
                .collect(),
        };
        out.line(format!("{}: unfence {instance}", self.name));
        self.write_fenced(&cluster, &names).await?;
        Ok(format!("{instance} of {} may start again", self.name))
    }

    async fn write_fenced(&self, cluster: &DynamicObject, names: &[String]) -> Result<(), Wrong> {
        let value = match names {
            [] => Value::Null,
            names => json!(json!(names).to_string()),
        };
        let change = json!({ "metadata": { "annotations": { FENCED: value } } });
        self.objects.patch(cluster, change, false).await
    }

    /// A new cluster beside this one, as it was at an instant, from the archive of this one.
    async fn recover(&self, order: &Order, out: &Output) -> Result<String, Wrong> {
        let (time, name) = (order.arg("time"), order.arg("as"));
        let at = DateTime::parse_from_rfc3339(time).map_err(|why| {
            let what = format!("recover: {time:?}: {why}");
            self.objects.undone(what, "write 2026-11-21T14:00:00Z")
        })?;
        let cluster = self.before().await?;
        let spec = &cluster.data["spec"];
        let mut store = spec["backup"]["barmanObjectStore"].clone();
        if store.is_null() {
            let what = format!("recover: {} archives to no object store", self.name);
            return Err(self
                .objects
                .undone(what, "there is nothing to recover from"));
        }
        store["serverName"] = store["serverName"]
            .as_str()
            .map_or(json!(self.name), |it| json!(it));
        let mut new = spec.clone();
        // It must not write into the archive it reads, nor wait for replicas before it serves.
        new["backup"] = Value::Null;
        new["instances"] = json!(1);
        new["externalClusters"] = json!([{ "name": self.name, "barmanObjectStore": store }]);
        let until = at
            .with_timezone(&Utc)
            .to_rfc3339_opts(SecondsFormat::Secs, true);
        let recovery = json!({ "source": self.name, "recoveryTarget": { "targetTime": until } });
        new["bootstrap"] = json!({ "recovery": recovery });
        out.line(format!("{name}: {} as of {until}", self.name));
        self.objects.create(name, new).await?;
        let shows = |now: &CnpgSight| now.fine();
        self.until(name, RECOVERED_WITHIN, &shows, out).await?;
        Ok(format!("{name} serves what {} was at {until}", self.name))
    }

    async fn before(&self) -> Result<DynamicObject, Wrong> {
        self.objects.get(&self.name).await.map_err(Wrong::Undone)
    }

    /// Looks at a cluster until it shows what it has to.
    async fn until(
        &self,
        name: &str,
        within: Duration,
        shows: &(dyn Fn(&CnpgSight) -> bool + Sync),
        out: &Output,
    ) -> Result<String, Wrong> {
        let look = || async move {
            match self.objects.get(name).await.map(|cluster| sight(&cluster)) {
                Ok(seen) if shows(&seen) => Look::Done(String::new()),
                Ok(seen) => Look::Still(format!("{name}: {}", seen.words())),
                Err(failure) => Look::Still(failure.what.to_string()),
            }
        };
        let advice = "the order stands: look at the operator's log";
        let lost = |what: String| self.objects.lost(what, advice);
        watched(out, (within, EVERY), lost, look).await
    }
}
