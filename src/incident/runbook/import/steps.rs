//! A draft's steps: an id for each heading, a card below it, a role for what only looks, and long scripts in pieces.

use std::collections::BTreeSet;

use super::super::super::fault::Source;
use super::super::fence::is_shell;
use super::super::outline::{Fence, Section, front_matter};
use super::super::{Action, Code, Danger, Runbook, Step};
use super::edit::Edits;
use super::split::{Cut, cut};
use super::{fences, guess};

/// Adds what each step needs; the constants that became variables are returned.
pub(super) fn steps(
    edits: &mut Edits,
    source: &Source<'_>,
    sections: &[Section],
    runbook: &Runbook,
) -> Vec<(String, String)> {
    let mut constants = Vec::new();
    let mut sections = sections.iter();
    let taken: BTreeSet<&str> = runbook.steps.iter().map(|step| step.id.as_str()).collect();
    for step in &runbook.steps {
        let line = |section: &&Section| source.place(section.at.start).0;
        // Steps stand in the file's order, as their sections do.
        let Some(section) = sections.by_ref().find(|section| line(section) == step.line) else {
            continue;
        };
        let whole = Whole {
            source,
            section,
            step,
            runbook,
            taken: &taken,
        };
        whole.write(edits, &mut constants);
    }
    constants
}

/// A step with the section it was made from.
struct Whole<'a> {
    source: &'a Source<'a>,
    section: &'a Section,
    step: &'a Step,
    runbook: &'a Runbook,
    /// The ids of every step.
    taken: &'a BTreeSet<&'a str>,
}

