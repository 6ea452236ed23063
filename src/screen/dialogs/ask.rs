//! The confirmation: the exact act, on what, what it costs, what was checked, how it is undone, and what is still missing
//! before it may run. Nothing of it is ever hidden: what is longer than the sheet scrolls.

use ratatui::text::{Line, Span};

use super::{Sheet, foot, labelled, prose, verdict_lines};
use crate::console::confirm::{Ask, NotYet};
use crate::console::state::{Focus, State};
use crate::incident::acts::Act;
use crate::incident::acts::postgres::PgAct;
use crate::incident::journal::{Resolved, ResolvedCheck};
use crate::incident::measure;
use crate::incident::reading::Holds;
use crate::incident::runbook::{Block, Code, Danger, Role as Part, Shell};
use crate::screen::text::{clip, fold, width};
use crate::screen::theme::{Role, Theme};
use crate::screen::widgets::{limit, spans_width, symbol, typed};

pub(super) fn sheet(state: &State, ask: &Ask, theme: &Theme, room: usize) -> Sheet {
    let resolved = &ask.resolved;
    let mut head = targets(resolved, theme, room);
    head.extend(loss(state, resolved, theme, room));
    head.extend(danger(state, resolved, theme, room));
    head.push(Line::default());
    let mut body = script(resolved, theme, room);
    body.extend(checks(ask, theme, room));
    body.extend(afterwards(state, ask, theme, room));
    Sheet {
        title: title(state, resolved, theme, room),
        head,
        body,
        foot: feet(state, ask, theme, room),
        top: state.scroll.get(&Focus::Step).copied().unwrap_or(0),
        ..Sheet::default()
    }
}

/// `Run step 3 in REAL?`, the mode in its colour. Of a long title the end is cut, never the mode.
fn title(state: &State, resolved: &Resolved, theme: &Theme, room: usize) -> Line<'static> {
    let incident = state.incident.as_ref();
    let walk = incident.and_then(|i| i.walk(resolved.action.walk));
    let steps = walk.map(|w| w.chosen.steps.iter());
    let number = steps.and_then(|mut s| s.position(|(id, _)| *id == resolved.action.step));
    let verb = match resolved.action.role {
        Part::Run => "Run",
        Part::Check => "Run the check of",
        Part::Verify => "Run the verification of",
        Part::Rollback => "Undo",
    };
    let step = number.map_or(resolved.step_title.clone(), |n| {
        format!("step {} {}", n + 1, resolved.step_title)
    });
    let again = match resolved.attempt {
        0 | 1 => String::new(),
        n => format!(", attempt {n},"),
    };
    let style = theme.style(Role::Title);
    let (head, foot) = (format!(" {verb} "), format!("{again} in "));
    let mode = format!(" {} ", resolved.mode);
    let taken = width(&head) + width(&foot) + width(&mode) + width("? ");
    let step = clip(&step, room.saturating_sub(taken));
    Line::from(vec![
        Span::styled(format!("{head}{step}{foot}"), style),
        Span::styled(mode, theme.badge(resolved.mode)),
        Span::styled("? ", style),
    ])
}

/// What runs, and every place it touches.
fn targets(resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let (strong, dim) = (theme.style(Role::Strong), theme.style(Role::Dim));
    let what = act(&resolved.code);
    let mut places = resolved.targets.iter().map(|place| {
        let region = place.region.as_ref().map_or("", |r| r.as_str());
        // An act names its target itself.
        let named = what.split(' ').any(|word| word == place.target.as_str());
        let target = if named {
            String::new()
        } else {
            format!("{}  ", place.target)
        };
        vec![
            Span::styled(target, strong),
            Span::raw(region.to_owned()),
            Span::styled(format!("  {}", place.place), dim),
        ]
    });
    let name = Span::styled(format!("{what}  "), theme.style(Role::Code));
    let mut lines = Vec::new();
    match places.next() {
        Some(place) if width(&what) + 2 + spans_width(&place) <= room => {
            let mut first = vec![name];
            first.extend(place);
            lines.push(Line::from(first));
        }
        Some(place) => lines.extend([Line::from(name), Line::from(place)]),
        None => lines.push(Line::from(name)),
    }
    lines.extend(places.map(Line::from));
    lines
}

