//! `warroom drill`: a tabletop on a simulated site. Nothing is configured, and nothing real can be reached.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use super::{FAULTY, block_on, console, fail, say, site};
use crate::drill::scenario::{Scenario, built_in, read};
use crate::incident::fault::nearest;
use crate::incident::journal::digest;
use crate::incident::site::Site;
use crate::run;
use crate::tabletop::{Beginning, Script, Session};
use crate::world::{actor, clock, places, shelf, terminal};

/// How much faster than the hands' an exercise's time may run.
const FASTEST: u32 = 20;

/// What a drill is started with.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The scenario [default: region-lost]
    scenario: Option<String>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
    /// How much faster time runs, 1 to 20
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    speed: u32,
    /// What the scenario's chances follow from [default: taken from the clock]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// Plays a scenario.
pub fn drill(args: &Args) -> ExitCode {
    if args.list {
        for (id, text) in built_in::SCENARIOS {
            if let (Some(scenario), _) = read::parse(id, id, text) {
                say(format!("{id:<16} {}", scenario.summary));
            }
        }
        return ExitCode::SUCCESS;
    }
    if !(1..=FASTEST).contains(&args.speed) {
        return fail(format!("--speed {}: write 1 to {FASTEST}", args.speed));
    }
    let (scenario, text) = match scenario(args.scenario.as_deref()) {
        Ok(found) => found,
        Err(code) => return code,
    };
    if !(std::io::stdin().is_terminal() && terminal::is_terminal()) {
        return fail("standard input and output are no terminal — warroom drill --list in scripts");
    }
    let (theme, keymap) = match console::look(&Site::empty()) {
        Ok(look) => look,
        Err(code) => return code,
    };
    let now = clock::now();
    let seed = args
        .seed
        .unwrap_or_else(|| now.wall.timestamp().unsigned_abs());
    let root = match places::state_root(&Site::empty()) {
        Ok(root) => root.join("tabletops"),
        Err(failure) => return fail(failure.to_string()),
    };
    let mut session = Session::new(Beginning {
        library: shelf::runbooks(&scenario.site),
        script: Script {
            scenario: Arc::new(scenario),
            digest: digest(text.as_bytes()),
        },
        seed,
        begins: now.wall,
        root,
        actor: actor(),
        keymap,
        size: terminal::size(),
        key: console::secret_key(),
    });
    session.pace(args.speed);
    session.brief();
    match block_on(run::play(session, theme)) {
        Ok(Ok(dir)) => {
            if let Some(dir) = dir {
                say(format!(
                    "TABLETOP, seed {seed}: recorded in {}",
                    dir.display()
                ));
            }
            ExitCode::SUCCESS
        }
        Ok(Err(e)) => fail(format!("the terminal can't be taken over: {e}")),
        Err(e) => fail(format!("the runtime can't be started: {e}")),
    }
}

fn scenario(name: Option<&str>) -> Result<(Scenario, &'static str), ExitCode> {
    let names = || built_in::SCENARIOS.iter().map(|(id, _)| *id);
    let wanted = name.or(names().next()).unwrap_or_default();
    let Some((id, text)) = built_in::SCENARIOS.iter().find(|(id, _)| *id == wanted) else {
        let advice = match nearest(wanted, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => "warroom drill --list".to_owned(),
        };
        return Err(fail(format!("{wanted}: no such scenario — {advice}")));
    };
    match read::parse(&format!("built in: {id}.toml"), id, text) {
        (Some(scenario), _) => Ok((scenario, text)),
        (None, faults) => {
            site::print(&faults);
            Err(ExitCode::from(FAULTY))
        }
    }
}
