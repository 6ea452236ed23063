//! The post-mortem before it is written: a preview from the journal; enter writes the file.

use super::{Answer, fresh, pagers};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::road::{Road, StepStatus};
use crate::console::state::{Awaiting, Dialog, Pager, State};
use crate::incident::journal::Incident;
use crate::incident::measure::Span;

pub(in crate::console) fn open(state: &mut State) {
    let Some(incident) = &state.incident else {
        state.refuse("no incident is open: there is nothing to write");
        return;
    };
    let lines = preview(state, incident);
    state.dialogs.push(Dialog::PostMortem(Pager {
        title: format!("Post-mortem of {}", incident.declaration.id),
        lines,
        top: 0,
        action: Some("write the post-mortem".into()),
    }));
}

pub(super) fn press(state: &mut State, mut pager: Pager, key: Key) -> Answer {
    match key.code {
        Code::Enter if fresh(state) => {
            let request = state.request("writing the post-mortem", Awaiting::Exported);
            (None, vec![Effect::Export(request)])
        }
        Code::Char('q') => (None, Vec::new()),
        _ => {
            pagers::scroll(state, &mut pager, key);
            (Some(Dialog::PostMortem(pager)), Vec::new())
        }
    }
}

/// What the file will say, in short: the whole of it is written from the journal.
fn preview(state: &State, incident: &Incident) -> Vec<String> {
    let declaration = &incident.declaration;
    let mut lines = vec![
        format!("{} — {}", declaration.id, declaration.title),
        format!(
            "{}, {}, {}",
            incident.severity, declaration.mode, declaration.site
        ),
        format!(
            "detected  {}",
            declaration.detected.format("%F %H:%M:%S UTC")
        ),
        format!(
            "declared  {} by {}",
            incident.declared.wall.format("%F %H:%M:%S UTC"),
            incident.declared_by.name
        ),
    ];
    let since = |at: chrono::DateTime<chrono::Utc>| {
        Span((at - incident.declared.wall).to_std().unwrap_or_default())
    };
    if let Some((at, how)) = &incident.mitigated {
        lines.push(format!("mitigated after {}: {how}", since(*at)));
    }
    match &incident.resolved {
        Some((at, summary)) => lines.push(format!("resolved after {}: {summary}", since(*at))),
        None => lines.push("not resolved yet: what follows is so far".into()),
    }
    for walk in &incident.walks {
        lines.push(String::new());
        lines.push(walk.chosen.title.clone());
        let road = Road::of(state, walk.chosen.walk);
        for (id, title) in &walk.chosen.steps {
            let status = road
                .as_ref()
                .and_then(|road| Some(road.status(road.runbook.step(id)?)));
            lines.push(format!("  {:<14} {title}", status.map_or("", word)));
        }
    }
    lines.push(String::new());
    lines.push(format!("{} entries of the journal", incident.entries.len()));
    lines
}

fn word(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Waiting | StepStatus::Next => "open",
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Unknown => "unknown",
        StepStatus::Refused => "refused",
        StepStatus::Skipped => "skipped",
        StepStatus::NotApplicable => "not applicable",
        StepStatus::RolledBack => "rolled back",
    }
}
