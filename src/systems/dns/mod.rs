//! A name: what several resolvers answer, whether they agree, where it leads, and for how long they keep it.
//!
//! Each look asks anew: nothing is cached here, and the hosts file of this machine is not read.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, join_all};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use tokio::time::timeout;

use super::probe::Probe;
use super::wire;
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
    resolvers: Vec<(String, Result<TokioResolver, String>)>,
    /// How long each may take.
    each: Duration,
}

/// What one resolver said: addresses and the TTL, or why there is no answer.
type Answer = Result<(BTreeSet<String>, Duration), String>;

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
        let resolver = |at: &String| (at.clone(), resolver(at, each));
        Self {
            on: wire::on(target),
            name: name.to_owned(),
            points_to: points_to.to_vec(),
            ttl_under,
            resolvers: resolvers.iter().map(resolver).collect(),
            each,
        }
    }

    async fn resolve(&self) -> Result<Sight, Failure> {
        let asked = self.resolvers.iter().map(|(at, resolver)| async move {
            let answer = timeout(self.each, self.ask(resolver)).await;
            (
                at.as_str(),
                answer.unwrap_or_else(|_| Err("no answer in time".to_owned())),
            )
        });
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

    async fn ask(&self, resolver: &Result<TokioResolver, String>) -> Answer {
        let resolver = resolver.as_ref().map_err(String::clone)?;
        let name = format!("{}.", self.name.trim_end_matches('.'));
        let kinds = [RecordType::A, RecordType::AAAA];
        let asked = kinds.map(|kind| resolver.lookup(name.as_str(), kind));
        let (mut addresses, mut ttl) = (BTreeSet::new(), u32::MAX);
        let mut why = "no address".to_owned();
        for (kind, found) in kinds.into_iter().zip(join_all(asked).await) {
            match found {
                Ok(found) => {
                    for record in found.answers().iter().filter(|it| it.record_type() == kind) {
                        addresses.insert(record.data.to_string());
                        ttl = ttl.min(record.ttl);
                    }
                }
                Err(error) => why = error.to_string(),
            }
        }
        match addresses.is_empty() {
            true => Err(why),
            false => Ok((addresses, Duration::from_secs(u64::from(ttl)))),
        }
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

fn resolver(at: &str, timeout: Duration) -> Result<TokioResolver, String> {
    let address: SocketAddr = at.parse().map_err(|why| format!("{at}: {why}"))?;
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let config = ResolverConfig::from_parts(None, vec![], vec![server]);
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder
        .with_options(options)
        .build()
        .map_err(|error| error.to_string())
}

impl Probe for Dns {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.resolve().boxed()
    }
}
