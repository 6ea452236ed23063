//! A service of ECS: tasks that run against tasks that are wanted, and how its deployment stands.

mod acts;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

use super::wire;
use super::wire::aws::{self, Accounts};
use super::wire::policy::Caller;
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::orders::words_to;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{AwsAccount, Target};

/// One service.
pub struct Ecs {
    id: TargetId,
    cluster: String,
    name: String,
    service: aws::Service<Client>,
}

impl Ecs {
    /// The service of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (cluster, name): (&str, &str),
        account: (&AwsAccount, &Accounts),
    ) -> Self {
        Self {
            id: target.id.clone(),
            cluster: cluster.to_owned(),
            name: name.to_owned(),
            service: aws::Service::new(target, account, Client::new),
        }
    }

    /// `DescribeServices` of this one. A service that is not there is a failure in an answer that says success.
    async fn describe(&self) -> Result<Service, Failure> {
        let request = async {
            let request = self.service.client().await.describe_services();
            request
                .cluster(&self.cluster)
                .services(&self.name)
                .send()
                .await
        };
        let what = format!("DescribeServices {}", self.name);
        let answer = self.service.ask(&what, request).await?;
        let mut found = answer.services.into_iter().flatten();
        found
            .find(|one| one.status() == Some("ACTIVE"))
            .ok_or_else(|| {
                let what = format!("{what}: no such service that is active");
                self.service
                    .missing(what, "check cluster, service and region")
            })
    }
}

/// The deployment that is to replace all others.
fn newest(service: &Service) -> Option<&Deployment> {
    let mut all = service.deployments().iter();
    all.find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Whether ECS has given the newest deployment up.
fn failed(service: &Service) -> bool {
    newest(service).and_then(Deployment::rollout_state) == Some(&DeploymentRolloutState::Failed)
}

/// Whether a service runs what it should and nothing else.
fn stable(service: &Service) -> bool {
    let rolled_out = newest(service).and_then(Deployment::rollout_state);
    let completed = rolled_out.is_none_or(|state| *state == DeploymentRolloutState::Completed);
    completed
        && service.deployments().len() == 1
        && service.running_count() == service.desired_count()
}

fn judged(service: &Service) -> CheckSight {
    let (running, desired) = (service.running_count(), service.desired_count());
    let rollout = newest(service).and_then(Deployment::rollout_state);
    let state = match () {
        () if failed(service) => CheckState::Breach,
        () if desired > 0 && running == 0 => CheckState::Breach,
        () if stable(service) => CheckState::Fine,
        () => CheckState::Watch,
    };
    // What is over is not news.
    let rollout = rollout.filter(|rollout| **rollout != DeploymentRolloutState::Completed);
    let rollout = rollout.map(|rollout| format!(", rollout {}", rollout.as_str().to_lowercase()));
    let words = format!(
        "{running} of {desired} tasks{}",
        rollout.unwrap_or_default()
    );
    CheckSight::new(state, words).with_value(f64::from(running))
}

impl System for Ecs {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self
            .describe()
            .map_ok(|service| Sight::Check(judged(&service)));
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let any = words_to(acts, runbook::System::Ecs).next();
        let actions = Vec::from_iter(any.map(|_| "ecs:UpdateService"));
        async move {
            let name = format!("service/{}/{}", self.cluster, self.name);
            let region = self.service.region();
            let arn = |caller: &Caller| caller.arn("ecs", region, &name);
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
