//! Kubernetes: one client for each context a site names, and what its errors mean.
//!
//! Nothing is retried, for the same reason as with AWS: the watch loop asks again anyway, and what changes something goes out
//! once.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::causes::innermost;
use super::{Wrong, causes, rights};
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Verdict};
use crate::incident::site::{KubeEndpoint, Target};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long the answer to one request may take. A probe has the target's own time-out besides.
const REQUEST: Duration = Duration::from_secs(30);

/// How long the program that logs in may take.
const LOGIN: Duration = Duration::from_secs(10);

/// The context that stands for the pod warroom runs in.
const IN_CLUSTER: &str = "in-cluster";

/// The clusters of a site: each is connected to once, whoever asks.
#[derive(Default)]
pub struct Clusters(Mutex<BTreeMap<(Option<PathBuf>, String), Cluster>>);

/// One cluster: its context is read and the login made when it is first asked.
#[derive(Clone)]
pub struct Cluster {
    kubeconfig: Option<PathBuf>,
    context: String,
    client: Arc<OnceCell<Client>>,
}

impl Clusters {
    /// The cluster of a context, the same one for all that name it.
    pub fn of(&self, endpoint: &KubeEndpoint) -> Cluster {
        let key = (endpoint.kubeconfig.clone(), endpoint.context.clone());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Cluster {
            kubeconfig: endpoint.kubeconfig.clone(),
            context: endpoint.context.clone(),
            client: Arc::default(),
        };
        known.entry(key).or_insert_with(fresh).clone()
    }
}

impl Cluster {
    /// A client of it. What failed is tried anew the next time.
    ///
    /// # Errors
    /// When the kubeconfig can't be read, has no such context, or the login fails.
    pub async fn client(&self, on: &str) -> Result<&Client, Failure> {
        self.client.get_or_try_init(|| self.connect(on)).await
    }

