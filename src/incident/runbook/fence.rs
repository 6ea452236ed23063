//! What a fence means: its first word is its executor, its second its role, the rest are attributes.

use super::super::acts::Condition;
use super::super::acts::read;
use super::super::fault::nearest;
use super::super::names::TargetId;
use super::super::strict::Reader;
use super::attributes::{Word, attributes, words};
use super::console;
use super::outline::Fence;
use super::{Attrs, Code, Role, Shell};

/// What a fence means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Shown, never run.
    Shown,
    /// `toml runbook`
    RunbookCard,
    /// `toml step`
    StepCard,
    /// Typed conditions, to hold before or after.
    Conditions(Role, Vec<Condition>),
    /// Something with an executor.
    Action(Role, Code, Box<Attrs>),
    /// Meant to do something, and faulty; the faults are told.
    Faulty,
}

/// The executors, by the fence's first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Executor {
    Shell(Shell),
    Console,
    Sql,
    Redis,
    Http,
    Toml,
}

/// The second word, when it is a role.
pub(super) const ROLES: [(&str, Role); 4] = [
    ("run", Role::Run),
    ("check", Role::Check),
    ("verify", Role::Verify),
    ("rollback", Role::Rollback),
];

/// Whether this fence is the runbook's card: a file that has one is held to more.
pub(super) fn is_runbook_card(fence: &Fence) -> bool {
    let mut words = fence.info.split_whitespace();
    let toml = words.next().and_then(executor) == Some(Executor::Toml);
    !fence.quoted && toml && words.next() == Some("runbook")
}

/// Whether this fence speaks our language: a card, a role, or a typed act. In a file that holds one a slip may lose a gate, so
/// that its faults are faults; any other file is Markdown that somebody has.
pub(super) fn is_ours(fence: &Fence) -> bool {
    let mut words = fence.info.split_whitespace();
    let Some(executor) = words.next().and_then(executor).filter(|_| !fence.quoted) else {
        return false;
    };
    let second = words.next().unwrap_or_default();
    let card = executor == Executor::Toml && matches!(second, "runbook" | "step");
    card || ROLES.iter().any(|(role, _)| *role == second)
        || executor == Executor::Toml && second.is_empty() && !is_sample(executor, fence, &[])
}

/// Says what `fence` means; faults go to the reader. In a file without a runbook card (`carded` false), code that is
/// nowhere said to be ours and does not read as ours is shown.
pub(super) fn meaning(reader: &mut Reader<'_>, fence: &Fence, carded: bool) -> Meaning {
    let (words, whole) = words(fence);
    // `sh=x` is no language.
    let language = words.first().filter(|word| word.value.is_none());
    let Some(executor) = language.and_then(|word| executor(&word.key)) else {
        return Meaning::Shown;
    };
    let (role, attributes) = match role(reader, executor, &words) {
        Second::Shown => return Meaning::Shown,
        Second::RunbookCard => {
            card(reader, fence, &words);
            return Meaning::RunbookCard;
        }
        Second::StepCard => {
            card(reader, fence, &words);
            return Meaning::StepCard;
        }
        Second::Role(role) => (Some(role), &words[2..]),
        Second::Attribute => (None, &words[1..]),
    };
    if !whole {
        let what = "a quotation mark is never closed behind the fence";
        reader.fault(&fence.info_at, what, "close it, expect=\"== 1\"");
        return Meaning::Faulty;
    }
    // What names no server or makes no request is a sample, unless its author says what it is for.
    let asked = role.is_some() || carded;
    if !asked && is_sample(executor, fence, attributes) {
        return Meaning::Shown;
    }
    closed(reader, fence);
    let role = role.unwrap_or(Role::Run);
    match executor {
        Executor::Toml => typed(reader, fence, role, attributes),
        _ => untyped(reader, fence, executor, role, attributes),
    }
}

/// Whether a language has an executor.
pub(super) fn has_executor(language: &str) -> bool {
    executor(language).is_some()
}

/// Whether this language is run as it stands, by a shell.
pub(super) fn is_shell(word: &str) -> bool {
    matches!(executor(word), Some(Executor::Shell(_)))
}

