//! Every system by its name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A system by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
    /// Redis Sentinel.
    Sentinel,
    /// HTTP endpoints.
    Http,
    /// Folders of backups.
    Files,
    /// Kubernetes.
    Kubernetes,
    /// RDS.
    Rds,
    /// DNS records.
    Route53,
    /// Secrets.
    Secrets,
    /// A TCP port.
    Tcp,
    /// A TLS certificate.
    Tls,
    /// A name's addresses.
    Dns,
    /// A Prometheus query.
    Prometheus,
    /// Active alerts.
    Alertmanager,
    /// An etcd cluster.
    Etcd,
    /// HashiCorp Vault.
    Vault,
    /// Services of a compose project.
    Docker,
    /// A program's exit.
    Command,
    /// pgBackRest's backups.
    Pgbackrest,
    /// Barman's backups.
    Barman,
    /// A repository's commits.
    Git,
    /// A time among a job's metrics.
    Metrics,
    /// Objects of S3.
    S3,
    /// A CloudNativePG cluster.
    Cnpg,
    /// Velero's backups.
    Velero,
    /// An Argo CD application.
    Argocd,
    /// An ECS service.
    Ecs,
    /// An ElastiCache replication group.
    Elasticache,
    /// CloudWatch alarms.
    Cloudwatch,
    /// An image of ECR.
    Ecr,
    /// PgBouncer's pools.
    Pgbouncer,
    /// An Aurora global database.
    Aurora,
}

impl System {
    /// Every system, in the order they are listed in.
    pub const ALL: [System; 32] = [
        System::Postgres,
        System::Redis,
        System::Sentinel,
        System::Http,
        System::Files,
        System::Kubernetes,
        System::Rds,
        System::Route53,
        System::Secrets,
        System::Tcp,
        System::Tls,
        System::Dns,
        System::Prometheus,
        System::Alertmanager,
        System::Etcd,
        System::Vault,
        System::Docker,
        System::Command,
        System::Pgbackrest,
        System::Barman,
        System::Git,
        System::Metrics,
        System::S3,
        System::Cnpg,
        System::Velero,
        System::Argocd,
        System::Ecs,
        System::Elasticache,
        System::Cloudwatch,
        System::Ecr,
        System::Pgbouncer,
        System::Aurora,
    ];

    /// The system of a name; none when it is not known.
    pub fn named(word: &str) -> Option<System> {
        Self::ALL.into_iter().find(|system| system.word() == word)
    }

    /// Its name in the site file and in acts.
    pub fn word(self) -> &'static str {
        match self {
            System::Postgres => "postgres",
            System::Redis => "redis",
            System::Sentinel => "sentinel",
            System::Http => "http",
            System::Files => "files",
            System::Kubernetes => "kubernetes",
            System::Rds => "rds",
            System::Route53 => "route53",
            System::Secrets => "secrets",
            System::Tcp => "tcp",
            System::Tls => "tls",
            System::Dns => "dns",
            System::Prometheus => "prometheus",
            System::Alertmanager => "alertmanager",
            System::Etcd => "etcd",
            System::Vault => "vault",
            System::Docker => "docker",
            System::Command => "command",
            System::Pgbackrest => "pgbackrest",
            System::Barman => "barman",
            System::Git => "git",
            System::Metrics => "metrics",
            System::S3 => "s3",
            System::Cnpg => "cnpg",
            System::Velero => "velero",
            System::Argocd => "argocd",
            System::Ecs => "ecs",
            System::Elasticache => "elasticache",
            System::Cloudwatch => "cloudwatch",
            System::Ecr => "ecr",
            System::Pgbouncer => "pgbouncer",
            System::Aurora => "aurora",
        }
    }

    /// Those that answer with a health of their own: a status, a port, an alert, an exit.
    pub const CHECKED: [System; 18] = [
        System::Http,
        System::Tcp,
        System::Tls,
        System::Dns,
        System::Prometheus,
        System::Alertmanager,
        System::Etcd,
        System::Vault,
        System::Docker,
        System::Command,
        System::Cnpg,
        System::Argocd,
        System::Ecs,
        System::Elasticache,
        System::Cloudwatch,
        System::Ecr,
        System::Pgbouncer,
        System::Aurora,
    ];

    /// Whether it tells which backups there are.
    pub fn keeps_backups(self) -> bool {
        matches!(
            self,
            System::Files
                | System::Redis
                | System::Rds
                | System::Pgbackrest
                | System::Barman
                | System::Git
                | System::Metrics
                | System::S3
                | System::Velero
                | System::Cnpg
        )
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
