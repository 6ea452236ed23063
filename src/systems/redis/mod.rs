//! A Redis server: seen through `INFO`, changed by commands that are sent once.

mod acts;
mod info;

use std::collections::BTreeMap;
use std::time::Duration;

use self::info::Info;
use super::wire::redis::{Login, Server};
use super::{Output, System, wire};
use crate::incident::acts::redis::{RedisCondition, RedisSight};
use crate::incident::acts::{Act, Condition};
use crate::incident::evaluate;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{Endpoint, RedisEndpoint, Site, Target};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};

/// One Redis server of the site.
pub struct Redis {
    id: TargetId,
    db: i64,
    server: Server,
    /// Where the site's Redis servers are, for `follow`.
    peers: BTreeMap<TargetId, (String, u16)>,
}

impl Redis {
    /// The server `target` at `endpoint`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &RedisEndpoint, site: &Site) -> Self {
        let login = Login {
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
            db: endpoint.db,
        };
        let place = (endpoint.host.as_str(), endpoint.port);
        let peers = site.targets.iter().filter_map(|peer| match &peer.endpoint {
            Endpoint::Redis(at) => Some((peer.id.clone(), (at.host.clone(), at.port))),
            _ => None,
        });
        Self {
            id: target.id.clone(),
            db: endpoint.db,
            server: Server::new(wire::on(target), place, endpoint.tls, login, target.timeout),
            peers: peers.collect(),
        }
    }

    async fn look(&self) -> Result<RedisSight, Failure> {
        let text = self.info().await?;
        Info::read(&text)
            .sight(self.db)
            .map_err(|why| self.bad_answer(why))
    }

    async fn info(&self) -> Result<String, Failure> {
        self.server.ask(&::redis::cmd("INFO")).await
    }

    fn bad_answer(&self, why: String) -> Failure {
        let advice = "is this a Redis server, version 4 or newer?";
        Failure::new(FailureKind::BadAnswer, self.server.on(), why, advice)
    }

    async fn judged(&self, condition: &Condition) -> Result<Verdict, Failure> {
        let seen = self.look().await;
        match condition {
            Condition::Reachable { target } => Ok(evaluate::reachable(target, seen.as_ref().err())),
            Condition::Redis(RedisCondition::Role { of, is }) => {
                Ok(evaluate::role(of, *is, &seen?))
            }
            Condition::Redis(RedisCondition::Keys { of, at_least }) => {
                Ok(evaluate::keys(of, *at_least, &seen?))
            }
            _ => Err(wire::not_known(self.server.on(), "this condition")),
        }
    }
}

impl System for Redis {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Redis);
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        self.judged(condition).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).boxed()
    }
}

/// How often the server is looked at while an act of its own runs.
const EVERY: Duration = Duration::from_millis(250);
