//! Quick commands: what an operator asks first of each target of the site, and a line to type anything else into.

use std::time::Duration;

use tui_input::Input;

use super::event::RequestId;
use crate::incident::clean::Clean;
use crate::incident::managed::ManagedEndpoint;
use crate::incident::reading::{Holds, Verdict};
use crate::incident::runbook::{System, takes_text};
use crate::incident::site::{Endpoint, RegionRole, Site, Target};

/// What stands over the screen while something is asked.
#[derive(Debug, Default)]
pub struct QuickForm {
    /// A condition or an act in TOML, or a fence's words.
    pub words: Input,
    /// What stands in the fence, where its words take a text.
    pub text: Input,
    /// The text is being typed.
    pub at_text: bool,
    /// What the site offers, by system.
    pub offers: Vec<Offer>,
    /// The selected one among those that match; none while the line is meant.
    pub selected: Option<usize>,
    /// What was asked last, until something else is typed.
    pub asked: Option<Asked>,
    /// Why the line can't be asked or done.
    pub fault: Option<String>,
}

/// Something that a target offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Whose it is: the system's name, or what it is about.
    pub of: &'static str,
    /// What it tells or does, in words.
    pub what: String,
    /// The line it stands for.
    pub words: String,
    /// The text of its fence.
    pub text: String,
    /// It changes nothing: it is asked at once. Anything else is filled in, to be changed and confirmed.
    pub looks: bool,
}

/// A question on its way, or answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// As it was typed, in one line.
    pub question: String,
    /// Joins it to its answer.
    pub request: RequestId,
    /// What was answered, by name; none while it is waited for.
    pub answers: Option<Vec<(String, Verdict)>>,
    /// First row shown.
    pub top: usize,
    /// It is in the timeline.
    pub noted: bool,
}

impl QuickForm {
    /// Whether the words are those of a fence that holds a text.
    pub fn takes_text(&self) -> bool {
        takes_text(self.words.value())
    }

    /// The input that is typed into.
    pub fn line(&mut self) -> &mut Input {
        match self.at_text {
            true => &mut self.text,
            false => &mut self.words,
        }
    }

    /// What is offered and holds every word of the line.
    pub fn matching(&self) -> Vec<&Offer> {
        let line = self.words.value().to_lowercase();
        let words: Vec<&str> = line.split_whitespace().collect();
        let fits = |offer: &&Offer| {
            let text = format!("{} {} {}", offer.of, offer.what, offer.words).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        self.offers.iter().filter(fits).collect()
    }

    /// Takes the offer that is selected.
    pub(super) fn taken(&mut self) -> Option<Offer> {
        let at = self.selected.take()?;
        self.matching().get(at).map(|offer| (*offer).clone())
    }

    /// The line is another: what was said of the one before does not count.
    pub(super) fn changed(&mut self) {
        self.selected = None;
        self.asked = None;
        self.fault = None;
        self.at_text = self.at_text && self.takes_text();
    }

    /// What is typed, in one line: `sql on=pg-west: SELECT 1`.
    pub(super) fn one_line(&self) -> String {
        let words = self.words.value().trim();
        let text = Clean::new(self.text.value()).one_line();
        match self.takes_text() {
            true => format!("{words}: {text}"),
            false => words.to_owned(),
        }
    }
}

impl Asked {
    /// Question and answer as the timeline keeps them; none while the answer is waited for.
    pub(super) fn words(&self) -> Option<Clean> {
        let answers = self.answers.as_ref()?.iter().map(|(name, seen)| {
            let saw = seen.saw.as_str();
            match (seen.holds, saw.contains('\n')) {
                (Holds::Yes, true) => format!("\n{saw}"),
                (Holds::Yes, false) => format!(" {saw}"),
                (Holds::No, _) => format!(" not so, {saw}"),
                (Holds::Unknown, _) => format!(" {name} is unknown, {saw}"),
            }
        });
        let answers: Vec<String> = answers.collect();
        Some(Clean::new(&format!(
            "asked {}:{}",
            self.question,
            answers.join(";")
        )))
    }

