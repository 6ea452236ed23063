//! Declaring an incident: title, severity, category, when it was first seen.

use chrono::{DateTime, Days, NaiveTime, Utc};
use tui_input::Input;

use super::{Answer, edit, fresh, meant};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::state::{Awaiting, DeclareForm, Dialog, State};
use crate::incident::journal::Declaration;
use crate::incident::judge::Standing;
use crate::incident::names::IncidentId;

const TITLE: usize = 0;
const SEVERITY: usize = 1;
const CATEGORY: usize = 2;
const DETECTED: usize = 3;

pub(in crate::console) fn open(state: &mut State) {
    let open = state.incident.as_ref().filter(|i| i.resolved.is_none());
    if let Some(incident) = open {
        let words = format!("{} is open: resolve it first", incident.declaration.id);
        state.refuse(words);
        return;
    }
    if declaring(state) {
        state.refuse("an incident is being declared");
        return;
    }
    let detected = first_seen(state);
    state.dialogs.push(Dialog::Declare(Box::new(DeclareForm {
        title: Input::default(),
        severity: 0,
        category: None,
        detected,
        detected_text: Input::new(detected.format("%H:%M").to_string()),
        field: TITLE,
        fault: None,
    })));
}

fn declaring(state: &State) -> bool {
    let mut awaiting = state.memory.awaiting.values();
    awaiting.any(|purpose| matches!(purpose, Awaiting::Declared))
}

/// Since when the component that is down longest has been so; now when nothing is.
fn first_seen(state: &State) -> DateTime<Utc> {
    let components = state.vitals.regions.iter().flat_map(|r| &r.components);
    let down = components.filter(|c| c.standing == Standing::Breach);
    let longest = down.filter_map(|c| c.since).max().unwrap_or_default();
    state.now.wall - longest
}

/// The field that takes text, where one is being filled.
pub(super) fn input(form: &mut DeclareForm) -> Option<&mut Input> {
    match form.field {
        TITLE => Some(&mut form.title),
        DETECTED => Some(&mut form.detected_text),
        _ => None,
    }
}

pub(super) fn press(state: &mut State, mut form: Box<DeclareForm>, key: Key) -> Answer {
    form.fault = None;
    match key.code {
        Code::Tab => form.field = (form.field + 1) % 4,
        Code::BackTab => form.field = (form.field + 3) % 4,
        Code::Enter if form.field < DETECTED => form.field += 1,
        Code::Enter => return declare(state, form),
        Code::Up | Code::Down if matches!(form.field, SEVERITY | CATEGORY) => {
            choose(state, &mut form, key.code == Code::Down);
        }
        _ => {
            if let Some(input) = input(&mut form) {
                edit(input, key);
            }
        }
    }
    (Some(Dialog::Declare(form)), Vec::new())
}

fn choose(state: &State, form: &mut DeclareForm, down: bool) {
    let (severities, categories) = (state.site.severities.len(), state.site.categories.len());
    match (form.field, down) {
        (SEVERITY, true) => form.severity = (form.severity + 1).min(severities.saturating_sub(1)),
        (SEVERITY, false) => form.severity = form.severity.saturating_sub(1),
        (_, true) => {
            let next = form.category.map_or(0, |c| c + 1);
            form.category = (categories > 0).then(|| next.min(categories - 1));
        }
        (_, false) => form.category = form.category.and_then(|c| c.checked_sub(1)),
    }
}

fn declare(state: &mut State, mut form: Box<DeclareForm>) -> Answer {
    let title = form.title.value().trim().to_owned();
    let detected = detected(&form, state.now.wall);
    let severity = state
        .site
        .severities
        .get(form.severity)
        .map(|s| s.id.clone());
    form.fault = match (&title, &detected, &severity) {
        _ if !(meant(state) || fresh(state)) => Some("wait half a second, then press enter".into()),
        (title, ..) if title.is_empty() => {
            form.field = TITLE;
            Some("say in a few words what is wrong".into())
        }
        (_, Err(why), _) => Some(why.clone()),
        (.., None) => Some("the site names no severities: add [[severities]] to its file".into()),
        (_, Ok(_), Some(_)) => None,
    };
    let (None, Ok(detected), Some(severity)) = (&form.fault, detected, severity) else {
        return (Some(Dialog::Declare(form)), Vec::new());
    };
    let category = form
        .category
        .and_then(|c| state.site.categories.get(c).cloned());
    let declaration = Declaration {
        // The hall gives the number: it knows what incidents there are.
        id: IncidentId(String::new()),
        mode: state.mode,
        site: state.site.name.clone(),
        title,
        severity,
        category,
        detected,
    };
    let request = state.request("declaring the incident", Awaiting::Declared);
    (None, vec![Effect::Declare(request, declaration)])
}

/// What was proposed, to the second, as long as nobody typed another time: its text names no more than the minute.
fn detected(form: &DeclareForm, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = form.detected_text.value();
    match text.trim() == form.detected.format("%H:%M").to_string() {
        true => Ok(form.detected),
        false => when(text, now),
    }
}

/// An instant as typed: `HH:MM` today (yesterday when that lies ahead), or RFC 3339; never in the future.
fn when(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M") {
        let today = now.date_naive().and_time(time).and_utc();
        let yesterday = || today.checked_sub_days(Days::new(1)).unwrap_or(now);
        return Ok(if today > now { yesterday() } else { today });
    }
    match text.parse::<DateTime<Utc>>() {
        Ok(at) if at <= now => Ok(at),
        Ok(_) => Err("that lies in the future".into()),
        Err(_) => Err(format!(
            "{text:?} is not a time such as 14:07 (UTC) or 2026-11-21T14:07:00Z"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn a_time_is_read_as_today_or_yesterday_and_never_ahead() {
        let now = "2026-11-21T14:30:00Z".parse().unwrap();
        let table = [
            ("14:07", Ok("2026-11-21T14:07:00Z")),
            ("23:50", Ok("2026-11-20T23:50:00Z")),
            ("2026-11-19T01:00:00Z", Ok("2026-11-19T01:00:00Z")),
            ("2026-11-21T14:31:00Z", Err("future")),
            ("now", Err("not a time")),
        ];
        for (text, wanted) in table {
            match (when(text, now), wanted) {
                (Ok(at), Ok(wanted)) => {
                    let wanted: chrono::DateTime<chrono::Utc> = wanted.parse().unwrap();
                    assert_eq!(at, wanted);
                }
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (found, wanted) => panic!("{text}: {found:?}, not {wanted:?}"),
            }
        }
    }
}
