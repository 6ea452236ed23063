//! What is known of commands by reading them: which destroy, which never end, which can't work, which leak.
//!
//! Each rule is a line in a table. Comments are not commands; a line that goes on behind a backslash is one line.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A pattern, what is wrong where it is found, and what to write instead.
pub(super) struct Rule {
    /// A regular expression.
    pub pattern: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

const fn rule(pattern: &'static str, what: &'static str, instead: &'static str) -> Rule {
    Rule {
        pattern,
        what,
        instead,
    }
}

/// Commands that destroy data or capacity.
const DESTRUCTIVE: [&str; 12] = [
    r"(?i)\b(?:drop|truncate)\s+\w+",
    r"(?i)\bdelete\s+from\b",
    r"\bdropdb\b",
    r"\brm\s+(?:-\S+\s+)*-\w*[rR]\w*",
    r"\brm\s+--recursive\b",
    r"\bvolume\s+rm\b",
    r"\bterraform\s+destroy\b",
    r"--skip-final-snapshot\b",
    r"\bprune\b",
    r"\b[dD]elete\b(?:-[\w-]+)?",
    r"(?i)\bflush(?:all|db)\b",
    r"(?im)^[ \t]*(?:del|unlink)[ \t]+\S+",
];

/// Commands that never end by themselves, so that the step never does.
const ENDLESS: [Rule; 6] = [
    rule(
        r"(?:^|\s)--watch(?:=true)?(?:\s|$)",
        "--watch never ends",
        "poll in a ```toml verify fence, or use kubectl wait --timeout",
    ),
    rule(
        r"\bkubectl\b[^\n|;]*\sget\b[^\n|;]*\s-w\b",
        "kubectl get -w never ends",
        "use kubectl wait --timeout",
    ),
    rule(
        r"\b(?:logs|journalctl)\b[^\n|;]*\s(?:-f|--follow)\b",
        "following a log never ends",
        "use --since and --tail without -f",
    ),
    rule(
        r"\btail\s+(?:-\S+\s+)*-\w*[fF]\b",
        "tail -f never ends",
        "use tail -n 100",
    ),
    rule(
        r"(?m)(?:^|[|;&(]\s*)\s*watch\s",
        "watch never ends",
        "poll in a ```toml verify fence",
    ),
    rule(
        r"\bwhile\s+(?:true|:)(?:\s|;)",
        "while true never ends by itself",
        "use a ```toml verify fence, whose time-out asks",
    ),
];

/// Commands that can't work as they are written.
const BROKEN: [Rule; 4] = [
    rule(
        r"\bpg_restore\b[^\n|;]*--target-time\b",
        "pg_restore has no --target-time",
        "recover to a time from a base backup and WAL: recovery_target_time in postgresql.conf",
    ),
    rule(
        r"\bkubectl\s+(?:-\S+(?:[ =][^-\s]\S*)?\s+)+cnpg\b",
        "kubectl takes no option before the plugin's name",
        "write kubectl cnpg … --context CONTEXT",
    ),
    rule(
        r"\bcnpg\s+promote\s+[^\s-]\S*\s*(?:$|[\n|;&]|\s-)",
        "cnpg promote names no instance",
        "write kubectl cnpg promote CLUSTER INSTANCE",
    ),
    rule(
        r"\bpg_wal_replay\b",
        "there is no program pg_wal_replay",
        "set restore_command and recovery_target_time, then start the server",
    ),
];

/// Secrets that every user of the machine can read in the process list.
const ARGV: [Rule; 6] = [
    rule(
        r"\bredis-cli\b[^\n|;]*\s(?:-a|--pass)[ =]\S+",
        "a password stands on redis-cli's command line",
        "use with=TARGET, which sets REDISCLI_AUTH",
    ),
    rule(
        r"\bPGPASSWORD=\S+",
        "a password stands in the command",
        "use with=TARGET, which sets PGPASSFILE",
    ),
    rule(
        r"\b(?:mysql|mysqldump|mariadb)\b[^\n|;]*\s-p\S+",
        "a password stands on the command line",
        "use an option file, --defaults-extra-file",
    ),
    rule(
        r"\bcurl\b[^\n|;]*\s(?:-u|--user)[ =]\S+:\S+",
        "a password stands on curl's command line",
        "use an http fence with a secret variable",
    ),
    rule(
        r"\bsshpass\s+-p\s*\S+",
        "a password stands on sshpass's command line",
        "use a key",
    ),
    rule(
        r"\s--password[ =][^\s-]\S*",
        "a password stands on the command line",
        "pass it by the environment or a file",
    ),
];

/// What somebody meant to fill in.
const PLACEHOLDERS: [Rule; 5] = [
    rule(
        r"<[A-Za-z][A-Za-z0-9_.-]*(?: [A-Za-z0-9_.-]+)*>",
        "a placeholder was never filled in",
        "make it a variable of the runbook card",
    ),
    rule(
        r"X{4,}",
        "a placeholder was never filled in",
        "make it a variable of the runbook card",
    ),
    rule(
        r"(?i)\byour[-_][a-z][\w-]*",
        "a placeholder was never filled in",
        "make it a variable of the runbook card",
    ),
    rule(
        r"\[(?:specific|your|insert|the) [a-z ]+\]",
        "a placeholder was never filled in",
        "make it a variable of the runbook card",
    ),
    rule(
        r"(?i)\bchange-?me\b",
        "a placeholder was never filled in",
        "make it a variable of the runbook card",
    ),
];

/// Promotions that go past the guards of `postgres.promote`.
const PROMOTIONS: [&str; 3] = [
    r"\bpg_ctl(?:cluster)?\b[^\n|;]*\bpromote\b",
    r"(?i)\bpg_promote\s*\(",
    r"(?i)\bREPLICAOF\s+NO\s+ONE\b",
];

/// Programs that act on whatever their ambient configuration points at.
const CLIENTS: &str = r"(?m)(?:^|[|;&(`{]|\b(?:sudo|then|do|else|exec|time|xargs|!))[ \t]*(?:[A-Za-z_]\w*=\S*[ \t]+)*(kubectl|aws|psql|redis-cli)(?:[\s;|&)]|$)";

/// Secrets in plain text, anywhere in a file.
const SECRETS: [Rule; 6] = [
    rule(
        r"\bAKIA[0-9A-Z]{16}\b",
        "an AWS access key stands in the file",
        SECRET,
    ),
    rule(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        "a private key stands in the file",
        SECRET,
    ),
    rule(
        r"\bgh[pousr]_[A-Za-z0-9]{20,}",
        "a GitHub token stands in the file",
        SECRET,
    ),
    rule(
        r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
        "a Slack token stands in the file",
        SECRET,
    ),
    rule(
        r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.",
        "a token stands in the file",
        SECRET,
    ),
    rule(
        r"\b[a-z][a-z0-9+.-]*://[^\s:/@$<{\x22'*]*:[^\s@/$<{\x22'*]+@",
        "a password stands in a URL",
        SECRET,
    ),
];

/// What may be a secret, by the name it has.
const SUSPECTS: [Rule; 1] = [rule(
    r#"(?i)\b\w*(?:password|passwd|secret|token|api_?key)\w*['"]?\s*[=:]\s*['"]?[A-Za-z0-9+/!%_-]*[0-9][A-Za-z0-9+/!%_-]{5,}"#,
    "a secret seems to stand in the file",
    SECRET,
)];

const SECRET: &str = "make it a variable with secret = true, and change the secret";

/// A table of rules with their patterns compiled.
pub(super) struct Rules(Vec<(Regex, &'static Rule)>);

impl Rules {
    fn new(rules: &'static [Rule]) -> Self {
        // A pattern that does not compile is caught by this file's tests.
        let compiled = rules
            .iter()
            .filter_map(|r| Some((Regex::new(r.pattern).ok()?, r)));
        Self(compiled.collect())
    }

    /// Where each rule is first broken in `text`.
    pub(super) fn broken_in<'t>(
        &'t self,
        text: &'t str,
    ) -> impl Iterator<Item = (Range<usize>, &'static Rule)> + 't {
        self.0
            .iter()
            .flat_map(move |(regex, rule)| regex.find_iter(text).map(|m| (m.range(), *rule)))
    }
}

/// Endless commands.
pub(super) static ENDLESS_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&ENDLESS));
/// Commands that can't work.
pub(super) static BROKEN_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&BROKEN));
/// Passwords on a command line.
pub(super) static ARGV_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&ARGV));
/// Placeholders.
pub(super) static PLACEHOLDER_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&PLACEHOLDERS));
/// Secrets in plain text.
pub(super) static SECRET_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&SECRETS));

