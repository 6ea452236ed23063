//! Names of a runbook against the site: each is there, and is of a system that has the word.

use super::super::super::acts::orders::Order;
use super::super::super::acts::postgres::PgCondition;
use super::super::super::acts::redis::{RedisAct, RedisCondition};
use super::super::super::acts::{Act, Condition, Wait};
use super::super::super::fault::nearest;
use super::super::super::names::TargetId;
use super::super::super::site::Site;
use super::super::{Action, Code, Step, System, VarSource};
use super::Lint;

const POSTGRES: &[System] = &[System::Postgres];
const REDIS: &[System] = &[System::Redis];
const SENTINEL: &[System] = &[System::Sentinel];
const REPLICATED: &[System] = &[System::Postgres, System::Redis];
const SPEAKS_REDIS: &[System] = &[System::Redis, System::Sentinel];
/// Any system will do.
const ANY: &[System] = &System::ALL;
/// What says of itself how it is.
const HEALTHY: &[System] = &System::CHECKED;
/// What has a primary of its own choosing.
const CNPG: &[System] = &[System::Cnpg, System::Aurora];
/// Checks that have a figure.
const VALUE: &[System] = &[
    System::Tls,
    System::Dns,
    System::Prometheus,
    System::Alertmanager,
    System::Etcd,
    System::Vault,
    System::Docker,
    System::Ecs,
    System::Cloudwatch,
    System::Pgbouncer,
];
const KUBERNETES: &[System] = &[System::Kubernetes];
const RDS: &[System] = &[System::Rds];
const ROUTE53: &[System] = &[System::Route53];
const SECRETS: &[System] = &[System::Secrets];

/// A name as some word uses it.
struct Use<'a> {
    word: String,
    name: &'a str,
    kind: Kind,
}

/// What a name must be.
enum Kind {
    Target(&'static [System]),
    Backup,
    Region,
}

/// Reports names the site does not have, and targets of the wrong system.
pub(super) fn known(lint: &mut Lint<'_>, site: &Site) {
    let runbook = lint.runbook;
    for step in &runbook.steps {
        let mut uses: Vec<(usize, Use<'_>)> = Vec::new();
        for action in step.all_actions() {
            uses.extend(
                action_uses(action)
                    .into_iter()
                    .map(|used| (action.line, used)),
            );
        }
        uses.extend(card_uses(step).into_iter().map(|used| (step.line, used)));
        for (line, used) in uses {
            let wrong = match used.name.strip_prefix('$') {
                Some(name) => variable(lint, name, &used),
                None => named(site, &used),
            };
            if let Some((what, instead)) = wrong {
                // Attributes stand on the line above the fence's content.
                let at = lint.near(line.saturating_sub(1), used.name);
                lint.fault("name-unknown", &at, what, instead);
            }
        }
    }
}

/// A name in a condition that the site does not have, or has for something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongName {
    /// The name as it is written.
    pub name: String,
    /// What is wrong with it.
    pub what: String,
    /// What to write instead.
    pub instead: String,
}

/// What is wrong with the names of a condition that stands by itself, where no runbook's variable reaches.
pub fn wrong_names(condition: &Condition, site: &Site) -> Vec<WrongName> {
    let uses = condition_uses(condition).into_iter();
    uses.filter_map(|used| {
        let (what, instead) = named(site, &used)?;
        let name = used.name.to_owned();
        Some(WrongName {
            name,
            what,
            instead,
        })
    })
    .collect()
}

fn card_uses(step: &Step) -> Vec<Use<'_>> {
    let kept = step.card.capture.iter().map(|capture| {
        let systems = match capture.what.split_once('.') {
            Some(("postgres", _)) => POSTGRES,
            Some(("redis", "master")) => SENTINEL,
            Some(("redis", _)) => REDIS,
            Some(("http", _)) => &[System::Http],
            _ => ANY,
        };
        target(capture.what.clone(), &capture.of, systems)
    });
    step.conditions()
        .flat_map(condition_uses)
        .chain(kept)
        .collect()
}

fn target<'a>(word: impl Into<String>, name: &'a TargetId, kind: &'static [System]) -> Use<'a> {
    Use {
        word: word.into(),
        name: name.as_str(),
        kind: Kind::Target(kind),
    }
}

