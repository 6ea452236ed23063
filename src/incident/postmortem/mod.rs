//! The post-mortem: a pure fold over the journal, written as Markdown. What nobody can know but people is marked as blank.

mod added;
pub mod rows;
mod walks;

use std::time::Duration;

use chrono::{DateTime, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use super::clean::Clean;
use super::journal::fold::Phase;
use super::journal::{Fact, Incident, Note};
use super::measure::Span;
use super::site::Site;

/// What is put where only people can write.
pub const BLANK: &str = "_to be written_";

/// The template that is built in.
const DEFAULT: &str = include_str!("default.md.jinja");

/// How a post-mortem is laid out.
#[derive(Debug, Clone)]
pub struct Template(String);

impl Default for Template {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl Template {
    /// A template of the user's, in Jinja's syntax.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The post-mortem of an incident, as Markdown. `head` is the digest of the journal's last line.
///
/// # Errors
/// When the template can't be rendered: its message with line and column.
pub fn postmortem(
    incident: &Incident,
    site: &Site,
    template: &Template,
    head: &str,
) -> Result<String, minijinja::Error> {
    let declaration = &incident.declaration;
    let mut jinja = Environment::new();
    jinja.add_template("post-mortem", &template.0)?;
    let resolved = incident.resolved.as_ref();
    let mitigated = incident.mitigated.as_ref();
    let end = resolved.map(|(at, _)| *at);
    jinja.get_template("post-mortem")?.render(context! {
        blank => BLANK,
        title => text(&declaration.title),
        id => declaration.id.as_str(),
        mode => declaration.mode.to_string(),
        site => text(&declaration.site),
        severity => severity(incident, site),
        category => declaration.category.as_deref().map(text),
        detected => instant(declaration.detected),
        declared => instant(incident.declared.wall),
        declared_by => text(&incident.declared_by.name),
        mitigated => mitigated.map(|(at, how)| format!("{} ({})", instant(*at), how.one_line().markdown())),
        resolved => end.map(instant),
        duration => end.map_or("still open".into(), |at| between(incident.declared.wall, at)),
        roles => Value::from(Serde(rows::roles(incident))),
        summary => resolved.map(|(_, summary)| summary.markdown()),
        objectives => Value::from(Serde(rows::objectives(incident, site))),
        walks => Value::from(Serde(walks::walks(incident))),
        added => Value::from(Serde(added::added(incident))),
        overrides => overrides(incident),
        undone => undone(incident),
        rungs => rungs(incident, site),
        timeline => Value::from(Serde(rows::timeline(incident))),
        entries => incident.entries.len(),
        head => head,
    })
}

/// Text that may hold anything, for the middle of a Markdown line.
pub fn text(text: &str) -> String {
    Clean::new(text).one_line().markdown()
}

/// `2026-11-21 14:07:31 UTC`
fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    Span((to - from).to_std().unwrap_or(Duration::ZERO)).to_string()
}

fn severity(incident: &Incident, site: &Site) -> String {
    let title = site
        .severities
        .iter()
        .find(|s| s.id == incident.severity)
        .map(|s| &s.title);
    let now = match title {
        Some(title) => format!("{} ({})", incident.severity, text(title)),
        None => incident.severity.to_string(),
    };
    match incident.declaration.severity == incident.severity {
        true => now,
        false => format!("{now}, declared as {}", incident.declaration.severity),
    }
}

/// Every red guard or check somebody took upon themselves.
fn overrides(incident: &Incident) -> Vec<String> {
    let attempts = incident.walks.iter().flat_map(walks::attempts);
    attempts
        .flat_map(|attempt| {
            let resolved = &attempt.intent.resolved;
            attempt.intent.overrides.iter().map(move |o| {
                format!(
                    "**{}** before *{}* by {}, {}: it said “{}”; typed `{}`; reason: {}",
                    text(&o.name),
                    text(&resolved.step_title),
                    text(&attempt.by.name),
                    instant(attempt.confirmed),
                    o.verdict.saw.one_line().markdown(),
                    o.phrase,
                    o.reason.one_line().markdown(),
                )
            })
        })
        .collect()
}

/// A walk that came to its end: what it did not reach lies on ways it did not take.
fn finished(incident: &Incident, number: u32) -> bool {
    incident.entries.iter().any(|entry| {
        matches!(&entry.fact, Fact::Note(Note::WalkEnded { walk, reason: None }) if *walk == number)
    })
}

/// Steps that were skipped or never reached, what was waived, and attempts whose end nobody knows.
fn undone(incident: &Incident) -> Vec<String> {
    let mut found = Vec::new();
    for walk in incident.walks.iter().filter(|walk| !walk.taken_back()) {
        for (id, title) in &walk.chosen.steps {
            let number = walk.chosen.walk;
            let Some(state) = walk.steps.get(id) else {
                // What a step opened is told by that walk.
                if !finished(incident, number) && incident.opened_by(number, id).is_none() {
                    found.push(format!("*{}* was not reached", text(title)));
                }
                continue;
            };
            if let Some(reason) = &state.skipped {
                found.push(format!(
                    "*{}* was skipped: {}",
                    text(title),
                    reason.one_line().markdown()
                ));
            }
            let unknown = state.actions.values().any(|a| a.phase() == Phase::Unknown);
            if unknown {
                found.push(format!("*{}*: how it ended is not known", text(title)));
            }
            let parts = walk.parts(id);
            let open = parts.saturating_sub(state.parts_done());
            if open > 0 && state.skipped.is_none() && !unknown {
                let title = text(title);
                found.push(match open < parts {
                    true => format!("*{title}* was not done to its end: {open} of {parts} parts"),
                    false => format!("*{title}* was begun and not done"),
                });
            }
        }
    }
    for entry in &incident.entries {
        if let Fact::Note(Note::Resolved { waived, .. }) = &entry.fact {
            let waived = waived.iter();
            found.extend(waived.map(|(what, why)| {
                format!("{} was waived: {}", text(what), why.one_line().markdown())
            }));
        }
    }
    found
}

fn rungs(incident: &Incident, site: &Site) -> Vec<String> {
    let mut found = Vec::new();
    let words = |key: &str| {
        let base = key.split('#').next().unwrap_or(key);
        let rung = site.ladder.iter().find(|r| r.key == base);
        rung.map_or_else(
            || text(key),
            |r| format!("{}: {}", text(&r.who), text(&r.what)),
        )
    };
    for (key, (at, actor)) in &incident.acknowledged {
        found.push(format!(
            "{} — acknowledged by {}, {}",
            words(key),
            text(&actor.name),
            instant(*at)
        ));
    }
    for (key, at) in incident
        .due
        .iter()
        .filter(|(key, _)| !incident.acknowledged.contains_key(*key))
    {
        found.push(format!(
            "{} — due {}, **not acknowledged**",
            words(key),
            instant(*at)
        ));
    }
    found
}