    async fn connect(&self, on: &str) -> Result<Client, Failure> {
        let local = |what: String, advice: &str| Failure::new(FailureKind::Local, on, what, advice);
        let mut config = self.config().await.map_err(|why| {
            local(
                format!("kubeconfig: {why}"),
                "check the file and the context's name",
            )
        })?;
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(REQUEST);
        config.write_timeout = Some(REQUEST);
        config.reset_reader_on_write = true;
        if let Some(exec) = &mut config.auth_info.exec {
            // The terminal is ours: a login that asks there would take its keys and write over the screen.
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
        // The login's program is waited for without a time-out of its own, and blocks.
        let made = tokio::task::spawn_blocking(move || Client::try_from(config));
        match timeout(LOGIN, made).await {
            Ok(Ok(client)) => client.map_err(|error| {
                let what = format!("log in: {}", innermost(&error));
                Failure::new(FailureKind::Denied, on, what, "run the login by hand once")
            }),
            Ok(Err(why)) => Err(local(format!("log in: {why}"), "")),
            Err(_) => {
                let what = format!("log in: not done within {}", Span(LOGIN));
                Err(Failure::new(
                    FailureKind::TimedOut,
                    on,
                    what,
                    "run the login by hand once",
                ))
            }
        }
    }

    async fn config(&self) -> Result<Config, String> {
        if self.context == IN_CLUSTER {
            return Config::incluster().map_err(|error| innermost(&error));
        }
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let file = read.map_err(|error| error.to_string())?;
        let options = KubeConfigOptions {
            context: Some(self.context.clone()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(file, &options).await;
        config.map_err(|error| error.to_string())
    }
}

/// A kubeconfig for programs that a step runs: the target's context alone, current, with its namespace. A command that names
/// neither acts where the step says, and on nothing else that the operator's file knows.
///
/// # Errors
/// When the file can't be read, or has no such context.
pub fn narrowed(at: &KubeEndpoint, on: &str) -> Result<Option<String>, Failure> {
    if at.context == IN_CLUSTER {
        return Ok(None);
    }
    let fail = |what: String| Failure::new(FailureKind::Local, on, what, "look at the kubeconfig");
    let read = match &at.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let mut file = read.map_err(|error| fail(format!("read the kubeconfig: {error}")))?;
    file.contexts.retain(|context| context.name == at.context);
    let context = file.contexts.first_mut().and_then(|it| it.context.as_mut());
    let Some(context) = context else {
        return Err(fail(format!(
            "the kubeconfig has no context {}",
            at.context
        )));
    };
    context.namespace = Some(at.namespace.clone());
    let (cluster, user) = (context.cluster.clone(), context.user.clone());
    file.clusters.retain(|it| it.name == cluster);
    file.auth_infos.retain(|it| Some(&it.name) == user.as_ref());
    file.current_context = Some(at.context.clone());
    // JSON is YAML.
    let text = serde_json::to_string(&file);
    text.map(Some)
        .map_err(|error| fail(format!("write the kubeconfig: {error}")))
}

/// Objects of one kind in one namespace: workloads, or what an operator defines.
pub struct Objects {
    /// How failures name the target.
    pub on: String,
    /// How long a look may take.
    pub timeout: Duration,
    cluster: Cluster,
    namespace: String,
    kind: ApiResource,
}

impl Objects {
    /// Objects of a kind, `("velero.io", "v1", "Backup", "backups")`, where the endpoint says; nothing is connected yet.
    pub fn new(
        target: &Target,
        (at, clusters): (&KubeEndpoint, &Clusters),
        (group, version, kind, plural): (&str, &str, &str, &str),
    ) -> Self {
        let kind = GroupVersionKind::gvk(group, version, kind);
        Self {
            on: super::on(target),
            timeout: target.timeout,
            cluster: clusters.of(at),
            namespace: at.namespace.clone(),
            kind: ApiResource::from_gvk_with_plural(&kind, plural),
        }
    }

    /// Its API, for what changes something.
    ///
    /// # Errors
    /// When the login fails.
    pub async fn api(&self) -> Result<Api<DynamicObject>, Failure> {
        let client = self.cluster.client(&self.on).await?.clone();
        Ok(Api::namespaced_with(client, &self.namespace, &self.kind))
    }

    /// Those of some verbs, each with a part of the object or none, that the login has not.
    pub async fn forbidden(&self, verbs: &[(&str, Option<&str>)]) -> Vec<Verdict> {
        let rights = verbs.iter().map(|(verb, part)| ResourceAttributes {
            namespace: Some(self.namespace.clone()),
            subresource: part.map(str::to_owned),
            ..rights::right(verb, &self.kind.group, &self.kind.plural)
        });
        rights::forbidden(&self.cluster, &self.on, rights.collect()).await
    }

    /// One object.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn get(&self, name: &str) -> Result<DynamicObject, Failure> {
        let what = format!("get {} {name}", self.kind.kind);
        ask((&self.on, &what), self.api().await?.get(name)).await
    }

    /// All objects with some labels, `a=b`; empty: all.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn list(&self, labels: &str) -> Result<Vec<DynamicObject>, Failure> {
        let what = format!("list {}", self.kind.plural);
        let params = ListParams::default().labels(labels);
        let api = self.api().await?;
        Ok(ask((&self.on, &what), api.list(&params)).await?.items)
    }

    /// Changes an object, or only its status, if it is still the one that was `seen`.
    ///
    /// # Errors
    /// [`Wrong::Undone`] when somebody else has changed it meanwhile.
    pub async fn patch(
        &self,
        seen: &DynamicObject,
        mut change: Value,
        status: bool,
    ) -> Result<(), Wrong> {
        let name = seen.name_any();
        let what = format!("patch {} {name}", self.kind.kind);
        change["metadata"]["resourceVersion"] = json!(seen.resource_version());
        let (api, params) = (
            self.api().await.map_err(Wrong::Undone)?,
            PatchParams::default(),
        );
        let patch = Patch::Merge(change);
        let sent = match status {
            true => api.patch_status(&name, &params, &patch).await,
            false => api.patch(&name, &params, &patch).await,
        };
        sent.map(|_| ())
            .map_err(|error| sorted((&self.on, &what), &error))
    }

    /// Stores a new object.
    ///
    /// # Errors
    /// [`Wrong::Undone`] when there is one of that name.
    pub async fn create(&self, name: &str, spec: Value) -> Result<(), Wrong> {
        let what = format!("create {} {name}", self.kind.kind);
        let object = DynamicObject::new(name, &self.kind).data(json!({ "spec": spec }));
        let api = self.api().await.map_err(Wrong::Undone)?;
        let sent = api.create(&PostParams::default(), &object).await;
        sent.map(|_| ())
            .map_err(|error| sorted((&self.on, &what), &error))
    }

    /// What can be said of an act that was refused here.
    pub fn undone(&self, what: String, advice: &str) -> Wrong {
        Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
    }

    /// What can be said of an act whose end was waited for in vain.
    pub fn lost(&self, what: String, advice: &str) -> Wrong {
        Wrong::Lost(Failure::new(FailureKind::TimedOut, &self.on, what, advice))
    }
}

/// An instant as Kubernetes writes it.
pub fn time(value: &Value) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    Some(time.with_timezone(&Utc))
}

