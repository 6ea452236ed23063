//! From a file's text to a runbook: headings become phases and steps, fences become cards, checks and actions, and all
//! that is not understood stays prose.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::super::fault::{Fault, Source, Weight};
use super::super::names::{RunbookId, StepId};
use super::super::strict::Reader;
use super::card::runbook_card;
use super::fence::{Meaning, is_runbook_card, meaning};
use super::ids::slug;
use super::outline::{Content, Fence, Item, Mark, Section, outline};
use super::stepcard::{Placed, consistent, step_card};
use super::{Action, Block, Check, Part, Role, Runbook, RunbookCard, Step, Tick};

/// Reads a runbook. Any Markdown opens; a file whose cards, typed acts or attributes are faulty gives no runbook, because a
/// card that is half read could lose a gate. All faults and warnings are given, in the file's order.
pub fn parse(file: &str, text: &str, id: RunbookId) -> (Option<Runbook>, Vec<Fault>) {
    let (runbook, faults) = read(file, text, id);
    let usable = faults.iter().all(|fault| fault.weight == Weight::Warning);
    (usable.then_some(runbook), faults)
}

/// Reads what can be read of a runbook, for `check`, which goes on to find what else is wrong.
pub(super) fn read(file: &str, text: &str, id: RunbookId) -> (Runbook, Vec<Fault>) {
    let sections = outline(text);
    let mut maker = Maker {
        reader: Reader::new(Source { file, text }),
        carded: sections.iter().any(|s| holds_card(&s.content)),
        card: None,
        used: BTreeSet::new(),
    };
    maker.claim_ids(&sections);
    let (title, intro, steps) = maker.steps(&sections);
    let runbook = Runbook {
        title: title.unwrap_or_else(|| id.to_string()),
        id,
        digest: digest(text),
        carded: maker.carded,
        card: maker.card.unwrap_or_default(),
        intro,
        steps,
    };
    let mut faults = maker.reader.faults;
    faults.sort_by_key(|fault| (fault.line, fault.col));
    (runbook, faults)
}

/// SHA-256 in hexadecimal.
fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn holds_card(content: &[Content]) -> bool {
    content.iter().any(|content| match content {
        Content::Fence(fence) => is_runbook_card(fence),
        Content::Item(item) => holds_card(&item.content),
        Content::Prose(_) => false,
    })
}

struct Maker<'a> {
    reader: Reader<'a>,
    carded: bool,
    card: Option<RunbookCard>,
    /// Ids that are taken.
    used: BTreeSet<String>,
}

/// What was found under one heading.
#[derive(Default)]
struct Found {
    placed: Option<Placed>,
    why: Vec<Block>,
    parts: Vec<Part>,
    checks: Vec<Check>,
    verify: Vec<Check>,
    rollback: Vec<Action>,
}

impl Found {
    /// Something is to be done or decided here: it is a step even when it is no leaf.
    fn is_step(&self) -> bool {
        let counts = [
            self.parts.len(),
            self.checks.len(),
            self.verify.len(),
            self.rollback.len(),
        ];
        self.placed.is_some() || counts.iter().any(|n| *n > 0)
    }
}

/// How a section's content is read.
#[derive(Clone, Copy)]
struct Reading {
    /// Numbered items are parts: the section is a leaf.
    leaf: bool,
    /// The runbook's card may stand here.
    card: bool,
}