    /// How many rows the answer has at least.
    pub(super) fn rows(&self) -> usize {
        let answers = self.answers.iter().flatten();
        answers
            .map(|(_, seen)| seen.saw.as_str().lines().count())
            .sum()
    }
}

/// Which servers are primary and standby, and how far replay is.
const ROLE: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS role, \
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn, \
    (SELECT count(*) FROM pg_stat_replication) AS replicas";

const SESSIONS: &str = "SELECT coalesce(state, backend_type) AS state, count(*) FROM pg_stat_activity GROUP BY 1 ORDER BY 2 DESC";

const LONG: &str = "SELECT pid, usename, date_trunc('second', now() - query_start) AS runs, left(query, 60) AS query \
    FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() ORDER BY query_start LIMIT 10";

/// What the site's targets offer, by system in the systems' order; what belongs to no target last.
pub fn offers(site: &Site) -> Vec<Offer> {
    let mut targets: Vec<&Target> = site.targets.iter().collect();
    let place = |target: &&Target| {
        let named = |system: &System| system.word() == target.endpoint.system();
        System::ALL.iter().position(named)
    };
    targets.sort_by_key(place);
    let of_targets = targets.into_iter().flat_map(|target| {
        let desk = Desk { site, target };
        let mut offers = vec![desk.asks("answers", "reachable")];
        offers.extend(desk.health());
        offers.extend(desk.of_system());
        offers
    });
    of_targets.chain(of_site(site)).collect()
}

/// Backups by their rules, and regions.
fn of_site(site: &Site) -> impl Iterator<Item = Offer> {
    let offer = |of, what: String, words: String| Offer {
        of,
        what,
        words,
        text: String::new(),
        looks: true,
    };
    let backups = site.backups.iter().filter(|backup| backup.intended);
    let backups = backups.map(move |backup| {
        let id = &backup.id;
        let words = format!("backup = {{ of = \"{id}\" }}");
        offer("backups", format!("{id}: age"), words)
    });
    let regions = site.regions.iter().map(move |region| {
        let id = &region.id;
        let words = format!("region = {{ healthy = \"{id}\" }}");
        offer("regions", format!("{id}: healthy"), words)
    });
    backups.chain(regions)
}

/// A duration as TOML holds it here, `30s`.
fn span(of: Duration) -> String {
    match of.subsec_millis() {
        0 => format!("{}s", of.as_secs()),
        _ => format!("{}ms", of.as_millis()),
    }
}

/// One target of a site.
struct Desk<'a> {
    site: &'a Site,
    target: &'a Target,
}

