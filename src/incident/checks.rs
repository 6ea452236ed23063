//! What is looked at and never acted upon: ports, certificates, names, queries, alerts, members, programs; and what tells which
//! backups there are.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::runbook::System;
use super::site::{AwsAccount, PgEndpoint, SecretRef};

/// How a check is made.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckEndpoint {
    /// `system = "tcp"`: the port takes connections.
    Tcp {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// `system = "tls"`: the certificate is trusted, for this name, and not about to expire.
    Tls {
        /// Host name.
        host: String,
        /// Port, 443 when not given.
        port: u16,
        /// To be watched when it expires within this.
        watch: Duration,
        /// Wrong when it expires within this.
        breach: Duration,
    },
    /// `system = "dns"`: every resolver answers, and alike.
    Dns {
        /// The name.
        name: String,
        /// Addresses of resolvers, with the port.
        resolvers: Vec<String>,
        /// Where it has to lead: one of these addresses; empty: anywhere.
        points_to: Vec<String>,
        /// The most its TTL may be.
        ttl_under: Option<Duration>,
    },
    /// `system = "prometheus"`: what a query gives.
    Prometheus {
        /// The server.
        url: String,
        /// The query; of several series the worst counts.
        query: String,
        /// To be watched when it is so.
        watch: Option<Bound>,
        /// Wrong when it is so.
        breach: Option<Bound>,
        /// A bearer token to send.
        bearer: Option<SecretRef>,
    },
    /// `system = "alertmanager"`: active alerts that nobody silenced.
    Alertmanager {
        /// The server.
        url: String,
        /// Matchers, `team="db"`; empty: all alerts.
        filter: Vec<String>,
        /// A bearer token to send.
        bearer: Option<SecretRef>,
    },
    /// `system = "etcd"`: members, leader, alarms.
    Etcd {
        /// The URL of each member.
        members: Vec<String>,
    },
    /// `system = "vault"`: sealed or not, and how its replication stands.
    Vault {
        /// The server.
        url: String,
    },
    /// `system = "docker"`: the services of a compose project, by the engine's API.
    Docker {
        /// The engine's socket.
        socket: PathBuf,
        /// The compose project.
        project: String,
        /// One service of it; all when not given.
        service: Option<String>,
    },
    /// `system = "cloudwatch"`: alarms.
    Cloudwatch {
        /// Only alarms whose name begins so; empty: all.
        prefix: String,
        /// Where they are asked for.
        account: AwsAccount,
    },
    /// `system = "ecr"`: an image is there, in this region.
    Ecr {
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// Where it is asked for.
        account: AwsAccount,
    },
    /// `system = "pgbouncer"`: nothing is paused, and nobody waits. Its admin console, which is a database of that name.
    Pgbouncer(PgEndpoint),
    /// `system = "command"`: what a program's exit says: 0 fine, 1 to be watched, 2 wrong, anything else unknown.
    Command {
        /// The program and its arguments; no shell reads them.
        run: Vec<String>,
    },
}

impl CheckEndpoint {
    /// Which system it is.
    pub fn system(&self) -> System {
        match self {
            CheckEndpoint::Tcp { .. } => System::Tcp,
            CheckEndpoint::Tls { .. } => System::Tls,
            CheckEndpoint::Dns { .. } => System::Dns,
            CheckEndpoint::Prometheus { .. } => System::Prometheus,
            CheckEndpoint::Alertmanager { .. } => System::Alertmanager,
            CheckEndpoint::Etcd { .. } => System::Etcd,
            CheckEndpoint::Vault { .. } => System::Vault,
            CheckEndpoint::Docker { .. } => System::Docker,
            CheckEndpoint::Pgbouncer(_) => System::Pgbouncer,
            CheckEndpoint::Cloudwatch { .. } => System::Cloudwatch,
            CheckEndpoint::Ecr { .. } => System::Ecr,
            CheckEndpoint::Command { .. } => System::Command,
        }
    }

