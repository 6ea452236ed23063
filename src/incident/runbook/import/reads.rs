//! Which commands only look: a list, so that a command nobody thought of counts as one that changes something.

/// Programs that change nothing whatever they are asked.
const LOOKERS: &[&str] = &[
    "awk",
    "basename",
    "cat",
    "column",
    "cut",
    "df",
    "dig",
    "dirname",
    "diff",
    "du",
    "echo",
    "egrep",
    "false",
    "fgrep",
    "file",
    "free",
    "getent",
    "grep",
    "head",
    "host",
    "hostname",
    "id",
    "iostat",
    "jq",
    "log",
    "ls",
    "lsblk",
    "md5sum",
    "mount",
    "mpstat",
    "nproc",
    "nslookup",
    "pg_amcheck",
    "pg_isready",
    "pgrep",
    "ping",
    "printf",
    "ps",
    "pwd",
    "redis-check-rdb",
    "redis-check-aof",
    "sha256sum",
    "sleep",
    "sort",
    "ss",
    "stat",
    "tail",
    "test",
    "time",
    "tr",
    "traceroute",
    "true",
    "type",
    "uname",
    "uniq",
    "uptime",
    "vmstat",
    "wc",
    "which",
    "who",
    "yq",
    "[",
    "[[",
    ":",
];

/// Words of a shell that are no command.
const GRAMMAR: &[&str] = &[
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "{",
    "}", "!", "in", "break", "continue", "exit", "return", "set", "local", "sudo",
];

/// Programs that only look when one of these words follows.
const ASKED: &[(&str, &[&str])] = &[
    (
        "kubectl",
        &[
            "get",
            "describe",
            "logs",
            "top",
            "wait",
            "version",
            "cluster-info",
            "api-resources",
            "explain",
        ],
    ),
    (
        "docker",
        &[
            "ps", "logs", "inspect", "stats", "images", "version", "info",
        ],
    ),
    (
        "compose",
        &["ps", "logs", "config", "images", "version", "top"],
    ),
    (
        "systemctl",
        &[
            "status",
            "is-active",
            "is-enabled",
            "show",
            "list-units",
            "list-timers",
        ],
    ),
    ("journalctl", &[""]),
    (
        "terraform",
        &["plan", "show", "output", "validate", "version"],
    ),
    (
        "git",
        &[
            "status",
            "log",
            "show",
            "diff",
            "rev-parse",
            "ls-remote",
            "describe",
        ],
    ),
    ("velero", &["get", "describe", "version"]),
    ("vault", &["status", "version"]),
    ("argocd", &["version", "context"]),
    ("helm", &["list", "status", "history", "get", "version"]),
    ("pgbackrest", &["info", "verify", "check"]),
    ("barman", &["list-backup", "show-backup", "check", "status"]),
    ("iptables", &["-L", "-S", "-n"]),
    ("ufw", &["status"]),
    (
        "openssl",
        &["s_client", "x509", "version", "dgst", "verify"],
    ),
    ("ip", &["addr", "route", "link", "a", "r"]),
];

/// Two words that only look, behind their program.
const PAIRS: &[(&str, &str)] = &[
    ("rollout", "status"),
    ("rollout", "history"),
    ("config", "view"),
    ("config", "current-context"),
    ("auth", "can-i"),
    ("cnpg", "status"),
    ("network", "ls"),
    ("network", "inspect"),
    ("volume", "ls"),
    ("volume", "inspect"),
    ("app", "get"),
    ("app", "list"),
    ("app", "wait"),
    ("endpoint", "health"),
    ("endpoint", "status"),
    ("member", "list"),
    ("snapshot", "status"),
    ("workspace", "list"),
    ("workspace", "show"),
];

/// What Redis answers without changing anything.
const REDIS: &[&str] = &[
    "ping",
    "info",
    "dbsize",
    "role",
    "get-master-addr-by-name",
    "replicas",
    "slaves",
    "masters",
    "master",
    "ckquorum",
    "lastsave",
    "get",
    "ttl",
    "exists",
    "scan",
    "memory",
];

