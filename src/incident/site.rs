//! The site: the one place for names. What regions, targets, links, backups and objectives there are, and who is told when.
//!
//! This is the model; `sitefile` reads it from TOML and finds every fault of a file at once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::Month;
use serde::{Deserialize, Serialize};

use super::checks::{CheckEndpoint, StoreEndpoint};
use super::drills::Kind;
use super::managed::ManagedEndpoint;
use super::names::{BackupId, DrillId, LinkId, RegionId, RunbookId, SeverityId, TargetId};

/// A site as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// The organisation or system, shown in the title line.
    pub name: String,
    /// SHA-256 of the file's bytes; a step runs only on the site it was confirmed on.
    pub digest: String,
    /// Regions in the file's order.
    pub regions: Vec<Region>,
    /// Targets in the file's order.
    pub targets: Vec<Target>,
    /// Replication links in the file's order.
    pub links: Vec<Link>,
    /// Backups in the file's order.
    pub backups: Vec<Backup>,
    /// The schedule of drills in the file's order.
    pub drills: Vec<Drill>,
    /// What the site promises.
    pub objectives: Objectives,
    /// Severities, the worst first.
    pub severities: Vec<Severity>,
    /// What an incident may be about.
    pub categories: Vec<String>,
    /// Who must be told, by when.
    pub ladder: Vec<Rung>,
    /// Who is who.
    pub contacts: Vec<Contact>,
    /// Name of the theme; `default` when not given.
    pub theme: String,
    /// Name of the keymap; `default` when not given.
    pub keymap: String,
    /// Where incidents are kept instead of `$XDG_STATE_HOME/warroom`.
    pub state_dir: Option<PathBuf>,
    /// A folder of runbooks looked into before the user's and the built-in ones.
    pub runbooks: Option<PathBuf>,
    /// What runbooks are filled in with before anybody is asked: values of variables by name, by runbook.
    pub vars: BTreeMap<RunbookId, BTreeMap<String, String>>,
}

impl Site {
    /// The target of that name.
    pub fn target(&self, id: &TargetId) -> Option<&Target> {
        self.targets.iter().find(|t| &t.id == id)
    }

    /// The region of that name.
    pub fn region(&self, id: &RegionId) -> Option<&Region> {
        self.regions.iter().find(|r| &r.id == id)
    }

    /// The link that ends at `replica`.
    pub fn link_to(&self, replica: &TargetId) -> Option<&Link> {
        self.links.iter().find(|l| &l.to == replica)
    }
}

/// A region, with the part it plays while all is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// `us-east-1`.
    pub id: RegionId,
    /// Primary or standby.
    pub role: RegionRole,
}

/// The part a region plays while all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionRole {
    /// Serves.
    Primary,
    /// Waits to serve.
    Standby,
}

/// Something that can be looked at and acted upon.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// `pg-west`.
    pub id: TargetId,
    /// Where it is; none for what belongs to no region (Sentinels, a backup store).
    pub region: Option<RegionId>,
    /// How it is reached.
    pub endpoint: Endpoint,
    /// How often it is looked at.
    pub interval: Duration,
    /// How long a probe may take.
    pub timeout: Duration,
    /// How many failures in a row make it red.
    pub failures: u32,
    /// How its host stops it for good, and proves it.
    pub fence: Option<Fence>,
    /// How programs of `sh` fences reach it (`with=`): extra variables beside those of its system.
    pub env: BTreeMap<String, String>,
    /// A drill may touch it.
    pub drill: bool,
}

/// How a target is reached, by system.
#[derive(Debug, Clone, PartialEq)]
pub enum Endpoint {
    /// `system = "postgres"`
    Postgres(PgEndpoint),
    /// `system = "redis"`
    Redis(RedisEndpoint),
    /// `system = "sentinel"`
    Sentinel(SentinelEndpoint),
    /// `system = "http"`
    Http(HttpEndpoint),
    /// `system = "files"`
    Files(FilesEndpoint),
    /// `system = "kubernetes"`
    Kube(KubeEndpoint),
    /// `system = "rds"`
    Rds(RdsEndpoint),
    /// `system = "route53"`
    Dns(DnsEndpoint),
    /// `system = "secrets"`
    Secret(SecretEndpoint),
    /// What is only looked at: a port, a certificate, alerts.
    Check(CheckEndpoint),
    /// What tells which backups there are.
    Store(StoreEndpoint),
    /// What an operator or a provider runs, and takes orders for.
    Managed(ManagedEndpoint),
}

impl Endpoint {
    /// The Kubernetes API it is asked by; none for what is not asked there.
    pub fn cluster(&self) -> Option<&KubeEndpoint> {
        match self {
            Endpoint::Kube(at)
            | Endpoint::Managed(
                ManagedEndpoint::Cnpg { at, .. }
                | ManagedEndpoint::Velero { at, .. }
                | ManagedEndpoint::Argocd { at, .. },
            ) => Some(at),
            _ => None,
        }
    }

