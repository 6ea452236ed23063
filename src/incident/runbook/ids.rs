//! What may be called what: step ids, variable names, phrases to type, names handed to programs.

use super::super::sitefile::TOOL_NAMES;

/// Names a variable may not have, because programs and shells read them as orders.
const FORBIDDEN: [&str; 34] = [
    "BASHOPTS",
    "BASH_ENV",
    "CDPATH",
    "EDITOR",
    "ENV",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GLOBIGNORE",
    "HOME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "KUBECONFIG",
    "NODE_OPTIONS",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "PS1",
    "PS2",
    "PS4",
    "PWD",
    "REDISCLI_AUTH",
    "REPLY",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "UID",
    "VISUAL",
    "ZDOTDIR",
];

/// Beginnings a variable's name may not have: loaders, interpreters, and the variables of a target's environment.
const FORBIDDEN_PREFIXES: [&str; 7] = [
    "LD_",
    "DYLD_",
    "PYTHON",
    "PERL5",
    "BASH_FUNC_",
    "AWS_",
    "WARROOM_",
];

/// What the runner tells every act, so that a script which notifies people marks or keeps back what is only an exercise:
/// the kind of session (`REAL`, `DRILL`, `TABLETOP`) and the incident's id.
pub const OF_INCIDENT: [&str; 2] = ["WARROOM_MODE", "WARROOM_INCIDENT"];

/// libpq's environment variables, which `with=` sets.
const LIBPQ: [&str; 13] = [
    "PGAPPNAME",
    "PGCONNECT_TIMEOUT",
    "PGDATABASE",
    "PGHOST",
    "PGHOSTADDR",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLMODE",
    "PGUSER",
];

/// Checks the name of a variable, which reaches programs as an environment variable.
///
/// # Errors
/// Why the name can't be used.
pub fn variable_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let first = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !first || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "{name:?} can't be the name of a variable: letters, digits and _ only, not a digit first"
        ));
    }
    let forbidden = FORBIDDEN.contains(&name)
        || LIBPQ.contains(&name)
        || FORBIDDEN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    match forbidden {
        true => Err(format!(
            "{name} can't be the name of a variable: programs take orders from it"
        )),
        false => Ok(()),
    }
}

/// Whether `with=TARGET` may set the variable.
pub(super) fn of_a_target(name: &str) -> bool {
    LIBPQ.contains(&name) || TOOL_NAMES.contains(&name) || name.starts_with("AWS_")
}

/// Whether a phrase can be typed without doubt: letters, digits and `._:/-` only.
pub fn typeable(phrase: &str) -> bool {
    !phrase.is_empty()
        && phrase
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '/' | '-'))
}

/// Checks the name of a target or a host in a fence's attributes; `$NAME` stands for a variable's value.
///
/// # Errors
/// Why the name can't be used.
pub(super) fn addressee(name: &str) -> Result<(), String> {
    let bare = name.strip_prefix('$').unwrap_or(name);
    let right = !bare.is_empty()
        && !bare.starts_with('-')
        && bare
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | ':' | '-' | '@' | '[' | ']'));
    match right {
        true => Ok(()),
        false => Err(format!("{name:?} is no name of a target or a host")),
    }
}

/// A heading's name as GitHub makes it: small letters, spaces as `-`, punctuation left out; `step` when nothing is left.
pub(super) fn slug(title: &str) -> String {
    let lower = match title.is_ascii() {
        true => title.to_ascii_lowercase(),
        false => title.to_lowercase(),
    };
    let slug: String = lower
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
            _ => None,
        })
        .collect();
    match slug.is_empty() {
        true => "step".to_owned(),
        false => slug,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_give_orders_are_refused() {
        for name in ["DR", "pg", "_x", "PG", "PGTARGET", "ENVIRONMENT", "DUMP_2"] {
            assert_eq!(variable_name(name), Ok(()));
        }
        for name in [
            "",
            "2X",
            "A-B",
            "PATH",
            "LD_PRELOAD",
            "BASH_ENV",
            "ENV",
            "IFS",
            "PYTHONPATH",
            "PGHOST",
            "AWS_PROFILE",
            "A B",
            "É",
        ] {
            assert!(variable_name(name).is_err(), "{name:?} was taken");
        }
    }

    #[test]
    fn slugs_are_those_of_github() {
        for (title, expected) in [
            ("Promote the standby", "promote-the-standby"),
            ("1. Verify (DR) readiness!", "1-verify-dr-readiness"),
            ("Überprüfen", "überprüfen"),
            ("???", "step"),
        ] {
            assert_eq!(slug(title), expected);
        }
    }

    #[test]
    fn phrases_hold_nothing_that_looks_like_something_else() {
        for (phrase, right) in [
            ("FAILOVER", true),
            ("pg-west", true),
            ("eu/db:1.2_x", true),
            ("", false),
            ("FAIL OVER", false),
            ("pg–west", false),
        ] {
            assert_eq!(typeable(phrase), right, "{phrase:?}");
        }
    }

    #[test]
    fn a_host_is_never_an_option() {
        for (name, right) in [
            ("db-west", true),
            ("$HOST", true),
            ("ops@db:22", true),
            ("-oProxyCommand=x", false),
            ("$", false),
            ("a b", false),
            ("a;b", false),
        ] {
            assert_eq!(addressee(name).is_ok(), right, "{name:?}");
        }
    }
}
