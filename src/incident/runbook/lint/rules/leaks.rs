//! Rules on secrets, and on what somebody meant to fill in.

use super::super::super::super::fault::Weight::{Fault, Warning};
use super::{Explained, Over, Rule, Unless, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 6] = [
    why("secret-argv", "Every user of the machine reads command lines in the process list, and logs keep them."),
    why("secret-in-file", "A runbook is copied into wikis, mails and journals, and the secret with it."),
    why("secret-suspected", "What looks like a secret and is none costs a look, what is one costs the account."),
    why("placeholder", "At three in the morning nobody knows what was to stand there."),
    why("to-be-done", "What was to be written later is missing on the night it is needed."),
    why("mojibake", "A text that was decoded wrongly can't be searched, and a mark in it can't be read."),
];

const SECRET: &str = "make it a variable with secret = true, and change the secret";
const VARIABLE: &str = "make it a variable of the runbook card";

/// A secret in plain text, wherever it stands.
const fn secret(pattern: &'static str, what: &'static str) -> Rule {
    Rule {
        code: "secret-in-file",
        weight: Fault,
        over: Over::File,
        pattern,
        unless: Unless::Never,
        what,
        instead: SECRET,
    }
}

/// A secret that every user of the machine can read in the process list.
const fn argv(pattern: &'static str, what: &'static str, instead: &'static str) -> Rule {
    Rule {
        code: "secret-argv",
        weight: Fault,
        over: Over::Shell,
        pattern,
        unless: Unless::Never,
        what,
        instead,
    }
}

/// Something that was never filled in. mktemp's own template is none.
const fn placeholder(pattern: &'static str) -> Rule {
    Rule {
        code: "placeholder",
        weight: Fault,
        over: Over::Code,
        pattern,
        unless: Unless::Command(r"\bmktemp\b"),
        what: "a placeholder was never filled in",
        instead: VARIABLE,
    }
}

/// What is found by a pattern.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 28] = [
    secret(r"\bAKIA[0-9A-Z]{16}\b", "an AWS access key stands in the file"),
    secret(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "a private key stands in the file"),
    secret(r"\bgh[pousr]_[A-Za-z0-9]{20,}", "a GitHub token stands in the file"),
    secret(r"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token stands in the file"),
    secret(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.", "a token stands in the file"),
    secret(r"\b[a-z][a-z0-9+.-]*://[^\s:/@$<{\x22'*]*:[^\s@/$<{\x22'*]+@", "a password stands in a URL"),
    Rule {
        code: "secret-suspected", weight: Warning, over: Over::File, unless: Unless::Never,
        pattern: r#"(?i)\b\w*(?:password|passwd|secret|token|api_?key)\w*['"]?\s*[=:]\s*['"]?[A-Za-z0-9+/!%_-]*[0-9][A-Za-z0-9+/!%_-]{5,}"#,
        what: "a secret seems to stand in the file",
        instead: SECRET,
    },
    argv(r"\bredis-cli\b[^\n|;]*\s(?:-a|--pass)[ =]\S+", "a password stands on redis-cli's command line", "use with=TARGET, which sets REDISCLI_AUTH"),
    argv(r"\bredis-cli\b[^\n|;]*\s-u\s*\S+", "an address with its password stands on redis-cli's command line", "use with=TARGET, which sets REDISCLI_AUTH"),
    argv(r"\bPGPASSWORD=\S+", "a password stands in the command", "use with=TARGET, which sets PGPASSFILE"),
    argv(r"(?i)\b(?:psql|pg_dump|pg_restore)\b[^\n|;]*\$\{?\w*(?:url|dsn|uri)\b", "an address with its password stands on the command line", "use with=TARGET, which sets PGHOST, PGUSER and PGPASSFILE"),
    argv(r"\b(?:mysql|mysqldump|mariadb)\b[^\n|;]*\s-p\S+", "a password stands on the command line", "use an option file, --defaults-extra-file"),
    argv(r"\bcurl\b[^\n|;]*\s(?:-u|--user)[ =]\S+:\S+", "a password stands on curl's command line", "use an http fence with a secret variable"),
    argv(r"(?i)\bcurl\b[^\n|;]*\s-H\s*['\x22]?(?:authorization|x-api-key|x-auth-token|private-token)\s*:[^\n|;]*\$", "a token stands on curl's command line", "use an http fence with a secret variable"),
    argv(r"\bsshpass\s+-p\s*\S+", "a password stands on sshpass's command line", "use a key"),
    argv(r"\s--password[ =][^\s-]\S*", "a password stands on the command line", "pass it by the environment or a file"),
    argv(r"\bopenssl\b[^\n|;]*\s(?:-k\s+\S+|-pass\s+pass:)", "a key stands on openssl's command line", "-pass env:NAME or -pass file:PATH"),
    Rule {
        code: "secret-argv", weight: Fault, over: Over::Shell, unless: Unless::Command(r"--secret-string[ =]['\x22]?file://"),
        pattern: r"--secret-string[ =]\S+",
        what: "a secret stands on the command line",
        instead: "--secret-string file:///dev/stdin, or secrets.rotate",
    },
    placeholder(r"<[A-Za-z][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*>"),
    placeholder(r"X{4,}"),
    placeholder(r"(?i)\byour[-_][a-z][\w-]*"),
    placeholder(r"\[(?:specific|your|insert|the) [a-z ]+\]"),
    placeholder(r"(?i)\bchange-?me\b"),
    placeholder(r"\b(?:sg|subnet|vpc|ami|i|vol|rtb|eni)-x{2,}\b|\bNEW_ENDPOINT\b|\baffected_table\b|(?i)\breplace_me\b"),
    placeholder(r"[,:{\[]\s*\.\.\.\s*[,}\]\n]"),
    placeholder(r"\barn:aws[\w:-]*\.\.\."),
    Rule {
        code: "to-be-done", weight: Warning, over: Over::File, unless: Unless::Never,
        pattern: r"\b(?:TBD|TODO|FIXME)\b",
        what: "something is still to be written",
        instead: "write it, or take it out",
    },
    Rule {
        code: "mojibake", weight: Warning, over: Over::File, unless: Unless::Never,
        pattern: "â(?:€|œ|\u{9d}|\u{80}|\u{9c})|Ã(?:©|¨|¤|¶|¼|Ÿ)|ï»¿",
        what: "the text was decoded wrongly",
        instead: "save the file as UTF-8",
    },
];
