//! Kubernetes: what a probe sees of a workload or a cluster, what can be done to it, what can be asked of it.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;

/// A target as one probe saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KubeSight {
    /// A deployment or a stateful set.
    Workload(WorkloadSight),
    /// The cluster itself.
    Cluster {
        /// Nodes it knows.
        nodes: u32,
        /// Nodes that are ready.
        nodes_ready: u32,
        /// `v1.34.1`
        version: String,
    },
}

/// A workload's replicas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadSight {
    /// `spec.replicas`
    pub desired: u32,
    /// `status.readyReplicas`
    pub ready: u32,
    /// `status.updatedReplicas`: of the newest revision.
    pub updated: u32,
    /// Replicas of older revisions that are there still.
    pub old: u32,
    /// Pods that crash again and again.
    pub crashing: u32,
    /// The rollout's revision.
    pub revision: u64,
    /// The first container's image.
    pub image: String,
    /// When the oldest of its pods started: it has what was current then.
    pub started: Option<DateTime<Utc>>,
    /// What the cluster complained of in the last quarter of an hour.
    #[serde(default)]
    pub warnings: Option<Warnings>,
    /// Persistent volume claims of its pods that have no volume.
    #[serde(default)]
    pub unbound: Vec<Claim>,
}

/// A persistent volume claim without its volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// `data-db-0`
    pub name: String,
    /// `Pending`: none was found yet. `Lost`: it is gone, and what was on it. `Missing`: the claim itself is not there.
    pub phase: String,
}

/// Events of type Warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warnings {
    /// How many.
    pub count: u32,
    /// The newest one's reason: `FailedScheduling`.
    pub reason: String,
    /// What it says.
    pub message: String,
}

impl WorkloadSight {
    /// Every replica is of the newest revision and ready, and none crashes.
    pub fn rolled_out(&self) -> bool {
        let whole = self.updated == self.desired && self.ready == self.desired;
        whole && self.old == 0 && self.crashing == 0
    }
}

/// What can be done to a workload or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KubeAct {
    /// Sets the number of replicas.
    Scale {
        /// The workload.
        target: TargetId,
        /// How many; a variable may stand for it.
        replicas: String,
    },
    /// `kubectl rollout restart`: one replica after the other.
    Restart {
        /// The workload.
        target: TargetId,
    },
    /// `kubectl rollout undo`.
    Undo {
        /// The workload.
        target: TargetId,
        /// To which revision; the one before when absent.
        to_revision: Option<String>,
    },
    /// Sets a variable of the workload's containers, which rolls it out anew.
    SetEnv {
        /// The workload.
        target: TargetId,
        /// The variable.
        name: String,
        /// Its value.
        value: String,
    },
    /// Ends one pod; its workload starts another in its place.
    DeletePod {
        /// The workload or the cluster.
        target: TargetId,
        /// The pod.
        pod: String,
    },
    /// `kubectl patch`: changes part of the workload's object.
    Patch {
        /// The workload.
        target: TargetId,
        /// The part, as JSON, merged as kubectl does it.
        patch: String,
    },
    /// `kubectl apply --server-side` of a file.
    Apply {
        /// The workload or the cluster; its namespace is that of objects which name none.
        target: TargetId,
        /// The file's whole path; YAML with as many objects as one likes.
        file: String,
    },
    /// Keeps new pods off a node.
    Cordon {
        /// The cluster.
        target: TargetId,
        /// The node.
        node: String,
    },
}

impl KubeAct {
    /// Every word behind `kube.`.
    pub const WORDS: [&'static str; 8] = [
        "scale",
        "restart",
        "undo",
        "set_env",
        "delete_pod",
        "patch",
        "apply",
        "cordon",
    ];

    /// Reads the table behind `kube.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let target = read::target(reader, table, "target", "web-west");
        match word {
            "scale" => {
                let replicas = read::count(reader, table, "replicas", "replicas = 10");
                Some(KubeAct::Scale {
                    target: target?,
                    replicas: replicas?,
                })
            }
            "restart" => Some(KubeAct::Restart { target: target? }),
            "undo" => {
                let to_revision = table
                    .has("to_revision")
                    .then(|| read::count(reader, table, "to_revision", "to_revision = 12"));
                Some(KubeAct::Undo {
                    target: target?,
                    to_revision: to_revision.flatten(),
                })
            }
            "set_env" => {
                let name = read::required(reader, table, "name", "name = \"LLM_PROVIDER\"");
                let value = read::required(reader, table, "value", "value = \"second\"");
                Some(KubeAct::SetEnv {
                    target: target?,
                    name: name?,
                    value: value?,
                })
            }
            "delete_pod" => {
                let pod = read::required(reader, table, "pod", "pod = \"db-0\"");
                Some(KubeAct::DeletePod {
                    target: target?,
                    pod: pod?,
                })
            }
            "patch" => {
                let json = |text: &str| match (text.contains('$'), whole(text)) {
                    (false, Err(why)) => Err(why),
                    _ => Ok(text.to_owned()),
                };
                let example = ("patch", r#"patch = '{"spec": {"paused": true}}'"#);
                let patch = read::required_by(reader, table, example, json);
                Some(KubeAct::Patch {
                    target: target?,
                    patch: patch?,
                })
            }
            "apply" => {
                let path = |text: &str| match text.starts_with(['/', '$']) {
                    true => Ok(text.to_owned()),
                    false => Err(format!("{text:?} is no whole path")),
                };
                let example = ("file", "file = \"/srv/k8s/web.yaml\"");
                let file = read::required_by(reader, table, example, path);
                Some(KubeAct::Apply {
                    target: target?,
                    file: file?,
                })
            }
            "cordon" => {
                let node = read::required(reader, table, "node", "node = \"node-3\"");
                Some(KubeAct::Cordon {
                    target: target?,
                    node: node?,
                })
            }
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            KubeAct::Scale { target, replicas } => vec![&mut target.0, replicas],
            KubeAct::Restart { target } => vec![&mut target.0],
            KubeAct::Undo {
                target,
                to_revision,
            } => [Some(&mut target.0), to_revision.as_mut()]
                .into_iter()
                .flatten()
                .collect(),
            KubeAct::SetEnv {
                target,
                name,
                value,
            } => vec![&mut target.0, name, value],
            KubeAct::DeletePod { target, pod: name }
            | KubeAct::Patch {
                target,
                patch: name,
            }
            | KubeAct::Apply { target, file: name }
            | KubeAct::Cordon { target, node: name } => vec![&mut target.0, name],
        }
    }