    /// The system's name in the site file.
    pub fn system(&self) -> &'static str {
        match self {
            Endpoint::Postgres(_) => "postgres",
            Endpoint::Redis(_) => "redis",
            Endpoint::Sentinel(_) => "sentinel",
            Endpoint::Http(_) => "http",
            Endpoint::Files(_) => "files",
            Endpoint::Kube(_) => "kubernetes",
            Endpoint::Rds(_) => "rds",
            Endpoint::Dns(_) => "route53",
            Endpoint::Secret(_) => "secrets",
            Endpoint::Check(check) => check.system().word(),
            Endpoint::Store(store) => store.system().word(),
            Endpoint::Managed(managed) => managed.system().word(),
        }
    }

    /// Where it is, as shown beside the name and bound into a confirmation; never with a secret.
    pub fn place(&self) -> String {
        match self {
            Endpoint::Postgres(e) => format!("{}:{}", e.host, e.port),
            Endpoint::Redis(e) => format!("{}:{}", e.host, e.port),
            Endpoint::Sentinel(e) => format!("{} of {}", e.master, e.nodes.join(",")),
            Endpoint::Http(e) => e.url.clone(),
            Endpoint::Files(e) => e.path.display().to_string(),
            Endpoint::Kube(e) => match &e.workload {
                Some(workload) => format!("{} {}/{workload}", e.context, e.namespace),
                None => e.context.clone(),
            },
            Endpoint::Rds(e) => format!("{} in {}", e.instance, e.account.region),
            Endpoint::Secret(e) => format!("{} in {}", e.name, e.account.region),
            Endpoint::Dns(e) => format!("{} in {}", e.record, e.zone),
            Endpoint::Check(check) => check.place(),
            Endpoint::Store(store) => store.place(),
            Endpoint::Managed(managed) => managed.place(),
        }
    }
}

/// A PostgreSQL server. Without `password`, `~/.pgpass` (or `PGPASSFILE`) is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct PgEndpoint {
    /// Host name or address.
    pub host: String,
    /// Port, 5432 when not given.
    pub port: u16,
    /// Role to log in as.
    pub user: String,
    /// Database to connect to.
    pub dbname: String,
    /// Where the password comes from.
    pub password: Option<SecretRef>,
    /// Whether TLS is used.
    pub tls: Tls,
    /// A table with one row `(at timestamptz)` that something writes regularly; gives lag in seconds without traffic.
    pub heartbeat: Option<String>,
}

/// A Redis server.
#[derive(Debug, Clone, PartialEq)]
pub struct RedisEndpoint {
    /// Host name or address.
    pub host: String,
    /// Port, 6379 when not given.
    pub port: u16,
    /// ACL user, when not the default one.
    pub user: Option<String>,
    /// Where the password comes from.
    pub password: Option<SecretRef>,
    /// Database number.
    pub db: i64,
    /// Whether TLS is used.
    pub tls: Tls,
}

/// A Redis master as its Sentinels know it.
#[derive(Debug, Clone, PartialEq)]
pub struct SentinelEndpoint {
    /// `host:port` of each Sentinel.
    pub nodes: Vec<String>,
    /// The master's name in the Sentinels' configuration.
    pub master: String,
    /// Where the Sentinels' password comes from.
    pub password: Option<SecretRef>,
    /// Whether TLS is used.
    pub tls: Tls,
}

/// An HTTP endpoint that tells its health.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpEndpoint {
    /// The URL that is asked with GET.
    pub url: String,
    /// The status that means health; 200 when not given.
    pub status: u16,
    /// A field of the JSON answer, `database.status`.
    pub field: Option<String>,
    /// What the field must say.
    pub equals: Option<String>,
    /// A bearer token to send.
    pub bearer: Option<SecretRef>,
}

/// A folder of backup files.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesEndpoint {
    /// The program that reads the newest file through, and fails on a damaged one; the file's name is added.
    pub proof: Option<Vec<String>>,
    /// It is an archive of WAL with segments of so many bytes.
    pub wal_segment: Option<u64>,
    /// The folder.
    pub path: PathBuf,
    /// Which files are backups: a name with `*`, `*.dump`.
    pub pattern: String,
    /// `FILE.sha256` beside each file holds its checksum.
    pub checksum: bool,
}

/// A workload of a Kubernetes cluster, or the cluster itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeEndpoint {
    /// The context of the kubeconfig; `in-cluster`: the service account of the pod warroom runs in.
    pub context: String,
    /// The kubeconfig; `KUBECONFIG`, else `~/.kube/config`, when not given.
    pub kubeconfig: Option<PathBuf>,
    /// The namespace.
    pub namespace: String,
    /// `deployment/web`, `statefulset/db`; none: the cluster itself.
    pub workload: Option<String>,
}

/// Where and as whom AWS is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AwsAccount {
    /// The AWS region.
    pub region: String,
    /// The profile of `~/.aws/config`, which may assume a role; `AWS_PROFILE` and its kin when not given.
    pub profile: Option<String>,
    /// The API's URL, where it is not AWS' own.
    pub endpoint: Option<String>,
}

