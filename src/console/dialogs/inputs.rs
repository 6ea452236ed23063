//! A runbook's variables, then what it needs: programs and targets are looked for before the first step.

use std::collections::BTreeMap;

use regex::Regex;
use secrecy::SecretString;
use tui_input::Input;

use super::{Answer, edit, fresh, meant};
use crate::console::event::{Effect, Loaded};
use crate::console::key::{Code, Key};
use crate::console::state::{Awaiting, Dialog, InputsForm, State};
use crate::incident::journal::{Chosen, Note};
use crate::incident::names::StepId;
use crate::incident::runbook::{Runbook, Step, System, Var, VarKind, VarSource, Vars};
use crate::incident::site::{RegionRole, Site};

use std::sync::Arc;

/// What a value may not hold, where a variable has no pattern of its own: it would be an option, or act on a terminal.
const DEFAULT_PATTERN: &str = r"[^\p{Cc}\p{Cf}-][^\p{Cc}\p{Cf}]*";

/// Opens a runbook of the library by its id or its file's name. `given`: values that are not asked for.
pub(in crate::console) fn open(
    state: &mut State,
    id: &str,
    section: Option<StepId>,
    parent: Option<(u32, StepId)>,
    given: &Vars,
) -> Vec<Effect> {
    let stem = id.strip_suffix(".md").unwrap_or(id);
    let Some(loaded) = found(state, stem).cloned() else {
        state.refuse(format!(
            "there is no runbook {stem} — add {stem}.md to the runbooks' folder"
        ));
        return Vec::new();
    };
    if let Some(why) = loaded.refused {
        state.refuse(why);
        return Vec::new();
    }
    let vars = &loaded.runbook.card.vars;
    let site = Arc::clone(&state.site);
    let choices: Vec<Vec<String>> = vars.iter().map(|var| choices(&site, var)).collect();
    let values = vars.iter().zip(&choices).map(|(var, choices)| {
        let given = given.get(&var.name).or(var.default.as_ref());
        Input::new(given.or(choices.first()).cloned().unwrap_or_default())
    });
    let mut form = Box::new(InputsForm {
        runbook: loaded.runbook.id.clone(),
        section,
        parent,
        values: values.collect(),
        choices,
        field: 0,
        faults: BTreeMap::new(),
        preflight: None,
        request: None,
    });
    // Nothing to ask: what it needs is looked for at once.
    let effects = match vars.is_empty() {
        true => preflight(state, &mut form, &loaded.runbook),
        false => Vec::new(),
    };
    state.dialogs.push(Dialog::Inputs(form));
    effects
}

fn found<'a>(state: &'a State, id: &str) -> Option<&'a Loaded> {
    state.library.iter().find(|l| l.runbook.id.as_str() == id)
}

fn choices(site: &Site, var: &Var) -> Vec<String> {
    let regions = |role: Option<RegionRole>| {
        let fits = site
            .regions
            .iter()
            .filter(move |r| role.is_none_or(|role| r.role == role));
        fits.map(|r| r.id.to_string()).collect()
    };
    match var.from {
        None => var.choices.clone(),
        Some(VarSource::Regions) => regions(None),
        Some(VarSource::StandbyRegions) => regions(Some(RegionRole::Standby)),
        Some(VarSource::PrimaryRegions) => regions(Some(RegionRole::Primary)),
        Some(VarSource::Backups) => site.backups.iter().map(|b| b.id.to_string()).collect(),
        Some(VarSource::Targets(system)) => {
            let wanted = system.map(System::word);
            let fits = site
                .targets
                .iter()
                .filter(|t| wanted.is_none_or(|w| t.endpoint.system() == w));
            fits.map(|t| t.id.to_string()).collect()
        }
    }
}

/// The field that takes text: those with choices take only what can be chosen.
pub(super) fn input(form: &mut InputsForm) -> Option<&mut Input> {
    let free = form.choices.get(form.field).is_some_and(Vec::is_empty);
    form.values
        .get_mut(form.field)
        .filter(|_| free && form.request.is_none())
}

pub(super) fn press(state: &mut State, mut form: Box<InputsForm>, key: Key) -> Answer {
    let count = form.values.len();
    match key.code {
        Code::Enter => return enter(state, form),
        _ if form.request.is_some() => {}
        Code::Tab if count > 0 => form.field = (form.field + 1) % count,
        Code::BackTab if count > 0 => form.field = (form.field + count - 1) % count,
        Code::Up | Code::Down => turn(&mut form, key.code == Code::Down),
        _ => {
            if let Some(input) = input(&mut form) {
                edit(input, key);
            }
        }
    }
    (Some(Dialog::Inputs(form)), Vec::new())
}

/// The next or the previous choice of the field.
fn turn(form: &mut InputsForm, down: bool) {
    let field = form.field;
    let Some(choices) = form.choices.get(field).filter(|c| !c.is_empty()) else {
        return;
    };
    let now = choices.iter().position(|c| c == form.values[field].value());
    let place = match (now, down) {
        (None, _) => 0,
        (Some(at), true) => (at + 1).min(choices.len() - 1),
        (Some(at), false) => at.saturating_sub(1),
    };
    form.values[field] = Input::new(choices[place].clone());
}

