//! `warroom runbook`: what runbooks there are, what one says, and what it would do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Common, FAULTY, block_on, fail, say, site};
use crate::console::asking::code_words;
use crate::console::keymap::Keymap;
use crate::console::resolving;
use crate::console::road;
use crate::console::state::State;
use crate::incident::clean::Clean;
use crate::incident::fault::Weight;
use crate::incident::journal::{
    Actor, Chosen, Declaration, Entry, Fact, Incident, Mode, Note, Resolved, Seq,
};
use crate::incident::names::{IncidentId, RunbookId};
use crate::incident::reading::{Holds, Verdict};
use crate::incident::runbook::{self, Code, Part, Runbook, Vars};
use crate::incident::site::Site;
use crate::systems::registry;
use crate::world::{Systems, actor, clock, evaluate, shelf};

/// What can be done with runbooks.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every runbook: the site's, the user's, the built-in ones
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// A runbook's text
    Show {
        /// A name of the list, or a file
        runbook: String,
    },
    /// A draft in warroom's format of a plain Markdown runbook: ids, cards and variables are added, every guess is marked for review
    Import {
        /// The plain runbook
        file: PathBuf,
        /// Where the draft goes; a file that is there is left alone [default: printed]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// A checklist to print, or the whole runbook as JSON
    Export {
        /// A name of the list, or a file
        runbook: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Evaluate every check and resolve every act; nothing is executed
    DryRun {
        /// A name of the list, or a file
        runbook: String,
        /// A variable's value
        #[arg(long = "var", value_name = "NAME=VALUE")]
        vars: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries a command out.
pub fn run(common: &Common, command: Command) -> ExitCode {
    let site = match (&command, site::path(common)) {
        (Command::DryRun { .. }, _) | (_, Some(_)) => match site::read(common) {
            Ok((_, site)) => site,
            Err(code) => return code,
        },
        (_, None) => Arc::new(Site::empty()),
    };
    match command {
        Command::List { json } => list(&site, json),
        Command::Show { runbook } => match shelf::runbook(&site, &runbook) {
            Ok(text) => {
                say(text.text.trim_end());
                ExitCode::SUCCESS
            }
            Err(why) => fail(why),
        },
        Command::Import { file, out } => import(&file, out.as_deref()),
        Command::Export { runbook, json } => export(&site, &runbook, json),
        Command::DryRun {
            runbook,
            vars,
            json,
        } => match dry_run(&site, &runbook, &vars) {
            Ok(steps) => report(&runbook, &steps, json),
            Err(code) => code,
        },
    }
}

fn list(site: &Site, as_json: bool) -> ExitCode {
    let library = shelf::runbooks(site);
    if as_json {
        let rows: Vec<Value> = library
            .iter()
            .map(|l| {
                json!({
                    "id": l.runbook.id, "title": l.runbook.title, "summary": l.runbook.card.summary,
                    "severity": l.runbook.card.severity, "steps": l.runbook.steps.len(), "origin": l.origin,
                    "refused": l.refused,
                })
            })
            .collect();
        say(serde_json::to_string_pretty(&rows).unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let width = library
        .iter()
        .map(|l| l.runbook.id.as_str().chars().count())
        .max()
        .unwrap_or(0);
    for loaded in &library {
        let runbook = &loaded.runbook;
        let words = runbook.card.summary.as_deref().unwrap_or(&runbook.title);
        say(format!(
            "{:<width$}  {:>2} steps  {words}",
            runbook.id,
            runbook.steps.len()
        ));
        if let Some(why) = &loaded.refused {
            say(format!("{:<width$}  refused: {why}", ""));
        }
    }
    ExitCode::SUCCESS
}

/// A draft of a plain runbook, printed or written to a new file.
fn import(file: &Path, out: Option<&Path>) -> ExitCode {
    let name = file.display().to_string();
    let text = match shelf::text(file) {
        Ok(text) => text,
        Err(why) => return fail(format!("{name}: {why}")),
    };
    let stem = out.unwrap_or(file).file_stem().unwrap_or_default();
    let id = RunbookId(stem.to_string_lossy().into_owned());
    let draft = match runbook::draft(&name, &text, id) {
        Ok(draft) => draft,
        Err(why) => return fail(why),
    };
    let Some(out) = out else {
        say(draft.trim_end());
        return ExitCode::SUCCESS;
    };
    let written = File::create_new(out).and_then(|mut new| new.write_all(draft.as_bytes()));
    match written {
        Ok(()) => {
            let marks = draft.matches(runbook::REVIEW).count();
            say(format!(
                "{}: a draft with {marks} marks for review — warroom check {0} lists them",
                out.display()
            ));
            ExitCode::SUCCESS
        }
        Err(why) => fail(format!(
            "{}: the draft can't be written: {why}",
            out.display()
        )),
    }
}

/// A runbook as a checklist to print, or as JSON.
fn export(site: &Site, name: &str, as_json: bool) -> ExitCode {
    let runbook = match read(site, name) {
        Ok(runbook) => runbook,
        Err(code) => return code,
    };
    match as_json {
        true => say(serde_json::to_string_pretty(&runbook::as_json(&runbook)).unwrap_or_default()),
        false => say(runbook::checklist(&runbook).trim_end()),
    }
    ExitCode::SUCCESS
}

/// The runbook of that name or file; its faults are printed.
fn read(site: &Site, name: &str) -> Result<Runbook, ExitCode> {
    let text = shelf::runbook(site, name).map_err(fail)?;
    let stem = Path::new(name)
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned());
    let (runbook, faults) =
        runbook::parse(&text.name, &text.text, RunbookId(stem.unwrap_or_default()));
    if faults.iter().any(|f| f.weight == Weight::Fault) {
        site::print(&faults);
        return Err(ExitCode::from(FAULTY));
    }
    runbook.ok_or_else(|| fail(format!("{name}: no runbook in it")))
}

/// A step as a dry run saw it.
struct Dry {
    title: String,
    acts: Vec<Result<Resolved, String>>,
    ticks: Vec<String>,
    verdicts: Vec<(&'static str, String, Verdict)>,
}

fn dry_run(site: &Arc<Site>, name: &str, vars: &[String]) -> Result<Vec<Dry>, ExitCode> {
    let runbook = shelf::filled_in(site, &Arc::new(read(site, name)?));
    let vars = values(&runbook, vars).map_err(fail)?;
    let state = walking(site, &runbook, vars).map_err(fail)?;
    let systems = Systems::real(registry::open(site));
    block_on(walk(&state, &runbook, site, &systems)).map_err(|e| fail(e.to_string()))
}

/// Values of the runbook's variables: given, else their defaults.
fn values(runbook: &Runbook, given: &[String]) -> Result<Vars, String> {
    let mut values = Vars::new();
    for pair in given {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("--var {pair}: write NAME=VALUE"))?;
        if !runbook.card.vars.iter().any(|v| v.name == name) {
            return Err(format!("--var {name}: {} has no such variable", runbook.id));
        }
        values.insert(name.to_owned(), value.to_owned());
    }
    for var in runbook.card.vars.iter().filter(|v| !v.secret) {
        match (values.contains_key(&var.name), &var.default) {
            (true, _) => {}
            (false, Some(default)) => {
                values.insert(var.name.clone(), default.clone());
            }
            (false, None) => {
                return Err(format!(
                    "{} has no default — give it with --var {}=VALUE",
                    var.name, var.name
                ));
            }
        }
    }
    Ok(values)
}

/// Variables that steps set when they run: a dry run does not know their values.
fn found_out(runbook: &Runbook) -> impl Iterator<Item = &str> {
    let actions = runbook.steps.iter().flat_map(|step| step.actions());
    actions.filter_map(|action| action.attrs.keep_as.as_deref())
}

/// Stands for such a value, so that what would run can be shown.
fn stand_in(name: &str) -> String {
    format!("${name}")
}

/// What depends on a value that is not known yet can't be: an answer about the stand-in would be one about nothing.
fn not_yet(runbook: &Runbook, name: &str, verdict: Verdict) -> Verdict {
    match found_out(runbook).find(|var| name.contains(&stand_in(var))) {
        Some(var) => Verdict {
            holds: Holds::Unknown,
            saw: Clean::new(&format!(
                "${var} is not known before an earlier step has run"
            )),
            badness: None,
        },
        None => verdict,
    }
}

/// A console in which the runbook was chosen, in memory only: it resolves acts as the real one does.
fn walking(site: &Arc<Site>, runbook: &Arc<Runbook>, vars: Vars) -> Result<State, String> {
    let now = clock::now();
    let who: Actor = actor();
    let severity = site
        .severities
        .first()
        .map(|s| s.id.clone())
        .unwrap_or_else(|| "SEV-1".into());
    let declared = Fact::Declared(Declaration {
        id: IncidentId("DRY-RUN".into()),
        mode: Mode::Real,
        site: site.name.clone(),
        title: "dry run".into(),
        severity,
        category: None,
        detected: now.wall,
    });
    let chosen = Fact::Note(Note::Chosen(Box::new(Chosen {
        vars,
        ..Chosen::of(1, runbook)
    })));
    let later = found_out(runbook).map(|name| {
        let value = Some(Clean::new(&stand_in(name)));
        Fact::Note(Note::Captured {
            walk: 1,
            name: name.to_owned(),
            value,
        })
    });
    let facts = [declared, chosen].into_iter().chain(later);
    let entries: Vec<Entry> = (1..)
        .zip(facts)
        .map(|(seq, fact)| Entry {
            seq: Seq(seq),
            at: now.clone(),
            actor: who.clone(),
            fact,
            prev: String::new(),
        })
        .collect();
    let incident = Incident::fold(&entries).map_err(|gap| gap.to_string())?;
    let mut state = State::new(
        Arc::clone(site),
        Mode::Real,
        who,
        Keymap::default(),
        Arc::default(),
        (80, 24),
        now,
    );
    state.resume(&incident, BTreeMap::from([(1, Arc::clone(runbook))]));
    Ok(state)
}

async fn walk(state: &State, runbook: &Runbook, site: &Site, systems: &Systems) -> Vec<Dry> {
    let mut steps = Vec::new();
    for step in &runbook.steps {
        let mut dry = Dry {
            title: step.title.clone(),
            acts: Vec::new(),
            ticks: Vec::new(),
            verdicts: Vec::new(),
        };
        for part in &step.parts {
            match part {
                Part::Tick(tick) => dry.ticks.push(tick.text.clone()),
                Part::Action(action) => {
                    dry.acts.push(resolving::resolve(
                        state,
                        &road::action_ref(1, &step.id, action),
                    ));
                }
            }
        }
        for action in &step.rollback {
            dry.acts.push(resolving::resolve(
                state,
                &road::action_ref(1, &step.id, action),
            ));
        }
        let whole = resolving::look(state, 1, &step.id);
        let acts = dry.acts.iter().filter_map(|act| act.as_ref().ok());
        for resolved in acts.chain(whole.as_ref().ok()) {
            let seen = evaluate::evaluate(resolved, site, systems).await;
            let guards = seen
                .guards
                .into_iter()
                .map(|(name, verdict)| ("guard", name, verdict));
            let checks = seen
                .checks
                .into_iter()
                .map(|(name, verdict)| ("check", name, verdict));
            let verify = seen
                .verify
                .into_iter()
                .map(|(name, verdict)| ("verify", name, verdict));
            for (kind, name, verdict) in guards.chain(checks).chain(verify) {
                let verdict = not_yet(runbook, &name, verdict);
                let row = (kind, name, verdict);
                if !dry
                    .verdicts
                    .iter()
                    .any(|(kind, name, _)| (*kind, name) == (row.0, &row.1))
                {
                    dry.verdicts.push(row);
                }
            }
        }
        steps.push(dry);
    }
    steps
}

fn report(name: &str, steps: &[Dry], as_json: bool) -> ExitCode {
    let resolved = steps.iter().flat_map(|s| &s.acts).all(Result::is_ok);
    if as_json {
        let rows: Vec<Value> = steps.iter().map(dry_value).collect();
        say(
            serde_json::to_string_pretty(&json!({ "runbook": name, "steps": rows }))
                .unwrap_or_default(),
        );
        return if resolved {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAULTY)
        };
    }
    say(format!(
        "{name}: dry run — every check evaluated now, every act resolved, nothing executed."
    ));
    say("Later steps are seen in the state before the earlier ones.");
    for (n, dry) in steps.iter().enumerate() {
        say(format!("\n{} {}", n + 1, dry.title));
        for tick in &dry.ticks {
            say(format!("  ☐ {tick}"));
        }
        for act in &dry.acts {
            match act {
                Ok(resolved) => say_act(resolved),
                Err(why) => say(format!("  ✖ can't be resolved: {why}")),
            }
        }
        for (kind, name, verdict) in &dry.verdicts {
            say(format!(
                "  {} {kind:<6} {name}: {}",
                symbol(verdict),
                verdict.saw.one_line()
            ));
        }
    }
    if resolved {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAULTY)
    }
}

fn say_act(resolved: &Resolved) {
    let targets: Vec<String> = resolved
        .targets
        .iter()
        .map(|p| format!("{} ({})", p.target, p.place))
        .collect();
    let (words, danger) = (code_words(&resolved.code), resolved.danger);
    say(format!("  ▶ {words}  {}  [{danger}]", targets.join(", ")));
    if let Some(phrase) = &resolved.phrase {
        say(format!("    asks for the phrase {phrase}"));
    }
    for line in script(&resolved.code).lines() {
        say(format!("    │ {line}"));
    }
}

/// The text that would run; a typed act has none.
fn script(code: &Code) -> &str {
    match code {
        Code::Shell { script: text, .. }
        | Code::Sql { text, .. }
        | Code::Redis { text, .. }
        | Code::Http { text } => text,
        Code::Act { .. } => "",
    }
}

fn dry_value(dry: &Dry) -> Value {
    let acts: Vec<Value> = dry
        .acts
        .iter()
        .map(|act| match act {
            Ok(resolved) => json!(resolved),
            Err(why) => json!({ "fault": why }),
        })
        .collect();
    let verdicts: Vec<Value> = dry
        .verdicts
        .iter()
        .map(
            |(kind, name, v)| json!({ "kind": kind, "name": name, "holds": v.holds, "saw": v.saw }),
        )
        .collect();
    json!({ "step": dry.title, "manual": dry.ticks, "acts": acts, "verdicts": verdicts })
}

fn symbol(verdict: &Verdict) -> &'static str {
    match verdict.holds {
        Holds::Yes => "✔",
        Holds::No => "✖",
        Holds::Unknown => "?",
    }
}
