//! What the console asks a tabletop for, and what comes of it: entries in the journal, steps that begin, files that are read.

use std::sync::Arc;

use futures_util::FutureExt;

use super::agenda::Due;
use super::session::{Session, local};
use super::stage::hands;
use crate::console::confirm::Confirmed;
use crate::console::event::{Effect, Event, RequestId};
use crate::incident::clean::Clean;
use crate::incident::journal::{Entry, Fact, Note};
use crate::incident::names::{StepId, TargetId};
use crate::incident::runbook::Part;
use crate::world::ledger::{DirectLedger, copy_runbook};
use crate::world::runner::played::Playing;
use crate::world::{evaluate, incidents, preflight};

impl Session {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Declare(request, declaration) => {
                let (root, actor) = (self.root.clone(), self.actor.clone());
                let clock = self.systems.clock.clone();
                match DirectLedger::declare(&root, declaration, actor, clock) {
                    Ok((ledger, entry)) => self.declared(request, ledger, entry),
                    Err(failure) => self.queue.push_back(Event::NotAppended(request, failure)),
                }
            }
            Effect::Append(request, note) => self.append(Some(request), note),
            Effect::Choose(request, note, text) => self.choose(request, note, &text),
            Effect::Perform(request, confirmed) => self.perform(request, confirmed),
            Effect::Evaluate(request, resolved) => {
                let found = evaluate::evaluate(&resolved, &self.site, &self.systems);
                let found = Box::new(found.now_or_never().unwrap_or_default());
                self.queue.push_back(Event::Evaluated(request, found));
            }
            Effect::Question(request, resolved) => {
                let found = evaluate::answer(&resolved, &self.site, &self.systems);
                let found = Box::new(found.now_or_never().unwrap_or_default());
                self.queue.push_back(Event::Evaluated(request, found));
            }
            Effect::Preflight(request, wanted) => {
                let found = preflight::look(&wanted, &self.site, &self.systems);
                let found = found.now_or_never().unwrap_or_default();
                self.queue.push_back(Event::Preflight(request, found));
            }
            Effect::Cancel(request, action, attempt) => {
                let of = |p: &&Playing| p.action == action && p.attempt == attempt;
                match self.attempts.iter().find(of) {
                    Some(playing) => playing.cancel(),
                    None => {
                        let failure = local(&format!("cancel {action}: it does not run"));
                        self.queue.push_back(Event::NotAppended(request, failure));
                    }
                }
                self.play();
            }
            Effect::ReadOutput(request, evidence) => self.read_output(request, &evidence),
            Effect::Export(request) => self.export(request),
            Effect::Refresh => {
                let targets = self.site.targets.iter().map(|target| target.id.clone());
                let targets: Vec<TargetId> = targets.collect();
                targets.iter().for_each(|target| self.probe(target));
            }
            Effect::Pace(speed) => self.pace(speed),
            Effect::Copy(_) | Effect::Suspend | Effect::Quit => self.asked.push(effect),
        }
    }

    fn declared(&mut self, request: RequestId, ledger: DirectLedger, entry: Entry) {
        self.ledger = Some(ledger);
        self.appended(Some(request), entry);
        let exercise = Box::new(self.exercise());
        self.append(None, Note::Exercise(exercise));
        for note in std::mem::take(&mut self.before) {
            self.append(None, note);
        }
    }

    pub(super) fn appended(&mut self, request: Option<RequestId>, entry: Entry) {
        if let Fact::Note(Note::Ticked { walk, step, .. }) = &entry.fact {
            let (walk, step) = (*walk, step.clone());
            self.queue
                .push_back(Event::Appended(request, Box::new(entry.clone())));
            self.settle();
            self.ticked(walk, &step, &entry);
        } else {
            let resolved = matches!(entry.fact, Fact::Note(Note::Resolved { .. }));
            self.queue
                .push_back(Event::Appended(request, Box::new(entry)));
            if resolved {
                self.judge();
            }
        }
    }

    /// A ticked item says that hands did something: the world shows it once they are through.
    fn ticked(&mut self, walk: u32, step: &StepId, entry: &Entry) {
        let Fact::Note(Note::Ticked { index, .. }) = entry.fact else {
            return;
        };
        let runbook = self.state.walks.get(&walk).cloned();
        let Some(runbook) = runbook else { return };
        let scenario = Arc::clone(&self.script.scenario);
        let of = |index| hands(&scenario, runbook.id.as_str(), step, index);
        let done = of(Some(index)).or_else(|| of(None).filter(|_| self.all_ticked(walk, step)));
        let Some(done) = done else { return };
        let at = self.passed() + done.takes.unwrap_or_default();
        for what in &done.what {
            self.agenda.put(at, Due::Happens(what.clone()));
        }
    }

    fn all_ticked(&self, walk: u32, step: &StepId) -> bool {
        let Some(found) = self.state.walks.get(&walk).and_then(|r| r.step(step)) else {
            return false;
        };
        let incident = self.state.incident.as_ref();
        let state = incident
            .and_then(|incident| incident.walk(walk))
            .and_then(|walk| walk.steps.get(step));
        found.parts.iter().all(|part| match part {
            Part::Tick(tick) => state.is_some_and(|s| s.ticks.contains_key(&tick.index)),
            Part::Action(_) => true,
        })
    }

    pub(super) fn append(&mut self, request: Option<RequestId>, note: Note) {
        let appended = match &mut self.ledger {
            Some(ledger) => ledger.append(note).map_err(|error| error.to_string()),
            None => Err("no incident is open".to_owned()),
        };
        match (appended, request) {
            (Ok(entry), request) => self.appended(request, entry),
            (Err(why), Some(request)) => {
                self.queue
                    .push_back(Event::NotAppended(request, local(&why)));
            }
            (Err(why), None) => self.trouble(&why),
        }
    }

    fn choose(&mut self, request: RequestId, note: Note, text: &str) {
        if let (Some(dir), Note::Chosen(chosen)) = (self.dir(), &note)
            && let Err(failure) = copy_runbook(dir, &chosen.runbook, text)
        {
            self.queue.push_back(Event::NotAppended(request, failure));
            return;
        }
        self.append(Some(request), note);
    }

    /// Records the intent, then its start, then begins it.
    fn perform(&mut self, request: RequestId, confirmed: Confirmed) {
        let Some(ledger) = &mut self.ledger else {
            let failure = local("no incident is open");
            self.queue.push_back(Event::NotStarted(request, failure));
            return;
        };
        let committed = match ledger.commit(confirmed) {
            Ok(committed) => committed,
            Err(error) => {
                let failure = local(&error.to_string());
                self.queue.push_back(Event::NotStarted(request, failure));
                return;
            }
        };
        let intent = committed.entry().clone();
        let playing = Playing::new(&committed, ledger.dir(), &self.site, &self.systems);
        let started = playing.map(|playing| (ledger.report(playing.started()), playing));
        self.appended(Some(request), intent);
        match started {
            Some((Ok(entry), playing)) => {
                self.appended(None, entry);
                self.attempts.push(playing);
                self.play();
            }
            Some((Err(error), _)) => {
                let failure = local(&error.to_string());
                self.queue.push_back(Event::NotStarted(request, failure));
            }
            None => {}
        }
    }

    fn read_output(&mut self, request: RequestId, evidence: &str) {
        let path = self.dir().map(|dir| dir.join(evidence)).unwrap_or_default();
        let text = match std::fs::read(&path) {
            Ok(bytes) => Clean::from_bytes(&bytes),
            Err(e) => Clean::new(&format!("{}: {e}", path.display())),
        };
        self.queue.push_back(Event::WholeOutput(request, text));
    }

    /// Writes the post-mortem beside the journal.
    fn export(&mut self, request: RequestId) {
        let written = match self.dir() {
            Some(dir) => incidents::write_postmortem(dir, &self.site),
            None => Err(local("no incident is open")),
        };
        if let Ok((path, head)) = &written {
            let (path, head) = (path.clone(), head.clone());
            self.append(Some(request), Note::PostMortem { path, head });
        }
        let path = written.map(|(path, _)| path);
        self.queue.push_back(Event::Exported(request, path));
    }
}