fn act(code: &Code) -> String {
    match code {
        Code::Act { act } => act.to_string(),
        Code::Shell { shell, host, .. } => {
            let name = match shell {
                Shell::Sh => "sh",
                Shell::Bash => "bash",
                Shell::Zsh => "zsh",
            };
            match host {
                Some(host) => format!("{name} on {host}, over ssh"),
                None => format!("{name} on this machine"),
            }
        }
        Code::Sql { on, tx, .. } => {
            format!(
                "sql on {on}{}",
                if *tx { ", in one transaction" } else { "" }
            )
        }
        Code::Redis { on, .. } => format!("redis on {on}"),
        Code::Http { .. } => "http".to_owned(),
    }
}

/// What a promotion now would lose, as the panes know it.
fn loss(state: &State, resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let promoted = match &resolved.code {
        Code::Act {
            act: Act::Postgres(PgAct::Promote { target }),
        } => Some(target),
        _ => resolved.guards.as_ref(),
    };
    let Some(target) = promoted else {
        return Vec::new();
    };
    let link = state.vitals.links.iter().find(|l| l.to == *target);
    let Some(link) = link else {
        return prose(
            "What a promotion would lose is unknown: no link ends here.",
            Role::Unknown,
            room,
            theme,
        );
    };
    let figures = match (link.seconds.as_str(), link.bytes.as_str()) {
        ("", "") => {
            return prose(
                &format!("What would be lost is unknown: {}", link.words),
                Role::Unknown,
                room,
                theme,
            );
        }
        (seconds, "") => format!("Promoting now loses about {seconds} of writes."),
        (seconds, bytes) => format!("Promoting now loses about {seconds} ({bytes}) of writes."),
    };
    let rpo = state.vitals.clock.rpo.as_ref();
    let (objective, role) = match rpo {
        Some(rpo) => (
            format!(
                " Objective {} {} {}",
                limit(rpo.objective),
                symbol(rpo.standing),
                rpo.standing
            ),
            Role::from(rpo.standing),
        ),
        None => (String::new(), Role::Text),
    };
    let role = if role == Role::Fine { Role::Text } else { role };
    prose(&format!("{figures}{objective}"), role, room, theme)
}

fn danger(state: &State, resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let words = match resolved.danger {
        Danger::None => "Looks, changes nothing.",
        Danger::Change => "Changes something that can be changed back.",
        Danger::Destructive => "▲ Can lose data, sessions or capacity.",
        Danger::OneWay => "✖ One-way: this cannot be undone.",
    };
    let history = &state.memory.history;
    let usual = history.usual(&resolved.runbook, &resolved.action.step);
    let time = match (usual, resolved.estimate) {
        (Some(usual), _) => format!(" Took {usual}."),
        (None, Some(estimate)) => format!(" Takes about {}.", limit(estimate)),
        (None, None) => String::new(),
    };
    // Whoever can't take a step back wants to know whether it was ever practised.
    let drilled = match (history.drilled(&resolved.runbook), resolved.danger) {
        (_, Danger::None | Danger::Change) => String::new(),
        (Some(drilled), _) => format!(" Runbook {}.", drilled.words(&state.now)),
        (None, _) => " Runbook never drilled.".into(),
    };
    prose(
        &format!("{words}{time}{drilled}"),
        resolved.danger.into(),
        room,
        theme,
    )
}