/// Asks, `what` being what is asked and `on` of whom.
///
/// # Errors
/// What went wrong.
pub async fn ask<T>(
    (on, what): (&str, &str),
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    request
        .await
        .map_err(|error| sorted((on, what), &error).into_failure())
}

/// What an error means for an act: whether it may have happened all the same.
pub fn sorted((on, what): (&str, &str), error: &kube::Error) -> Wrong {
    let failure = |kind, words: &str, advice: &str| {
        Failure::new(kind, on, format!("{what}: {words}"), advice)
    };
    if let kube::Error::Api(status) = error {
        let (kind, advice) = meaning(status.code);
        let failure = failure(kind, &status.message, advice);
        // A server that broke while it worked may have done it.
        return match status.code >= 500 {
            true => Wrong::Lost(failure),
            false => Wrong::Undone(failure),
        };
    }
    let io = causes::find::<io::Error>(error);
    let tls = causes::find::<rustls::Error>(error).is_some();
    match error {
        kube::Error::Auth(_) => Wrong::Undone(failure(
            FailureKind::Denied,
            &innermost(error),
            "run the login by hand once",
        )),
        kube::Error::BuildRequest(_) => Wrong::Undone(failure(
            FailureKind::Local,
            &innermost(error),
            "check its arguments",
        )),
        _ if tls => Wrong::Undone(failure(
            FailureKind::Tls,
            &innermost(error),
            "check the cluster's certificate and the machine's clock",
        )),
        _ => match io.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Wrong::Undone(failure(
                FailureKind::Refused,
                "connection refused",
                "is it running?",
            )),
            Some(io::ErrorKind::TimedOut) => {
                Wrong::Lost(failure(FailureKind::TimedOut, &innermost(error), ""))
            }
            Some(_) => Wrong::Lost(failure(FailureKind::Unreachable, &innermost(error), "")),
            None => Wrong::Lost(failure(FailureKind::BadAnswer, &innermost(error), "")),
        },
    }
}

/// What people can do about an answer, by its code. The API server's own words name the permission that is missing.
fn meaning(code: u16) -> (FailureKind, &'static str) {
    match code {
        401 => (FailureKind::Denied, "the login has expired: log in again"),
        403 => (FailureKind::Denied, "ask for this permission"),
        404 => (
            FailureKind::Missing,
            "check name and namespace, and that its kind is installed",
        ),
        409 => (
            FailureKind::BadAnswer,
            "somebody changed it meanwhile: look, and try again",
        ),
        429 => (FailureKind::Busy, "wait"),
        _ => (FailureKind::BadAnswer, ""),
    }
}
