//! A service of ECS: tasks that run against tasks that are wanted, and how its deployment stands.

mod acts;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::sync::OnceCell;

use super::wire;
use super::wire::aws::{Account, Accounts, ask};
use super::{Output, System};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::{Act, Condition};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{AwsAccount, Target};

/// One service.
pub struct Ecs {
    id: TargetId,
    on: String,
    timeout: std::time::Duration,
    cluster: String,
    service: String,
    account: Account,
    client: OnceCell<Client>,
}

impl Ecs {
    /// The service of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (cluster, service): (&str, &str),
        account: &AwsAccount,
        accounts: &Accounts,
    ) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            timeout: target.timeout,
            cluster: cluster.to_owned(),
            service: service.to_owned(),
            account: accounts.of(account),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        let client = async || Client::new(self.account.config().await);
        self.client.get_or_init(client).await
    }

    /// `DescribeServices` of this one. A service that is not there is a failure in an answer that says success.
    async fn describe(&self) -> Result<Service, Failure> {
        let request = async {
            let request = self.client().await.describe_services();
            request
                .cluster(&self.cluster)
                .services(&self.service)
                .send()
                .await
        };
        let what = format!("DescribeServices {}", self.service);
        let answer = ask((&self.on, &what), self.timeout, request).await?;
        let found = answer
            .services()
            .first()
            .filter(|one| one.status() == Some("ACTIVE"));
        found.cloned().ok_or_else(|| {
            let what = format!("{what}: no such service that is active");
            Failure::new(
                FailureKind::Missing,
                &self.on,
                what,
                "check cluster, service and region",
            )
        })
    }
}

/// The deployment that is to replace all others.
fn newest(service: &Service) -> Option<&Deployment> {
    let mut all = service.deployments().iter();
    all.find(|deployment| deployment.status() == Some("PRIMARY"))
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
    let state = match rollout {
        Some(DeploymentRolloutState::Failed) => CheckState::Breach,
        _ if desired > 0 && running == 0 => CheckState::Breach,
        _ if stable(service) => CheckState::Fine,
        _ => CheckState::Watch,
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
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move { Err(wire::not_known(&self.on, "this condition")) }.boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }
}
