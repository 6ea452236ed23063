//! The post-mortem before it is written: a preview from the journal; enter writes the file.

use super::{Answer, fresh, pagers};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::state::{Awaiting, Dialog, Pager, State};
use crate::incident::journal::Incident;
use crate::incident::postmortem::{Template, postmortem};

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

/// What the file will say as things stand; only the digest of the journal's last line is not known yet.
fn preview(state: &State, incident: &Incident) -> Vec<String> {
    match postmortem(
        incident,
        &state.site,
        &Template::default(),
        "as it is written",
    ) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) => vec![format!(
            "the post-mortem's template can't be filled: {error}"
        )],
    }
}
