//! A name: what several resolvers answer, whether they agree, where it leads, and for how long they keep it.
//!
//! Each look asks anew: nothing is cached here, and the hosts file of this machine is not read.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};

use super::probe::Probe;
use super::wire;
use super::wire::resolver::{Answer, Resolver};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One name of the site.
pub struct Dns {
    on: String,
    name: String,
    points_to: Vec<String>,
    ttl_under: Option<Duration>,
    resolvers: Vec<Resolver>,
}

impl Dns {
    /// The name of `target`, asked of each resolver.
    pub fn new(
        target: &Target,
        name: &str,
        resolvers: &[String],
        points_to: &[String],
        ttl_under: Option<Duration>,
    ) -> Self {
        let each = wire::share(target.timeout);
        Self {
            on: wire::on(target),
            name: name.to_owned(),
            points_to: points_to.to_vec(),
            ttl_under,
            resolvers: resolvers.iter().map(|at| Resolver::new(at, each)).collect(),
        }
    }

    async fn resolve(&self) -> Result<Sight, Failure> {
        let asked = self.resolvers.iter();
        let asked = asked.map(|one| async move { (one.at.as_str(), one.ask(&self.name).await) });
        let answers: Vec<(&str, Answer)> = join_all(asked).await;
        if let Some((at, Err(why))) = answers.iter().find(|(_, answer)| answer.is_err())
            && answers.iter().all(|(_, answer)| answer.is_err())
        {
            let what = format!("no resolver answers: {at}: {why}");
            let advice = "check the resolvers and the name";
            return Err(Failure::new(
                FailureKind::Unreachable,
                &self.on,
                what,
                advice,
            ));
        }
        Ok(Sight::Check(self.judged(&answers)))
    }

    /// Resolvers that disagree are watched: within the TTL of a change they do. One that leads elsewhere is wrong.
    fn judged(&self, answers: &[(&str, Answer)]) -> CheckSight {
        let good: Vec<_> = answers
            .iter()
            .filter_map(|(at, answer)| Some((at, answer.as_ref().ok()?)))
            .collect();
        let silent = answers.len() - good.len();
        let elsewhere = good.iter().find(|(_, (addresses, _))| {
            !self.points_to.is_empty() && addresses.iter().any(|to| !self.points_to.contains(to))
        });
        let ttl = good
            .iter()
            .map(|(_, (_, ttl))| *ttl)
            .max()
            .unwrap_or_default();
        let all: BTreeSet<&BTreeSet<String>> =
            good.iter().map(|(_, (addresses, _))| addresses).collect();
        let list =
            |addresses: &BTreeSet<String>| addresses.iter().cloned().collect::<Vec<_>>().join(" ");
        let (state, words) = match (elsewhere, self.ttl_under) {
            (Some((at, (addresses, _))), _) => (
                CheckState::Breach,
                format!("{at} leads to {}", list(addresses)),
            ),
            (None, Some(under)) if ttl > under => (
                CheckState::Watch,
                format!("TTL {} > {}", Span(ttl), Span(under)),
            ),
            (None, _) if silent > 0 => (
                CheckState::Watch,
                format!("{silent} of {} resolvers are silent", answers.len()),
            ),
            (None, _) if all.len() > 1 => (CheckState::Watch, "resolvers disagree".to_owned()),
            (None, _) => {
                let to = all
                    .first()
                    .map(|addresses| list(addresses))
                    .unwrap_or_default();
                (CheckState::Fine, format!("{to}, TTL {}", Span(ttl)))
            }
        };
        CheckSight::new(state, words).with_value(ttl.as_secs_f64())
    }
}

impl Probe for Dns {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.resolve().boxed()
    }
}