fn executor(word: &str) -> Option<Executor> {
    match word.to_ascii_lowercase().as_str() {
        "sh" | "shell" => Some(Executor::Shell(Shell::Sh)),
        "bash" => Some(Executor::Shell(Shell::Bash)),
        "zsh" => Some(Executor::Shell(Shell::Zsh)),
        "console" | "shell-session" | "shellsession" | "sh-session" | "bash-session" => {
            Some(Executor::Console)
        }
        "sql" => Some(Executor::Sql),
        "redis" => Some(Executor::Redis),
        "http" => Some(Executor::Http),
        "toml" => Some(Executor::Toml),
        _ => None,
    }
}

/// Whether a fence of these words holds a text (`sh`, `sql on=pg-west`, `http`), and no TOML.
pub fn takes_text(words: &str) -> bool {
    let first = words.split_whitespace().next().and_then(executor);
    first.is_some_and(|executor| executor != Executor::Toml)
}

/// What the second word says.
enum Second {
    Shown,
    RunbookCard,
    StepCard,
    Role(Role),
    Attribute,
}

fn role(reader: &mut Reader<'_>, executor: Executor, words: &[Word]) -> Second {
    let Some(second) = words.get(1) else {
        return Second::Attribute;
    };
    let known = attributes_of(executor).contains(&second.key.as_str());
    match (second.key.as_str(), &second.value) {
        ("runbook", None) if executor == Executor::Toml => Second::RunbookCard,
        ("step", None) if executor == Executor::Toml => Second::StepCard,
        _ if known => Second::Attribute,
        (word, None) => match ROLES.iter().find(|(name, _)| *name == word) {
            Some((_, role)) => Second::Role(*role),
            None => {
                let roles = [
                    "run", "check", "verify", "rollback", "show", "step", "runbook",
                ];
                if let Some(meant) = nearest(word, roles).filter(|meant| *meant != word) {
                    let what = format!("{word:?} is no role, so the fence is shown and never run");
                    let instead = format!("did you mean {meant}?");
                    reader.coded("role-misspelt", &second.at, what, instead);
                }
                Second::Shown
            }
        },
        (_, Some(_)) => Second::Shown,
    }
}

/// A card's fence has two words and an end.
fn card(reader: &mut Reader<'_>, fence: &Fence, words: &[Word]) {
    if let Some(extra) = words.get(2) {
        let what = format!("a card's fence has one more word, {:?}", extra.key);
        reader.fault(&extra.at, what, "take it out");
    }
    closed(reader, fence);
}

/// A fence left open makes code of the rest of the file.
fn closed(reader: &mut Reader<'_>, fence: &Fence) {
    if !fence.closed {
        let what = "the fence is never closed";
        reader.fault(&fence.info_at, what, "end it with a line of ```");
    }
}

fn is_sample(executor: Executor, fence: &Fence, attributes: &[Word]) -> bool {
    match executor {
        Executor::Sql | Executor::Redis => !attributes.iter().any(|word| word.key == "on"),
        Executor::Http => http_method(&fence.text).is_none(),
        Executor::Toml => {
            let source = super::super::fault::Source::new("", &fence.text);
            let card = Reader::new(source).parse(0..fence.text.len(), "");
            !read::looks_like_act(&card)
        }
        Executor::Shell(_) | Executor::Console => false,
    }
}

fn typed(reader: &mut Reader<'_>, fence: &Fence, role: Role, attributes: &[Word]) -> Meaning {
    for word in attributes {
        let what = format!("a toml fence takes no {:?}", word.key);
        reader.fault(&word.at, what, "take it out, names stand in the toml");
    }
    let before = reader.faults.len();
    let card = reader.parse(fence.at.clone(), "the fence");
    if reader.faults.len() > before {
        return Meaning::Faulty;
    }
    match role {
        Role::Check | Role::Verify => Meaning::Conditions(role, read::conditions(reader, card)),
        Role::Run | Role::Rollback => match read::act(reader, card) {
            Some(act) => Meaning::Action(role, Code::Act { act }, Box::default()),
            None => Meaning::Faulty,
        },
    }
}

