//! An etcd cluster by its JSON gateway: which members answer, whether they have a leader, what they complain of.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde_json::{Value, json};

use super::probe::Probe;
use super::wire;
use super::wire::http::{MaybeClient, Web};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::Target;

/// One cluster.
pub struct Etcd {
    web: Web,
    members: Vec<String>,
    /// How long each may take.
    each: Duration,
}

impl Etcd {
    /// The cluster of `target`, by all of its members.
    pub fn new(target: &Target, members: &[String], client: &MaybeClient) -> Self {
        Self {
            web: Web::new(wire::on(target), client.clone()),
            members: members.to_vec(),
            each: wire::share(target.timeout),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let asked = self.members.iter().map(|member| async move {
            let url = format!("{member}/v3/maintenance/status");
            let (what, body) = (format!("status of {member}"), json!({}));
            wire::within(&self.web.on, self.each, self.web.post(&what, &url, &body)).await
        });
        let answers = join_all(asked).await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        let good: Vec<Value> = good.into_iter().flatten().collect();
        if let (true, Some(Err(failure))) = (good.is_empty(), bad.into_iter().next()) {
            return Err(failure);
        }
        Ok(Sight::Check(judged(self.members.len(), &good)))
    }
}

fn judged(members: usize, statuses: &[Value]) -> CheckSight {
    let answer = statuses.len();
    let leader = |status: &Value| {
        status["leader"]
            .as_str()
            .is_some_and(|leader| leader != "0")
    };
    let leaderless = statuses.iter().filter(|status| !leader(status)).count();
    let errors = statuses
        .iter()
        .flat_map(|status| status["errors"].as_array().into_iter().flatten());
    let complaint = errors.filter_map(Value::as_str).next();
    let quorum = members / 2 + 1;
    let (state, why) = match complaint {
        _ if answer < quorum => (CheckState::Breach, ", no quorum".to_owned()),
        _ if leaderless > 0 => (
            CheckState::Breach,
            format!(", {leaderless} without a leader"),
        ),
        Some(complaint) => (CheckState::Breach, format!(", {complaint}")),
        None if answer < members => (CheckState::Watch, ", quorum holds".to_owned()),
        None => (CheckState::Fine, String::new()),
    };
    let figure = u32::try_from(answer).map_or(0.0, f64::from);
    CheckSight::new(state, format!("{answer} of {members} members{why}")).with_value(figure)
}

impl Probe for Etcd {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