impl Maker<'_> {
    /// Explicit ids are claimed first, so that a slug never takes one away.
    fn claim_ids(&mut self, sections: &[Section]) {
        for section in sections {
            let Some(id) = &section.id else { continue };
            if !self.used.insert(id.clone()) {
                let what = format!("the id #{id} stands here a second time");
                self.reader
                    .fault(&section.at, what, "give the step another");
            }
        }
    }

    fn id(&mut self, section: &Section, title: &str) -> StepId {
        if let Some(id) = &section.id {
            return StepId(id.clone());
        }
        let base = slug(title);
        let mut id = base.clone();
        let mut n = 2;
        while !self.used.insert(id.clone()) {
            id = format!("{base}-{n}");
            n += 1;
        }
        StepId(id)
    }

    /// The title, the prose before the first step, and the steps.
    fn steps(&mut self, sections: &[Section]) -> (Option<String>, Vec<Block>, Vec<Step>) {
        let titled = sections.iter().position(|section| section.level == 1);
        let headings = |n: &usize| *n != 0 && Some(*n) != titled;
        let rest: Vec<usize> = (0..sections.len()).filter(headings).collect();
        let (mut intro, mut steps) = (Vec::new(), Vec::new());

        // What stands before the first heading and what stands under the title are one.
        let title = titled.map(|n| &sections[n]);
        let reading = Reading {
            leaf: rest.is_empty(),
            card: true,
        };
        let mut found = Found::default();
        self.gather(&sections[0].content, reading, &mut found);
        if let Some(title) = title {
            self.gather(&title.content, reading, &mut found);
        }
        match found.is_step() {
            true => {
                let section = title.unwrap_or(&sections[0]);
                let name = match section.title.as_str() {
                    "" => "Step",
                    name => name,
                };
                steps.push(self.step(section, name, Vec::new(), found));
            }
            false => intro = found.why,
        }

        let mut phases: Vec<&Section> = Vec::new();
        // Prose of a phase that has nothing to do itself stands beside its first step.
        let mut ahead: Vec<Block> = Vec::new();
        for (n, index) in rest.iter().enumerate() {
            let section = &sections[*index];
            phases.retain(|phase| phase.level < section.level);
            let next = rest.get(n + 1).map(|next| &sections[*next]);
            let leaf = next.is_none_or(|next| next.level <= section.level);
            let mut found = Found::default();
            self.gather(&section.content, Reading { leaf, card: false }, &mut found);
            if !leaf {
                phases.push(section);
            }
            if !leaf && !found.is_step() {
                ahead.append(&mut found.why);
                continue;
            }
            let mut why = std::mem::take(&mut ahead);
            why.append(&mut found.why);
            found.why = why;
            let phase = phases.iter().map(|phase| phase.title.clone()).collect();
            let step = self.step(section, &section.title, phase, found);
            steps.push(step);
        }
        (title.map(|t| t.title.clone()), intro, steps)
    }

    fn step(&mut self, section: &Section, title: &str, phase: Vec<String>, found: Found) -> Step {
        let (line, _) = self.reader.source.place(section.at.start);
        let placed = found.placed.unwrap_or_default();
        let step = Step {
            id: self.id(section, title),
            title: title.to_owned(),
            phase,
            line,
            card: placed.card.clone(),
            why: found.why,
            parts: found.parts,
            checks: found.checks,
            verify: found.verify,
            rollback: found.rollback,
        };
        consistent(&mut self.reader, &step, &placed);
        step
    }

    fn gather(&mut self, content: &[Content], reading: Reading, found: &mut Found) {
        for content in content {
            match content {
                Content::Prose(block) => found.why.push(block.clone()),
                Content::Fence(fence) => self.fence(fence, reading, found),
                Content::Item(item) => self.item(item, reading, found),
            }
        }
    }

    /// A ticked item is a part; so is a numbered item of a leaf in which nothing else is to be done.
    fn item(&mut self, item: &Item, reading: Reading, found: &mut Found) {
        let before =
            found.parts.len() + found.checks.len() + found.verify.len() + found.rollback.len();
        let (why, part) = (found.why.len(), found.parts.len());
        self.gather(&item.content, reading, found);
        let after =
            found.parts.len() + found.checks.len() + found.verify.len() + found.rollback.len();
        let top = item.depth == 0;
        let ticked = match item.mark {
            Mark::Box => true,
            Mark::Number(_) => reading.leaf && top && after == before,
            Mark::Bullet => false,
        };
        if !ticked {
            let text = item.mark.prefix("") + &item.text;
            found.why.insert(why, Block::Item(item.depth, text));
            return;
        }
        let (line, _) = self.reader.source.place(item.at.start);
        let mut text = item.text.clone();
        // Items below a ticked one are part of what is ticked.
        let below = found.why.split_off(why);
        for block in below {
            match block {
                Block::Item(depth, inner) => {
                    let indent = "  ".repeat(depth.saturating_sub(item.depth));
                    text.push_str(&format!("\n{indent}{inner}"));
                }
                other => found.why.push(other),
            }
        }
        let tick = Tick {
            index: 0,
            text,
            line,
        };
        found.parts.insert(part, Part::Tick(tick));
        number(&mut found.parts);
    }

    fn fence(&mut self, fence: &Fence, reading: Reading, found: &mut Found) {
        let shown = |fence: &Fence| {
            let language = fence.info.split_whitespace().next().unwrap_or_default();
            Block::Code(language.to_owned(), fence.text.clone())
        };
        if fence.quoted {
            found.why.push(shown(fence));
            return;
        }
        match meaning(&mut self.reader, fence, self.carded) {
            Meaning::Shown => found.why.push(shown(fence)),
            Meaning::RunbookCard => self.runbook_card(fence, reading),
            Meaning::StepCard => {
                let placed = step_card(&mut self.reader, fence.at.clone());
                if found.placed.is_some() {
                    let what = "the step has a card already";
                    self.reader
                        .fault(&fence.info_at, what, "make one of the two");
                }
                found.placed = Some(placed);
            }
            Meaning::Conditions(role, conditions) => {
                let into = match role {
                    Role::Verify => &mut found.verify,
                    _ => &mut found.checks,
                };
                into.extend(conditions.into_iter().map(Check::Condition));
            }
            Meaning::Action(role, code, attrs) => {
                let (line, _) = self.reader.source.place(fence.at.start);
                let action = |index: usize| Action {
                    index,
                    role,
                    code,
                    attrs: *attrs,
                    line,
                };
                match role {
                    Role::Run => found
                        .parts
                        .push(Part::Action(action(found.parts.len() + 1))),
                    Role::Check => found
                        .checks
                        .push(Check::Code(action(found.checks.len() + 1))),
                    Role::Verify => found
                        .verify
                        .push(Check::Code(action(found.verify.len() + 1))),
                    Role::Rollback => found.rollback.push(action(found.rollback.len() + 1)),
                }
            }
            Meaning::Faulty => {}
        }
    }

    fn runbook_card(&mut self, fence: &Fence, reading: Reading) {
        let card = runbook_card(&mut self.reader, fence.at.clone());
        if !reading.card {
            let what = "the runbook's card stands below a step's heading";
            let instead = "move it below the title, before the first step";
            self.reader.fault(&fence.info_at, what, instead);
        } else if self.card.is_some() {
            let what = "the runbook has a card already";
            self.reader
                .fault(&fence.info_at, what, "make one of the two");
        }
        self.card.get_or_insert(card);
    }
}

/// Parts count from 1, in their order.
fn number(parts: &mut [Part]) {
    for (n, part) in parts.iter_mut().enumerate() {
        match part {
            Part::Action(action) => action.index = n + 1,
            Part::Tick(tick) => tick.index = n + 1,
        }
    }
}