fn untyped(
    reader: &mut Reader<'_>,
    fence: &Fence,
    executor: Executor,
    role: Role,
    words: &[Word],
) -> Meaning {
    let given = attributes(reader, attributes_of(executor), words);
    let text = fence.text.clone();
    if text.trim().is_empty() {
        reader.fault(&fence.info_at, "the fence is empty", "write what is to run");
        return Meaning::Faulty;
    }
    let code = match executor {
        Executor::Shell(shell) => Some(Code::Shell {
            shell,
            script: text,
            host: given.on,
        }),
        Executor::Console => match console::commands(&text) {
            Some(script) => Some(Code::Shell {
                shell: Shell::Sh,
                script,
                host: given.on,
            }),
            None => return Meaning::Shown,
        },
        Executor::Sql | Executor::Redis if given.on.is_none() => {
            let what = "the fence names no server";
            reader.fault(&fence.info_at, what, "add on=TARGET, or mark it show");
            None
        }
        Executor::Sql => given.on.map(|on| Code::Sql {
            on: TargetId(on),
            text,
            tx: given.tx,
        }),
        Executor::Redis => given.on.map(|on| Code::Redis {
            on: TargetId(on),
            text,
        }),
        Executor::Http if http_method(&text).is_none() => {
            let what = "the fence holds no request";
            let example =
                "begin with a line such as GET https://api.example.org/health, or mark it show";
            reader.fault(&fence.at, what, example);
            None
        }
        Executor::Http => Some(Code::Http { text }),
        Executor::Toml => None,
    };
    code.map_or(Meaning::Faulty, |code| {
        Meaning::Action(role, code, Box::new(given.attrs))
    })
}

/// The attributes an executor takes.
fn attributes_of(executor: Executor) -> &'static [&'static str] {
    match executor {
        Executor::Shell(_) | Executor::Console => {
            &["on", "with", "expect", "as", "path", "secret", "guards"]
        }
        Executor::Sql => &["on", "tx", "expect", "as", "path", "secret"],
        Executor::Redis => &["on", "expect", "as", "path", "secret"],
        Executor::Http => &["expect", "as", "path", "secret"],
        Executor::Toml => &[],
    }
}

