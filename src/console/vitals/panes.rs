//! The panes derived from readings, the incident and now. Cheap: it is done after every event.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{BackupRow, Burn, Clock, ComponentRow, LinkRow, RegionRow, RungRow, Vitals};
use crate::console::checklist::remaining;
use crate::console::deadline::{self, Deadline};
use crate::console::road::Road;
use crate::console::state::State;
use crate::incident::acts::kube::KubeSight;
use crate::incident::journal::{Fact, Incident, Note};
use crate::incident::judge::{
    ComponentVital, Standing, backup, component, overall, region as judge_region,
};
use crate::incident::ladder::{self, Ack, BurnVerdict, Clockwork, RungStanding, RungState, rungs};
use crate::incident::measure::{Lag, Limit, Span};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Reading, Sight};
use crate::incident::replication::{LinkHistory, LinkState};
use crate::incident::site::{Backup, Link, Region, Target};

/// A rung that is due within this time asks for an eye.
const SOON: Duration = Duration::from_secs(5 * 60);

/// The panes as they stand now.
pub fn derive(state: &State) -> Vitals {
    let targets = state.site.targets.iter();
    let components: BTreeMap<TargetId, ComponentVital> = targets
        .map(|target| {
            let track = state.memory.tracks.get(&target.id);
            (target.id.clone(), component(target, track, &state.now))
        })
        .collect();
    let links: Vec<LinkRow> = state.site.links.iter().map(|l| link(state, l)).collect();
    Vitals {
        regions: regions(state, &components),
        backups: state
            .site
            .backups
            .iter()
            .map(|b| backup_row(state, b))
            .collect(),
        clock: clock(state),
        links,
    }
}

/// Everything that has a standing: subject, standing, words, as the journal writes them.
pub fn subjects(vitals: &Vitals) -> Vec<(String, Standing, String)> {
    let mut subjects = Vec::new();
    for region in &vitals.regions {
        if let Some(id) = &region.id {
            subjects.push((
                format!("region {id}"),
                region.standing,
                region.words.clone(),
            ));
        }
        for c in &region.components {
            subjects.push((format!("target {}", c.id), c.standing, c.words.clone()));
        }
    }
    for link in &vitals.links {
        subjects.push((
            format!("link {}", link.id),
            link.standing,
            link.detail.clone(),
        ));
    }
    for backup in vitals.backups.iter().filter(|b| b.intended) {
        let words = match backup.notes.first() {
            Some(note) => format!("{}, {note}", backup.age),
            None => backup.age.clone(),
        };
        subjects.push((format!("backup {}", backup.id), backup.standing, words));
    }
    subjects
}

fn regions(state: &State, vitals: &BTreeMap<TargetId, ComponentVital>) -> Vec<RegionRow> {
    let row = |region: &Region| {
        let vital = judge_region(&state.site, region, vitals);
        RegionRow {
            id: Some(region.id.clone()),
            role: Some(region.role),
            standing: vital.standing,
            words: vital.words,
            components: components(state, vitals, |t| t.region.as_ref() == Some(&region.id)),
        }
    };
    let mut rows: Vec<RegionRow> = state.site.regions.iter().map(row).collect();
    let rest = components(state, vitals, |t| t.region.is_none());
    if !rest.is_empty() {
        let fine = rest.iter().filter(|c| c.standing == Standing::Fine);
        rows.push(RegionRow {
            id: None,
            role: None,
            standing: overall(rest.iter().map(|c| c.standing)),
            words: format!("{}/{}", fine.count(), rest.len()),
            components: rest,
        });
    }
    rows
}

fn components(
    state: &State,
    vitals: &BTreeMap<TargetId, ComponentVital>,
    of: impl Fn(&Target) -> bool,
) -> Vec<ComponentRow> {
    let targets = state.site.targets.iter().filter(|t| of(t));
    targets
        .filter_map(|target| Some(component_row(state, target, vitals.get(&target.id)?)))
        .collect()
}

/// What a cluster complained of last, or a record's health checks do.
fn complaint(sight: &Sight) -> Option<String> {
    match sight {
        Sight::Kube(KubeSight::Workload(seen)) => {
            let warnings = seen.warnings.as_ref()?;
            Some(match warnings.count {
                1 => warnings.message.clone(),
                count => format!("{} (the newest of {count})", warnings.message),
            })
        }
        Sight::Dns(seen) => {
            let sick = seen.sick.iter();
            let sick: Vec<String> = sick
                .map(|(region, why)| format!("{region}: {why}"))
                .collect();
            (!sick.is_empty()).then(|| sick.join("; "))
        }
        _ => None,
    }
}

