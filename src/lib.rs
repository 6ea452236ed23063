//! warroom: a full-screen incident console. It shows what is down, how far replicas lag, how old backups are and how much
//! time is left; it walks a checklist whose every step runs only after a person confirms; it leaves with the post-mortem
//! written.
//!
//! # The house
//!
//! Six rooms and a hall. An arrow means "imports"; there is no circle, and `tests/house.rs` fails on an arrow that is not
//! drawn here.
//!
//! ```text
//!                    main.rs ─ cli ─ run.rs            the hall: may import every room
//!              ┌────────────┬──────────┴
//!           screen        world
//!              │          │    └──────┐
//!              └─ console ┘        systems
//!                    └────────┬───────┘
//!                          incident ─── drill
//! ```
//!
//! | room | is | never |
//! | --- | --- | --- |
//! | [`incident`] | what is true: measures, readings, the site, runbooks, acts and conditions, guards, the ladder, the journal's entries and their fold, the post-mortem | a clock, I/O, async, the terminal |
//! | [`systems`] | one folder a system: how it is seen and acted upon, live | console, screen, another system |
//! | [`console`] | what the operator is doing: `update(state, now, event) -> effects` | I/O, async, ratatui |
//! | [`screen`] | how it looks: `draw(state, theme, frame)` | I/O, deciding anything |
//! | [`world`] | what touches: terminal, files, watch loop, journal, the detached step runner | screen |
//! | [`drill`] | a world that is not there: scenarios and the simulated site, a pure state machine | I/O |
//! | the hall | [`tabletop`]: the console on a simulated site, by a clock of its own; [`run`]: the clock, one channel, effects carried out; [`cli`]: the command line | decisions |
//!
//! # The data's two roads
//!
//! **From a system to a pixel.** `world::watch` looks at each target with its own interval and time-out and sends
//! `Event::Observed`, one for all readings that come about the same time. Looks are spread over the interval and pass
//! `world::gate`, which bounds how many are under way over all and at one host; what is silent is asked more rarely
//! (`incident::judge::pause`). A time-out is a reading that failed, never a gap. `update` takes the readings in and derives
//! the vitals anew: standings come from `incident::judge` and `incident::replication`, ages are counted when they are shown, and
//! a reading older than three intervals is *unknown*. `screen` draws the state; the terminal gets only cells that changed,
//! one frame in flight, and never more than thirty a second.
//!
//! **From a key to the post-mortem.** A key becomes a command by the keymap. Running a step opens an `Ask`: the exact act,
//! resolved to endpoints, with its guards and checks evaluated live. Its answer makes a `Confirmed`, which only
//! `console::confirm` can make. The ledger writes the intent, syncs, and makes a `Committed`, which only a ledger can make.
//! The runner takes it: a process of its own, waiting at a gate until `Started` is on disk, which judges everything once more
//! and then acts. Its end becomes an entry. So the compiler refuses a step that was not confirmed, and one that was not
//! recorded. The incident's state is the fold of its entries, and so is the post-mortem.
//!
//! # Where building showed a better way than the plan
//!
//! - A system observes only its own target. What concerns two of them (a link's lag and loss, a timeline) is derived in
//!   `incident`, from the readings of both, so that it is pure and the same for every pair of systems.
//! - What is only looked at ([`systems::probe`]) brings back one of two sights, whatever it is: a check with its words and figure,
//!   or which backups there are. So a new one is a folder with one question in it.
//! - The host's word about a silent server ([`incident::reading::HostWord`]) is part of the reading: a fence that is proven
//!   freezes the loss in the pane as well as in the guards.
//! - A tabletop is one order of events in one process ([`tabletop::Session`]): its clock moves from one thing that is due to
//!   the next, so that scenario, seed and the hands at the keyboard decide everything. What runs in the runner's process in
//!   an outage is polled there, on a [`world::Systems`] with its own clock and stage. Its journal is not synced.
//! - A global database of Aurora is a target of its own, not an order to one of its instances: it is asked in a region that
//!   stands by, and whether writes may be lost is which order is given (`aurora.switchover`, `aurora.failover`).
//! - A command in a pod is a shell step with `kubectl exec`: its output, its exit and its time limit are a shell step's already.
//! - A step that an operator adds is a runbook of that one step, copied into the incident and chosen like any other: the road,
//!   the runner, a console that comes back and the post-mortem need nothing else for it.
//! - A site fills in the variables of runbooks (`[vars.RUNBOOK]`): names stay in one place, and a runbook names nothing.
//! - A file without a word of ours opens whatever it holds, and what can't be read in it is shown; one that has a card or a role is
//!   held to it, for a slip there could lose a gate. Drafts of an import carry marks, which stand for the faults below them.
//! - Only the desk ([`world::desk`]) writes an incident's journal. Runners write their end beside their evidence, and the
//!   desk of whichever console sees it first records it.

#![warn(
    clippy::dbg_macro,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::todo,
    clippy::unimplemented,
    clippy::unwrap_used
)]

pub mod cli;
pub mod console;
pub mod drill;
pub mod incident;
pub mod run;
pub mod screen;
pub mod systems;
pub mod tabletop;
pub mod world;
