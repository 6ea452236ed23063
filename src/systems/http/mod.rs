//! An HTTP endpoint that tells its health: one GET, no redirects followed, no proxy in between.

mod answer;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use super::wire::http::{self, MaybeClient};
use super::wire::{self, secret};
use super::{Output, System};
use crate::incident::acts::http::HttpSight;
use crate::incident::acts::{Act, Condition};
use crate::incident::evaluate;
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{HttpEndpoint, Target};

/// An answer is read up to here; what tells its health says it shortly.
const BODY_LIMIT: usize = 1 << 20;

/// One endpoint of the site.
pub struct Http {
    id: TargetId,
    on: String,
    endpoint: HttpEndpoint,
    timeout: Duration,
    client: MaybeClient,
}

impl Http {
    /// The endpoint of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &HttpEndpoint, client: &MaybeClient) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            endpoint: endpoint.clone(),
            timeout: target.timeout,
            client: client.clone(),
        }
    }

    async fn look(&self) -> Result<HttpSight, Failure> {
        match timeout(self.timeout, self.get()).await {
            Ok(sight) => sight,
            Err(_) => {
                let what = format!("GET: no answer within {}", Span(self.timeout));
                Err(Failure::new(FailureKind::TimedOut, &self.on, what, ""))
            }
        }
    }

    async fn get(&self) -> Result<HttpSight, Failure> {
        let client = self.client.as_ref().map_err(|why| {
            Failure::new(
                FailureKind::Local,
                &self.on,
                format!("HTTP client: {why}"),
                "",
            )
        })?;
        let mut request = client.get(&self.endpoint.url);
        if let Some(source) = &self.endpoint.bearer {
            let token = secret::fetch(source, &self.on).await?;
            request = request.bearer_auth(token.expose_secret());
        }
        let begun = Instant::now();
        let mut response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failure(&error))?
        {
            let room = BODY_LIMIT - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok(answer::sight(
            &self.endpoint,
            status,
            &body,
            begun.elapsed(),
        ))
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        http::failure((&self.on, "GET"), error)
    }
}

impl System for Http {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Http);
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move {
            let seen = self.look().await;
            match condition {
                Condition::Reachable { target } => {
                    Ok(evaluate::reachable(target, seen.as_ref().err()))
                }
                Condition::Healthy { target } => {
                    Ok(evaluate::healthy(target, &self.endpoint, &seen?))
                }
                _ => Err(wire::not_known(&self.on, "this condition")),
            }
        }
        .boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, _: &'a Output) -> BoxFuture<'a, Outcome> {
        async move { wire::failed(wire::not_known(&self.on, act.word())) }.boxed()
    }
}