fn action_uses(action: &Action) -> Vec<Use<'_>> {
    let mut uses = match &action.code {
        Code::Sql { on, .. } => vec![target("sql", on, POSTGRES)],
        Code::Redis { on, .. } => vec![target("redis", on, SPEAKS_REDIS)],
        Code::Act { act } => act_uses(act),
        Code::Shell { .. } | Code::Http { .. } => Vec::new(),
    };
    uses.extend(
        action
            .attrs
            .with
            .iter()
            .map(|name| target("with", name, ANY)),
    );
    let guards = action.attrs.guards.iter();
    uses.extend(guards.map(|name| target("guards", name, REPLICATED)));
    uses
}

fn act_uses(act: &Act) -> Vec<Use<'_>> {
    match act {
        Act::Postgres(pg) => vec![target(act.word(), pg.target(), POSTGRES)],
        Act::Redis(redis) => match redis {
            RedisAct::Failover { target: name } => vec![target(act.word(), name, SENTINEL)],
            RedisAct::Follow { target: name, of } => {
                vec![
                    target(act.word(), name, REDIS),
                    target(act.word(), of, REDIS),
                ]
            }
            RedisAct::Promote { target: name }
            | RedisAct::Save { target: name }
            | RedisAct::Bgrewriteaof { target: name } => vec![target(act.word(), name, REDIS)],
        },
        Act::Kube(kube) => vec![target(act.word(), kube.target(), KUBERNETES)],
        Act::Rds(rds) => vec![target(act.word(), rds.target(), RDS)],
        Act::Dns(dns) => vec![target(act.word(), dns.target(), ROUTE53)],
        Act::Secret(secret) => vec![target(act.word(), secret.target(), SECRETS)],
        Act::Order(order) => order_uses(act, order),
        Act::Wait(Wait::UntilHolds(condition)) => condition_uses(condition),
        Act::Wait(Wait::For(_) | Wait::Until(_)) | Act::Runbook(_) => Vec::new(),
    }
}

/// An order's target is of its family; the standby it may name is a PostgreSQL server.
fn order_uses<'a>(act: &Act, order: &'a Order) -> Vec<Use<'a>> {
    let mut all = System::ALL.iter();
    let at = all.position(|system| *system == order.system).unwrap_or(0);
    let mut uses = vec![target(act.word(), &order.target, &System::ALL[at..=at])];
    let standby = order.args.get("standby").map(|name| Use {
        word: "standby".into(),
        name,
        kind: Kind::Target(POSTGRES),
    });
    uses.extend(standby);
    uses
}

fn condition_uses(condition: &Condition) -> Vec<Use<'_>> {
    match condition {
        Condition::Reachable { target: name } => vec![target("reachable", name, ANY)],
        Condition::Healthy { target: name } => vec![target("healthy", name, HEALTHY)],
        Condition::Value(value) => vec![target("value", &value.of, VALUE)],
        Condition::Lag { of, .. } => vec![target("lag", of, REPLICATED)],
        Condition::Postgres(condition) => pg_uses(condition),
        Condition::Redis(condition) => redis_uses(condition),
        Condition::Kube(condition) => vec![target("condition", condition.of(), KUBERNETES)],
        Condition::Rds(condition) => vec![target("condition", condition.of(), RDS)],
        Condition::Dns(condition) => vec![target("condition", condition.of(), ROUTE53)],
        Condition::Secret(condition) => vec![target("condition", condition.of(), SECRETS)],
        Condition::PrimaryIs(primary) => vec![target("primary_is", &primary.of, CNPG)],
        Condition::Backup { of, .. } => vec![Use {
            word: "backup".into(),
            name: of.as_str(),
            kind: Kind::Backup,
        }],
        Condition::Region { healthy } => vec![Use {
            word: "region".into(),
            name: healthy.as_str(),
            kind: Kind::Region,
        }],
        Condition::Objective { .. } | Condition::Sum { .. } => Vec::new(),
    }
}

