//! The command line. Every command that prints tells errors in one line with what to do next, and has honest exit codes.

mod check;
mod console;
mod drill;
mod drills;
mod incident;
mod init;
mod live;
mod metrics;
mod runbook;
mod site;
mod status;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::incident::fault::Weight;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::sitefile;
use crate::systems::registry;
use crate::world::runner::{self, child::Wiring};

/// Wrong arguments, or a faulty file.
const FAULTY: u8 = 2;

#[derive(Debug, Parser)]
#[command(name = "warroom", version, about = "A full-screen incident console")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Default, Args)]
struct Common {
    /// The site file [default: $XDG_CONFIG_HOME/warroom/site.toml]
    #[arg(long, value_name = "FILE", env = "WARROOM_SITE", global = true)]
    site: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Resume or join an incident: the newest open one, or the one named
    Open {
        /// `INC-2026-0007`
        incident: Option<String>,
        /// Look without touching
        #[arg(long)]
        observe: bool,
    },
    /// Every vital once; exit 0 fine, 1 watch, 2 breach, 3 unknown or a faulty site
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Writes a first site file from what this machine can see
    Init(init::Where),
    /// Vitals, backups and drills as OpenMetrics
    Metrics(metrics::To),
    /// Faults in site file, runbooks, themes and keymaps, as FILE:LINE:COL
    Check {
        /// Also looks at every target once, and for every program its runbooks need
        #[arg(long, conflicts_with = "files")]
        live: bool,
        /// Lists the rules for runbooks instead: each one's code, and why it matters
        #[arg(long, conflicts_with_all = ["files", "live"])]
        rules: bool,
        /// Files, or folders of them, to check [default: the site file and everything it uses]
        files: Vec<PathBuf>,
    },
    /// List, show or dry-run runbooks
    #[command(subcommand)]
    Runbook(runbook::Command),
    /// List, show, verify incidents, or write their post-mortem
    #[command(subcommand)]
    Incident(incident::Command),
    /// A tabletop on a simulated site: nothing is configured, nothing real is touched
    Drill(drill::Args),
    /// The schedule of drills: last held, result, next due, and what is to be done for it
    Drills {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(subcommand)]
        command: Option<drills::Command>,
    },
    /// The step runner: started by the console, never by hand
    #[command(name = "__run", hide = true)]
    Run {
        /// The incident's folder, the intent's number, the site file
        args: Vec<OsString>,
    },
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let common = cli.common;
    match cli.command {
        None => console::watch(&common),
        Some(Command::Open { incident, observe }) => {
            let code = console::open(&common, incident.as_deref(), observe);
            live::reports(&common);
            code
        }
        Some(Command::Status { json }) => status::status(&common, json),
        Some(Command::Init(at)) => init::init(&common, &at),
        Some(Command::Metrics(to)) => metrics::metrics(&common, &to),
        Some(Command::Check { rules: true, .. }) => check::rules(),
        Some(Command::Check { live, files, .. }) => check::check(&common, &files, live),
        Some(Command::Runbook(command)) => runbook::run(&common, command),
        Some(Command::Incident(command)) => incident::run(&common, command),
        Some(Command::Drill(args)) => drill::drill(&common, &args),
        Some(Command::Drills { json, command }) => drills::run(&common, command, json),
        Some(Command::Run { args }) => run_step(&args),
    }
}

/// The detached runner of one step, wired with the site file's reader and the systems there are.
fn run_step(args: &[OsString]) -> ExitCode {
    let wiring = Wiring {
        site: |path, text| {
            let base = path.parent().unwrap_or(Path::new("/"));
            let name = path.display().to_string();
            let (site, faults) = sitefile::parse(&name, text, base);
            let fault = faults.iter().find(|f| f.weight == Weight::Fault);
            site.ok_or_else(|| {
                let what = fault.map_or("the site file can't be read".into(), ToString::to_string);
                Failure::new(FailureKind::Local, name, what, "warroom check")
            })
        },
        systems: registry::open,
    };
    runner::child::run(args, &wiring)
}

/// Prints to standard output. A reader that has gone (`| head`) is no error.
fn say(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = out
        .write_all(text.as_ref().as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
}

/// Prints one line to standard error.
fn complain(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "warroom: {}", text.as_ref());
}

/// Says what is wrong and gives the exit code for it.
fn fail(text: impl AsRef<str>) -> ExitCode {
    complain(text);
    ExitCode::from(FAULTY)
}

/// Runs async work to its end.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(work))
}
