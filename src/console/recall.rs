//! What a console that comes later knows from the journal: it can't ask the dead, but those before it did.

use std::sync::Arc;

use super::state::State;
use crate::incident::journal::{Entry, Fact, Note};
use crate::incident::replication::{LastKnown, LinkHistory};

/// What earlier consoles saw and wrote down: how things stood, and each link's primary as it was last seen.
pub(super) fn recall(state: &mut State, entries: &[Entry]) {
    let site = Arc::clone(&state.site);
    for entry in entries {
        match &entry.fact {
            Fact::Note(Note::Standing { subject, to, .. }) => {
                state.memory.standings.insert(subject.clone(), *to);
                state.memory.noted.insert(subject.clone());
            }
            Fact::Note(Note::LastSeen { link, sight, at }) => {
                let found = site.links.iter().find(|l| l.id.as_str() == link);
                let ends =
                    found.and_then(|l| Some((l, site.target(&l.from)?, site.target(&l.to)?)));
                let known = LastKnown::of_primary(sight, *at);
                if let (Some((link, from, to)), Some(known)) = (ends, known) {
                    let history = LinkHistory::between(from, to).knowing(&known, &state.now);
                    state.memory.links.insert(link.id.clone(), history);
                }
            }
            _ => {}
        }
    }
}
