//! A secret of Secrets Manager: its versions, and how a new one becomes current. Its value is never read.

mod acts;

use std::collections::BTreeSet;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

use super::wire;
use super::wire::aws::{self, Accounts, Service};
use super::wire::policy::Caller;
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::secrets::SecretSight;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{SecretEndpoint, Target};

/// The stage of the version that is current.
const CURRENT: &str = "AWSCURRENT";

/// The stage of the version before: whoever asks for it gets it, until the stage is taken away.
const PREVIOUS: &str = "AWSPREVIOUS";

/// One secret of the site.
pub struct Secrets {
    id: TargetId,
    endpoint: SecretEndpoint,
    service: Service<Client>,
}

impl Secrets {
    /// The secret of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &SecretEndpoint, accounts: &Accounts) -> Self {
        Self {
            id: target.id.clone(),
            endpoint: endpoint.clone(),
            service: Service::new(target, (&endpoint.account, accounts), Client::new),
        }
    }

    async fn look(&self) -> Result<SecretSight, Failure> {
        let seen = self.describe().await?;
        let version = staged(&seen, CURRENT).ok_or_else(|| {
            let what = "DescribeSecret: no version is current";
            self.service.missing(what, "store a value first")
        })?;
        let changed = self.created(version).await?;
        Ok(SecretSight {
            version: version.to_owned(),
            changed,
            old_accepted: staged(&seen, PREVIOUS).is_some(),
        })
    }

    async fn describe(&self) -> Result<DescribeSecretOutput, Failure> {
        let request = async {
            let request = self.service.client().await.describe_secret();
            request.secret_id(&self.endpoint.name).send().await
        };
        self.service.ask("DescribeSecret", request).await
    }

    /// When a version was made. `LastChangedDate` changes with tags and policies too.
    async fn created(&self, version: &str) -> Result<DateTime<Utc>, Failure> {
        let request = async {
            let request = self.service.client().await.list_secret_version_ids();
            request.secret_id(&self.endpoint.name).send().await
        };
        let what = "ListSecretVersionIds";
        let answer = self.service.ask(what, request).await?;
        let listed = answer.versions().iter();
        let found = listed.filter(|one| one.version_id() == Some(version));
        let time = found.filter_map(|one| one.created_date()).next();
        let time = time.and_then(aws::time);
        time.ok_or_else(|| {
            let what = format!("{what}: it does not say when version {version} was made");
            Failure::new(FailureKind::BadAnswer, &self.service.on, what, "")
        })
    }
}

/// The version with a stage.
fn staged<'a>(seen: &'a DescribeSecretOutput, stage: &str) -> Option<&'a str> {
    let stages = seen.version_ids_to_stages()?;
    let mut found = stages
        .iter()
        .filter(|(_, all)| all.iter().any(|one| one == stage));
    found.next().map(|(version, _)| version.as_str())
}

impl System for Secrets {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Secret);
        let look = wire::within(&self.service.on, self.service.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let actions: BTreeSet<_> = acts.iter().filter_map(|act| self.action(act)).collect();
        async move {
            // The names of secrets end in six characters of AWS' making, for which policies have wildcards.
            let name = format!("secret:{}-??????", self.endpoint.name);
            let region = self.service.region();
            let arn = |caller: &Caller| caller.arn("secretsmanager", region, &name);
            let actions = Vec::from_iter(actions);
            self.service.forbidden(&actions, arn).await
        }
        .boxed()
    }
}
