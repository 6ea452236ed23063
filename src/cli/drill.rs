//! `warroom drill`: a tabletop on a simulated site. Nothing is configured, and nothing real can be reached.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chrono::SubsecRound;
use serde_json::json;

use super::{Common, FAULTY, block_on, complain, console, fail, live, say, site};
use crate::console::event::Loaded;
use crate::console::facilitator::Facilitator;
use crate::console::keymap::Keymap;
use crate::drill::scenario::{Grade, Scenario};
use crate::incident::journal::digest;
use crate::incident::reading::Failure;
use crate::incident::site::Site;
use crate::screen::Theme;
use crate::tabletop::facilitation::{Booth, Line};
use crate::tabletop::record::Recording;
use crate::tabletop::show::{self, Booked, Participants, Show};
use crate::tabletop::{Beginning, Script, Session, pilot, scenarios};
use crate::world::{actor, clock, places, shelf, terminal};

/// How much faster than the hands' an exercise's time may run.
const FASTEST: u32 = 20;

/// The screen of an exercise that nobody looks at.
const UNSEEN: (u16, u16) = (120, 36);

/// A drill that came to PARTIAL or FAIL.
const PARTIAL: u8 = 1;
const FAILED: u8 = 3;

/// What a drill is started with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The scenario [default: region-lost]
    scenario: Option<String>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
    /// With --list: as JSON
    #[arg(long, requires = "list")]
    json: bool,
    /// How much faster time runs, 1 to 20
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    speed: u32,
    /// What the scenario's chances follow from [default: taken from the clock]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Walk the scenario's reference solution without a terminal; exit 0 PASS, 1 PARTIAL, 3 FAIL
    #[arg(long)]
    auto: bool,
    /// With --auto: walk the way that does harm instead
    #[arg(long, requires = "auto")]
    losing: bool,
    /// Drill on real targets, of which only those marked with drill = true are touched
    #[arg(long, conflicts_with_all = ["auto", "scenario", "keys", "facilitate", "list", "talk", "seed", "speed"])]
    live: bool,
    /// Walk a runbook of your own, on a simulation of the site (--site FILE, else of the built-in one)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["auto", "scenario", "keys"])]
    runbook: Option<PathBuf>,
    /// With --runbook: on no site at all; every act is described, none is played
    #[arg(long, requires = "runbook")]
    talk: bool,
    /// Play a recorded session again: keys.jsonl of a drill's folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["auto", "seed", "scenario"])]
    keys: Option<PathBuf>,
    /// Join a tabletop that is under way as its facilitator: the one of that incident, TTX-2026-0001, or the only one
    #[arg(long, value_name = "INCIDENT", num_args = 0..=1, conflicts_with_all = ["auto", "seed", "scenario", "keys", "speed"])]
    facilitate: Option<Option<String>>,
}

/// Plays a scenario.
pub fn drill(common: &Common, args: &Args) -> ExitCode {
    if args.list {
        return list(args.json);
    }
    if args.live {
        return live::live(common, args.runbook.as_ref());
    }
    let log = match log(common) {
        Ok(log) => log,
        Err(failure) => return fail(failure.to_string()),
    };
    if let Some(incident) = &args.facilitate {
        return facilitate(&log, incident.as_deref());
    }
    if !(1..=FASTEST).contains(&args.speed) {
        return fail(format!("--speed {}: write 1 to {FASTEST}", args.speed));
    }
    if let Some(file) = &args.keys {
        return replay(&log, file);
    }
    let seed = args
        .seed
        .unwrap_or_else(|| clock::now().wall.timestamp().unsigned_abs());
    if let Some(file) = &args.runbook {
        return match walk_of(common, &log, file, args.talk) {
            Ok(play) => played(play, seed, args.speed),
            Err(code) => code,
        };
    }
    let play = match scenario(args.scenario.as_deref()) {
        Ok(found) => Play::of(&log, found),
        Err(code) => return code,
    };
    match args.auto {
        true => auto(play, seed, args.losing),
        false => played(play, seed, args.speed),
    }
}

/// The state folder: of the site that is configured, where its file can be read; a tabletop needs none.
fn log(common: &Common) -> Result<PathBuf, Failure> {
    let parsed = site::path(common).and_then(|path| site::parse(&path).ok());
    let site = parsed.and_then(|(site, _)| site);
    places::state_root(&site.unwrap_or_else(Site::empty))
}