/// What may be a secret.
pub(super) static SUSPECT_RULES: LazyLock<Rules> = LazyLock::new(|| Rules::new(&SUSPECTS));

static DESTRUCTIVE_PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&DESTRUCTIVE));
static PROMOTION_PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&PROMOTIONS));
static CLIENT_PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(CLIENTS).ok());

fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().filter_map(|p| Regex::new(p).ok()).collect()
}

/// The first destructive command in a script or statement, as it is written there.
pub fn destructive_command(script: &str) -> Option<&str> {
    first(&DESTRUCTIVE_PATTERNS, &bare(script)).and_then(|at| script.get(at))
}

/// The first promotion in a script or statement, as it is written there.
pub fn promotion(script: &str) -> Option<&str> {
    first(&PROMOTION_PATTERNS, &bare(script)).and_then(|at| script.get(at))
}

/// The first program in a shell script that acts on whatever is configured where it runs, unless the fence says `with=`.
pub fn ambient_client(script: &str) -> Option<&str> {
    let bare = bare(script);
    let found = CLIENT_PATTERN.as_ref()?.captures(&bare)?.get(1)?;
    script.get(found.range())
}

fn first(patterns: &[Regex], text: &str) -> Option<Range<usize>> {
    patterns
        .iter()
        .filter_map(|pattern| pattern.find(text))
        .map(|found| found.range())
        .min_by_key(|at| at.start)
}

