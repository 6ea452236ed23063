//! Variables: each one that is used is asked for by the card, or kept from an output; and none is a secret where no secret arrives.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::super::acts::Condition;
use super::super::super::resolve::reads_only;
use super::super::super::site::Site;
use super::super::ids::{OF_INCIDENT, of_a_target};
use super::super::{Action, Check, Code, Runbook, Step};
use super::Lint;
use super::commands::bare;

/// What every shell or its caller sets.
const AMBIENT: [&str; 27] = [
    "BASH",
    "BASHPID",
    "BASH_REMATCH",
    "BASH_SOURCE",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HOME",
    "HOSTNAME",
    "IFS",
    "LANG",
    "LC_ALL",
    "LINENO",
    "LOGNAME",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "PATH",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "REPLY",
    "SECONDS",
    "TMPDIR",
    "UID",
    "USER",
];

/// Reports variables that are used and never set.
pub(super) fn set(lint: &mut Lint<'_>, site: Option<&Site>) {
    for (line, name) in unset(lint.runbook, site) {
        let at = lint.near(line.saturating_sub(1), &name);
        let instead =
            format!("add [vars.{name}] to the runbook card, or as={name} to a fence before");
        let what = format!("${name} is used and never set");
        lint.fault("variable-unset", &at, what, instead);
    }
}

/// Reports verifications that ask for what the step's last act prints: it is kept once the act is done, and the act is not done
/// until they hold.
pub(super) fn set_in_time(lint: &mut Lint<'_>, site: Option<&Site>) {
    let runbook = lint.runbook;
    for step in &runbook.steps {
        let last = step.actions().last();
        let Some(name) = last.and_then(|action| action.attrs.keep_as.as_deref()) else {
            continue;
        };
        let all = runbook.steps.iter().flat_map(Step::all_actions);
        let keep = all.filter(|action| action.attrs.keep_as.as_deref() == Some(name));
        let asked = runbook.card.vars.iter().any(|var| var.name == name);
        let line = verification_uses(step, name, site);
        if let (Some(line), false, 1) = (line, asked, keep.count()) {
            let at = lint.near(line.saturating_sub(1), name);
            let what = format!("${name} is kept by the act that this verifies, when it is done");
            let instead = format!("verify in a step of its own, or have an act before keep {name}");
            lint.fault("variable-late", &at, what, instead);
        }
    }
}

/// Reports secrets in checks that are evaluated freely: they are asked again and again, by whoever shows them, and get none.
pub(super) fn secrets(lint: &mut Lint<'_>) {
    let runbook = lint.runbook;
    let asked = runbook.card.vars.iter().filter(|var| var.secret);
    let all = runbook.steps.iter().flat_map(Step::all_actions);
    let kept = all.filter(|action| action.attrs.secret);
    let secrets: BTreeSet<&str> = asked
        .map(|var| var.name.as_str())
        .chain(kept.filter_map(|action| action.attrs.keep_as.as_deref()))
        .collect();
    let secret = |name: &String| secrets.contains(name.as_str());
    let actions = runbook.steps.iter().flat_map(Step::all_actions);
    for action in actions.filter(|action| reads_only(action)) {
        for name in action_uses(action, None).into_iter().filter(secret) {
            let at = lint.near(action.line.saturating_sub(1), &name);
            let what = format!("${name} is a secret, and no check is given it");
            let instead = "make the fence an act of a step behind this one, and expect= what it should answer";
            lint.fault("secret-in-check", &at, what, instead);
        }
    }
}

/// The line of the first verification of a step that uses a variable.
fn verification_uses(step: &Step, name: &str, site: Option<&Site>) -> Option<usize> {
    let mut checks = step.verify.iter();
    checks.find_map(|check| match check {
        Check::Code(action) => {
            let used = action_uses(action, site).iter().any(|used| used == name);
            used.then_some(action.line)
        }
        Check::Condition(condition) => {
            let used = condition_uses(condition).iter().any(|used| used == name);
            used.then_some(step.line)
        }
    })
}

/// Variables that are used and never set, each once a step, with the line of what uses it.
pub(in super::super) fn unset(runbook: &Runbook, site: Option<&Site>) -> Vec<(usize, String)> {
    let mut unset = Vec::new();
    let mut set: BTreeSet<&str> = runbook
        .card
        .vars
        .iter()
        .map(|var| var.name.as_str())
        .collect();
    let actions = runbook.steps.iter().flat_map(Step::all_actions);
    set.extend(actions.filter_map(|action| action.attrs.keep_as.as_deref()));
    for step in &runbook.steps {
        let mut used: Vec<(usize, String)> = Vec::new();
        for action in step.all_actions() {
            used.extend(
                action_uses(action, site)
                    .into_iter()
                    .map(|name| (action.line, name)),
            );
        }
        used.extend(card_uses(step).into_iter().map(|name| (step.line, name)));
        let mut told = BTreeSet::new();
        for (line, name) in used {
            if !set.contains(name.as_str()) && told.insert(name.clone()) {
                unset.push((line, name));
            }
        }
    }
    unset
}

fn card_uses(step: &Step) -> Vec<String> {
    let conditions = step.conditions().flat_map(condition_uses);
    let kept = step.card.capture.iter().map(|capture| capture.of.as_str());
    let guard = step.card.name_guard.as_deref();
    conditions.chain(dollars(kept.chain(guard))).collect()
}

fn condition_uses(condition: &Condition) -> Vec<String> {
    let mut condition = condition.clone();
    dollars(condition.texts_mut().into_iter().map(|text| text.as_str()))
}

/// The names of the texts that are `$NAME`.
fn dollars<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let names = texts.filter_map(|text| text.strip_prefix('$'));
    names.map(str::to_owned).collect()
}

