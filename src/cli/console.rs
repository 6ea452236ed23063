//! `warroom` and `warroom open`: the console itself.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Common, FAULTY, block_on, fail, site};
use crate::console::event::Loaded;
use crate::console::state::{Message, State};
use crate::incident::drills::schedule;
use crate::incident::fault::Weight;
use crate::incident::journal::{Actor, Mode};
use crate::incident::site::Site;
use crate::run::{self, Setup};
use crate::screen::theme::{self, Theme};
use crate::systems::registry;
use crate::world::desk::{self, Desk};
use crate::world::{Systems, actor, clock, drillog, incidents, places, shelf, terminal};

/// Room for what is reported while a frame is drawn.
const EVENTS: usize = 1_024;

/// Watches the site; an incident may be declared.
pub fn watch(common: &Common) -> ExitCode {
    start(common, Mode::Real, None, None, false)
}

/// A drill on real targets; `own` is a runbook that joins the library.
pub fn drill(common: &Common, own: Option<Loaded>) -> ExitCode {
    start(common, Mode::Drill, own, None, false)
}

/// Resumes an incident.
pub fn open(common: &Common, incident: Option<&str>, observe: bool) -> ExitCode {
    start(common, Mode::Real, None, Some(incident), observe)
}

/// What secrets are hashed with in intents: random, of this console only, in memory only.
pub(super) fn secret_key() -> Vec<u8> {
    let mut key = vec![0; 32];
    let read =
        std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut key));
    // Without randomness the hashes of secrets would tell something of them: better none that compare.
    if read.is_err() {
        key.clear();
    }
    key
}

fn start(
    common: &Common,
    mode: Mode,
    own: Option<Loaded>,
    wanted: Option<Option<&str>>,
    observe: bool,
) -> ExitCode {
    let (path, site) = match site::read(common) {
        Ok(found) => found,
        Err(code) => return code,
    };
    let look = match look(&site) {
        Ok(look) => look,
        Err(code) => return code,
    };
    if !terminal::is_terminal() {
        return fail("standard input and output are no terminal — use warroom status in scripts");
    }
    match block_on(run(path, site, look, (mode, own), wanted, observe)) {
        Ok(Ok(code)) => code,
        Ok(Err(why)) => fail(why),
        Err(e) => fail(format!("the runtime can't be started: {e}")),
    }
}

/// Theme and keymap: every fault of both is printed, and nothing is started.
pub(super) fn look(site: &Site) -> Result<(Theme, crate::console::keymap::Keymap), ExitCode> {
    let mut faults = Vec::new();
    let theme = match shelf::theme(&site.theme) {
        Ok(text) => {
            let (theme, found) = theme::parse(&text.name, &text.text);
            faults.extend(found);
            theme
        }
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let keymap = shelf::keymap(&site.keymap)
        .map_err(|found| faults.extend(found))
        .ok();
    match (theme, keymap) {
        (Some(theme), Some(keymap)) if faults.iter().all(|f| f.weight == Weight::Warning) => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            Ok((if plain { Theme::mono() } else { theme }, keymap))
        }
        _ => {
            site::print(&faults);
            Err(ExitCode::from(FAULTY))
        }
    }
}

async fn run(
    path: PathBuf,
    site: Arc<Site>,
    (theme, keymap): (Theme, crate::console::keymap::Keymap),
    (mode, own): (Mode, Option<Loaded>),
    wanted: Option<Option<&str>>,
    observe: bool,
) -> Result<ExitCode, String> {
    let root = places::state_root(&site).map_err(|failure| failure.to_string())?;
    let others = shelf::runbooks(&site).into_iter().filter(|other| {
        own.as_ref()
            .is_none_or(|own| own.runbook.id != other.runbook.id)
    });
    let others: Vec<Loaded> = others.collect();
    let library = Arc::new(own.into_iter().chain(others).collect());
    let (sender, events) = mpsc::channel(EVENTS);
    let systems = Systems::real(registry::open(&site));
    let actor: Actor = actor();
    let now = clock::now();
    let mut state = State::new(
        Arc::clone(&site),
        mode,
        actor.clone(),
        keymap,
        library,
        terminal::size(),
        now.clone(),
    );
    state.memory.observing = observe;
    state.memory.key = secret_key();
    let past = incidents::past(&root, &site);
    state.memory.promotions = past.promotions;
    state.memory.restore_tests = past.restore_tests;
    state.memory.history = past.history;
    let (log, _) = drillog::read(&root);
    let drills = schedule::schedule(&site.drills, &log, now.wall);
    let reminder = schedule::reminder(&drills, now.wall).map(|words| Message { words, bad: false });
    let context = desk::Context {
        root,
        site,
        site_file: path,
        actor,
    };
    // Who opens the console while an incident is open wants to be in it, not beside it.
    // A drill is an incident of its own.
    let open = || incidents::find(&context.root, None).is_ok().then_some(None);
    let wanted = match mode {
        Mode::Real => wanted.or_else(open),
        Mode::Drill | Mode::Tabletop => wanted,
    };
    let (desk, resumed) = match wanted {
        None => (Desk::start(context, sender.clone()), None),
        Some(name) => {
            let (desk, resumed) = Desk::resume(context, name, sender.clone()).await?;
            (desk, Some(resumed))
        }
    };
    if let Some(resumed) = resumed {
        state.resume(&resumed.incident, resumed.runbooks);
        state.trouble = resumed.trouble;
    } else {
        state.message = reminder;
    }
    let setup = Setup {
        state,
        theme,
        systems,
        desk,
        events,
        sender,
    };
    run::run(setup)
        .await
        .map_err(|e| format!("the terminal can't be taken over: {e}"))
}