fn component_row(state: &State, target: &Target, vital: &ComponentVital) -> ComponentRow {
    let track = state.memory.tracks.get(&target.id);
    let detail = match track.and_then(|t| t.last()).map(|reading| &reading.value) {
        Some(Err(failure)) => failure.to_string(),
        seen => {
            let place = target.endpoint.place();
            let words = format!("{} ({place}): {}", target.id, vital.words);
            match seen.and_then(|seen| complaint(seen.as_ref().ok()?)) {
                Some(complaint) => format!("{words}: {complaint}"),
                None => words,
            }
        }
    };
    let millis = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let history = track.map(|t| {
        let samples = t.history();
        samples.map(|s| s.ok.then(|| millis(s.took))).collect()
    });
    ComponentRow {
        id: target.id.clone(),
        system: target.endpoint.system(),
        place: target.endpoint.place(),
        standing: vital.standing,
        words: vital.words.clone(),
        detail,
        since: vital.since.as_ref().map(|since| state.now.since(since)),
        age: vital.age.map(|age| age.0),
        history: history.unwrap_or_default(),
    }
}

/// The link's history, or an empty one: nothing was seen of it yet.
fn history_of<'a>(state: &'a State, link: &Link, empty: &'a LinkHistory) -> &'a LinkHistory {
    state.memory.links.get(&link.id).unwrap_or(empty)
}

fn link(state: &State, link: &Link) -> LinkRow {
    let empty = LinkHistory::new(Duration::ZERO);
    let history = history_of(state, link, &empty);
    let last = |id: &TargetId| -> Option<&Reading> { state.memory.tracks.get(id)?.last() };
    let vital = history.vital(link, last(&link.from), last(&link.to), &state.now);
    let bound = |lag: Lag| match vital.loss.known {
        crate::incident::replication::Known::Measured => lag.to_string(),
        _ => format!("≤ {lag}"),
    };
    let bytes = vital.loss.bytes.or(vital.bytes);
    let loss = match (vital.loss.lag, vital.loss.bytes) {
        (None, None) => "what a promotion would lose is not known".to_owned(),
        _ => format!("a promotion now would lose {}", vital.loss),
    };
    let lags = state.memory.lags.get(&link.id);
    LinkRow {
        id: link.id.clone(),
        from: link.from.clone(),
        to: link.to.clone(),
        standing: vital.standing,
        seconds: vital.loss.lag.map(bound).unwrap_or_default(),
        bytes: bytes.map(|b| b.to_string()).unwrap_or_default(),
        detail: format!("{} → {}: {}; {loss}", link.from, link.to, vital.words),
        words: match vital.state {
            LinkState::NoData => vital.words,
            state => state.to_string(),
        },
        target: link.target,
        gate: link.gate,
        history: lags
            .map(|lags| lags.iter().copied().collect())
            .unwrap_or_default(),
    }
}

fn backup_row(state: &State, rule: &Backup) -> BackupRow {
    let track = rule.of.as_ref().and_then(|id| state.memory.tracks.get(id));
    let tested = state.memory.restore_tests.get(&rule.id).copied();
    let vital = backup(&state.site, rule, track, tested, &state.now);
    BackupRow {
        id: rule.id.clone(),
        standing: vital.standing,
        intended: vital.intended,
        age: match vital.age {
            Some(age) => age.to_string(),
            None => vital.words,
        },
        rule: match rule.intended {
            true => format!("<{}", Limit(rule.younger)),
            false => String::new(),
        },
        notes: vital.notes,
    }
}

fn clock(state: &State) -> Clock {
    let rungs = clockwork(state, |clockwork| {
        let mut states = rungs(&state.site.ladder, clockwork, &state.now);
        // What is to be done stands before what was done.
        states.sort_by_key(|rung| {
            let done = matches!(rung.standing, RungStanding::Acknowledged { .. });
            (done, rung.due)
        });
        states.iter().map(rung_row).collect()
    });
    Clock {
        rto: rto(state),
        rpo: rpo(state),
        decision: deadline::shown(state).map(|deadline| decision_row(&deadline, state)),
        rungs: rungs.unwrap_or_default(),
    }
}

