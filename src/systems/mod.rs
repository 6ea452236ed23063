//! How each system is seen and acted upon, live: one folder a system. A system is one value a target of the site.

pub mod absent;
pub mod alertmanager;
#[cfg(feature = "kubernetes")]
pub mod argocd;
#[cfg(feature = "aws")]
pub mod aurora;
pub mod barman;
#[cfg(feature = "aws")]
pub mod cloudwatch;
#[cfg(feature = "kubernetes")]
pub mod cnpg;
pub mod command;
pub mod discover;
pub mod dns;
pub mod docker;
#[cfg(feature = "aws")]
pub mod ecr;
#[cfg(feature = "aws")]
pub mod ecs;
#[cfg(feature = "aws")]
pub mod elasticache;
pub mod etcd;
pub mod files;
pub mod git;
pub mod http;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "aws")]
pub mod logins;
pub mod metrics;
pub mod pgbackrest;
pub mod pgbouncer;
pub mod postgres;
pub mod probe;
pub mod prometheus;
#[cfg(feature = "aws")]
pub mod rds;
pub mod redis;
pub mod registry;
#[cfg(feature = "aws")]
pub mod route53;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "aws")]
pub mod secrets;
pub mod sentinel;
pub mod tcp;
pub mod tls;
pub mod vault;
#[cfg(feature = "kubernetes")]
pub mod velero;
pub mod wire;

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use crate::incident::acts::{Act, Condition};
use crate::incident::clean::Clean;
use crate::incident::reading::{Failure, Observation, Outcome, Verdict};

/// A target that can be looked at, asked and acted upon.
pub trait System: Send + Sync {
    /// Looks at it once, within the target's time-out. What fails is part of the observation.
    fn observe(&self) -> BoxFuture<'_, Observation>;

    /// Evaluates a condition that needs more than a sight (`row_counts`, `fenced`); most are judged from sights in
    /// `incident` and never come here, so that most systems know none.
    ///
    /// # Errors
    /// When it could not be measured; callers treat that as unknown.
    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move { Err(wire::not_known("this target", condition)) }.boxed()
    }

    /// What the login that reaches it may not do, of what `acts` do: asked of who grants it, before an incident does. Most systems
    /// can't be asked.
    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let _ = acts;
        async { Vec::new() }.boxed()
    }

    /// Carries an act out, once: no retries, and a lost answer is [`Outcome::Unknown`].
    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome>;
}

/// Where an act's progress goes, line by line, to be kept as evidence and shown.
#[derive(Debug, Clone)]
pub struct Output(mpsc::UnboundedSender<Clean>);

impl Output {
    /// An output and the end that receives its lines.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Clean>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// One line of progress. A receiver that has gone is no reason to stop an act.
    pub fn line(&self, text: impl AsRef<str>) {
        let _ = self.0.send(Clean::new(text.as_ref()));
    }
}

/// Systems by target, as the watch loop and the runner hold them.
pub type Shared = Arc<dyn System>;