/// The text with comments blanked and continued lines joined, every byte at its old place.
pub(super) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let (mut quote, mut before) = (None, '\n');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let comment = quote.is_none()
            && match c {
                '#' => before.is_whitespace(),
                '-' => chars.peek() == Some(&'-') && before == '\n',
                _ => false,
            };
        if comment {
            bare.push(' ');
            while let Some(c) = chars.next_if(|c| *c != '\n') {
                bare.extend(std::iter::repeat_n(' ', c.len_utf8()));
            }
            before = ' ';
            continue;
        }
        match c {
            '\\' if chars.peek() == Some(&'\n') => {
                chars.next();
                bare.push_str("  ");
                before = ' ';
                continue;
            }
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            _ => {}
        }
        bare.push(c);
        before = c;
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(DESTRUCTIVE_PATTERNS.len(), DESTRUCTIVE.len());
        assert_eq!(PROMOTION_PATTERNS.len(), PROMOTIONS.len());
        assert!(CLIENT_PATTERN.is_some());
        let tables = [
            (&*ENDLESS_RULES, ENDLESS.len()),
            (&*BROKEN_RULES, BROKEN.len()),
            (&*ARGV_RULES, ARGV.len()),
            (&*PLACEHOLDER_RULES, PLACEHOLDERS.len()),
            (&*SECRET_RULES, SECRETS.len()),
            (&*SUSPECT_RULES, SUSPECTS.len()),
        ];
        for (rules, count) in tables {
            assert_eq!(rules.0.len(), count);
        }
    }

    #[test]
    fn what_destroys_is_recognised_and_what_does_not_is_left_alone() {
        let table = [
            ("psql -c 'DROP TABLE x'", Some("DROP TABLE")),
            ("echo é; rm -rf /x", Some("rm -rf")),
            ("rm -f x", None),
            ("rm -v -r x", Some("rm -v -r")),
            ("docker volume rm a", Some("volume rm")),
            ("terraform destroy", Some("terraform destroy")),
            (
                "aws rds delete-db-instance --skip-final-snapshot",
                Some("delete-db-instance"),
            ),
            ("docker system prune", Some("prune")),
            ("kubectl delete pod x", Some("delete")),
            ("FLUSHALL", Some("FLUSHALL")),
            ("DEL key", Some("DEL key")),
            ("DELETE FROM x", Some("DELETE FROM")),
            ("# kubectl delete pod x\nls", None),
            ("-- DROP TABLE x\nSELECT 1", None),
            ("echo deleted", None),
            ("SELECT model FROM x", None),
        ];
        for (script, found) in table {
            assert_eq!(destructive_command(script), found, "{script}");
        }
    }

    #[test]
    fn programs_that_take_their_target_from_the_air_are_found() {
        let table = [
            ("kubectl get pods", Some("kubectl")),
            ("x=$(psql -c 1)", Some("psql")),
            ("FOO=1 aws s3 ls", Some("aws")),
            ("ls | redis-cli", Some("redis-cli")),
            ("if true; then psql; fi", Some("psql")),
            ("echo kubectl", None),
            ("# kubectl\nls", None),
            ("kubectl-neat", None),
        ];
        for (script, found) in table {
            assert_eq!(ambient_client(script), found, "{script}");
        }
    }

    #[test]
    fn each_rule_finds_its_fault_and_spares_its_kin() {
        let table: [(&Rules, &str, bool); 39] = [
            (&ENDLESS_RULES, "kubectl get pods --watch", true),
            (&ENDLESS_RULES, "kubectl get pods -w", true),
            (&ENDLESS_RULES, "kubectl logs -f x", true),
            (&ENDLESS_RULES, "kubectl logs x --tail=5", false),
            (&ENDLESS_RULES, "tail -n5 -f x", true),
            (&ENDLESS_RULES, "tail -5 x", false),
            (&ENDLESS_RULES, "watch ls", true),
            (&ENDLESS_RULES, "echo watch out", false),
            (&ENDLESS_RULES, "while true; do", true),
            (&BROKEN_RULES, "pg_restore --target-time=now x", true),
            (
                &BROKEN_RULES,
                "kubectl --context west cnpg promote a a-1",
                true,
            ),
            (&BROKEN_RULES, "kubectl cnpg promote a", true),
            (&BROKEN_RULES, "kubectl cnpg promote a -n b", true),
            (&BROKEN_RULES, "kubectl cnpg promote a a-2 -n b", false),
            (&BROKEN_RULES, "pg_wal_replay --start-lsn=0/0", true),
            (&BROKEN_RULES, "SELECT pg_wal_replay_pause()", false),
            (&ARGV_RULES, "redis-cli -h a -a $PASS ping", true),
            (&ARGV_RULES, "redis-cli -h a ping", false),
            (&ARGV_RULES, "PGPASSWORD=x psql", true),
            (&ARGV_RULES, "mysql -psecret", true),
            (&ARGV_RULES, "curl -u a:b https://x", true),
            (&ARGV_RULES, "tool --password hunter2", true),
            (&ARGV_RULES, "tool --password-file x", false),
            (&PLACEHOLDER_RULES, "kubectl delete pod <pod name>", true),
            (&PLACEHOLDER_RULES, "cmd <in >out", false),
            (&PLACEHOLDER_RULES, "pg_wal_replay 0/XXXXXXXX", true),
            (&PLACEHOLDER_RULES, "ssh your-server", true),
            (&PLACEHOLDER_RULES, "restart [specific services]", true),
            (&PLACEHOLDER_RULES, "[ -f x ]", false),
            (&SECRET_RULES, "AKIAIOSFODNN7EXAMPLE", true),
            (&SECRET_RULES, "postgres://app:hunter2@db/app", true),
            (&SECRET_RULES, "postgres://app:${PW}@db/app", false),
            (&SECRET_RULES, "postgres://app:****@db/app", false),
            (&SECRET_RULES, "https://x/a:b", false),
            (&SUSPECT_RULES, "password = \"hunter2hunter\"", true),
            (&SUSPECT_RULES, "password = { file = \"/run/x\" }", false),
            (&SUSPECT_RULES, "SECRET=$(cat x)", false),
            (&SECRET_RULES, "-----BEGIN RSA PRIVATE KEY-----", true),
            (&SECRET_RULES, "token: ghp_0123456789abcdefghij01", true),
        ];
        for (rules, text, found) in table {
            assert_eq!(rules.broken_in(text).next().is_some(), found, "{text}");
        }
    }

    #[test]
    fn comments_are_blanked_and_every_byte_keeps_its_place() {
        let text = "echo 'é # no' # ü\nls \\\n  -l\n";
        let bare = bare(text);
        assert_eq!(bare.len(), text.len());
        assert_eq!(bare, "echo 'é # no'     \nls     -l\n");
    }
}