/// Hands the ladder's inputs to `then`; none without an incident.
pub(in crate::console) fn clockwork<T>(
    state: &State,
    then: impl FnOnce(&Clockwork<'_>) -> T,
) -> Option<T> {
    let incident = state.incident.as_ref()?;
    let acks: Vec<Ack> = incident
        .acknowledged
        .iter()
        .map(|(key, (at, by))| Ack {
            key: key.clone(),
            at: *at,
            by: by.name.clone(),
        })
        .collect();
    let clockwork = Clockwork {
        detected: incident.declaration.detected,
        declared: &incident.declared,
        resolved: entered(incident, |note| matches!(note, Note::Resolved { .. })),
        severity: &incident.severity,
        category: incident.declaration.category.as_deref(),
        acks: &acks,
    };
    Some(then(&clockwork))
}

/// When the first such note was entered, by both clocks.
fn entered(incident: &Incident, is: impl Fn(&Note) -> bool) -> Option<&Now> {
    let found = incident.entries.iter().find(|entry| match &entry.fact {
        Fact::Note(note) => is(note),
        _ => false,
    });
    found.map(|entry| &entry.at)
}

fn rung_row(rung: &RungState<'_>) -> RungRow {
    let (standing, words) = match &rung.standing {
        RungStanding::DueIn(left) if *left <= SOON => {
            (Standing::Watch, format!("in {}", stopwatch(*left)))
        }
        RungStanding::DueIn(left) => (Standing::Unknown, format!("in {}", stopwatch(*left))),
        RungStanding::Due => (Standing::Watch, "due now".to_owned()),
        RungStanding::OverdueBy(over) => {
            (Standing::Breach, format!("{} overdue", stopwatch(*over)))
        }
        RungStanding::Acknowledged { at, by } => {
            (Standing::Fine, format!("{} {by}", at.format("%H:%M")))
        }
    };
    RungRow {
        key: rung.key.clone(),
        who: rung.rung.who.clone(),
        what: match &rung.rung.channel {
            Some(channel) => format!("{}, {channel}", rung.rung.what),
            None => rung.rung.what.clone(),
        },
        after: rung.rung.after,
        standing,
        words,
    }
}

fn decision_row(deadline: &Deadline, state: &State) -> RungRow {
    let (standing, words) = match (deadline.due - state.now.wall).to_std() {
        Ok(left) if left <= SOON => (Standing::Watch, format!("in {}", stopwatch(left))),
        Ok(left) => (Standing::Unknown, format!("in {}", stopwatch(left))),
        Err(_) => {
            let over = state.now.since_wall(deadline.due);
            (Standing::Breach, format!("{} overdue", stopwatch(over)))
        }
    };
    RungRow {
        key: String::new(),
        who: "Decide".to_owned(),
        what: match deadline.cut {
            true => format!("{}, before the RTO ends", deadline.title),
            false => deadline.title.clone(),
        },
        after: deadline.span,
        standing,
        words,
    }
}

/// `7:29`, `1:02:33`: a running time, which prints to the second.
fn stopwatch(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds / 3_600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

fn rto(state: &State) -> Option<Burn> {
    let incident = state.incident.as_ref()?;
    let runbook = Road::shown(state).and_then(|road| road.runbook.card.rto);
    let objective = ladder::rto(&state.site, &incident.severity, runbook)?;
    let back = entered(incident, |n| matches!(n, Note::Mitigated { .. }))
        .or_else(|| entered(incident, |n| matches!(n, Note::Resolved { .. })));
    let burn = ladder::Burn::new(
        objective,
        &incident.declared,
        back,
        remaining(state),
        &state.now,
    );
    Some(Burn {
        objective,
        used: Some(burn.used),
        standing: burn.verdict.standing(),
        words: burn_words(burn.verdict, burn.projected_finish, burn.left),
    })
}

fn burn_words(verdict: BurnVerdict, finish: Option<DateTime<Utc>>, left: Duration) -> String {
    // To the minute, and never early.
    let finish = finish.and_then(|at| at.checked_add_signed(TimeDelta::seconds(59)));
    let finish = finish
        .map(|at| at.format("%H:%M").to_string())
        .unwrap_or_default();
    match verdict {
        BurnVerdict::Met => "service was back in time".into(),
        BurnVerdict::InTime { spare } => format!("finish ~{finish}, {} to spare", Span(spare)),
        BurnVerdict::WillMiss { by } => format!("finish ~{finish}, {} too late", Span(by)),
        BurnVerdict::NoEstimate => format!("{} left, no estimate", Span(left)),
        BurnVerdict::Missed { by } => format!("missed by {}", Span(by)),
    }
}

/// The recovery point over every link: what promoting all of them now would lose at most.
fn rpo(state: &State) -> Option<Burn> {
    let runbook = Road::shown(state).and_then(|road| road.runbook.card.rpo);
    let objective = runbook.or(state.site.objectives.rpo)?;
    let empty = LinkHistory::new(Duration::ZERO);
    let last = |id: &TargetId| -> Option<&Reading> { state.memory.tracks.get(id)?.last() };
    let losses: Option<Vec<Duration>> = state
        .site
        .links
        .iter()
        .map(|link| {
            let history = history_of(state, link, &empty);
            let vital = history.vital(link, last(&link.from), last(&link.to), &state.now);
            vital.loss.lag.map(|lag| lag.0)
        })
        .collect();
    let used = losses.and_then(|losses| losses.into_iter().max());
    let (standing, words) = match used {
        None => (Standing::Unknown, "at risk: unknown".to_owned()),
        Some(used) if used > objective => (Standing::Breach, format!("≈{} at risk", Span(used))),
        Some(used) => (Standing::Fine, format!("≈{} at risk", Span(used))),
    };
    Some(Burn {
        objective,
        used,
        standing,
        words,
    })
}
