//! Rules on gates: checks that can't fail, or that let pass what they are there to stop.

use super::super::super::super::fault::Weight::{Fault, Warning};
use super::{Explained, Over, Rule, Unless, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 16] = [
    why("gate-open-on-empty", "An empty answer makes the comparison an error, an error is not greater, and the gate lets everything pass."),
    why("gate-only-warns", "A gate that prints a warning and goes on is no gate."),
    why("loop-falls-through", "A loop that ends without what it waited for goes on as if it had come."),
    why("below-zero", "A count is never below zero, so that this can't fail."),
    why("whole-hours", "Whole hours round down: 25 h 59 min is not greater than 25."),
    why("integer-percent", "Whole numbers round down, one side only is compared, and zero divides."),
    why("age-never-told", "A listing is printed and compared with nothing: it can't fail."),
    why("wal-by-count", "A number of files says nothing about a gap between them."),
    why("glob-under-pipefail", "Where no file is there, ls fails and the script ends before it can say that none is there."),
    why("metric-only-on-success", "After a failure the last success stays in the gateway, and nobody is told."),
    why("result-written-out", "A result that stands in the script is printed whatever happened."),
    why("step-count", "A count with a gap lets nobody see which step was left out."),
    why("rate-limit-unasked", "A request without a key never meets the limit of the account."),
    why("json-in-shell", "JSON put together from variables breaks on a quote or an empty list."),
    why("weak-encryption", "CBC without authentication lets a changed file decrypt to something else."),
    why("logs-deleted", "What is deleted by its age is gone before the incident's analysis is due."),
];

/// What is found by a pattern.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 13] = [
    Rule {
        code: "gate-only-warns", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bthen\s+(?:echo|log)\s+['\x22]WARN(?:ING)?\b[^\n]*?[\n;]\s*fi\b",
        what: "the gate warns and goes on",
        instead: "exit 1, or make it a check, which can be overridden with a reason",
    },
    Rule {
        code: "below-zero", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\s-lt\s+0\b",
        what: "this is never true of a count",
        instead: "-lt 1",
    },
    Rule {
        code: "whole-hours", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"/\s*3600\s*\)\)",
        what: "the age is rounded down to whole hours",
        instead: "compare seconds, or use the condition backup",
    },
    Rule {
        code: "integer-percent", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\*\s*100\s*/\s*\$?\{?\w+",
        what: "the difference is rounded down, and one-sided",
        instead: "use the condition row_counts, or compare in SQL",
    },
    Rule {
        code: "age-never-told", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bs3\s+ls\b[^\n;]*--summarize[^\n;]*\|\s*tail\b",
        what: "the listing is compared with nothing",
        instead: "compare the newest object's time, size and checksum: the condition backup",
    },
    Rule {
        code: "wal-by-count", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?i)\bls\b[^\n|;]*wal[^\n|;]*\|\s*wc\s+-l",
        what: "files are counted, and gaps are not seen",
        instead: "wal_segment of the backup in the site file, or pgbackrest verify",
    },
    Rule {
        code: "glob-under-pipefail", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\$\(\s*ls\b[^)\n]*\*[^)\n]*\|\s*(?:head|tail)\b",
        what: "without a file the script ends here, and no alert is sent",
        instead: "find DIR -name PATTERN -printf '%T@ %p\\n' | sort -n | tail -n 1, then test for empty",
    },
    Rule {
        code: "metric-only-on-success", weight: Fault, over: Over::Shell, unless: Unless::Script(r"_success\s+(?:0|\$)"),
        pattern: r"_success\s+1\b",
        what: "a failure is never pushed",
        instead: "push 0 on every other way out, or warroom metrics --push",
    },
    Rule {
        code: "result-written-out", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?i)\becho\s+['\x22](?:result|status):\s*(?:success|passed|pass|ok)\b",
        what: "the result stands in the script",
        instead: "let the checks say it",
    },
    Rule {
        code: "rate-limit-unasked", weight: Warning, over: Over::Written, unless: Unless::Command(r"(?i)-H\s"),
        pattern: r"(?m)\bcurl\s+(?:-\w+\s+)*-I\b[^\n]*(?:\n#[^\n]*429|429)",
        what: "this never shows the account's limit",
        instead: "ask with the key, or read the application's own count of 429",
    },
    Rule {
        code: "json-in-shell", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bcurl\b[^\n]*\s(?:-d|--data(?:-\w+)?)\s+['\x22]\{[^\n]*\$",
        what: "JSON is put together by the shell",
        instead: "use an http fence, which escapes its variables, or jq -n --arg",
    },
    Rule {
        code: "weak-encryption", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bopenssl\s+enc\b[^\n|;]*-aes-\d+-cbc",
        what: "the file is encrypted without authentication",
        instead: "gpg, age, or the store's own keys",
    },
    Rule {
        code: "logs-deleted", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bfind\s[^\n|;]*\blogs?\b[^\n|;]*-delete\b",
        what: "logs are deleted by their age",
        instead: "keep them while an incident is open",
    },
];