fn action_uses(action: &Action, site: Option<&Site>) -> Vec<String> {
    let targets = action.attrs.with.iter().chain(&action.attrs.guards);
    let mut used = dollars(targets.map(|target| target.as_str()));
    match &action.code {
        Code::Shell { script, host, .. } => {
            used.extend(dollars(host.iter().map(String::as_str)));
            used.extend(
                shell_uses(script)
                    .into_iter()
                    .filter(|name| !is_given(action, site, name)),
            );
        }
        Code::Sql { on, text, .. } => {
            used.extend(dollars([on.as_str()].into_iter()));
            used.extend(sql_uses(text));
        }
        Code::Redis { on, text } => {
            used.extend(dollars([on.as_str()].into_iter()));
            let words = text
                .split_whitespace()
                .map(|word| word.trim_matches(['"', '\'']));
            used.extend(dollars(words));
        }
        Code::Http { text } => used.extend(found(&BRACES, text)),
        Code::Act { act } => {
            let mut act = act.clone();
            used.extend(dollars(
                act.texts_mut().into_iter().map(|text| text.as_str()),
            ));
        }
    }
    used
}

/// Whether a shell has the variable without the runbook: from its login, from the runner, or from `with=`.
fn is_given(action: &Action, site: Option<&Site>, name: &str) -> bool {
    let with = &action.attrs.with;
    let targets = site.into_iter().flat_map(|site| &site.targets);
    AMBIENT.contains(&name)
        || OF_INCIDENT.contains(&name)
        || name.starts_with("XDG_")
        || !with.is_empty() && of_a_target(name)
        || targets
            .filter(|t| with.contains(&t.id))
            .any(|t| t.env.contains_key(name))
}

static ASSIGNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)(?:(?:^|[\s;&|(])([A-Za-z_]\w*)\+?=)|(?:\bfor\s+([A-Za-z_]\w*))|(?:\b(?:read|mapfile|readarray|local|declare|export|getopts)\s((?:[^\n;|&]*)))").ok()
});
static SQL_QUIET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|\$\w*\$.*?\$\w*\$").ok());
static SQL_NAMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:^|[^:\w]):"?([A-Za-z_]\w*)"?"#).ok());
static BRACES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}").ok());

fn found(pattern: &Option<Regex>, text: &str) -> Vec<String> {
    let matches = pattern
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text));
    matches
        .flat_map(|found| {
            found
                .iter()
                .skip(1)
                .flatten()
                .map(|m| m.as_str().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

fn sql_uses(text: &str) -> Vec<String> {
    match SQL_QUIET.as_ref() {
        Some(quiet) => found(&SQL_NAMES, &quiet.replace_all(text, " ")),
        None => Vec::new(),
    }
}

/// Variables a script reads and never sets, those with a default left out.
fn shell_uses(script: &str) -> Vec<String> {
    let text = bare(script);
    let own = assigned(&text);
    let read = expanded(&text).into_iter();
    read.filter(|name| !own.contains(name)).collect()
}

/// Variables a script sets, its comments blanked.
pub(in super::super) fn assigned(bare: &str) -> BTreeSet<String> {
    let names = found(&ASSIGNED, bare);
    let words = names.iter().flat_map(|names| names.split_whitespace());
    words
        .map(|word| word.split('=').next().unwrap_or_default().to_owned())
        .collect()
}

/// Names behind `$` and `${`, outside single quotes.
fn expanded(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut single, mut double) = (false, false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if !double => single = !single,
            '"' if !single => double = !double,
            '\\' if !single => {
                chars.next();
            }
            '$' if !single => names.extend(name_at(&text[at + 1..])),
            _ => {}
        }
    }
    names
}

fn name_at(rest: &str) -> Option<String> {
    let (inside, braced) = match rest.strip_prefix('{') {
        Some(inside) => (inside.trim_start_matches(['#', '!']), true),
        None => (rest, false),
    };
    let end = inside
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(inside.len());
    let (name, after) = inside.split_at(end);
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // ${NAME:-x}, ${NAME-x}, ${NAME:=x}, ${NAME:+x}: it may be unset.
    let optional = braced
        && [":-", "-", ":=", "=", ":+", "+"]
            .iter()
            .any(|tail| after.starts_with(tail));
    (named && !optional).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_needs_from_outside_is_found() {
        let table: [(&str, &[&str]); 12] = [
            ("echo $A ${B} \"$C\"", &["A", "B", "C"]),
            ("echo '$A' \\$B $1 $? $$ ${#D}", &["D"]),
            ("echo ${A:-x} ${B-} ${C%.dump}", &["C"]),
            ("A=1; echo $A", &[]),
            ("for f in *; do echo $f; done", &[]),
            ("while read -r a b; do echo $a $b; done", &[]),
            ("# $A\necho", &[]),
            ("awk '{print $NF}'", &[]),
            ("x=$(cat $F)", &["F"]),
            ("echo \"it's $A\"", &["A"]),
            ("local n=$A; echo $n", &["A"]),
            ("export A; echo $A", &[]),
        ];
        for (script, names) in table {
            assert_eq!(shell_uses(script), names, "{script}");
        }
    }

    #[test]
    fn what_a_statement_binds_is_found() {
        let table: [(&str, &[&str]); 6] = [
            ("SELECT :A, :\"B\"", &["A", "B"]),
            ("SELECT a::text, ':A', 'it''s :A'", &[]),
            ("-- :A\nSELECT /* :B */ 1", &[]),
            ("DO $$ BEGIN :A END $$", &[]),
            ("SELECT x[1:n]", &[]),
            ("WHERE id = :ID;", &["ID"]),
        ];
        for (text, names) in table {
            assert_eq!(sql_uses(text), names, "{text}");
        }
    }
}