/// An RDS instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RdsEndpoint {
    /// Its identifier.
    pub instance: String,
    /// Where it is asked for.
    pub account: AwsAccount,
}

/// A secret of Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEndpoint {
    /// Its name or ARN.
    pub name: String,
    /// Where it is asked for.
    pub account: AwsAccount,
    /// The workloads that use it: those that started before it changed still have the version before.
    pub consumers: Vec<TargetId>,
    /// A rotation stores so many random bytes, in base64; none: the secret's own rotation function makes the new version.
    pub generate: Option<u16>,
}

/// A weighted record of Route 53.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsEndpoint {
    /// The hosted zone.
    pub zone: String,
    /// The record's name.
    pub record: String,
    /// Region of each set identifier; one that is not here is a region's name itself.
    pub sets: BTreeMap<String, RegionId>,
    /// Resolvers that are asked where the name leads, `ADDRESS:PORT`; none, and it is not known.
    pub resolvers: Vec<String>,
    /// Where it is asked for.
    pub account: AwsAccount,
}

/// Whether TLS is used: `verify` unless the site says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Required, and the certificate verified.
    Verify,
    /// Not used: loopback, a tunnel, a private network that is trusted.
    Off,
}

/// Where a secret comes from. The secret itself never stands in the site file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file that only its owner can read.
    File(PathBuf),
    /// A program's first line of output.
    Command(Vec<String>),
}

/// How a target's host (or its orchestrator, or its provider) fences it, by programs given as argument lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Stops the server and disables its start.
    pub run: Vec<String>,
    /// Exits 0 only when it is stopped and can't start. Its first line may be the stop's time in RFC 3339.
    pub proof: Vec<String>,
    /// Lets it start again.
    pub undo: Option<Vec<String>>,
}

/// Replication from one target to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// `pg`.
    pub id: LinkId,
    /// The primary.
    pub from: TargetId,
    /// The replica.
    pub to: TargetId,
    /// Lag up to here is fine.
    pub target: Duration,
    /// Lag over this is a breach, and refuses a promotion.
    pub gate: Duration,
    /// Bytes over this refuse a promotion.
    pub gate_bytes: Option<u64>,
}

/// A kind of backup and what is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    /// `pg-dump`.
    pub id: BackupId,
    /// Where it is looked for; none when `intended` is false.
    pub of: Option<TargetId>,
    /// No backup is made of this on purpose.
    pub intended: bool,
    /// The newest must be younger than this.
    pub younger: Duration,
    /// How far, in percent, the newest may differ in size from the mean of the last 7 days.
    pub size_change: u32,
    /// Restored for a test at least this often.
    pub restore_test: Option<Duration>,
}

/// A drill of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// `restore`.
    pub id: DrillId,
    /// What is drilled: a scenario's id, `runbook:` and a runbook's id, or words.
    pub what: String,
    /// Which kind of drill it is.
    pub kind: Kind,
    /// When it comes again.
    pub rhythm: Rhythm,
    /// It is held on real targets that are marked for drills.
    pub live: bool,
    /// How long it takes, about.
    pub takes: Option<Duration>,
    /// The recovery time it is held to.
    pub rto: Option<Duration>,
    /// Who sees to it.
    pub owner: Option<String>,
}

/// When a drill comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rhythm {
    /// So long after the last time.
    Every(Duration),
    /// By the end of each of these months.
    Months(Vec<Month>),
}

/// What the site promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Objectives {
    /// Recovery time.
    pub rto: Option<Duration>,
    /// Recovery point.
    pub rpo: Option<Duration>,
}

/// One step of the site's severity scheme.
#[derive(Debug, Clone, PartialEq)]
pub struct Severity {
    /// `SEV-1`, `P1`, `L4`.
    pub id: SeverityId,
    /// `Critical: complete outage`.
    pub title: String,
    /// Time to the first response.
    pub response: Option<Duration>,
    /// Recovery time for this severity, when not the site's.
    pub rto: Option<Duration>,
}

/// A rung of the escalation ladder: after this long somebody must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// A name of its own, made of who and when: `engineering-lead@15m`.
    pub key: String,
    /// How long after `from`.
    pub after: Duration,
    /// What the time counts from.
    pub from: RungFrom,
    /// Severities it holds for; all when empty.
    pub severities: Vec<SeverityId>,
    /// Categories it holds for; all when empty.
    pub categories: Vec<String>,
    /// Who is told: `Engineering lead`.
    pub who: String,
    /// What is to be done: `notify`, `status page updated`.
    pub what: String,
    /// How: `phone`, `#incidents`.
    pub channel: Option<String>,
    /// Comes again this often.
    pub every: Option<Duration>,
}

/// What a rung's time counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RungFrom {
    /// When it was first seen.
    Detection,
    /// When somebody declared it.
    Declaration,
    /// When it was resolved.
    Resolution,
}

/// A person or a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `Engineering lead`.
    pub role: String,
    /// Name, when it is a person's.
    pub name: Option<String>,
    /// How they are reached.
    pub reach: Option<String>,
}
