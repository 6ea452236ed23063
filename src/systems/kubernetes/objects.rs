//! Objects from a file, applied by the server: what it would refuse is found out before anything is changed.

use kube::api::{Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};

use super::Kubernetes;
use crate::systems::Output;
use crate::systems::wire::Wrong;
use crate::systems::wire::kube::sorted;

/// Who the API server notes as the owner of the fields.
const MANAGER: &str = "warroom";

/// One object of the file, and where it goes.
struct Wanted {
    /// `Deployment web`
    words: String,
    name: String,
    object: DynamicObject,
    api: Api<DynamicObject>,
}

impl Kubernetes {
    /// `kubectl apply --server-side`. A field that somebody else manages is a conflict, which is refused and never forced.
    pub(super) async fn apply(
        &self,
        client: &Client,
        file: &str,
        out: &Output,
    ) -> Result<String, Wrong> {
        let wanted = self.wanted(client, file).await?;
        let params = PatchParams::apply(MANAGER);
        for one in &wanted {
            self.put(one, &params.clone().dry_run())
                .await
                .map_err(|wrong| Wrong::Undone(wrong.into_failure()))?;
        }
        for (done, one) in wanted.iter().enumerate() {
            let sent = self.put(one, &params).await;
            sent.map_err(|wrong| match done {
                0 => wrong,
                // Those before it are changed: it is not undone, whatever became of this one.
                _ => Wrong::Lost(wrong.into_failure()),
            })?;
            out.line(format!("{} applied", one.words));
        }
        let words: Vec<&str> = wanted.iter().map(|one| one.words.as_str()).collect();
        Ok(format!("applied: {}", words.join(", ")))
    }

    async fn put(&self, one: &Wanted, params: &PatchParams) -> Result<(), Wrong> {
        let what = format!("apply {}", one.words);
        let patch = Patch::Apply(&one.object);
        let sent = one.api.patch(&one.name, params, &patch).await;
        sent.map(|_| ())
            .map_err(|error| sorted((&self.on, &what), &error))
    }

    /// The objects of the file, each with the API it belongs to.
    async fn wanted(&self, client: &Client, file: &str) -> Result<Vec<Wanted>, Wrong> {
        let text = tokio::fs::read_to_string(file).await.map_err(|error| {
            self.undone(format!("read {file}: {error}"), "name it by its whole path")
        })?;
        let objects = serde_saphyr::from_multiple::<DynamicObject>(&text);
        let objects = objects.map_err(|error| {
            let what = format!("read {file}: {error}");
            self.undone(what, "kubectl apply --dry-run=client shows more")
        })?;
        let mut wanted = Vec::new();
        for object in objects {
            wanted.push(self.one(client, object).await?);
        }
        match wanted.is_empty() {
            true => Err(self.undone(format!("{file} holds no object"), "")),
            false => Ok(wanted),
        }
    }

    async fn one(&self, client: &Client, object: DynamicObject) -> Result<Wanted, Wrong> {
        let nameless = || self.undone("an object has no kind or no name".into(), "give it both");
        let types = object.types.as_ref().ok_or_else(nameless)?;
        let name = object.metadata.name.clone().ok_or_else(nameless)?;
        let words = format!("{} {name}", types.kind);
        let kind = GroupVersionKind::try_from(types)
            .map_err(|error| self.undone(format!("{words}: {error}"), "check its apiVersion"))?;
        let found = pinned_kind(client, &kind).await;
        let (resource, known) = found.map_err(|error| {
            let what = format!("look for the kind of {words}");
            Wrong::Undone(sorted((&self.on, &what), &error).into_failure())
        })?;
        let own = object.metadata.namespace.as_deref();
        let api = match known.scope {
            Scope::Cluster => Api::all_with(client.clone(), &resource),
            Scope::Namespaced => {
                let namespace = own.unwrap_or(&self.namespace);
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
        };
        Ok(Wanted {
            words,
            name,
            object,
            api,
        })
    }
}