/// All that will run, every character of it, and what is put into it.
fn script(resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let text = match &resolved.code {
        Code::Shell { script, .. } => script,
        Code::Sql { text, .. } | Code::Redis { text, .. } | Code::Http { text } => text,
        Code::Act { .. } => "",
    };
    let style = theme.style(Role::Code);
    let mut lines: Vec<Line<'static>> = fold(text, room.saturating_sub(2))
        .into_iter()
        .map(|line| {
            Line::from(vec![
                Span::styled("│ ", theme.style(Role::Dim)),
                Span::styled(line, style),
            ])
        })
        .collect();
    let open = resolved
        .vars
        .iter()
        .map(|(name, value)| format!("{name} = {value}"));
    let secret = resolved
        .secrets
        .keys()
        .map(|name| format!("{name} = (secret)"));
    for var in open.chain(secret) {
        lines.extend(prose(&format!("  {var}"), Role::Dim, room, theme));
    }
    lines.extend(surroundings(resolved, theme, room));
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines
}

/// Whose environment a script gets, and what is kept of its output.
fn surroundings(resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let with: Vec<&str> = resolved.with.iter().map(|target| target.as_str()).collect();
    let with = (!with.is_empty()).then(|| format!("  with the environment of {}", with.join(", ")));
    let kept = resolved
        .keep_as
        .as_ref()
        .map(|name| match resolved.keep_secret {
            true => format!("  its output is kept as {name}, on no record"),
            false => format!("  its output is kept as {name}"),
        });
    let expect = resolved.expect.as_ref();
    let expect = expect.map(|expect| format!("  its output is checked: {expect}"));
    let said = with.into_iter().chain(expect).chain(kept);
    said.flat_map(|words| prose(&words, Role::Dim, room, theme))
        .collect()
}

/// Guards and checks; two beside each other where both fit.
fn checks(ask: &Ask, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let Some(evaluation) = &ask.evaluation else {
        return prose(
            "? the checks are being evaluated…",
            Role::Unknown,
            room,
            theme,
        );
    };
    let half = room.saturating_sub(2) / 2;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut left: Option<Line<'static>> = None;
    for (name, seen) in evaluation.guards.iter().chain(&evaluation.checks) {
        let fits = seen.holds == Holds::Yes && width(seen.saw.as_str()) + 2 <= half;
        let mut own = verdict_lines(name, seen, if fits { half } else { room }, theme);
        match (left.take(), fits) {
            (None, true) => left = own.pop(),
            (Some(mut beside), true) => {
                let pad = half + 2 - beside.width();
                beside.spans.push(Span::raw(" ".repeat(pad)));
                beside.spans.extend(own.into_iter().flat_map(|l| l.spans));
                lines.push(beside);
            }
            (before, false) => {
                lines.extend(before);
                lines.append(&mut own);
            }
        }
    }
    lines.extend(left);
    lines
}

/// What is looked at afterwards, and how it is undone.
fn afterwards(state: &State, ask: &Ask, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let resolved = &ask.resolved;
    let verify = verifications(ask);
    let (every, longest) = (limit(resolved.every), limit(resolved.timeout));
    let verify =
        (!verify.is_empty()).then(|| format!("{verify}, every {every} for up to {longest}"));
    let hold = resolved.hold.as_ref();
    let hold = hold.map(|(span, condition)| format!("{condition}, for {} after it", limit(*span)));
    let before = resolved.last_promotion.map(|last| {
        let ago = measure::Span(state.now.since_wall(last));
        format!("this pair was last promoted {ago} ago")
    });
    let rows = [
        ("verify", verify, Role::Text),
        ("watched", hold, Role::Text),
        ("undo", Some(undo(state, resolved)), Role::Text),
        ("before", before, Role::Watch),
    ];
    let mut lines: Vec<Line<'static>> = rows
        .into_iter()
        .filter_map(|(name, words, role)| Some((name, words?, role)))
        .flat_map(|(name, words, role)| labelled(name, &words, role, room, theme))
        .collect();
    lines.push(Line::default());
    lines
}