/// Whether every command of a script only looks.
pub(super) fn only_reads(bare: &str) -> bool {
    let written = redirected(bare);
    let commands = bare.split(['\n', ';', '|', '&', '(', ')', '`']);
    let mut any = false;
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().collect();
        let Some(at) = words.iter().position(|word| is_command(word)) else {
            continue;
        };
        any = true;
        if !reads(&words[at..]) {
            return false;
        }
    }
    any && !written
}

/// Neither grammar, nor an assignment, nor a redirection.
fn is_command(word: &str) -> bool {
    let assigns = word
        .split_once('=')
        .is_some_and(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    !(assigns
        || GRAMMAR.contains(&word)
        || word.starts_with(['>', '<', '"', '\'', '$', '-'])
        || word.parse::<u32>().is_ok())
}

/// Output that goes to a file; to /dev/null and to another descriptor it does not.
fn redirected(bare: &str) -> bool {
    let mut quote = None;
    let mut chars = bare.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' | '"' if quote.is_none() => quote = Some(c),
            c if quote == Some(c) => quote = None,
            '>' if quote.is_none() => {
                let to = bare[at..].trim_start_matches('>').trim_start();
                if !(to.starts_with('&') || to.starts_with("/dev/null")) {
                    return true;
                }
                while chars.next_if(|(_, c)| *c == '>').is_some() {}
            }
            _ => {}
        }
    }
    false
}

fn reads(words: &[&str]) -> bool {
    let (program, rest) = (words[0], &words[1..]);
    let program = program.rsplit('/').next().unwrap_or(program);
    let asks = |wanted: &[&str]| rest.iter().any(|word| wanted.contains(word));
    if LOOKERS.contains(&program) {
        return !(program == "mount" && rest.len() > 1);
    }
    if rest.windows(2).any(|two| PAIRS.contains(&(two[0], two[1]))) {
        return true;
    }
    match program {
        "date" => !asks(&["-s", "--set"]),
        "journalctl" => true,
        "aws" => {
            rest.iter().any(|word| {
                ["describe-", "list-", "get-", "head-", "wait"]
                    .iter()
                    .any(|verb| word.starts_with(verb))
            }) || rest.windows(2).any(|two| two == ["s3", "ls"])
        }
        "curl" => {
            !asks(&["-X", "-d", "-T", "-o", "-O", "-F"])
                && !rest.iter().any(|w| {
                    w.starts_with("--data")
                        || w.starts_with("--request")
                        || w.starts_with("--upload")
                        || w.starts_with("--output")
                })
        }
        "psql" => sql_reads(&rest.join(" ")),
        "redis-cli" => rest
            .iter()
            .any(|word| REDIS.contains(&word.to_lowercase().as_str())),
        "pg_restore" => asks(&["-l", "--list"]),
        "docker" if asks(&["exec"]) => inner(rest, "exec"),
        "kubectl" if asks(&["exec"]) => inner(rest, "--"),
        "docker" if rest.first() == Some(&"compose") => reads(rest),
        _ => {
            let known = ASKED.iter().find(|(name, _)| *name == program);
            known.is_some_and(|(_, words)| asks(words))
        }
    }
}

/// The command that runs in a container.
fn inner(words: &[&str], behind: &str) -> bool {
    let Some(at) = words.iter().position(|word| *word == behind) else {
        return false;
    };
    let mut rest = words[at + 1..].iter().copied();
    let known =
        |word: &&str| LOOKERS.contains(word) || matches!(*word, "psql" | "redis-cli" | "curl");
    let Some(start) = rest.position(|word| known(&word)) else {
        return false;
    };
    reads(&words[at + 1 + start..])
}

/// A statement on psql's command line that only looks.
fn sql_reads(rest: &str) -> bool {
    let Some((_, sql)) = rest.split_once("-c") else {
        return false;
    };
    let sql = sql.trim_start_matches(['"', '\'', ' ', '=']).to_lowercase();
    let changes = [
        "pg_terminate",
        "pg_cancel",
        "pg_promote",
        "pg_switch",
        "pg_reload",
        "setval",
        "nextval",
    ];
    ["select", "show", "table", "\\d", "\\l"]
        .iter()
        .any(|verb| sql.starts_with(verb))
        && !changes.iter().any(|word| sql.contains(word))
}