impl Desk<'_> {
    fn offer(&self, what: &str, words: String, text: &str, looks: bool) -> Offer {
        Offer {
            of: self.target.endpoint.system(),
            what: format!("{}: {what}", self.target.id),
            words,
            text: text.to_owned(),
            looks,
        }
    }

    /// A condition of the target alone, `reachable = "pg-west"`.
    fn asks(&self, what: &str, word: &str) -> Offer {
        let words = format!("{word} = \"{}\"", self.target.id);
        self.offer(what, words, "", true)
    }

    /// A condition of the target and more, `keys = { of = "cache", at_least = 1 }`.
    fn asks_of(&self, what: &str, word: &str, more: &str) -> Offer {
        let words = format!("{word} = {{ of = \"{}\", {more} }}", self.target.id);
        self.offer(what, words, "", true)
    }

    /// An act, `kube.restart = { target = "web-west" }`; `more` begins with a comma.
    fn does(&self, what: &str, word: &str, more: &str) -> Offer {
        let words = format!("{word} = {{ target = \"{}\"{more} }}", self.target.id);
        self.offer(what, words, "", false)
    }

    fn sql(&self, what: &str, text: &str) -> Offer {
        let words = format!("sql on={}", self.target.id);
        self.offer(what, words, text, true)
    }

    fn health(&self) -> Option<Offer> {
        let system = System::named(self.target.endpoint.system())?;
        System::CHECKED
            .contains(&system)
            .then(|| self.asks("healthy", "healthy"))
    }

    fn of_system(&self) -> Vec<Offer> {
        match &self.target.endpoint {
            Endpoint::Postgres(_) => self.postgres(),
            Endpoint::Redis(_) => vec![
                self.asks_of("is the master", "role", "is = \"master\""),
                self.asks_of("holds keys", "keys", "at_least = 1"),
                self.redis("memory", "INFO memory"),
                self.redis("replication", "INFO replication"),
                self.does("save", "redis.save", ""),
            ],
            Endpoint::Sentinel(_) => self.sentinel(),
            Endpoint::Http(at) => {
                let request = format!("GET {}", at.url);
                vec![self.offer("whole answer", "http".into(), &request, true)]
            }
            Endpoint::Kube(at) if at.workload.is_none() => {
                vec![self.asks("nodes ready", "nodes_ready")]
            }
            Endpoint::Kube(_) => vec![
                self.asks("pods ready", "pods_ready"),
                self.asks("rollout complete", "rollout"),
                self.does("restart", "kube.restart", ""),
                self.does("scale", "kube.scale", ", replicas = 10"),
                self.does("back to the revision before", "kube.undo", ""),
            ],
            Endpoint::Rds(_) => vec![
                self.asks("available", "available"),
                self.does("to the other zone", "rds.failover", ""),
                self.does("snapshot", "rds.snapshot", ", name = \"before-the-change\""),
            ],
            Endpoint::Dns(_) => self.route53(),
            Endpoint::Secret(_) => vec![
                self.asks("in use everywhere", "consumers_current"),
                self.does("rotate", "secrets.rotate", ""),
            ],
            Endpoint::Managed(managed) => self.managed(managed),
            Endpoint::Files(_) | Endpoint::Check(_) | Endpoint::Store(_) => Vec::new(),
        }
    }

    fn postgres(&self) -> Vec<Offer> {
        let lag = self.site.link_to(&self.target.id).map(|link| {
            let under = format!("under = \"{}\"", span(link.gate));
            self.asks_of("lag", "lag", &under)
        });
        let on = format!("sql on={}", self.target.id);
        let cancel = "SELECT pg_cancel_backend(0)";
        let offers = [
            self.asks("takes writes", "writable"),
            self.sql("role and LSN", ROLE),
            self.sql("sessions", SESSIONS),
            self.sql("longest queries", LONG),
            self.offer("cancel a pid's query", on, cancel, false),
            self.does(
                "end a role's sessions",
                "postgres.terminate",
                ", role = \"app\"",
            ),
        ];
        lag.into_iter().chain(offers).collect()
    }

    fn redis(&self, what: &str, text: &str) -> Offer {
        self.offer(what, format!("redis on={}", self.target.id), text, false)
    }

    fn sentinel(&self) -> Vec<Offer> {
        let is_redis = |target: &&Target| matches!(target.endpoint, Endpoint::Redis(_));
        let masters = self.site.targets.iter().filter(is_redis).map(|redis| {
            let what = format!("the master is {}", redis.id);
            let more = format!("target = \"{}\"", redis.id);
            self.asks_of(&what, "master_is", &more)
        });
        let failover = self.does("fail over", "redis.failover", "");
        masters.chain([failover]).collect()
    }

    fn route53(&self) -> Vec<Offer> {
        let weights = self.site.regions.iter().map(|region| {
            let more = format!("region = \"{}\", at_least = 100", region.id);
            self.asks_of(&format!("weight of {}", region.id), "weight", &more)
        });
        let shift = self.standby().map(|region| {
            let more = format!(", to = \"{region}\", percent = 100");
            self.does(&format!("shift to {region}"), "route53.shift", &more)
        });
        weights.chain(shift).collect()
    }

    fn managed(&self, managed: &ManagedEndpoint) -> Vec<Offer> {
        match managed {
            ManagedEndpoint::Velero { .. } => {
                vec![self.does("back up", "velero.backup", ", as = \"before-the-change\"")]
            }
            ManagedEndpoint::Argocd { .. } => vec![self.does("sync", "argocd.sync", "")],
            ManagedEndpoint::Ecs { .. } => vec![
                self.does("redeploy", "ecs.redeploy", ""),
                self.does("scale", "ecs.scale", ", tasks = 4"),
            ],
            ManagedEndpoint::Elasticache { .. } => {
                vec![self.does(
                    "fail a shard over",
                    "elasticache.failover",
                    ", shard = \"0001\"",
                )]
            }
            ManagedEndpoint::Aurora { .. } => {
                let switch = self.standby().map(|region| {
                    let more = format!(", to = \"{region}\"");
                    self.does(&format!("writer to {region}"), "aurora.switchover", &more)
                });
                switch.into_iter().collect()
            }
            ManagedEndpoint::Cnpg { .. } => Vec::new(),
        }
    }

    /// The first region that waits to serve.
    fn standby(&self) -> Option<&str> {
        let mut regions = self.site.regions.iter();
        let found = regions.find(|region| region.role == RegionRole::Standby)?;
        Some(found.id.as_str())
    }
}