    /// The word behind `kube.`.
    pub fn word(&self) -> &'static str {
        match self {
            KubeAct::Scale { .. } => "scale",
            KubeAct::Restart { .. } => "restart",
            KubeAct::Undo { .. } => "undo",
            KubeAct::SetEnv { .. } => "set_env",
            KubeAct::DeletePod { .. } => "delete_pod",
            KubeAct::Patch { .. } => "patch",
            KubeAct::Apply { .. } => "apply",
            KubeAct::Cordon { .. } => "cordon",
        }
    }

    /// The target it changes.
    pub fn target(&self) -> &TargetId {
        match self {
            KubeAct::Scale { target, .. }
            | KubeAct::Restart { target }
            | KubeAct::Undo { target, .. }
            | KubeAct::SetEnv { target, .. }
            | KubeAct::DeletePod { target, .. }
            | KubeAct::Patch { target, .. }
            | KubeAct::Apply { target, .. }
            | KubeAct::Cordon { target, .. } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        Danger::Change
    }
}

impl fmt::Display for KubeAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.target())?;
        match self {
            KubeAct::Scale { replicas, .. } => write!(f, " to {replicas}"),
            KubeAct::Undo {
                to_revision: Some(revision),
                ..
            } => write!(f, " to revision {revision}"),
            KubeAct::SetEnv { name, value, .. } => write!(f, " {name}={value}"),
            KubeAct::DeletePod { pod: name, .. }
            | KubeAct::Apply { file: name, .. }
            | KubeAct::Cordon { node: name, .. } => write!(f, " {name}"),
            KubeAct::Patch { patch, .. } => write!(f, " by {patch}"),
            KubeAct::Restart { .. } | KubeAct::Undo { .. } => Ok(()),
        }
    }
}

/// Whether a text is a JSON object.
fn whole(text: &str) -> Result<(), String> {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text);
    object
        .map(|_| ())
        .map_err(|why| format!("no JSON object: {why}"))
}

/// What can be asked of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KubeCondition {
    /// `ready = { of = "web-west", at_least = 10 }`
    Ready {
        /// The workload.
        of: TargetId,
        /// Replicas that must be ready; a variable may stand for it.
        at_least: String,
    },
    /// `rollout = "web-west"`: complete, and nothing crashes.
    Rollout {
        /// The workload.
        target: TargetId,
    },
    /// `pods_ready = "web-west"`: as many as are wanted.
    PodsReady {
        /// The workload.
        target: TargetId,
    },
    /// `nodes_ready = "cluster-west"`: all of them.
    NodesReady {
        /// The cluster.
        target: TargetId,
    },
}

impl KubeCondition {
    /// Every condition word of Kubernetes.
    pub const WORDS: [&'static str; 4] = ["ready", "rollout", "pods_ready", "nodes_ready"];

    /// Reads what stands behind one of [`KubeCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        match word {
            "ready" => read::each_table(reader, card, word, |reader, table| {
                let of = read::target(reader, table, "of", "web-west");
                let at_least = read::count(reader, table, "at_least", "at_least = 10");
                Some(Self::Ready {
                    of: of?,
                    at_least: at_least?,
                })
            }),
            "rollout" => read::each_target(reader, card, word, |target| Self::Rollout { target }),
            "pods_ready" => {
                read::each_target(reader, card, word, |target| Self::PodsReady { target })
            }
            "nodes_ready" => {
                read::each_target(reader, card, word, |target| Self::NodesReady { target })
            }
            _ => Vec::new(),
        }
    }

    /// The target that is asked.
    pub fn of(&self) -> &TargetId {
        match self {
            KubeCondition::Ready { of, .. } => of,
            KubeCondition::Rollout { target }
            | KubeCondition::PodsReady { target }
            | KubeCondition::NodesReady { target } => target,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            KubeCondition::Ready { of, at_least } => vec![&mut of.0, at_least],
            KubeCondition::Rollout { target }
            | KubeCondition::PodsReady { target }
            | KubeCondition::NodesReady { target } => vec![&mut target.0],
        }
    }
}

impl fmt::Display for KubeCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KubeCondition::Ready { of, at_least } => {
                write!(f, "ready replicas of {of} ≥ {at_least}")
            }
            KubeCondition::Rollout { target } => write!(f, "rollout of {target} complete"),
            KubeCondition::PodsReady { target } => write!(f, "pods of {target} ready"),
            KubeCondition::NodesReady { target } => write!(f, "nodes of {target} ready"),
        }
    }
}