fn pg_uses(condition: &PgCondition) -> Vec<Use<'_>> {
    let word = match condition {
        PgCondition::Writable { .. } => "writable",
        PgCondition::ReadOnly { .. } => "read_only",
        PgCondition::Fenced { .. } => "fenced",
        PgCondition::Loss { .. } => "loss",
        PgCondition::SameTimeline { .. } => "same_timeline",
        PgCondition::RowCounts { .. } => "row_counts",
    };
    let names = condition.targets().into_iter();
    names.map(|name| target(word, name, POSTGRES)).collect()
}

fn redis_uses(condition: &RedisCondition) -> Vec<Use<'_>> {
    match condition {
        RedisCondition::Role { of, .. } => vec![target("role", of, REDIS)],
        RedisCondition::Keys { of, .. } => vec![target("keys", of, REDIS)],
        RedisCondition::MasterIs { of, target: name } => vec![
            target("master_is", of, SENTINEL),
            target("master_is", name, REDIS),
        ],
    }
}

/// What is wrong with a name, and what to write instead.
type Wrong = Option<(String, String)>;

fn named(site: &Site, used: &Use<'_>) -> Wrong {
    let missing = |kind: &str, known: Vec<&str>| {
        let instead = match nearest(used.name, known.iter().copied()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("known: {}", known.join(", ")),
        };
        Some((format!("the site has no {kind} {:?}", used.name), instead))
    };
    match used.kind {
        Kind::Target(systems) => {
            let found = site.targets.iter().find(|t| t.id.as_str() == used.name);
            let of = |system: &str| systems.iter().any(|s| s.word() == system);
            match found.map(|target| target.endpoint.system()) {
                Some(system) if of(system) => None,
                Some(system) => wrong_system(used, system, systems),
                None => {
                    let fitting = site.targets.iter().filter(|t| of(t.endpoint.system()));
                    missing("target", fitting.map(|t| t.id.as_str()).collect())
                }
            }
        }
        Kind::Backup => match site.backups.iter().any(|b| b.id.as_str() == used.name) {
            true => None,
            false => missing(
                "backup",
                site.backups.iter().map(|b| b.id.as_str()).collect(),
            ),
        },
        Kind::Region => match site.regions.iter().any(|r| r.id.as_str() == used.name) {
            true => None,
            false => missing(
                "region",
                site.regions.iter().map(|r| r.id.as_str()).collect(),
            ),
        },
    }
}

fn wrong_system(used: &Use<'_>, system: &str, wanted: &[System]) -> Wrong {
    let words: Vec<&str> = wanted.iter().map(|system| system.word()).collect();
    let wanted = match words.as_slice() {
        [first, second, third, _, ..] => format!("{first}, {second}, {third} and their like"),
        few => few.join(" and "),
    };
    let what = format!(
        "{} is {system}, and {} is for {}",
        used.name, used.word, wanted
    );
    Some((what, "name another target, or use another word".into()))
}

/// A variable is judged by what its operator may choose from.
fn variable(lint: &Lint<'_>, name: &str, used: &Use<'_>) -> Wrong {
    let vars = &lint.runbook.card.vars;
    let var = vars.iter().find(|var| var.name == name)?;
    if var.secret {
        let what = format!("{} is a secret, and {} takes a name", used.name, used.word);
        return Some((what, "take another variable".into()));
    }
    let from = var.from?;
    match (&used.kind, from) {
        (Kind::Target(systems), VarSource::Targets(Some(system))) => {
            match systems.contains(&system) {
                true => None,
                false => wrong_system(used, system.word(), systems),
            }
        }
        (Kind::Target(_), VarSource::Targets(None))
        | (Kind::Backup, VarSource::Backups)
        | (
            Kind::Region,
            VarSource::Regions | VarSource::StandbyRegions | VarSource::PrimaryRegions,
        ) => None,
        (kind, from) => {
            let all = VarSource::all();
            let chosen = all.iter().find(|(_, known)| *known == from);
            let chosen = chosen.map_or("", |(word, _)| word.as_str());
            let (wanted, instead) = match kind {
                Kind::Target(_) => ("a target", "from = \"targets\""),
                Kind::Backup => ("a backup", "from = \"backups\""),
                Kind::Region => ("a region", "from = \"regions\""),
            };
            let what = format!(
                "{} is chosen from {chosen}, and {} takes {wanted}",
                used.name, used.word
            );
            Some((what, format!("write {instead}")))
        }
    }
}
