//! `update(state, now, event) -> effects`: the console's one way forward. What it asks for is carried out by the hall, and
//! what came of it comes back as an event; an incident's state comes from entries that are on disk, and from nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::event::{Effect, Event, Loaded, RequestId};
use super::keymap::Keymap;
use super::road::Road;
use super::state::{Awaiting, Focus, Memory, Message, State};
use super::vitals::Vitals;
use super::{answers, dialogs, duty, keys};
use crate::incident::journal::{Actor, Incident, Mode, Note};
use crate::incident::now::Now;
use crate::incident::runbook::Runbook;
use crate::incident::site::Site;

impl State {
    /// A console that has seen nothing yet. `size`: columns, rows.
    pub fn new(
        site: Arc<Site>,
        mode: Mode,
        actor: Actor,
        keymap: Keymap,
        library: Arc<Vec<Loaded>>,
        size: (u16, u16),
        now: Now,
    ) -> State {
        let mut state = State {
            site,
            mode,
            actor,
            hand: now.clone(),
            now,
            size,
            vitals: Vitals::default(),
            library,
            incident: None,
            walks: BTreeMap::new(),
            walk: None,
            cursor: 0,
            focus: Focus::default(),
            zoomed: false,
            scroll: BTreeMap::new(),
            dialogs: Vec::new(),
            tails: BTreeMap::new(),
            message: None,
            trouble: None,
            waiting: BTreeMap::new(),
            keymap,
            pace: None,
            leaving: false,
            memory: Memory::default(),
        };
        state.vitals = duty::derive(&state);
        state
    }

    /// Takes an incident up as its journal tells it, with the runbooks of its walks as they were copied into it.
    pub fn resume(&mut self, incident: &Incident, walks: BTreeMap<u32, Arc<Runbook>>) {
        answers::opened(self, &incident.entries);
        self.walks.extend(walks);
        self.vitals = duty::derive(self);
        follow(self);
    }

    /// Says one line about what just happened.
    pub(super) fn say(&mut self, words: impl Into<String>) {
        self.message = Some(Message {
            words: words.into(),
            bad: false,
        });
    }

    /// Says why something is not so.
    pub(super) fn refuse(&mut self, words: impl Into<String>) {
        self.message = Some(Message {
            words: words.into(),
            bad: true,
        });
    }

    /// A new request, remembered until its answer comes. `what` is shown while it is under way.
    pub(super) fn request(&mut self, what: &'static str, purpose: Awaiting) -> RequestId {
        self.memory.last_request += 1;
        let request = RequestId(self.memory.last_request);
        self.memory.awaiting.insert(request, purpose);
        self.waiting.insert(request, what);
        request
    }

    /// Sends a note to the journal. `what` names it, should it fail.
    pub(super) fn append(&mut self, what: &'static str, note: Note) -> Effect {
        let request = self.request(what, Awaiting::Noted(what, note.moves()));
        Effect::Append(request, note)
    }

    /// What is on its way to disk, on which the next step of this walk depends.
    pub(super) fn unwritten(&self, walk: u32) -> Option<&'static str> {
        let awaiting = self.memory.awaiting.values();
        awaiting.into_iter().find_map(|purpose| match purpose {
            Awaiting::Noted(what, Some(of)) if *of == walk => Some(*what),
            _ => None,
        })
    }

    /// Takes a request's purpose: its answer has come.
    pub(super) fn answered(&mut self, request: RequestId) -> Option<Awaiting> {
        self.waiting.remove(&request);
        self.memory.awaiting.remove(&request)
    }
}

/// Takes in what happened, and says what the hall is to do.
#[must_use]
pub fn update(state: &mut State, now: Now, event: Event) -> Vec<Effect> {
    state.hand = state.memory.hand.clone().unwrap_or_else(|| now.clone());
    state.now = now;
    let mut effects = match event {
        Event::Key(key) => {
            let effects = match state.dialogs.is_empty() {
                true => keys::press(state, key),
                false => dialogs::press(state, key),
            };
            state.memory.last_key = Some((state.hand.clone(), key));
            effects
        }
        Event::Pasted(text) => {
            dialogs::paste(state, &text);
            Vec::new()
        }
        Event::Resized(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Event::Tick => Vec::new(),
        other => answers::take(state, other),
    };
    state.vitals = duty::derive(state);
    effects.extend(duty::due(state));
    follow(state);
    effects
}

/// The cursor follows the next step whenever that changes; between, it stays where the operator put it.
fn follow(state: &mut State) {
    let Some(road) = Road::shown(state) else {
        state.cursor = 0;
        state.memory.followed = None;
        return;
    };
    let count = road.runbook.steps.len();
    let next = road.next().step().cloned();
    let place = next
        .as_ref()
        .and_then(|id| road.runbook.steps.iter().position(|s| s.id == *id));
    let followed = next.map(|id| (road.number(), id));
    if followed != state.memory.followed {
        if let Some(place) = place {
            state.cursor = place;
        }
        state.memory.followed = followed;
    }
    state.cursor = state.cursor.min(count.saturating_sub(1));
}
