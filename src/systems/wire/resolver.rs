//! One resolver, asked anew each time: nothing is cached here, and the hosts file of this machine is not read.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use tokio::time::timeout;

/// What a resolver said: addresses and the TTL, or why there is no answer.
pub type Answer = Result<(BTreeSet<String>, Duration), String>;

/// One resolver.
pub struct Resolver {
    /// Its address and port.
    pub at: String,
    client: Result<TokioResolver, String>,
    /// How long an answer may take.
    within: Duration,
}

impl Resolver {
    /// The resolver at `ADDRESS:PORT`; nothing is sent yet.
    pub fn new(at: &str, within: Duration) -> Self {
        Self {
            at: at.to_owned(),
            client: client(at, within),
            within,
        }
    }

    /// The addresses of a name, of both kinds.
    ///
    /// # Errors
    /// Why there is no answer, or none with an address.
    pub async fn ask(&self, name: &str) -> Answer {
        let answer = timeout(self.within, self.lookup(name)).await;
        answer.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn lookup(&self, name: &str) -> Answer {
        let client = self.client.as_ref().map_err(String::clone)?;
        let name = format!("{}.", name.trim_end_matches('.'));
        let kinds = [RecordType::A, RecordType::AAAA];
        let asked = kinds.map(|kind| client.lookup(name.as_str(), kind));
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
}

fn client(at: &str, timeout: Duration) -> Result<TokioResolver, String> {
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
