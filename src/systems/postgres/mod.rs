//! PostgreSQL: one server, seen through one kept connection, asked and acted upon through connections of their own.

mod acts;
mod conditions;
mod observe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::wire::pg::{Door, Limits, Session, failure};
use crate::incident::acts::postgres::PgSight;
use crate::incident::acts::{Act, Condition};
use crate::incident::reading::{
    Failure, FailureKind, HostWord, Observation, Outcome, Sight, Verdict,
};
use crate::incident::site::{Endpoint, PgEndpoint, Target, Tls};
use crate::systems::wire::host;
use crate::systems::{Output, System};

/// A PostgreSQL target.
pub struct Postgres {
    target: Target,
    heartbeat: Option<String>,
    door: Door,
    kept: Mutex<Option<Session>>,
}

impl Postgres {
    /// The server of `target`, whose endpoint is [`Endpoint::Postgres`]. Connects at the first question.
    pub fn new(target: &Target) -> Self {
        let on = format!("{} ({})", target.id, target.endpoint.place());
        let endpoint = match &target.endpoint {
            Endpoint::Postgres(endpoint) => endpoint.clone(),
            other => nowhere(other),
        };
        Postgres {
            target: target.clone(),
            heartbeat: endpoint.heartbeat.clone(),
            door: Door::new(on, endpoint),
            kept: Mutex::new(None),
        }
    }

    fn on(&self) -> &str {
        &self.door.on
    }

    /// Looks once, within the target's time-out, connecting anew where the kept connection has gone.
    async fn sight(&self) -> Result<PgSight, Failure> {
        let deadline = Instant::now() + self.target.timeout;
        let mut kept = match timeout_at(deadline, self.kept.lock()).await {
            Ok(kept) => kept,
            Err(_) => return Err(self.late("wait for an earlier probe")),
        };
        if let Some(session) = kept.take().filter(|session| !session.client.is_closed()) {
            match self.look(&session, deadline).await {
                Ok(sight) => {
                    *kept = Some(session);
                    return Ok(sight);
                }
                Err(failure) if failure.kind == FailureKind::TimedOut => return Err(failure),
                // A restart, a terminated session: a reading fails only when a fresh connection fails too.
                Err(_) => {}
            }
        }
        let limits = Limits::probe(self.target.timeout);
        let session = self.door.open(None, limits, deadline).await?;
        let sight = self.look(&session, deadline).await?;
        *kept = Some(session);
        Ok(sight)
    }

    async fn look(&self, session: &Session, deadline: Instant) -> Result<PgSight, Failure> {
        let looking = observe::look(session, self.on(), self.heartbeat.as_deref());
        match timeout_at(deadline, looking).await {
            Ok(sight) => sight,
            Err(_) => Err(self.late("read its state")),
        }
    }

    fn late(&self, tried: &str) -> Failure {
        failure::timed_out(self.on(), tried, self.target.timeout)
    }

    /// The host's word, where the site says how to ask for it. A host that can't be asked has said nothing.
    async fn host_word(&self) -> Option<HostWord> {
        let fence = self.target.fence.as_ref()?;
        host::proof(fence, self.on()).await.ok()
    }
}

impl System for Postgres {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        async move {
            let begun = Instant::now();
            let value = self.sight().await;
            let host = match &value {
                Ok(_) => None,
                Err(_) => self.host_word().await,
            };
            Observation {
                target: self.target.id.clone(),
                value: value.map(Sight::Postgres),
                host,
                took: begun.elapsed(),
            }
        }
        .boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        self.judge(condition).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.act(act, out).boxed()
    }
}

/// The registry makes a [`Postgres`] only of a PostgreSQL target; of anything else it is one nobody can reach.
fn nowhere(other: &Endpoint) -> PgEndpoint {
    PgEndpoint {
        host: format!("not-postgres-but-{}.invalid", other.system()),
        port: 5432,
        user: String::new(),
        dbname: String::new(),
        password: None,
        tls: Tls::Verify,
        heartbeat: None,
    }
}
