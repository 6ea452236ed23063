//! What each built-in scenario takes from the disaster-recovery documents: a table of facts, each with the inventory's id of
//! the row it comes from (objectives `B`, backup rules `C`, procedures `P`, corrected mistakes `E`, drills `G`).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use warroom::drill::happening::Happening;
use warroom::drill::scenario::{Grade, Scenario, built_in};
use warroom::incident::names::{RunbookId, StepId};
use warroom::incident::runbook::{Check, Code, Part, Runbook, Step, parse};

use Fact::{
    Asked, Backup, Begins, Confirms, Done, Harm, Holds, Never, Order, Proven, Rpo, Rto, Says,
    Within,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Something that is true of a scenario, or of the runbook it offers first.
#[derive(Clone, Copy)]
enum Fact {
    /// The recovery time asked for, in seconds.
    Rto(u64),
    /// The recovery point asked for, in seconds.
    Rpo(u64),
    /// The event that begins it, as its debug form starts.
    Begins(&'static str),
    /// These steps stand in this order.
    Order(&'static [&'static str]),
    /// Doing the first before the second makes this of the result; without a second, doing it at all.
    Harm(&'static str, Option<&'static str>, Grade),
    /// The step asks this before anything runs.
    Asked(&'static str, &'static str),
    /// The step does this: an act in one line, or words of a script.
    Done(&'static str, &'static str),
    /// No step has these words in a script.
    Never(&'static str),
    /// The step is not done until this holds.
    Proven(&'static str, &'static str),
    /// The step is watched this many seconds after its act.
    Holds(&'static str, u64),
    /// The phrase to type.
    Confirms(&'static str, &'static str),
    /// The step's time-out, in seconds, and that the platform does it by itself.
    Within(&'static str, u64),
    /// A tick or a paragraph of the step says this.
    Says(&'static str, &'static str),
    /// The site's rule for this backup: younger than so many seconds.
    Backup(&'static str, u64),
}

/// Scenario, inventory ids, fact: one row a line.
#[rustfmt::skip]
const TABLE: &[(&str, &str, Fact)] = &[
    // G-42, P-27, P-44: a region outage. Fence, promote, capacity, health, traffic.
    ("region-lost", "G-42", Begins("LoseRegion")),
    ("region-lost", "B-12 B-18 B-23 B-27", Rto(HOUR)),
    ("region-lost", "B-12 B-18", Rpo(5 * MINUTE)),
    ("region-lost", "P-27 P-44 E-112", Order(&["fence", "promote", "scale", "health", "traffic", "notify"])),
    ("region-lost", "E-070", Harm("promote", Some("fence"), Grade::Fail)),
    ("region-lost", "E-070", Proven("fence", "fenced $OLD_PRIMARY")),
    ("region-lost", "E-070", Asked("promote", "fenced $OLD_PRIMARY")),
    ("region-lost", "B-17 E-053 E-054", Asked("promote", "loss of $STANDBY < 30 s")),
    ("region-lost", "P-27.0", Confirms("promote", "FAILOVER")),
    ("region-lost", "P-27.4 E-112", Harm("traffic", Some("scale"), Grade::Fail)),
    ("region-lost", "P-44.3", Harm("traffic", Some("health"), Grade::Partial)),
    ("region-lost", "E-112", Harm("traffic", Some("promote"), Grade::Fail)),
    // G-41, P-23: the primary database is lost.
    ("database-lost", "G-41", Begins("Stop(")),
    ("database-lost", "B-12", Rto(HOUR)),
    ("database-lost", "B-12", Rpo(5 * MINUTE)),
    ("database-lost", "B-17 E-053 E-054", Asked("verify-standby", "loss of $STANDBY < 30 s")),
    ("database-lost", "B-17 E-053 E-054", Asked("promote", "loss of $STANDBY < 30 s")),
    ("database-lost", "P-23.4", Confirms("promote", "FAILOVER")),
    ("database-lost", "E-070", Harm("promote", Some("fence"), Grade::Fail)),
    ("database-lost", "P-23 E-058", Order(&["verify-standby", "fence", "promote", "application", "write"])),
    ("database-lost", "P-23.5 E-058", Proven("promote", "writable $STANDBY")),
    // P-43: one zone is lost; the platform heals by itself.
    ("zone-lost", "P-43", Begins("LoseZone")),
    ("zone-lost", "B-22", Rto(5 * MINUTE)),
    ("zone-lost", "P-43.1 B-22", Within("replicas", 5 * MINUTE)),
    ("zone-lost", "P-43.2 B-22", Within("service", 5 * MINUTE)),
    ("zone-lost", "E-111", Says("one-zone", "topology.kubernetes.io/zone")),
    ("zone-lost", "P-43", Harm("fence", None, Grade::Fail)),
    ("zone-lost", "P-43", Harm("traffic", None, Grade::Fail)),
    // G-43, P-45, P-29: corruption, and recovery to a point in time.
    ("data-corrupted", "G-43", Begins("Corrupt(")),
    ("data-corrupted", "B-19 B-24", Rto(HOUR)),
    ("data-corrupted", "B-20", Rpo(15 * MINUTE)),
    ("data-corrupted", "P-45", Order(&["stop-writes", "recover", "validate", "switch", "open"])),
    ("data-corrupted", "P-45.1 E-113", Done("stop-writes", "postgres.revoke_writes $SERVER on $DATABASE of $APP_ROLE")),
    ("data-corrupted", "E-114", Done("recover", "--type=time --target=\"$TARGET_TIME\"")),
    ("data-corrupted", "E-114", Never("pg_restore --time")),
    ("data-corrupted", "E-078", Never("recovery.conf")),
    ("data-corrupted", "P-45.3", Harm("switch", Some("validate"), Grade::Fail)),
    ("data-corrupted", "P-45", Harm("promote", None, Grade::Fail)),
    ("data-corrupted", "P-45.4", Confirms("switch", "SWITCH")),
    ("data-corrupted", "P-45.5 E-117", Done("open", "postgres.grant_writes $SERVER on $DATABASE of $APP_ROLE")),
    ("data-corrupted", "C-11", Backup("pg-wal", 15 * MINUTE)),
    // P-55: accidental deletion.
    ("accidental-deletion", "P-55", Begins("DeleteRows(")),
    ("accidental-deletion", "B-01 B-08", Rto(4 * HOUR)),
    ("accidental-deletion", "P-55.1 P-29", Order(&["when", "within", "copy", "count", "way", "extract", "verify"])),
    ("accidental-deletion", "P-29.6 E-080", Says("way", "#extract #replace #discard")),
    ("accidental-deletion", "E-079 E-080", Done("copy", "--target=\"$DELETED_AT\"")),
    ("accidental-deletion", "P-29.6", Harm("replace", None, Grade::Fail)),
    ("accidental-deletion", "P-29.6", Confirms("discard", "DISCARD")),
    // P-25: the Redis master is lost.
    ("redis-lost", "P-25", Begins("Hang(")),
    ("redis-lost", "B-12", Rpo(5 * MINUTE)),
    ("redis-lost", "P-25.2", Asked("verify-replica", "keys of $REPLICA ≥ 1")),
    ("redis-lost", "P-25.3 E-064", Done("failover", "redis.failover $SENTINEL")),
    ("redis-lost", "P-25.3", Confirms("failover", "FAILOVER")),
    ("redis-lost", "P-25.5 E-064", Proven("failover", "master_is $REPLICA by $SENTINEL")),
    ("redis-lost", "P-25.6 E-064", Proven("failover", "role of $REPLICA is master")),
    // P-46: the cluster is lost.
    ("cluster-lost", "P-46", Begins("Stop(")),
    ("cluster-lost", "B-25 E-121", Rto(4 * HOUR)),
    ("cluster-lost", "B-20", Rpo(15 * MINUTE)),
    ("cluster-lost", "P-46 E-118", Order(&["plan", "read-plan", "apply", "vault", "restore", "counts", "apps", "health", "cutover"])),
    ("cluster-lost", "P-46.1", Confirms("apply", "APPLY")),
    ("cluster-lost", "P-46.1", Never("-auto-approve")),
    ("cluster-lost", "P-46.1", Harm("apply", Some("read-plan"), Grade::Fail)),
    ("cluster-lost", "E-118", Done("apps", "argocd app wait data cache web workers --health --sync --timeout 1800")),
    ("cluster-lost", "E-118", Never("--all --health")),
    ("cluster-lost", "P-46.4", Harm("apps", Some("restore"), Grade::Fail)),
    // G-44, P-54, P-58: credentials leaked.
    ("credentials-leaked", "G-44", Begins("Leak(")),
    ("credentials-leaked", "B-28", Rto(HOUR)),
    ("credentials-leaked", "P-54 P-58 E-130", Order(&["scope", "rotate", "restart", "restart-standby", "others", "revoke", "audit"])),
    ("credentials-leaked", "E-130", Says("scope", "Every consumer of it")),
    ("credentials-leaked", "P-58.2", Confirms("rotate", "ROTATE")),
    ("credentials-leaked", "E-130", Asked("revoke", "consumers of $SECRET current")),
    ("credentials-leaked", "E-130", Harm("revoke", Some("restart"), Grade::Fail)),
    ("credentials-leaked", "E-130", Harm("revoke", Some("restart-standby"), Grade::Partial)),
    ("credentials-leaked", "P-54.3 P-58.3", Proven("revoke", "old version of $SECRET refused")),
    ("credentials-leaked", "E-127", Never("update-secret")),
    // P-34: a bad release.
    ("bad-release", "P-34", Begins("BadRelease(")),
    ("bad-release", "B-11", Rto(30 * MINUTE)),
    ("bad-release", "P-34", Order(&["look", "schema", "undo", "health", "outside"])),
    ("bad-release", "E-094", Harm("undo", Some("schema"), Grade::Partial)),
    ("bad-release", "E-094", Done("health", "wait until healthy $API")),
    ("bad-release", "P-34.3", Proven("undo", "rollout of $WEB complete")),
    // P-15: a third party or the network fails.
    ("provider-failure", "P-15", Begins("Provider")),
    ("provider-failure", "B-01 B-08", Rto(4 * HOUR)),
    ("provider-failure", "P-15", Order(&["diagnose", "limited", "way", "fall-back", "health"])),
    ("provider-failure", "E-032", Done("diagnose", "exec deployment/web -- cat /etc/resolv.conf")),
    ("provider-failure", "E-031", Harm("network", None, Grade::Fail)),
    ("provider-failure", "E-031", Never("network prune")),
    ("provider-failure", "E-033", Proven("fall-back", "rollout of $WEB complete")),
    ("provider-failure", "P-15.3", Confirms("network", "NETWORK")),
    // P-33: restore under erasure exclusions.
    ("gdpr-restore", "P-33", Begins("Corrupt(")),
    ("gdpr-restore", "B-15 B-29", Rpo(24 * HOUR)),
    ("gdpr-restore", "E-090", Order(&["fetch", "look", "stop-writes", "restore", "erase", "zero", "audit", "open"])),
    ("gdpr-restore", "E-090", Done("fetch", "curl --fail")),
    ("gdpr-restore", "E-090", Done("fetch", "jq --exit-status")),
    ("gdpr-restore", "E-090", Harm("restore", Some("fetch"), Grade::Fail)),
    ("gdpr-restore", "E-092", Done("erase", "psql --set=ON_ERROR_STOP=1 --single-transaction")),
    ("gdpr-restore", "E-092", Done("erase", "\\copy excluded FROM")),
    ("gdpr-restore", "P-33.4 E-092", Harm("open", Some("zero"), Grade::Fail)),
    ("gdpr-restore", "P-33.3", Confirms("restore", "RESTORE")),
    ("gdpr-restore", "C-48", Asked("dump", "backup of $BACKUP younger than 25 h, verified")),
    // P-36: failback.
    ("failback", "P-36", Order(&["ready", "capacity", "fence", "promote", "health", "canary-10", "canary-50", "canary-100", "standby", "tell"])),
    ("failback", "E-097", Harm("canary-10", Some("promote"), Grade::Fail)),
    ("failback", "E-097", Asked("promote", "fenced $SERVING")),
    ("failback", "P-36.1 E-112", Harm("canary-10", Some("capacity"), Grade::Fail)),
    ("failback", "E-096", Done("canary-10", "route53.shift $RECORD: 10 % to $REGION")),
    ("failback", "P-36.4", Holds("canary-10", 5 * MINUTE)),
    ("failback", "P-36.5", Holds("canary-50", 5 * MINUTE)),
    ("failback", "P-36.6 E-098", Confirms("canary-100", "FAILBACK")),
    ("failback", "E-098", Harm("canary-100", Some("canary-50"), Grade::Partial)),
    // P-20 and its rules: nobody was told that backups fail.
    ("backups-silent", "P-20", Begins("BackupsFail")),
    ("backups-silent", "C-48 P-20.2", Backup("pg-dump", 25 * HOUR)),
    ("backups-silent", "P-20.3 P-20.5", Order(&["inventory", "dump", "prove", "cause", "alarm"])),
    ("backups-silent", "P-20", Harm("cause", Some("dump"), Grade::Partial)),
    ("backups-silent", "C-50", Says("prove", "Restored without an error into a scratch database")),
    ("backups-silent", "C-51", Says("prove", "none is empty")),
    ("backups-silent", "C-52", Says("prove", "within 5% of production")),
    ("backups-silent", "E-044", Says("alarm", "a rule that is silent when its number is missing")),
];

fn scenario(id: &str) -> Scenario {
    let (_, text) = built_in::SCENARIOS
        .iter()
        .find(|(one, _)| *one == id)
        .unwrap();
    let (scenario, faults) = warroom::drill::scenario::parse(id, id, text);
    assert!(faults.is_empty(), "{id}: {faults:#?}");
    scenario.unwrap()
}

/// The runbook a scenario offers first: of its own folder, else of those every site gets.
fn runbook(scenario: &Scenario) -> (Runbook, String) {
    let id = scenario.runbooks[0].as_str();
    let own = built_in::RUNBOOKS.iter().find(|(one, _)| *one == id);
    let text = match own {
        Some((_, text)) => (*text).to_owned(),
        None => {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
            fs::read_to_string(folder.join(format!("{id}.md"))).unwrap()
        }
    };
    let (runbook, faults) = parse(id, &text, RunbookId::from(id));
    assert!(faults.is_empty(), "{id}: {faults:#?}");
    (runbook.unwrap(), text)
}

/// What the step runs, each action in one text.
fn actions(step: &Step) -> Vec<String> {
    let of = |action: &warroom::incident::runbook::Action| match &action.code {
        Code::Shell { script, .. } => script.clone(),
        Code::Sql { text, .. } | Code::Redis { text, .. } | Code::Http { text } => text.clone(),
        Code::Act { act } => act.to_string(),
    };
    step.all_actions().map(of).collect()
}

fn conditions(checks: &[Check]) -> Vec<String> {
    let word = |check: &Check| match check {
        Check::Condition(condition) => Some(condition.to_string()),
        Check::Code(_) => None,
    };
    checks.iter().filter_map(word).collect()
}

/// Whatever people read in the step, and where its decision leads.
fn words(step: &Step) -> String {
    let ticks = step.parts.iter().filter_map(|part| match part {
        Part::Tick(tick) => Some(tick.text.clone()),
        Part::Action(_) => None,
    });
    let answers: Vec<String> = step
        .card
        .decide
        .iter()
        .map(|(_, to)| format!("#{to}"))
        .collect();
    let prose: Vec<String> = step.why.iter().map(|block| format!("{block:?}")).collect();
    let ticks: Vec<String> = ticks.collect();
    format!(
        "{} {} {}",
        prose.join(" "),
        ticks.join(" "),
        answers.join(" ")
    )
}

/// `None` when the fact is true, else what stands there instead.
fn wrong(fact: Fact, scenario: &Scenario, runbook: &Runbook, text: &str) -> Option<String> {
    let seconds = Duration::from_secs;
    let step = |id: &str| -> Step {
        let found = runbook.step(&StepId::from(id));
        found
            .unwrap_or_else(|| panic!("{}: no step {id}", scenario.id))
            .clone()
    };
    let has = |all: Vec<String>, one: &str| match all.iter().any(|text| text.contains(one)) {
        true => None,
        false => Some(format!("{all:#?} instead of {one:?}")),
    };
    let same =
        |is: String, wanted: String| (is != wanted).then(|| format!("{is} instead of {wanted}"));
    match fact {
        Rto(span) => same(
            format!("{:?}", scenario.rto),
            format!("{:?}", Some(seconds(span))),
        ),
        Rpo(span) => same(
            format!("{:?}", scenario.rpo),
            format!("{:?}", Some(seconds(span))),
        ),
        Begins(word) => {
            let first = scenario
                .events
                .first()
                .map(|event| format!("{:?}", event.what));
            has(first.into_iter().collect(), word)
        }
        Order(ids) => {
            let at = |id: &&str| {
                runbook
                    .steps
                    .iter()
                    .position(|step| step.id.as_str() == *id)
            };
            let places: Vec<Option<usize>> = ids.iter().map(at).collect();
            let right = places.iter().all(Option::is_some) && places.is_sorted();
            (!right).then(|| format!("{ids:?} stand at {places:?}"))
        }
        Harm(id, before, makes) => {
            let found = scenario.harmful.iter().any(|harm| {
                harm.step.as_str() == id
                    && harm.before.as_ref().map(StepId::as_str) == before
                    && harm.makes == makes
            });
            (!found).then(|| format!("{:#?}", scenario.harmful))
        }
        Asked(id, condition) => has(conditions(&step(id).checks), condition),
        Done(id, act) => has(actions(&step(id)), act),
        Never(script) => {
            let all: Vec<String> = runbook.steps.iter().flat_map(actions).collect();
            assert!(!all.is_empty() && !text.is_empty());
            let found = all.iter().find(|one| one.contains(script));
            found.map(|one| format!("{script:?} in {one}"))
        }
        Proven(id, condition) => has(conditions(&step(id).verify), condition),
        Holds(id, span) => {
            let held = step(id).card.hold.as_ref().map(|hold| hold.span);
            same(format!("{held:?}"), format!("{:?}", Some(seconds(span))))
        }
        Confirms(id, phrase) => same(
            step(id).card.confirm.clone().unwrap_or_default(),
            phrase.to_owned(),
        ),
        Within(id, span) => {
            let card = step(id).card;
            let is = format!("{:?} by itself: {}", card.timeout, card.runs_by_itself);
            same(is, format!("{:?} by itself: true", Some(seconds(span))))
        }
        Says(id, saying) => has(vec![words(&step(id))], saying),
        Backup(id, span) => {
            let rule = scenario
                .site
                .backups
                .iter()
                .find(|backup| backup.id.as_str() == id);
            let younger = rule.map(|backup| backup.younger);
            same(format!("{younger:?}"), format!("{:?}", Some(seconds(span))))
        }
    }
}

#[test]
fn facts_of_the_scenarios_are_those_of_the_documents() {
    let mut faults = Vec::new();
    for (id, inventory, fact) in TABLE {
        let scenario = scenario(id);
        let (runbook, text) = runbook(&scenario);
        if let Some(why) = wrong(*fact, &scenario, &runbook, &text) {
            faults.push(format!("{id} ({inventory}): {why}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_scenario_is_in_the_table_and_every_order_it_calls_harmful() {
    for (id, _) in built_in::SCENARIOS {
        let rows: Vec<&Fact> = TABLE
            .iter()
            .filter(|row| row.0 == *id)
            .map(|row| &row.2)
            .collect();
        assert!(rows.len() >= 5, "{id}");
        for harm in &scenario(id).harmful {
            let told = rows.iter().any(|fact| match fact {
                Harm(step, before, _) => {
                    harm.step.as_str() == *step
                        && harm.before.as_ref().map(StepId::as_str) == *before
                }
                _ => false,
            });
            assert!(told, "{id}: {}", harm.words);
        }
    }
    let ids: BTreeSet<&str> = TABLE.iter().flat_map(|row| row.1.split(' ')).collect();
    for game_day in ["G-41", "G-42", "G-43", "G-44"] {
        assert!(ids.contains(game_day), "{game_day}");
    }
}

#[test]
fn backups_have_failed_for_fourteen_days() {
    let scenario = scenario("backups-silent");
    let since = scenario.events.iter().find_map(|event| match &event.what {
        Happening::BackupsFail { since, .. } => Some(*since),
        _ => None,
    });
    assert_eq!(since, Some(Duration::from_secs(14 * DAY)));
}
