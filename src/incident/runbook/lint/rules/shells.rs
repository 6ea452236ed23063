//! Rules on shell scripts as such: what never ends, what waits for a terminal, what hides a failure.

use super::super::super::super::fault::Weight::{Fault, Warning};
use super::{Explained, Over, Rule, Unless, why};

/// Why each matters.
#[rustfmt::skip]
pub(super) const WHY: [Explained; 21] = [
    why("endless-watch", "A step that never ends is never done, and the next one is never reached."),
    why("endless-follow", "A log that is followed has no end and no criterion: nobody can say when the step is over."),
    why("endless-loop", "A loop without a limit waits for something that may never come, and asks nobody."),
    why("interactive-terminal", "Steps run without a terminal: what asks a person there fails, or waits for ever."),
    why("fixed-sleep", "A fixed pause is too short on a bad night and too long on a good one, and finds no failure."),
    why("no-timeout", "Without a limit a hanging server holds the step, and with it the incident."),
    why("curl-fail", "Without --fail curl calls an error page a success."),
    why("pipe-unchecked", "In a pipeline without pipefail a failed dump leaves a small valid file and exit code 0."),
    why("shebang-not-first", "An interpreter is only chosen by the first line: elsewhere the script runs under another shell."),
    why("newest-by-name", "A listing sorted by name is not sorted by time, so its first or last entry need not be the newest."),
    why("latest-by-name", "A file called latest is as old as the job that last wrote it, if any job does."),
    why("date-local", "date -d gives the machine's local time, which is hours off where UTC is meant."),
    why("date-twice", "Two calls of date name two files as soon as a second passes between them."),
    why("errors-hidden", "What is thrown away is the one line that says what went wrong."),
    why("condition-in-comment", "A shell does not read comments: what should run only in one case runs in every case."),
    why("step-only-said", "A step that is announced and then only commented on is reported as done, and was never made."),
    why("compose-restart", "compose restart starts the same container again: a changed .env, image or file is not picked up."),
    why("compose-name", "Names of volumes and networks depend on the project's name, which depends on the folder."),
    why("volume-in-use", "A stopped container still holds its volume, so that the volume can't be removed."),
    why("ping-in-container", "Images often have no ping and networks often drop ICMP: it says nothing about the service."),
    why("resolver-of-host", "A container has a resolv.conf of its own, and the host's says nothing about it."),
];