/// The method of a request as `.http` files write it (a bare URL is a GET); none when there is no request.
pub fn http_method(text: &str) -> Option<&str> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !(line.is_empty() || line.starts_with('#') || line.starts_with("//")))?;
    let is_url = |word: &str| {
        ["http://", "https://", "{{"]
            .iter()
            .any(|p| word.starts_with(p))
    };
    let mut words = line.split_whitespace();
    let first = words.next()?;
    match words.next() {
        None => is_url(first).then_some("GET"),
        Some(url) => (METHODS.contains(&first) && is_url(url)).then_some(first),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fault::Source;
    use super::super::Expect;
    use super::super::outline::{Content, outline};
    use super::*;

    fn read(text: &str, carded: bool) -> (Meaning, Vec<String>) {
        let mut reader = Reader::new(Source::new("a", text));
        let Some(Content::Fence(fence)) = outline(text).remove(0).content.pop() else {
            panic!("no fence in {text}");
        };
        let meaning = meaning(&mut reader, &fence, carded);
        (
            meaning,
            reader.faults.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn the_first_word_runs_the_second_says_when() {
        let table = [
            ("```sh\nls\n```", "Action(Run"),
            ("```bash verify expect=\"== 1\"\nls\n```", "Action(Verify"),
            ("```zsh rollback\nls\n```", "Action(Rollback"),
            (
                "```console\n$ ls\nx\n```",
                "Action(Run, Shell { shell: Sh, script: \"ls\"",
            ),
            ("```console\n$ echo 'a\n```", "Shown"),
            (
                "```sql check on=pg-west tx\nSELECT 1\n```",
                "Action(Check, Sql { on: TargetId(\"pg-west\")",
            ),
            ("```sql\nSELECT 1\n```", "Shown"),
            ("```redis on=$R\nPING\n```", "Action(Run, Redis"),
            ("```http verify\nGET https://x/\n```", "Action(Verify, Http"),
            ("```http\nHTTP/1.1 200 OK\n```", "Shown"),
            (
                "```toml\npostgres.promote = { target = \"a\" }\n```",
                "Action(Run, Act",
            ),
            (
                "```toml check\nwritable = [\"a\", \"b\"]\n```",
                "Conditions(Check, [",
            ),
            ("```toml\n[package]\nname = \"x\"\n```", "Shown"),
            ("```toml step\n```", "StepCard"),
            ("```toml runbook\n```", "RunbookCard"),
            ("```sh show\nls\n```", "Shown"),
            ("```bash title=\"x\"\nls\n```", "Shown"),
            ("```sh example\nls\n```", "Shown"),
            ("```yaml\na: 1\n```", "Shown"),
            ("```\nls\n```", "Shown"),
        ];
        for (text, expected) in table {
            let (meaning, faults) = read(text, false);
            let meaning = format!("{meaning:?}");
            assert!(meaning.starts_with(expected), "{text}: {meaning}");
            assert_eq!(faults, Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn attributes_are_strict_and_may_be_quoted() {
        let text = "```sh check on=db-west with=pg-east,$PG expect=\"== \\\"a b\\\"\" as=X path=$.a secret guards=pg-west\nls\n```";
        let (Meaning::Action(Role::Check, code, attrs), faults) = read(text, true) else {
            panic!();
        };
        assert!(matches!(code, Code::Shell { host: Some(host), .. } if host == "db-west"));
        assert_eq!(attrs.with, ["pg-east".into(), "$PG".into()]);
        assert_eq!(attrs.expect, Some(Expect::Equals("\"a b\"".into())));
        assert_eq!(
            (attrs.keep_as.as_deref(), attrs.path.as_deref()),
            (Some("X"), Some("$.a"))
        );
        assert_eq!((attrs.secret, attrs.guards), (true, Some("pg-west".into())));
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_behind_a_fence_is_told_at_its_word() {
        let table = [
            (
                "```sh run wiht=a\nls\n```",
                "a:1:11: the fence takes no \"wiht\" — did you mean with?",
            ),
            (
                "```sql on=a check\nSELECT 1\n```",
                "a:1:13: the fence takes no \"check\" — the role stands second, behind the language",
            ),
            (
                "```sql check\nSELECT 1\n```",
                "a:1:4: the fence names no server — add on=TARGET, or mark it show",
            ),
            (
                "```redis on=a on=b\nPING\n```",
                "a:1:15: on stands here twice — keep one",
            ),
            (
                "```sh as=PATH\nls\n```",
                "a:1:7: as: PATH can't be the name of a variable: programs take orders from it",
            ),
            (
                "```sh path=$.a\nls\n```",
                "a:1:7: path says how an output is kept, and none is — add as=NAME",
            ),
            (
                "```sh check expect=\"== 1\nls\n```",
                "a:1:4: a quotation mark is never closed behind the fence — close it, expect=\"== 1\"",
            ),
            (
                "```sh check\n```",
                "a:1:4: the fence is empty — write what is to run",
            ),
            (
                "```sh verfy\nls\n```",
                "a:1:7: warning: \"verfy\" is no role, so the fence is shown and never run — did you mean verify? [role-misspelt]",
            ),
            (
                "```sh\nls",
                "a:1:4: the fence is never closed — end it with a line of ```",
            ),
            (
                "```toml run on=a\nwait = { for = \"1s\" }\n```",
                "a:1:13: a toml fence takes no \"on\" — take it out, names stand in the toml",
            ),
            (
                "```sh on=-oProxyCommand=x\nls\n```",
                "a:1:7: on: \"-oProxyCommand=x\" is no name of a target or a host",
            ),
        ];
        for (text, fault) in table {
            let (_, faults) = read(text, false);
            assert_eq!(faults, [fault], "{text}");
        }
    }

    #[test]
    fn a_carded_file_may_not_lose_an_act_by_a_slip() {
        let (meaning, faults) = read("```toml\nhelm.scale = { target = \"a\" }\n```", true);
        assert!(matches!(meaning, Meaning::Faulty));
        assert_eq!(
            faults,
            [
                "a:2:1: the fence has no key \"helm\" — known here: postgres, redis, kube, rds, route53, secrets, cnpg, velero, argocd, ecs, elasticache, s3, aurora, wait, runbook"
            ]
        );
    }
}