    /// See [`super::site::Endpoint::place`].
    pub fn place(&self) -> String {
        match self {
            CheckEndpoint::Tcp { host, port } | CheckEndpoint::Tls { host, port, .. } => {
                format!("{host}:{port}")
            }
            CheckEndpoint::Dns { name, .. } => name.clone(),
            CheckEndpoint::Prometheus { url, .. }
            | CheckEndpoint::Alertmanager { url, .. }
            | CheckEndpoint::Vault { url } => url.clone(),
            CheckEndpoint::Etcd { members } => members.join(","),
            CheckEndpoint::Docker {
                project, service, ..
            } => match service {
                Some(service) => format!("{project}/{service}"),
                None => project.clone(),
            },
            CheckEndpoint::Cloudwatch { prefix, account } => {
                format!("{prefix}* in {}", account.region)
            }
            CheckEndpoint::Ecr {
                repository,
                tag,
                account,
            } => format!("{repository}:{tag} in {}", account.region),
            CheckEndpoint::Command { run } => run.join(" "),
            CheckEndpoint::Pgbouncer(at) => format!("{}:{}", at.host, at.port),
        }
    }
}

/// How it is asked which backups there are.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreEndpoint {
    /// `system = "pgbackrest"`: `info --output=json`, which reads the repository.
    Pgbackrest {
        /// The repository is read through after each backup (`pgbackrest verify`).
        verify: bool,
        /// The stanza.
        stanza: String,
        /// The program before `--stanza=… info`: `["ssh", "db-east", "pgbackrest"]`.
        run: Vec<String>,
    },
    /// `system = "barman"`: `-f json list-backup`.
    Barman {
        /// Barman's name of the server.
        server: String,
        /// The program before `-f json list-backup`.
        run: Vec<String>,
    },
    /// `system = "git"`: the last commit of a branch, of a repository on this machine.
    Git {
        /// The repository.
        path: PathBuf,
        /// The branch or reference; `HEAD` when not given.
        reference: String,
    },
    /// `system = "s3"`: the newest object below a prefix.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the objects' keys begin with.
        prefix: String,
        /// Where it is asked for.
        account: AwsAccount,
    },
    /// `system = "metrics"`: a time of last success among the metrics a job exposes.
    Metrics {
        /// Where they are read.
        url: String,
        /// The metric whose value is the time in seconds, `backup_last_success_timestamp_seconds`.
        metric: String,
        /// Labels it must have.
        labels: Vec<(String, String)>,
    },
}

impl StoreEndpoint {
    /// Which system it is.
    pub fn system(&self) -> System {
        match self {
            StoreEndpoint::Pgbackrest { .. } => System::Pgbackrest,
            StoreEndpoint::Barman { .. } => System::Barman,
            StoreEndpoint::Git { .. } => System::Git,
            StoreEndpoint::S3 { .. } => System::S3,
            StoreEndpoint::Metrics { .. } => System::Metrics,
        }
    }

    /// See [`super::site::Endpoint::place`].
    pub fn place(&self) -> String {
        match self {
            StoreEndpoint::Pgbackrest { stanza, .. } => format!("stanza {stanza}"),
            StoreEndpoint::Barman { server, .. } => format!("server {server}"),
            StoreEndpoint::Git { path, reference } => format!("{} {reference}", path.display()),
            StoreEndpoint::S3 { bucket, prefix, .. } => format!("s3://{bucket}/{prefix}"),
            StoreEndpoint::Metrics { url, .. } => url.clone(),
        }
    }
}

/// A limit on one side: `> 0.01`, `< 3`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// It holds for what is above.
    Above(f64),
    /// It holds for what is below.
    Below(f64),
}

impl Bound {
    /// Reads `> 0.01`.
    ///
    /// # Errors
    /// A sentence that says what was read.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no limit such as \"> 0.01\" or \"< 3\"");
        let number = |text: &str| text.trim().parse().ok().filter(|it: &f64| it.is_finite());
        let (above, rest) = match (text.strip_prefix('>'), text.strip_prefix('<')) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(wrong()),
        };
        let value = number(rest).ok_or_else(wrong)?;
        Ok(if above {
            Bound::Above(value)
        } else {
            Bound::Below(value)
        })
    }

    /// Whether it holds.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Bound::Above(limit) => value > limit,
            Bound::Below(limit) => value < limit,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Above(limit) => write!(f, "> {limit}"),
            Bound::Below(limit) => write!(f, "< {limit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_and_hold_on_their_side_only() {
        let above = Bound::read("> 0.01").unwrap();
        assert_eq!(above, Bound::Above(0.01));
        assert!(above.holds(0.011) && !above.holds(0.01) && !above.holds(f64::NAN));
        assert!(Bound::read("<3").unwrap().holds(2.9));
        for text in ["", "0.01", ">", "> x", "= 3", "> NaN", "> inf"] {
            assert!(Bound::read(text).is_err(), "{text}");
        }
    }
}