/// What is found by a pattern.
#[rustfmt::skip]
pub(super) const RULES: [Rule; 25] = [
    Rule {
        code: "endless-watch", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?:^|\s)--watch(?:=true)?(?:\s|$)|\bkubectl\b[^\n|;]*\sget\b[^\n|;]*\s-w\b",
        what: "--watch never ends",
        instead: "poll in a ```toml verify fence, or use kubectl wait --timeout",
    },
    Rule {
        code: "endless-watch", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?m)(?:^|[|;&(]\s*)\s*watch\s",
        what: "watch never ends",
        instead: "poll in a ```toml verify fence",
    },
    Rule {
        code: "endless-follow", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:logs|journalctl)\b[^\n|;]*\s(?:-[a-zA-Z]*f[a-zA-Z]*|--follow)\b",
        what: "following a log never ends",
        instead: "use --since and --tail without -f",
    },
    Rule {
        code: "endless-follow", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\btail\s+(?:-\S+\s+)*-\w*[fF]\b",
        what: "tail -f never ends",
        instead: "use tail -n 100",
    },
    Rule {
        code: "endless-follow", weight: Fault, over: Over::Shell, unless: Unless::Command(r"--no-stream"),
        pattern: r"\bdocker\s+stats\b",
        what: "docker stats never ends",
        instead: "add --no-stream",
    },
    Rule {
        code: "endless-loop", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bwhile\s+(?:true|:)(?:\s|;)",
        what: "while true never ends by itself",
        instead: "use a ```toml verify fence, whose time-out asks",
    },
    Rule {
        code: "interactive-terminal", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:kubectl|docker|compose)\b[^\n|;]*\s(?:exec|run)(?:\s+(?:--[a-z][\w-]*(?:=\S*)?|-[a-zA-Z]+|[^\s|;-][^\s|;]*))*?\s+-(?:it|ti|t)\b",
        what: "this asks for a terminal, and a step has none",
        instead: "leave -t out",
    },
    Rule {
        code: "interactive-terminal", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?m)(?:^|[;&|]\s*)\s*(?:sudo\s+)?(?:nano|vim?|emacs|less|top|htop)(?:\s|$)|\bread\s+-\w*p\b",
        what: "this waits for somebody at a terminal, and a step has none",
        instead: "make it an item to tick, or a variable of the runbook card",
    },
    Rule {
        code: "fixed-sleep", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?m)^sleep\s+\d+",
        what: "a fixed pause stands for a condition",
        instead: "wait for what is meant: a ```toml verify fence, kubectl wait, or a loop with a limit",
    },
    Rule {
        code: "no-timeout", weight: Warning, over: Over::Shell, unless: Unless::Command(r"--timeout\b|--request-timeout\b"),
        pattern: r"\bkubectl\b[^\n|;]*\s(?:rollout\s+status|wait)\b[^\n|;]*|\bargocd\s+app\s+wait\b[^\n|;]*",
        what: "this waits without a limit",
        instead: "add --timeout",
    },
    Rule {
        code: "no-timeout", weight: Warning, over: Over::Shell, unless: Unless::Command(r"--max-time\b|\s-m\s*\d"),
        pattern: r"\bcurl\s[^\n|;]*",
        what: "curl waits without a limit",
        instead: "add --max-time 10",
    },
    Rule {
        code: "curl-fail", weight: Fault, over: Over::Shell, unless: Unless::Command(r"--fail\b|--fail-with-body|\s-[a-zA-Z]*f[a-zA-Z]*\b|%\{http_code\}"),
        pattern: r"\bcurl\s[^\n|;]*",
        what: "curl exits 0 on an error page",
        instead: "add --fail, or use an http fence",
    },
    Rule {
        code: "pipe-unchecked", weight: Fault, over: Over::Written, unless: Unless::Script(r"pipefail"),
        pattern: r"\A#!(?s:.*)\b((?:pg_dump|mysqldump|gunzip|zcat|gpg)\b[^\n|]*(?:\\\n[^\n|]*)?\|[^|])",
        what: "the script is a file of its own, and there a failure before the pipe is lost",
        instead: "set -euo pipefail",
    },
    Rule {
        code: "shebang-not-first", weight: Warning, over: Over::Written, unless: Unless::Never,
        pattern: r"\n#!\s*/",
        what: "#! stands below the first line, where it is a comment",
        instead: "make it the first line",
    },
    Rule {
        code: "newest-by-name", weight: Fault, over: Over::Shell, unless: Unless::Command(r"\bls\s+-\w*t|--sort|\bsort\b|--summarize"),
        pattern: r"\bls\s[^\n|]*\|\s*(?:head|tail)\b",
        what: "the listing is sorted by name, not by time",
        instead: "sort by time, ls -t, and check the age",
    },
    Rule {
        code: "latest-by-name", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"[\w./-]*\blatest\.(?:dump|rdb|sql|tar|tgz|gz|snap|bak)\b",
        what: "a file called latest is taken for the newest",
        instead: "choose the newest by its time, and check its age",
    },
    Rule {
        code: "date-local", weight: Fault, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bdate\s+(?:-d|--date)\s*=?\s*(?:'[^'\n]*'|\x22[^\x22\n]*\x22)\s+['\x22]?\+%[Y-]",
        what: "date gives local time here",
        instead: "date -u, and write the zone behind it",
    },
    Rule {
        code: "errors-hidden", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\b(?:psql|pg_restore|pg_dump|redis-cli|kubectl|aws|vault|etcdctl)\b(?:[^\n|;\x22]|\x22[^\x22\n]*\x22)*2>\s*/dev/null",
        what: "its error is thrown away",
        instead: "let it be seen: the journal keeps it",
    },
    Rule {
        code: "condition-in-comment", weight: Warning, over: Over::Written, unless: Unless::Never,
        pattern: r"(?m)^#[^\n]*\b(?:[Ii]f|[Ff]or)\b[^\n]*\b(?:fail\w*|issues?|persist\w*|needed|corrupt\w*|still|widespread|locali[sz]ed|cluster-wide)\b",
        what: "a condition stands in a comment, and the script runs on in every case",
        instead: "make it a step of its own, with branch or decide",
    },
    Rule {
        code: "step-only-said", weight: Warning, over: Over::Written, unless: Unless::Never,
        pattern: r"(?m)^echo\s+\x22[^\x22\n]*\x22\n(?:#[^\n]*\n)+(?:\n|\z)",
        what: "a step is announced, and only comments follow",
        instead: "write the command, or make it an item to tick",
    },
    Rule {
        code: "compose-restart", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bcompose\s+restart\b",
        what: "compose restart starts the same container with its old environment",
        instead: "docker compose up -d --force-recreate",
    },
    Rule {
        code: "compose-name", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bdocker\s+(?:volume|network)\s+(?:rm|inspect)\s+[a-z][a-z0-9-]*_\w+",
        what: "the name depends on the project's name",
        instead: "read it from docker compose config, or from its labels",
    },
    Rule {
        code: "volume-in-use", weight: Fault, over: Over::Shell, unless: Unless::Script(r"\bcompose\s+(?:down|rm)\b"),
        pattern: r"\bcompose\s+stop\b[^\n]*\n[\s\S]*?\bvolume\s+rm\b",
        what: "the stopped container still holds the volume",
        instead: "docker compose rm -sf SERVICE before it",
    },
    Rule {
        code: "ping-in-container", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"\bexec\b[^\n|;]*[ \t]ping[ \t]",
        what: "ping is often not there, and ICMP is often dropped",
        instead: "connect to the port that is used",
    },
    Rule {
        code: "resolver-of-host", weight: Warning, over: Over::Shell, unless: Unless::Never,
        pattern: r"(?m)^\s*cat\s+/etc/resolv\.conf",
        what: "this is the host's resolver, not the container's",
        instead: "read it in the container: docker compose exec -T SERVICE cat /etc/resolv.conf",
    },
];