/// What is played, and the runbooks that can be chosen in it.
struct Play {
    script: Script,
    library: Vec<Loaded>,
    /// The state folder whose log of drills it goes into: that of the site that is configured, if one is.
    log: PathBuf,
}

impl Play {
    fn of(log: &Path, (scenario, text): (Scenario, String)) -> Self {
        Self {
            log: log.to_owned(),
            library: scenarios::library(&scenario.site),
            script: Script {
                scenario: Arc::new(scenario),
                digest: digest(text.as_bytes()),
                talk: false,
            },
        }
    }
}

/// The walk of a runbook: on the site that was named, else on the built-in one, or on none.
fn walk_of(common: &Common, log: &Path, file: &Path, talk: bool) -> Result<Play, ExitCode> {
    let loaded = shelf::of_file(file).map_err(fail)?;
    let site = match (talk, &common.site) {
        (true, _) => Site::empty(),
        (false, Some(_)) => (*site::read(common)?.1).clone(),
        (false, None) => scenario(None)?.0.site,
    };
    let scenario = Scenario::of_runbook(&loaded.runbook, &site);
    let script = Script {
        scenario: Arc::new(scenario),
        digest: loaded.runbook.digest.clone(),
        talk,
    };
    let others = scenarios::library(&site).into_iter();
    let others = others.filter(|other| other.runbook.id != loaded.runbook.id);
    let library = [loaded.clone()].into_iter().chain(others).collect();
    Ok(Play {
        script,
        library,
        log: log.to_owned(),
    })
}

fn list(as_json: bool) -> ExitCode {
    // One with faults is not listed; warroom check says what is wrong with it.
    let all = scenarios::all();
    let scenarios = all.iter().filter_map(|found| found.read().0);
    match as_json {
        true => {
            let rows = scenarios.map(|s| {
                json!({
                    "id": s.id,
                    "title": s.title,
                    "summary": s.summary,
                    "kind": s.kind,
                    "severity": s.severity,
                    "takes_seconds": s.takes.as_secs(),
                })
            });
            say(json!(rows.collect::<Vec<_>>()).to_string());
        }
        false => scenarios.for_each(|s| say(format!("{:<20} {}", s.id, s.summary))),
    }
    ExitCode::SUCCESS
}

/// By people, at this terminal.
fn played(play: Play, seed: u64, speed: u32) -> ExitCode {
    if !(std::io::stdin().is_terminal() && terminal::is_terminal()) {
        return fail(
            "standard input and output are no terminal — use warroom drill --auto in scripts",
        );
    }
    let (theme, keymap) = match console::look(&Site::empty()) {
        Ok(look) => look,
        Err(code) => return code,
    };
    let begun = begin(play, seed, speed, keymap, terminal::size());
    let mut session = match begun {
        Ok(session) => session,
        Err(code) => return code,
    };
    session.brief();
    match on_terminal(session, &theme) {
        Ok(session) => ended(session, seed, false),
        Err(why) => fail(why),
    }
}

fn on_terminal(session: Session, theme: &Theme) -> Result<Session, String> {
    let mut participants = Participants {
        // Without its booth a tabletop has no facilitator, and goes on.
        booth: Booth::open(&session.root).ok(),
        session,
        told: None,
    };
    shown(&mut participants, theme)?;
    Ok(participants.session)
}

fn shown(show: &mut (dyn Show + Send), theme: &Theme) -> Result<(), String> {
    block_on(show::show(show, theme))
        .map_err(|e| format!("the runtime can't be started: {e}"))?
        .map_err(|e| format!("the terminal can't be taken over: {e}"))
}

/// The facilitator's console, at a terminal of its own.
fn facilitate(log: &Path, incident: Option<&str>) -> ExitCode {
    let line = match Line::find(&places::tabletops(log), incident) {
        Ok(line) => line,
        Err(why) => return fail(why),
    };
    if !terminal::is_terminal() {
        return fail("standard input and output are no terminal");
    }
    let (theme, _) = match console::look(&Site::empty()) {
        Ok(look) => look,
        Err(code) => return code,
    };
    let mut booked = Booked {
        line,
        state: Facilitator::default(),
        heard: Duration::ZERO,
    };
    match shown(&mut booked, &theme) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(why),
    }
}

