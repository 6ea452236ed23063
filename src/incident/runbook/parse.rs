//! From a file's text to a runbook: headings become phases and steps, fences become cards, checks and actions, and all
//! that is not understood stays prose.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::digest::digest;
use super::super::fault::{Fault, Source, Weight};
use super::super::names::{RunbookId, StepId};
use super::super::strict::Reader;
use super::card::runbook_card;
use super::fence::{Meaning, is_ours, is_runbook_card, meaning};
use super::ids::slug;
use super::outline::{Content, Fence, Item, Mark, Section, outline};
use super::stepcard::{Placed, consistent, step_card};
use super::{Action, Block, Check, Part, Role, Runbook, RunbookCard, Step, StepCard, Tick};

/// Reads a runbook. Any Markdown opens: in a file that has no card, role or typed act of ours what can't be read is shown, with a
/// warning. A file that has one and is faulty gives no runbook, because a card that is half read could lose a gate. All faults
/// and warnings are given, in the file's order.
pub fn parse(file: &str, text: &str, id: RunbookId) -> (Option<Runbook>, Vec<Fault>) {
    let (runbook, faults) = read(file, text, id);
    let usable = faults.iter().all(|fault| fault.weight == Weight::Warning);
    (usable.then_some(runbook), faults)
}

/// Reads what can be read of a runbook, for `check`, which goes on to find what else is wrong.
pub(super) fn read(file: &str, text: &str, id: RunbookId) -> (Runbook, Vec<Fault>) {
    let sections = outline(text);
    let holds = |card: fn(&Fence) -> bool| sections.iter().any(|s| s.holds(card));
    let ours = holds(is_ours);
    let mut maker = Maker {
        reader: Reader::new(Source::new(file, text)),
        carded: ours && holds(is_runbook_card),
        plain: !ours,
        card: None,
        bare: Arc::default(),
        claimed: HashSet::new(),
        slugs: HashMap::new(),
    };
    maker.claim_ids(&sections);
    let (title, intro, steps) = maker.steps(sections);
    let runbook = Runbook {
        title: title.unwrap_or_else(|| id.to_string()),
        id,
        digest: digest(text.as_bytes()),
        carded: maker.carded,
        card: maker.card.unwrap_or_default(),
        intro,
        steps,
    };
    let mut faults = maker.reader.faults;
    faults.sort_by_key(|fault| (fault.line, fault.col));
    (runbook, faults)
}

