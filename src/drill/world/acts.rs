//! Typed acts on the simulated site: how long each takes, and what it brings about when it ends.

use std::time::Duration;

use super::{Way, World, dns};
use crate::drill::scenario::Grade;
use crate::incident::acts::Act;
use crate::incident::acts::kube::KubeAct;
use crate::incident::acts::rds::RdsAct;
use crate::incident::acts::route53::DnsAct;
use crate::incident::acts::secrets::SecretAct;
use crate::incident::clean::Clean;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome};

use super::Harm;

/// An act that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What is done.
    pub act: Act,
    /// How long it takes.
    pub takes: Duration,
}

impl World {
    /// Begins an act: how long it takes.
    ///
    /// # Errors
    /// The outcome of an act that can't even begin.
    pub fn begin(&mut self, act: &Act) -> Result<Job, Outcome> {
        let seconds = Duration::from_secs;
        let takes = match act {
            Act::Postgres(act) => self.begin_postgres(act)?,
            Act::Redis(act) => self.begin_redis(act)?,
            Act::Kube(kube) => self.reached(kube.target(), seconds(2))?,
            Act::Dns(dns) => self.reached(dns.target(), dns::SYNC)?,
            Act::Secret(secret) => self.reached(secret.target(), seconds(3))?,
            Act::Rds(rds) => self.begin_rds(rds)?,
            // No simulated site has what takes them.
            Act::Order(_) | Act::Wait(_) | Act::Runbook(_) => {
                return Err(failed(act.word(), "this is not an act of a system"));
            }
        };
        let act = act.clone();
        Ok(Job { act, takes })
    }

    /// Ends an act that was begun, once its time has passed: its consequences come about now.
    pub fn finish(&mut self, job: &Job) -> Outcome {
        let outcome = match &job.act {
            Act::Postgres(act) => self.finish_postgres(act),
            Act::Redis(act) => self.finish_redis(act),
            Act::Kube(act) => self.finish_kube(act),
            Act::Dns(act) => self.finish_dns(act),
            Act::Secret(act) => self.finish_secret(act),
            Act::Rds(act) => self.finish_rds(act),
            Act::Order(_) | Act::Wait(_) | Act::Runbook(_) => {
                failed(job.act.word(), "this is no act of a system")
            }
        };
        self.note_splits();
        outcome
    }

    /// A target that answers takes the act.
    fn reached(&self, target: &TargetId, takes: Duration) -> Result<Duration, Outcome> {
        match self.way(target) {
            Way::Open => Ok(takes),
            _ => Err(failed(target, "connect: it does not answer")),
        }
    }

    fn begin_rds(&self, act: &RdsAct) -> Result<Duration, Outcome> {
        let id = act.target();
        let available = self.instances.get(id).is_some_and(|i| i.available(self.at));
        if !available {
            return Err(failed(id, "InvalidDBInstanceState: it is not available"));
        }
        let minutes = |count: u64| Duration::from_secs(60 * count);
        self.reached(
            id,
            match act {
                RdsAct::Failover { .. } => Duration::from_secs(90),
                RdsAct::Promote { .. } => minutes(3),
                RdsAct::Snapshot { .. } => minutes(4),
                RdsAct::RestoreSnapshot { .. } | RdsAct::RestoreToTime { .. } => minutes(12),
            },
        )
    }

    fn finish_kube(&mut self, act: &KubeAct) -> Outcome {
        let (at, id) = (self.at, act.target());
        match act {
            KubeAct::Scale { replicas, .. } => match replicas.parse() {
                Ok(count) => self.workload(id, |workload| workload.scale(count, at)),
                Err(_) => return failed(id, &format!("{replicas:?} is no number of replicas")),
            },
            KubeAct::Restart { .. } | KubeAct::Patch { .. } => {
                self.workload(id, |workload| workload.restart(at));
            }
            KubeAct::Undo { .. } => self.workload(id, |workload| workload.release(false, at)),
            KubeAct::SetEnv { .. } => {
                self.workload(id, |workload| workload.restart(at));
                // Whatever is set makes the services of the workload go on without what fails.
                let services = self.wiring.services.iter();
                let of = services.filter(|service| service.workload.as_ref() == Some(id));
                let of: Vec<TargetId> = of.map(|service| service.target.clone()).collect();
                self.fallen_back.extend(of);
            }
            // Another pod stands in its place at once, as far as anybody can see.
            KubeAct::DeletePod { .. } | KubeAct::Cordon { .. } | KubeAct::Apply { .. } => {}
        }
        done("accepted")
    }

    fn finish_dns(&mut self, act: &DnsAct) -> Outcome {
        let at = self.at;
        match act {
            DnsAct::Shift {
                target,
                to,
                percent,
            } => match percent.parse() {
                Ok(percent) if percent <= 100 => self.shift(target, to, percent),
                _ => return failed(target, &format!("{percent:?} is no share in percent")),
            },
            DnsAct::Point { target, to } => {
                let record = self.records.get_mut(target);
                if record.and_then(|record| record.point(to, at)).is_none() {
                    return failed(target, &format!("{to:?} are no weights"));
                }
            }
        }
        done("in sync on every name server")
    }

    fn finish_secret(&mut self, act: &SecretAct) -> Outcome {
        let (at, id) = (self.at, act.target().clone());
        let stale = self
            .secrets
            .get(&id)
            .map(|secret| self.stale(secret))
            .unwrap_or_default();
        let Some(secret) = self.secrets.get_mut(&id) else {
            return failed(&id, "there is no such secret");
        };
        match act {
            SecretAct::Rotate { .. } => {
                secret.rotate(at);
                let version = secret.version;
                done(&format!(
                    "version {version}; the one before is still accepted"
                ))
            }
            SecretAct::RevokeOld { .. } => {
                secret.old_accepted = false;
                if !stale.is_empty() {
                    let names: Vec<String> = stale.iter().map(ToString::to_string).collect();
                    let words = format!(
                        "the old version of {id} was revoked while {} still used it",
                        names.join(", ")
                    );
                    self.harms.push(Harm {
                        at,
                        words,
                        makes: Grade::Partial,
                    });
                }
                done("the old version is refused")
            }
        }
    }

    fn finish_rds(&mut self, act: &RdsAct) -> Outcome {
        let at = self.at;
        let Some(instance) = self.instances.get_mut(act.target()) else {
            return failed(act.target(), "DBInstanceNotFound");
        };
        match act {
            RdsAct::Failover { .. } => {
                instance.fail_over();
                done("available in its other zone")
            }
            RdsAct::Snapshot { name, .. } => {
                instance.snapshot = Some(at);
                done(&format!("snapshot {name} is available"))
            }
            RdsAct::Promote { .. } => done("it is an instance of its own"),
            RdsAct::RestoreSnapshot { instance, .. } | RdsAct::RestoreToTime { instance, .. } => {
                done(&format!("{instance} is available"))
            }
        }
    }
}

fn done(said: &str) -> Outcome {
    Outcome::Done {
        said: Clean::new(said),
    }
}

fn failed(on: impl std::fmt::Display, what: &str) -> Outcome {
    Outcome::Failed {
        failure: Failure::new(FailureKind::BadAnswer, on, what, ""),
        exit: None,
    }
}
