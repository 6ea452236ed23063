//! Opening a runbook: chosen from the list, its variables filled in.

use warroom::incident::names::RunbookId;
use warroom::incident::runbook::{self, Runbook, Var, VarSource};
use warroom::world::shelf;

use super::super::operator::dialog;
use super::{OPENS, PATIENCE, Sight, Values, Walker};

impl Walker {
    /// Chooses a runbook from the list and opens it.
    pub(super) fn choose(&mut self, id: &str, values: Values<'_>) {
        let text = shelf::runbook(&self.site, id).unwrap();
        let (runbook, _) = runbook::parse(&text.name, &text.text, RunbookId(id.into()));
        let runbook = runbook.unwrap();
        self.console.press("r");
        self.console.wait_for("Choose a runbook");
        self.console.type_text(id);
        self.selects(&runbook.title);
        let walks = self.sight().incident.walks.len();
        self.gives_answer("", |screen| !screen.contains("Choose a runbook"));
        self.fills(&runbook, values);
        self.until("the runbook in the journal", |sight| {
            sight.incident.walks.len() > walks
        });
    }

    /// Fills the variables of a runbook that is being opened, and begins it.
    fn fills(&mut self, runbook: &Runbook, values: Values<'_>) {
        for (name, _) in values {
            let known = runbook.card.vars.iter().any(|var| var.name == *name);
            assert!(known, "{} has no variable {name}", runbook.id);
        }
        for (at, var) in runbook.card.vars.iter().enumerate() {
            if at > 0 {
                self.console.press("tab");
            }
            match values.iter().find(|(name, _)| *name == var.name) {
                Some((name, value)) if self.has_choices(var) => {
                    self.turns_to(name, value);
                }
                Some((_, value)) => {
                    self.console.press("ctrl-u");
                    self.console.type_text(value);
                }
                None => {}
            }
        }
        let looked = |screen: &str| {
            screen.contains("What it needs") && !screen.contains("looking for what it needs")
        };
        if !runbook.card.vars.is_empty() {
            self.gives_answer("", |screen| !dialog(screen) || screen.contains("it needs"));
        }
        self.console.wait("what it needs", PATIENCE, looked);
        self.gives_answer("", |screen| !dialog(screen));
    }

    /// Whether a variable's value is chosen from a list: the site has something to choose from.
    fn has_choices(&self, var: &Var) -> bool {
        match var.from {
            None => !var.choices.is_empty(),
            Some(VarSource::Backups) => !self.site.backups.is_empty(),
            Some(VarSource::Targets(system)) => self.site.targets.iter().any(|target| {
                system.is_none_or(|system| target.endpoint.system() == system.word())
            }),
            Some(_) => !self.site.regions.is_empty(),
        }
    }

    /// Turns a variable that is chosen from a list to a value: to the top first, then down.
    fn turns_to(&mut self, name: &str, value: &str) {
        self.console
            .wait(name, PATIENCE, |screen| chosen(screen, name).is_some());
        for key in ["up", "down"] {
            loop {
                let now = chosen(&self.console.screen(), name);
                if now.as_deref() == Some(value) {
                    return;
                }
                self.console.press(key);
                if !self.becomes(OPENS, |screen| chosen(screen, name) != now) {
                    break;
                }
            }
        }
        panic!("{name} has no {value}:\n{}", self.console.screen());
    }

    /// Opens the runbook that a step is.
    pub(super) fn opens_sub(&mut self, sight: &Sight, file: &str) {
        let id = file.strip_suffix(".md").unwrap_or(file);
        let text = shelf::runbook(&self.site, id).unwrap();
        let (runbook, _) = runbook::parse(&text.name, &text.text, RunbookId(id.into()));
        let values = self.subs.get(id).cloned().unwrap_or_default();
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (&**n, &**v)).collect();
        self.fills(&runbook.unwrap(), &values);
        let walks = sight.incident.walks.len();
        self.until("the sub-runbook", |now| now.incident.walks.len() > walks);
    }
}

/// The value of the variable whose turn it is, where it is that one: what can be chosen stands right below it, and names are
/// cut off at eleven characters.
fn chosen(screen: &str, name: &str) -> Option<String> {
    const LABEL: usize = 12;
    let lines: Vec<&str> = screen.lines().collect();
    let mut values = lines.windows(2).filter_map(|pair| {
        let (before, _) = pair[1].split_once("one of ")?;
        let start = before.chars().count().checked_sub(LABEL)?;
        let field: String = pair[0].chars().skip(start).collect();
        let mut words = field
            .split(['▏', ' ', '…', '│'])
            .filter(|word| !word.is_empty());
        let label = words.next()?;
        let its = label == name || (name.len() >= LABEL && name.starts_with(label));
        its.then(|| words.next().map(str::to_owned))?
    });
    values.next_back()
}