struct Maker<'a> {
    reader: Reader<'a>,
    carded: bool,
    /// No fence of the file is in our own words: whatever a Markdown reader accepts opens, and what can't be run is shown.
    plain: bool,
    card: Option<RunbookCard>,
    /// The card of every step that has none.
    bare: Arc<StepCard>,
    /// Ids that headings claim, `{#id}`.
    claimed: HashSet<String>,
    /// The last number given to each slug: a million headings alike are numbered in one go.
    slugs: HashMap<String, usize>,
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
            if self.claimed.insert(id.clone()) {
                continue;
            }
            let what = format!("the id #{id} stands here a second time");
            match self.plain {
                true => {
                    let instead = "give the step another";
                    self.reader.coded("id-twice", &section.at, what, instead);
                }
                false => self
                    .reader
                    .fault(&section.at, what, "give the step another"),
            }
        }
    }

    fn id(&mut self, id: Option<String>, title: &str) -> StepId {
        let base = match id {
            // The first of two that are alike keeps it.
            Some(id) if self.slugs.insert(format!("#{id}"), 0).is_none() => {
                return StepId(id);
            }
            Some(id) => id,
            None => slug(title),
        };
        let mut n = self.slugs.get(&base).copied().unwrap_or(0);
        let id = loop {
            n += 1;
            let id = match n {
                1 => base.clone(),
                n => format!("{base}-{n}"),
            };
            if !self.taken(&id, n) {
                break id;
            }
        };
        self.slugs.insert(base, n);
        StepId(id)
    }

    /// Whether the `n`th id of a slug is somebody else's: claimed by hand, another heading's slug, or another slug's number.
    fn taken(&self, id: &str, n: usize) -> bool {
        let numbered = || {
            let (slug, number) = id.rsplit_once('-')?;
            let given = *self.slugs.get(slug)?;
            let number: usize = number
                .parse()
                .ok()
                .filter(|n: &usize| n.to_string() == number)?;
            Some((2..=given).contains(&number))
        };
        self.claimed.contains(id)
            || match n {
                1 => numbered().unwrap_or(false),
                _ => self.slugs.contains_key(id),
            }
    }

    /// The title, the prose before the first step, and the steps.
    fn steps(&mut self, mut sections: Vec<Section>) -> (Option<String>, Vec<Block>, Vec<Step>) {
        let titled = sections.iter().position(|section| section.level == 1);
        let title = titled.map(|n| sections.remove(n));
        let mut sections = sections.into_iter();
        let before = sections.next().unwrap_or_default();
        let (mut intro, mut steps) = (Vec::new(), Vec::new());
        let name = title.as_ref().map(|title| title.title.clone());
        let (section, found) = self.head(before, title, sections.len() == 0);
        match found.is_step() {
            true => steps.push(self.step(section, Vec::new(), found)),
            false => intro = found.why,
        }
        self.body(sections, &mut steps);
        (name, intro, steps)
    }

    /// What stands before the first heading and what stands under the title are one.
    fn head(&mut self, before: Section, title: Option<Section>, leaf: bool) -> (Section, Found) {
        let reading = Reading { leaf, card: true };
        let mut found = Found::default();
        let mut head = Section::default();
        for mut section in std::iter::once(before).chain(title) {
            let content = std::mem::take(&mut section.content);
            self.gather(content, reading, &mut found);
            head = section;
        }
        if head.title.is_empty() {
            head.title = "Step".to_owned();
        }
        (head, found)
    }

    /// The steps of all headings but the title.
    fn body(&mut self, sections: impl Iterator<Item = Section>, steps: &mut Vec<Step>) {
        let mut sections = sections.peekable();
        // The headings a step stands below, each with its level.
        let mut phases: Vec<(u8, String)> = Vec::new();
        // Prose of a phase that has nothing to do itself stands beside its first step.
        let mut ahead: Vec<Block> = Vec::new();
        while let Some(mut section) = sections.next() {
            phases.retain(|(level, _)| *level < section.level);
            let next = sections.peek();
            let leaf = next.is_none_or(|next| next.level <= section.level);
            let mut found = Found::default();
            let content = std::mem::take(&mut section.content);
            self.gather(content, Reading { leaf, card: false }, &mut found);
            if !leaf {
                phases.push((section.level, section.title.clone()));
            }
            ahead.append(&mut found.why);
            if !leaf && !found.is_step() {
                continue;
            }
            found.why = std::mem::take(&mut ahead);
            let phase = phases.iter().map(|(_, title)| title.clone()).collect();
            steps.push(self.step(section, phase, found));
        }
    }

    fn step(&mut self, section: Section, phase: Vec<String>, mut found: Found) -> Step {
        number(&mut found.parts);
        let (line, _) = self.reader.source.place(section.at.start);
        let step = Step {
            id: self.id(section.id, &section.title),
            title: section.title,
            phase,
            line,
            card: match &found.placed {
                Some(placed) => Arc::clone(&placed.card),
                None => Arc::clone(&self.bare),
            },
            why: found.why,
            parts: found.parts,
            checks: found.checks,
            verify: found.verify,
            rollback: found.rollback,
        };
        if let Some(placed) = &found.placed {
            consistent(&mut self.reader, &step, placed);
        }
        step
    }

    fn gather(&mut self, content: Vec<Content>, reading: Reading, found: &mut Found) {
        for content in content {
            match content {
                Content::Prose(block) => found.why.push(block),
                Content::Fence(fence) => self.fence(&fence, reading, found),
                Content::Item(item) => self.item(item, reading, found),
            }
        }
    }

    /// A ticked item is a part; so is a numbered item of a leaf in which nothing else is to be done.
    fn item(&mut self, item: Item, reading: Reading, found: &mut Found) {
        let before =
            found.parts.len() + found.checks.len() + found.verify.len() + found.rollback.len();
        let (why, part) = (found.why.len(), found.parts.len());
        self.gather(item.content, reading, found);
        let after =
            found.parts.len() + found.checks.len() + found.verify.len() + found.rollback.len();
        let top = item.depth == 0;
        let ticked = match item.mark {
            Mark::Box => true,
            Mark::Number(_) => reading.leaf && top && after == before,
            Mark::Bullet => false,
        };
        if !ticked {
            let text = match item.mark {
                Mark::Bullet => item.text,
                mark => mark.prefix("") + &item.text,
            };
            found.why.insert(why, Block::Item(item.depth, text));
            return;
        }
        let (line, _) = self.reader.source.place(item.at.start);
        let mut text = item.text;
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
        let before = self.reader.faults.len();
        let meaning = meaning(&mut self.reader, fence, self.carded);
        if self.plain && self.excused(before) {
            found.why.push(shown(fence));
            return;
        }
        match meaning {
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

    /// Whether a fence of a plain file has faults, which are warnings there: it is shown, and the file opens.
    fn excused(&mut self, before: usize) -> bool {
        let mut any = false;
        for fault in &mut self.reader.faults[before..] {
            if fault.weight == Weight::Fault {
                any = true;
                fault.weight = Weight::Warning;
                fault.code = "fence-shown";
            }
        }
        any
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

#[cfg(test)]
mod tests;
