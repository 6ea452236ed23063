//! A runbook's variables, and whether what it needs is there.

use ratatui::text::{Line, Span};

use super::{LABEL, Sheet, field, foot, prose, title, verdict_lines};
use crate::console::state::{InputsForm, State};
use crate::incident::runbook::Var;
use crate::screen::text::clip;
use crate::screen::theme::{Role, Theme};
use crate::screen::widgets::{input, typed};

pub(super) fn sheet(state: &State, form: &InputsForm, theme: &Theme, room: usize) -> Sheet {
    let loaded = state.library.iter().find(|l| l.runbook.id == form.runbook);
    let vars: &[Var] = loaded.map_or(&[], |l| l.runbook.card.vars.as_slice());
    let name = loaded.map_or(form.runbook.as_str(), |l| l.runbook.title.as_str());
    let mut body = Vec::new();
    let mut top = 0;
    for at in 0..form.values.len() {
        if at == form.field {
            top = body.len();
        }
        body.extend(variable(form, vars.get(at), at, theme, room));
    }
    match &form.preflight {
        Some(found) => {
            body.push(Line::styled("What it needs", theme.style(Role::Title)));
            if found.is_empty() {
                body.push(Line::styled("· nothing", theme.style(Role::Dim)));
            }
            body.extend(
                found
                    .iter()
                    .flat_map(|(name, seen)| verdict_lines(name, seen, room, theme)),
            );
            body.push(Line::default());
            // It comes last, and is what the operator is waiting for.
            top = body.len();
        }
        None if form.request.is_some() => {
            body.push(Line::styled(
                "? looking for what it needs…",
                theme.style(Role::Unknown),
            ));
            body.push(Line::default());
        }
        None => {}
    }
    let enter = if form.preflight.is_some() {
        "opens it"
    } else {
        "next"
    };
    let keys = [
        ("tab", "field"),
        ("↑↓", "choose"),
        ("enter", enter),
        ("esc", "not now"),
    ];
    Sheet {
        title: title(&format!("Open {name}"), theme),
        body,
        foot: foot(Vec::new(), &keys, room, theme),
        top,
        ..Sheet::default()
    }
}

fn variable(
    form: &InputsForm,
    var: Option<&Var>,
    at: usize,
    theme: &Theme,
    room: usize,
) -> Vec<Line<'static>> {
    let active = form.field == at;
    let inner = room.saturating_sub(LABEL);
    let label = var.map_or(format!("variable {}", at + 1), |v| v.name.clone());
    let value = match var {
        Some(var) if var.secret => {
            let hidden = "•".repeat(form.values[at].value().chars().count());
            let cursor = active.then(|| form.values[at].cursor());
            typed(&hidden, cursor, inner, theme)
        }
        _ => input(&form.values[at], inner, active, theme),
    };
    let mut lines = Vec::new();
    if let Some(prompt) = var.and_then(|v| v.prompt.as_ref()) {
        lines.extend(prose(prompt, Role::Text, room, theme));
    }
    lines.push(field(&clip(&label, LABEL - 1), value, theme));
    if let (true, Some(choices)) = (active, form.choices.get(at).filter(|c| !c.is_empty())) {
        let words = Span::styled(
            clip(&format!("one of {}", choices.join(", ")), inner),
            theme.style(Role::Dim),
        );
        lines.push(field("", words, theme));
    }
    if let Some(fault) = form.faults.get(&at) {
        let words = Span::styled(
            clip(&format!("✖ {fault}"), inner),
            theme.style(Role::MessageBad),
        );
        lines.push(field("", words, theme));
    }
    lines.push(Line::default());
    lines
}
