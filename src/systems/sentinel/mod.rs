//! A Redis master as its Sentinels see it: all of the site's are asked, since one alone may be cut off.

mod answer;
mod failover;

use std::time::Duration;

use ::redis::{Cmd, cmd};
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt, join_all};

use self::answer::Answer;
use super::wire::redis::{Login, Server};
use super::{Output, System, wire};
use crate::incident::acts::redis::{RedisCondition, SentinelSight};
use crate::incident::acts::{Act, Condition};
use crate::incident::evaluate;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{Endpoint, SentinelEndpoint, Site, Target};

/// Sentinel's port when a node names none.
const PORT: u16 = 26_379;

/// How long a name may take to resolve.
const RESOLVED_WITHIN: Duration = Duration::from_secs(2);

/// The Sentinels of one master.
pub struct Sentinel {
    id: TargetId,
    on: String,
    /// The master's name in their configuration.
    master: String,
    nodes: Vec<Server>,
    /// The site's Redis servers: an address is theirs, and their credentials are needed to ask what it serves as.
    peers: Vec<Peer>,
}

/// A Redis server of the site.
struct Peer {
    id: TargetId,
    host: String,
    port: u16,
    server: Server,
}

impl Sentinel {
    /// The Sentinels of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &SentinelEndpoint, site: &Site) -> Self {
        let node = |place: &String| {
            let login = Login {
                password: endpoint.password.clone(),
                ..Login::default()
            };
            let on = format!("{} ({place})", target.id);
            Server::new(on, split(place), endpoint.tls, login, target.timeout)
        };
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            master: endpoint.master.clone(),
            nodes: endpoint.nodes.iter().map(node).collect(),
            peers: site.targets.iter().filter_map(Peer::new).collect(),
        }
    }

    /// What each Sentinel says, in the site's order.
    async fn answers(&self) -> Vec<Result<Answer, Failure>> {
        join_all(self.nodes.iter().map(|node| self.ask(node))).await
    }

    async fn ask(&self, node: &Server) -> Result<Answer, Failure> {
        let (address, master, replicas, quorum) = (
            self.command("GET-MASTER-ADDR-BY-NAME"),
            self.command("MASTER"),
            self.command("REPLICAS"),
            self.command("CKQUORUM"),
        );
        let (address, master, replicas, quorum) = tokio::join!(
            node.ask::<Option<(String, String)>>(&address),
            node.ask(&master),
            node.ask(&replicas),
            node.ask::<String>(&quorum),
        );
        // A name nobody knows is answered with nothing, and success.
        let Some((host, port)) = address? else {
            let what = format!("master {:?}: unknown to this Sentinel", self.master);
            let advice = "check the target's master in the site file";
            return Err(Failure::new(FailureKind::Missing, node.on(), what, advice));
        };
        Ok(Answer {
            address: format!("{host}:{port}"),
            master: master?,
            replicas: replicas?,
            // NOQUORUM comes as an error reply.
            quorum: quorum.is_ok(),
        })
    }

    fn command(&self, word: &str) -> Cmd {
        let mut command = cmd("SENTINEL");
        command.arg(word).arg(&self.master);
        command
    }

    async fn look(&self) -> Result<SentinelSight, Failure> {
        let mut seen = answer::merged(self.answers().await, &self.on)?;
        seen.master_target = self.peer(&seen.master).await.map(|peer| peer.id.clone());
        Ok(seen)
    }

    /// The site's Redis server at an address that a Sentinel gave out.
    async fn peer(&self, address: &str) -> Option<&Peer> {
        for peer in &self.peers {
            if peer.addresses().await.iter().any(|known| known == address) {
                return Some(peer);
            }
        }
        None
    }

    async fn judged(&self, condition: &Condition) -> Result<Verdict, Failure> {
        let seen = self.look().await;
        match condition {
            Condition::Reachable { target } => Ok(evaluate::reachable(target, seen.as_ref().err())),
            Condition::Redis(RedisCondition::MasterIs { of, target }) => {
                let Some(peer) = self.peers.iter().find(|peer| &peer.id == target) else {
                    return Err(wire::not_known(&self.on, target));
                };
                let seen = seen?;
                Ok(evaluate::master_is(
                    of,
                    target,
                    &seen,
                    &peer.addresses().await,
                ))
            }
            _ => Err(wire::not_known(&self.on, "this condition")),
        }
    }
}

impl Peer {
    fn new(target: &Target) -> Option<Self> {
        let Endpoint::Redis(at) = &target.endpoint else {
            return None;
        };
        let login = Login {
            user: at.user.clone(),
            password: at.password.clone(),
            db: at.db,
        };
        let place = (at.host.as_str(), at.port);
        Some(Self {
            id: target.id.clone(),
            host: at.host.clone(),
            port: at.port,
            server: Server::new(wire::on(target), place, at.tls, login, target.timeout),
        })
    }

    /// Its address as the site writes it, and as its name resolves: Sentinels give out numbers as a rule.
    async fn addresses(&self) -> Vec<String> {
        let mut known = vec![format!("{}:{}", self.host, self.port)];
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        if let Ok(Ok(found)) = tokio::time::timeout(RESOLVED_WITHIN, lookup).await {
            known.extend(found.map(|address| format!("{}:{}", address.ip(), address.port())));
        }
        known
    }
}

impl System for Sentinel {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Sentinel);
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        self.judged(condition).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).boxed()
    }
}

/// `host:port`, `[::1]:port` or a host alone.
fn split(place: &str) -> (&str, u16) {
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (place, None),
    };
    match port {
        Some(port) => (host.trim_matches(['[', ']']), port),
        None => (place, PORT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_host_with_or_without_a_port() {
        for (place, expected) in [
            ("10.0.0.1:26380", ("10.0.0.1", 26_380)),
            ("sentinel-1", ("sentinel-1", PORT)),
            ("[::1]:26380", ("::1", 26_380)),
        ] {
            assert_eq!(split(place), expected);
        }
    }
}
