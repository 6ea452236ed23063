//! What is known of commands by reading them, and decides what they ask for: which destroy, which promote, which act on
//! whatever is configured. Comments are not commands; a line that goes on behind a backslash is one line.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Commands that destroy data or capacity.
const DESTRUCTIVE: [&str; 13] = [
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
    r"\b(?:migrate|alembic|flyway|liquibase|rake|rails)\b[^\n|;]*\b(?:downgrade|undo|rollback)\b",
];

/// Promotions that go past the guards of the typed acts.
const PROMOTIONS: [&str; 6] = [
    r"\bpg_ctl(?:cluster)?\b[^\n|;]*\bpromote\b",
    r"(?i)\bpg_promote\s*\(",
    r"(?i)\bREPLICAOF\s+NO\s+ONE\b",
    r"(?i)\bSENTINEL\s+FAILOVER\b",
    r"\bcnpg\s+promote\b",
    r"\b(?:promote-read-replica(?:-db-cluster)?|(?:failover|switchover)-global-cluster)\b",
];

/// Programs that act on whatever their ambient configuration points at.
const CLIENTS: &str = r"(?m)(?:^|[|;&(`{]|\b(?:sudo|then|do|else|exec|time|xargs|!))[ \t]*(?:[A-Za-z_]\w*=\S*[ \t]+)*(kubectl|aws|psql|redis-cli)(?:[\s;|&)]|$)";

/// What names a Sentinels' master: an order to a Sentinel, or a variable of that name.
const MASTERS: &str = r#"(?i)\b(?:get-master-addr-by-name|SENTINEL\s+(?:FAILOVER|REPLICAS|MASTER|CKQUORUM|RESET))\s+([a-z][\w.-]*)|\bMASTER_NAME="?([a-z][\w.-]*)"#;

static DESTRUCTIVE_PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&DESTRUCTIVE));
static PROMOTION_PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| compiled(&PROMOTIONS));
static MASTER_PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(MASTERS).ok());
static CLIENT_PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(CLIENTS).ok());

fn compiled(patterns: &[&str]) -> Vec<Regex> {
    patterns.iter().filter_map(|p| Regex::new(p).ok()).collect()
}

/// The first destructive command in a script or statement, as it is written there.
pub fn destructive_command(script: &str) -> Option<&str> {
    // Who waits for something to be gone deletes nothing. As many bytes as before.
    let bare = bare(script).replace("--for=delete", "--for=absent");
    first(&DESTRUCTIVE_PATTERNS, &bare).and_then(|at| script.get(at))
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

/// Every name of a Sentinels' master that is written out in a script, and where.
pub(super) fn sentinel_masters(bare: &str) -> Vec<(usize, String)> {
    let found = MASTER_PATTERN.iter().flat_map(|p| p.captures_iter(bare));
    let names = found.filter_map(|found| found.get(1).or(found.get(2)));
    names
        .map(|name| (name.start(), name.as_str().to_owned()))
        .collect()
}

fn first(patterns: &[Regex], text: &str) -> Option<Range<usize>> {
    patterns
        .iter()
        .filter_map(|pattern| pattern.find(text))
        .map(|found| found.range())
        .min_by_key(|at| at.start)
}

/// The text with comments blanked and continued lines joined, every byte at its old place.
pub(in super::super) fn bare(text: &str) -> String {
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
        assert!(CLIENT_PATTERN.is_some() && MASTER_PATTERN.is_some());
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
    fn comments_are_blanked_and_every_byte_keeps_its_place() {
        let text = "echo 'é # no' # ü\nls \\\n  -l\n";
        let bare = bare(text);
        assert_eq!(bare.len(), text.len());
        assert_eq!(bare, "echo 'é # no'     \nls     -l\n");
    }
}