fn verifications(ask: &Ask) -> String {
    let seen = ask.evaluation.as_ref().map(|e| e.verify.as_slice());
    let named = seen
        .unwrap_or_default()
        .iter()
        .map(|(name, _)| name.clone());
    let named: Vec<String> = named.collect();
    if !named.is_empty() {
        return named.join(", ");
    }
    let checks = ask.resolved.verify.iter().map(|check| match check {
        ResolvedCheck::Condition(condition) => condition.to_string(),
        ResolvedCheck::Code { code, .. } => act(code),
    });
    checks.collect::<Vec<_>>().join(", ")
}

/// How the step is undone, from the runbook.
fn undo(state: &State, resolved: &Resolved) -> String {
    if resolved.danger == Danger::OneWay {
        return "none: one-way".to_owned();
    }
    let runbook = state.walks.get(&resolved.action.walk);
    let step = runbook.and_then(|r| r.step(&resolved.action.step));
    let Some(step) = step else {
        return "not known: the runbook is not at hand".to_owned();
    };
    match (step.rollback.first(), step.rollback.len()) {
        (Some(first), 1) => format!("prepared: {}", act(&first.code)),
        (Some(first), n) => format!("prepared: {} and {} more", act(&first.code), n - 1),
        (None, _) if step.why.iter().any(|b| matches!(b, Block::Text(_))) => {
            "nothing prepared; see the step's own words".to_owned()
        }
        (None, _) => "nothing prepared".to_owned(),
    }
}

/// What is still missing, in the order it is given: quiet, checks, reason, phrase.
fn feet(state: &State, ask: &Ask, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let red = ask.red();
    let missing = ask.ready(&state.hand).err();
    let waiting = matches!(missing, Some(NotYet::NotArmed | NotYet::Evaluating));
    let mut lines = Vec::new();
    if !red.is_empty() {
        let words = format!(
            "✖ {} of these {} not hold. Going on is an override: it stands in the journal under your name.",
            red.len(),
            if red.len() == 1 { "does" } else { "do" }
        );
        lines.extend(prose(&words, Role::Breach, room, theme));
        lines.push(reason(ask, waiting, theme, room));
    }
    let keys: &[(&str, &str)] = match (red.is_empty(), missing.is_none()) {
        (true, true) => &[("enter", "runs it"), ("esc", "not now")],
        (false, true) => &[("enter", "overrides and runs it"), ("esc", "not now")],
        (false, false) => &[("tab", "reason, phrase"), ("esc", "not now")],
        (true, false) => &[("esc", "not now")],
    };
    let left = prompt(ask, waiting, missing.as_ref(), theme, room);
    lines.extend(foot(left, keys, room, theme));
    lines
}

fn reason(ask: &Ask, waiting: bool, theme: &Theme, room: usize) -> Line<'static> {
    let active = ask.at_reason && !waiting;
    let at = active.then(|| ask.reason.chars().count());
    let label = "Reason:  ";
    Line::from(vec![
        Span::styled(label, theme.style(Role::Strong)),
        typed(&ask.reason, at, room.saturating_sub(label.len()), theme),
    ])
}

fn prompt(
    ask: &Ask,
    waiting: bool,
    missing: Option<&NotYet>,
    theme: &Theme,
    room: usize,
) -> Vec<Span<'static>> {
    match (missing, ask.phrase()) {
        (Some(NotYet::NotArmed), _) => {
            vec![Span::styled(
                "wait… half a second without a key",
                theme.style(Role::Dim),
            )]
        }
        (Some(NotYet::Evaluating), _) => {
            vec![Span::styled(
                "wait… until everything was checked",
                theme.style(Role::Dim),
            )]
        }
        (_, Some(phrase)) => {
            let active = !ask.at_reason && !waiting;
            let at = active.then(|| ask.typed.chars().count());
            let label = format!("Type {phrase}:  ");
            let left = room
                .saturating_sub(width(&label) + 34)
                .max(width(&phrase) + 1);
            vec![
                Span::styled(label, theme.style(Role::Strong)),
                typed(&ask.typed, at, left, theme),
            ]
        }
        (Some(other), None) => vec![Span::styled(other.to_string(), theme.style(Role::Dim))],
        (None, None) => Vec::new(),
    }
}