/// By an operator that is not there, at full speed.
fn auto(play: Play, seed: u64, losing: bool) -> ExitCode {
    let scenario = Arc::clone(&play.script.scenario);
    let moves = match losing {
        true => scenario.losing.moves.clone(),
        false => scenario.solution.clone(),
    };
    let begun = keymap().and_then(|keymap| begin(play, seed, 1, keymap, UNSEEN));
    let mut session = match begun {
        Ok(session) => session,
        Err(code) => return code,
    };
    if let Err(why) = pilot::walk(&mut session, &moves) {
        complain(format!("the walk stopped: {why}"));
    }
    ended(session, seed, true)
}

/// The very session that was recorded.
fn replay(log: &Path, file: &Path) -> ExitCode {
    let name = file.display().to_string();
    let read = std::fs::read_to_string(file).map_err(|e| format!("{name}: {e}"));
    let recording = match read.and_then(|text| Recording::read(&name, &text)) {
        Ok(recording) => recording,
        Err(why) => return fail(why),
    };
    let head = &recording.head;
    let play = match scenario(Some(&head.scenario)) {
        Ok(found) => Play::of(log, found),
        Err(code) => return code,
    };
    if play.script.digest != head.digest {
        return fail(format!(
            "{name}: {} was another scenario then — what it came to can't be had again",
            head.scenario
        ));
    }
    let (seed, speed, size) = (head.seed, head.speed.clamp(1, FASTEST), head.size);
    let begun = keymap().and_then(|keymap| begin(play, seed, speed, keymap, size));
    let mut session = match begun {
        Ok(session) => session,
        Err(code) => return code,
    };
    for line in &recording.lines {
        let hand = match line.did.hand() {
            Ok(hand) => hand,
            Err(why) => return fail(format!("{name}: {why}")),
        };
        session.advance(Duration::from_millis(line.at));
        session.hands(hand, Duration::from_millis(line.hand));
    }
    ended(session, seed, true)
}

/// The keys of a session without a terminal are the default ones.
fn keymap() -> Result<Keymap, ExitCode> {
    shelf::keymap("default").map_err(|faults| {
        site::print(&faults);
        ExitCode::from(FAULTY)
    })
}

fn begin(
    play: Play,
    seed: u64,
    speed: u32,
    keymap: Keymap,
    size: (u16, u16),
) -> Result<Session, ExitCode> {
    Ok(Session::new(Beginning {
        library: play.library,
        script: play.script,
        seed,
        // Whole seconds: what the console says of an instant must not differ by when in a second it began.
        begins: clock::now().wall.trunc_subsecs(0),
        root: places::tabletops(&play.log),
        log: play.log,
        speed,
        actor: actor(),
        keymap,
        size,
        key: console::secret_key(),
    }))
}

/// Says what it came to. Of people who leave before they declared anything nothing is asked.
fn ended(mut session: Session, seed: u64, scripted: bool) -> ExitCode {
    if session.state.incident.is_none() && !scripted {
        say("TABLETOP: nothing was declared, and nothing is recorded");
        return ExitCode::SUCCESS;
    }
    let ended = match session.finish() {
        Ok(ended) => ended,
        Err(failure) => return fail(failure.to_string()),
    };
    let incident = session.state.incident.as_ref();
    let id = incident.map_or("no incident".into(), |i| i.declaration.id.to_string());
    say(format!(
        "TABLETOP {id}, seed {seed}: {}",
        ended.grade.word()
    ));
    ended
        .reasons
        .iter()
        .for_each(|reason| say(format!("  {reason}")));
    if let Some(report) = ended.report {
        say(format!("report: {}", report.display()));
    }
    match ended.grade {
        Grade::Pass => ExitCode::SUCCESS,
        Grade::Partial => ExitCode::from(PARTIAL),
        Grade::Fail => ExitCode::from(FAILED),
    }
}

/// The scenario of that name, and its text; its faults are printed.
fn scenario(name: Option<&str>) -> Result<(Scenario, String), ExitCode> {
    let found = scenarios::find(name).map_err(fail)?;
    match found.read() {
        (Some(scenario), _) => Ok((scenario, found.text)),
        (None, faults) => {
            site::print(&faults);
            Err(ExitCode::from(FAULTY))
        }
    }
}