impl Whole<'_> {
    fn write(&self, edits: &mut Edits, constants: &mut Vec<(String, String)>) {
        let scripts = self.scripts();
        let long = scripts.iter().find_map(|(fence, script)| {
            let cut = cut(script).filter(|_| self.at_margin(fence))?;
            Some((*fence, cut))
        });
        let parted = long.as_ref().is_some_and(|(_, cut)| cut.pieces.len() > 1);
        self.name(edits, parted);
        self.back(edits);
        if !parted {
            let texts: Vec<&str> = scripts.iter().map(|(_, script)| *script).collect();
            let card = guess::step_card(guess::worst(self.step, &texts), &self.step.why, true);
            self.below_heading(edits, &card);
            self.looks(edits, &scripts);
        }
        let Some((fence, cut)) = long else { return };
        if let Some(note) = &cut.note {
            let at = self.fence_start(fence);
            edits.insert(at, guess::mark(note));
        }
        if parted {
            self.part(edits, fence, &cut);
        }
        constants.extend(cut.constants.iter().filter(|_| parted).cloned());
    }

    /// The step's shell fences that are run, with their code.
    fn scripts(&self) -> Vec<(&Fence, &str)> {
        let runs = |fence: &&Fence| -> Option<&str> {
            let (line, _) = self.source.place(fence.at.start);
            let action = self.step.actions().find(|action| action.line == line)?;
            script(action)
        };
        let fences = fences(self.section).into_iter();
        fences
            .filter_map(|fence| Some((fence, runs(&fence)?)))
            .collect()
    }

    /// `{#id}` behind the heading, unless it has one or ends in a way that would swallow it.
    fn name(&self, edits: &mut Edits, parted: bool) {
        let heading = &self.source.text[self.section.at.clone()];
        let line = heading.lines().next().unwrap_or_default();
        let closed = line.trim_end().ends_with('#');
        if self.section.id.is_some() || self.section.level == 0 || closed || parted {
            return;
        }
        let at = self.section.at.start + line.trim_end().len();
        edits.insert(at, format!(" {{#{}}}", self.step.id));
    }

    /// Of a whole that is a way back itself (`app-rollback.md`) the first step is no way back from anything.
    fn back(&self, edits: &mut Edits) {
        let follows = self.runbook.steps.first() != Some(self.step);
        if let Some(mark) = guess::way_back(&self.step.title).filter(|_| follows) {
            edits.insert(self.after_heading(), format!("\n{mark}"));
        }
    }

    fn below_heading(&self, edits: &mut Edits, card: &str) {
        if card.is_empty() {
            return;
        }
        match self.section.level {
            // Without a heading it stands before the first fence; of a list, which it would break, before all.
            0 => {
                let first = fences(self.section);
                let at = match first.first() {
                    Some(fence) if self.indent(fence).is_empty() => self.fence_start(fence),
                    _ => front_matter(self.source.text),
                };
                edits.insert(at, format!("{card}\n"));
            }
            _ => edits.insert(self.after_heading(), format!("\n{card}")),
        }
    }

    fn after_heading(&self) -> usize {
        let text = &self.source.text[self.section.at.clone()];
        self.section.at.start
            + text.trim_end_matches('\n').len()
            + usize::from(text.ends_with('\n'))
    }

    /// What only looks, and stands before what changes something, is a check.
    fn looks(&self, edits: &mut Edits, scripts: &[(&Fence, &str)]) {
        let looking = scripts
            .iter()
            .take_while(|(_, script)| guess::danger(script).0 == Danger::None);
        for (fence, _) in looking.filter(|(fence, _)| one_word(fence)) {
            edits.insert(fence.info_at.end, " check");
            let indent = self.indent(fence);
            let at = self.line_start(fence);
            edits.insert(
                at,
                format!(
                    "{indent}{}",
                    guess::mark("guessed: a check, as it only looks")
                ),
            );
        }
    }

    /// Puts a heading, a card and a fence of its own in place of a long script for each of its pieces.
    fn part(&self, edits: &mut Edits, fence: &Fence, cut: &Cut) {
        let level = usize::from(self.section.level.max(1) + 1).min(6);
        let marks = "#".repeat(level);
        let language = fence.info.split_whitespace().next().unwrap_or("sh");
        let mut out = String::new();
        for (n, (title, code)) in cut.pieces.iter().enumerate() {
            let (danger, reason) = guess::danger(code);
            let mut id = format!("{}-{}", self.step.id, n + 1);
            // A later heading of the same words has this number.
            while self.taken.contains(id.as_str()) {
                id.push_str("-part");
            }
            out.push_str(&format!("{marks} {title} {{#{id}}}\n\n"));
            if code
                .lines()
                .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
            {
                // Only comments: somebody does it by hand.
                let words = code
                    .lines()
                    .map(|line| line.trim_start_matches(['#', ' ']).trim());
                let words: Vec<&str> = words.filter(|line| !line.is_empty()).collect();
                let words = if words.is_empty() {
                    vec![title.as_str()]
                } else {
                    words
                };
                out.push_str(&format!("- [ ] {}\n\n", words.join(" ")));
                continue;
            }
            let card = guess::step_card(Some((danger, reason)), &[], false);
            out.push_str(&format!("{card}\n"));
            let role = if danger == Danger::None { " check" } else { "" };
            out.push_str(&format!("```{language}{role}\n{code}\n```\n\n"));
        }
        let start = self.line_start(fence);
        let end = self.fence_end(fence);
        edits.replace(start..end, out.trim_end().to_owned() + "\n");
    }

    fn fence_start(&self, fence: &Fence) -> usize {
        self.line_start(fence)
    }

    /// Where the line of the opening fence begins.
    fn line_start(&self, fence: &Fence) -> usize {
        let text = &self.source.text[..fence.info_at.start];
        text.rfind('\n').map_or(0, |n| n + 1)
    }

    fn indent(&self, fence: &Fence) -> &str {
        let line = &self.source.text[self.line_start(fence)..fence.info_at.start];
        &line[..line.len() - line.trim_start().len()]
    }

    /// Only a fence at the margin can be parted: one in a list belongs to its item.
    fn at_margin(&self, fence: &Fence) -> bool {
        self.indent(fence).is_empty() && fence.closed && one_word(fence) && self.section.level < 6
    }

    /// Where the line behind the closing fence begins.
    fn fence_end(&self, fence: &Fence) -> usize {
        let rest = &self.source.text[fence.at.end..];
        let close = rest.find('\n').map_or(rest.len(), |n| n + 1);
        fence.at.end + close
    }
}

/// The fence says its language and nothing else, and it is one that is run as it stands.
fn one_word(fence: &Fence) -> bool {
    !fence.info.contains(char::is_whitespace) && is_shell(&fence.info)
}

fn script(action: &Action) -> Option<&str> {
    match &action.code {
        Code::Shell { script, .. } => Some(script),
        _ => None,
    }
}