fn enter(state: &mut State, mut form: Box<InputsForm>) -> Answer {
    let loaded = found(state, form.runbook.as_str()).cloned();
    let Some(loaded) = loaded else {
        state.refuse("the runbook is not there any more");
        return (None, Vec::new());
    };
    if !(meant(state) || fresh(state)) {
        state.refuse("wait half a second without a key, then press enter");
        return (Some(Dialog::Inputs(form)), Vec::new());
    }
    match (&form.request, &form.preflight) {
        (None, _) if form.field + 1 < form.values.len() => form.field += 1,
        (None, _) => {
            form.faults = faults(&loaded.runbook, &form);
            match form.faults.keys().next() {
                Some(field) => form.field = *field,
                None => {
                    let effects = preflight(state, &mut form, &loaded.runbook);
                    return (Some(Dialog::Inputs(form)), effects);
                }
            }
        }
        (Some(_), None) => state.refuse("what it needs is still being looked for"),
        (Some(_), Some(_)) => return (None, choose(state, &form, &loaded)),
    }
    (Some(Dialog::Inputs(form)), Vec::new())
}

fn preflight(state: &mut State, form: &mut InputsForm, runbook: &Runbook) -> Vec<Effect> {
    let request = state.request("looking for what it needs", Awaiting::Preflight);
    form.request = Some(request);
    vec![Effect::Preflight(request, runbook.card.requires.clone())]
}

fn faults(runbook: &Runbook, form: &InputsForm) -> BTreeMap<usize, String> {
    let vars = runbook.card.vars.iter().zip(&form.values).enumerate();
    vars.filter_map(|(n, (var, input))| {
        let fault = fault(var, input.value(), form.choices.get(n));
        fault.map(|fault| (n, fault))
    })
    .collect()
}

fn fault(var: &Var, value: &str, choices: Option<&Vec<String>>) -> Option<String> {
    if value.is_empty() {
        return Some(format!("{} needs a value", var.name));
    }
    if let Some(choices) = choices.filter(|c| !c.is_empty()) {
        let known = choices.iter().any(|c| c == value);
        return (!known).then(|| format!("choose one of {}", choices.join(", ")));
    }
    let pattern = var.pattern.as_deref().unwrap_or(DEFAULT_PATTERN);
    let fits = Regex::new(&format!("^(?:{pattern})$")).map(|regex| regex.is_match(value));
    match (fits, var.kind) {
        (Err(_), _) => Some(format!(
            "the runbook's pattern for {} can't be read",
            var.name
        )),
        (Ok(false), _) if var.pattern.is_none() => {
            Some("it must not begin with - nor hold control characters".into())
        }
        (Ok(false), _) => Some(format!("it must match {pattern}")),
        (Ok(true), VarKind::Number) if value.parse::<i64>().is_err() => {
            Some("write a whole number".into())
        }
        (Ok(true), VarKind::Time) if value.parse::<chrono::DateTime<chrono::Utc>>().is_err() => {
            Some("write an instant such as 2026-11-21T14:07:00Z".into())
        }
        (Ok(true), VarKind::Text | VarKind::Number | VarKind::Time) => None,
    }
}

/// The runbook becomes a walk of the incident: its bytes are copied, its variables written down, its secrets kept here.
fn choose(state: &mut State, form: &InputsForm, loaded: &Loaded) -> Vec<Effect> {
    let Some(incident) = &state.incident else {
        state.refuse("no incident is open");
        return Vec::new();
    };
    let number = incident.next_walk();
    let runbook = &loaded.runbook;
    let vars = runbook.card.vars.iter().zip(&form.values);
    let (secret, open): (Vec<_>, Vec<_>) = vars.partition(|(var, _)| var.secret);
    let secrets: BTreeMap<String, SecretString> = secret
        .into_iter()
        .map(|(var, input)| {
            (
                var.name.clone(),
                SecretString::from(input.value().to_owned()),
            )
        })
        .collect();
    let open = open.into_iter();
    let chosen = Chosen {
        vars: open
            .map(|(var, input)| (var.name.clone(), input.value().to_owned()))
            .collect(),
        secrets: secrets.keys().cloned().collect(),
        parent: form.parent.clone(),
        ..Chosen::of(number, runbook).through(steps(runbook, form.section.as_ref()))
    };
    let purpose = Awaiting::Chosen(number, Arc::clone(runbook), secrets);
    let request = state.request("opening the runbook", purpose);
    vec![Effect::Choose(
        request,
        Note::Chosen(Box::new(chosen)),
        Arc::clone(&loaded.text),
    )]
}

/// The steps of the walk: all, or those of the section that is opened.
fn steps<'a>(
    runbook: &'a Runbook,
    section: Option<&StepId>,
) -> impl Iterator<Item = &'a Step> + Clone {
    let phase = section
        .and_then(|id| runbook.step(id))
        .and_then(|s| s.phase.first());
    let steps = runbook.steps.iter();
    steps.filter(move |step| phase.is_none() || step.phase.first() == phase)
}
