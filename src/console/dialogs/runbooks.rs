//! Choosing a runbook: walks that are open first, then the one that is rehearsed, then runbooks for this severity, then the rest; each
//! time those about what is down first, and the site's own before those for any site.

use crate::console::command::Command;
use crate::console::event::{Loaded, Place};
use crate::console::keys::key_words;
use crate::console::state::{Chooser, ChooserRow, Dialog, State};
use crate::incident::judge::Standing;
use crate::incident::names::TargetId;
use crate::incident::runbook::{self, Runbook};

pub(in crate::console) fn open(state: &mut State) {
    let Some(incident) = &state.incident else {
        let key = key_words(state, Command::Declare);
        state.refuse(format!("no incident is open: {key} declares one"));
        return;
    };
    let severity = incident.severity.clone();
    let open = incident.walks.iter().filter(|w| w.ended.is_none());
    let mut rows: Vec<ChooserRow> = open
        .map(|walk| ChooserRow {
            key: format!("walk:{}", walk.chosen.walk),
            words: format!("go on with {}", walk.chosen.title),
            aside: format!("chosen {}", walk.since.format("%H:%M")),
            refused: None,
        })
        .collect();
    let fits = |loaded: &&Loaded| loaded.runbook.card.severity.contains(&severity);
    let mut library: Vec<&Loaded> = state.library.iter().collect();
    let down = down(state);
    library.sort_by_key(|loaded| {
        let ill = !concerns(loaded, &down);
        // What was written for this very site knows more than what fits any.
        let named = loaded.place == Place::Named;
        let title = loaded.runbook.title.clone();
        (!named, !fits(loaded), ill, loaded.place, title)
    });
    for loaded in library {
        let drilled = state.memory.history.drilled(&loaded.runbook.id);
        let drilled = drilled.map(|drilled| drilled.words(&state.now));
        rows.extend(rows_of(loaded, fits(&loaded), drilled));
    }
    let chooser = Chooser {
        rows,
        ..Chooser::default()
    };
    state.dialogs.push(Dialog::Runbooks(chooser));
}

/// Targets that are down.
fn down(state: &State) -> Vec<TargetId> {
    let components = state
        .vitals
        .regions
        .iter()
        .flat_map(|region| &region.components);
    let down = components.filter(|c| c.standing == Standing::Breach);
    down.map(|c| c.id.clone()).collect()
}

/// Whether a runbook is about something that is down, by what its variables propose.
fn concerns(loaded: &Loaded, down: &[TargetId]) -> bool {
    let proposed = loaded
        .runbook
        .card
        .vars
        .iter()
        .filter_map(|var| var.default.as_deref());
    proposed
        .into_iter()
        .any(|value| down.iter().any(|id| id.as_str() == value))
}

/// The file's row, and one for each procedure of a file without a card, or of one whose card says that it holds several.
fn rows_of(loaded: &Loaded, fits: bool, drilled: Option<String>) -> Vec<ChooserRow> {
    let runbook = &loaded.runbook;
    let summary = runbook.card.summary.clone().unwrap_or_default();
    let mut words = Vec::new();
    // A draft that nobody has read yet can be walked; whoever opens it knows what it is.
    match loaded.text.matches(runbook::REVIEW).count() {
        0 => {}
        1 => words.push("a draft, one mark to review".to_owned()),
        marks => words.push(format!("a draft, {marks} marks to review")),
    }
    if fits {
        words.push("for this severity".to_owned());
    }
    words.extend(drilled);
    words.push(summary);
    let mut rows = vec![ChooserRow {
        key: runbook.id.to_string(),
        words: runbook.title.clone(),
        aside: words.join(" — "),
        refused: loaded.refused.clone(),
    }];
    if !runbook.carded || runbook.card.several {
        rows.extend(
            sections(runbook)
                .into_iter()
                .map(|(key, title)| ChooserRow {
                    key,
                    words: format!("{}: {title}", runbook.title),
                    aside: "one section".into(),
                    refused: loaded.refused.clone(),
                }),
        );
    }
    rows
}

/// Sections of a runbook that hold several steps: the first step's key, the heading.
fn sections(runbook: &Runbook) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for step in &runbook.steps {
        let Some(title) = step.phase.first() else {
            continue;
        };
        if !sections.iter().any(|(_, t)| t == title) {
            sections.push((format!("{}#{}", runbook.id, step.id), title.clone()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::incident::runbook::parse;

    /// The rows of a file.
    fn rows(text: &str) -> Vec<ChooserRow> {
        let (runbook, faults) = parse("r.md", text, "r".into());
        let loaded = Loaded {
            runbook: Arc::new(runbook.unwrap_or_else(|| panic!("{faults:?}"))),
            text: Arc::from(text),
            origin: "r.md".to_owned(),
            place: Place::Own,
            refused: None,
        };
        rows_of(&loaded, true, None)
    }

    /// The keys of the rows of a file.
    fn keys(text: &str) -> Vec<String> {
        rows(text).into_iter().map(|row| row.key).collect()
    }

    #[test]
    fn a_draft_says_how_much_of_it_nobody_has_looked_at() {
        let step = "## A\n\n```bash\nsystemctl restart app\n```\n";
        let draft = runbook::draft(
            "r.md",
            &format!("# R\n\nWhat to do when it fails.\n\n{step}"),
            "r".into(),
        );
        let draft = draft.unwrap_or_else(|why| panic!("{why}"));
        let words = "a draft, 2 marks to review — for this severity — What to do when it fails.";
        assert_eq!(rows(&draft)[0].aside, words, "{draft}");
        let read = draft.replace("review", "read");
        assert_eq!(
            rows(&read)[0].aside,
            "for this severity — What to do when it fails."
        );
    }

    #[test]
    fn sections_stand_by_themselves_where_a_file_holds_several_procedures() {
        let steps = "## One\n\n### A\n\n- [ ] a\n\n## Two\n\n### B\n\n- [ ] b\n";
        let card = |words: &str| format!("# R\n\n```toml runbook\n{words}\n```\n\n{steps}");
        let all = ["r", "r#a", "r#b"];
        assert_eq!(keys(&format!("# R\n\n{steps}")), all);
        assert_eq!(keys(&card("several = true")), all);
        assert_eq!(keys(&card("several = false")), ["r"]);
    }
}
