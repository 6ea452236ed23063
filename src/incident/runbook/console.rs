//! `console` blocks: what was typed is taken out of what was printed. A block that can't be read with certainty is shown.

/// The commands of a console block, one a line; none when it holds no prompt or one of its commands can't be read to its end.
pub(super) fn commands(block: &str) -> Option<String> {
    let lines: Vec<&str> = block.lines().map(str::trim_end).collect();
    let prompt = match lines.iter().find(|line| !line.is_empty())?.get(..2)? {
        "$ " => "$ ",
        // A block that begins with a root prompt shows root's prompts; in any other `# ` is a comment in the output.
        "# " => "# ",
        _ => return None,
    };
    let mut script = Vec::new();
    let mut lines = lines.into_iter().peekable();
    while let Some(line) = lines.next() {
        let Some(command) = line.strip_prefix(prompt) else {
            continue;
        };
        let mut command = command.to_owned();
        while !complete(&command) {
            let next = lines.next_if(|line| !line.starts_with(prompt))?;
            let more = next.strip_prefix("> ").or((next == ">").then_some(""));
            let more = match more {
                Some(more) => more,
                // Pasted without its secondary prompt: certain only behind a backslash.
                None if command.ends_with('\\') => next,
                None => return None,
            };
            command.push('\n');
            command.push_str(more);
        }
        script.push(command);
    }
    Some(script.join("\n"))
}

/// Whether a shell would run `command` instead of asking for more. Errs towards no: then the block is shown, not run.
pub(super) fn complete(command: &str) -> bool {
    let Some(bare) = unquoted(command) else {
        return false;
    };
    let words = keywords(&bare);
    let count = |word: &str| words.iter().filter(|w| **w == word).count();
    let balanced = [("if", "fi"), ("do", "done"), ("case", "esac"), ("{", "}")]
        .iter()
        .all(|(open, close)| count(open) == count(close))
        && bare.matches('(').count() == bare.matches(')').count();
    let end = bare.trim_end();
    let open_end = ["\\", "|", "&&", "||"]
        .iter()
        .any(|tail| end.ends_with(tail));
    // `for x in a` and `while y` without their `do` wait for it.
    let loops = count("for") + count("while") + count("until");
    balanced && !open_end && loops == count("do") && heredocs_closed(command)
}

/// The words that stand where a command begins: there, and only there, `if` and its kin are keywords.
fn keywords(bare: &str) -> Vec<&str> {
    const BEFORE_A_COMMAND: [&str; 10] = [
        "if", "then", "elif", "else", "while", "until", "do", "{", "!", "time",
    ];
    let mut found = Vec::new();
    for part in bare.split(['\n', ';', '|', '&', '(', ')']) {
        for word in part.split_whitespace() {
            found.push(word);
            if !BEFORE_A_COMMAND.contains(&word) {
                break;
            }
        }
    }
    found
}

/// The command without what stands in quotes and comments; none when a quote is open.
fn unquoted(command: &str) -> Option<String> {
    let mut bare = String::new();
    let mut chars = command.chars();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                chars.by_ref().find(|c| *c == '\'')?;
                bare.push('q');
            }
            '"' => {
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => chars.next().map(drop)?,
                        _ => {}
                    }
                }
                bare.push('q');
            }
            '\\' => match chars.next() {
                Some('\n') => bare.push(' '),
                Some(_) => bare.push('q'),
                None => bare.push('\\'),
            },
            '#' if before.is_whitespace() => {
                chars.by_ref().find(|c| *c == '\n');
                bare.push('\n');
            }
            c => bare.push(c),
        }
        before = c;
    }
    Some(bare)
}

/// Every `<<WORD` has a line that is WORD.
fn heredocs_closed(command: &str) -> bool {
    command
        .match_indices("<<")
        .filter(|(at, _)| {
            let text = &command[*at..];
            !text.starts_with("<<<") && !command[..*at].ends_with('<')
        })
        .all(|(at, _)| {
            let word: String = command[at + 2..]
                .trim_start_matches(['-', ' ', '\'', '"', '\\'])
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            command[at..]
                .lines()
                .skip(1)
                .any(|line| line.trim() == word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_typed_is_taken_and_only_when_it_is_certain() {
        let table = [
            ("$ ls\na  b\n$ pwd\n/x\n", Some("ls\npwd")),
            (
                "# systemctl stop x\n# comment or command\n",
                Some("systemctl stop x\ncomment or command"),
            ),
            ("$ cat f\n# a comment of f\n", Some("cat f")),
            ("$ echo a \\\n>   b\nab\n", Some("echo a \\\n  b")),
            ("$ echo a \\\n  b\nab\n", Some("echo a \\\n  b")),
            ("$ diff a b\n> added\n", Some("diff a b")),
            (
                "$ for i in 1 2; do\n> echo $i\n> done\n1\n2\n",
                Some("for i in 1 2; do\necho $i\ndone"),
            ),
            ("$ cat <<EOF\n> a\n> EOF\na\n", Some("cat <<EOF\na\nEOF")),
            ("$ echo 'it\n> is'\n", Some("echo 'it\nis'")),
            ("$ echo 'it\nis'\n", None),
            ("$ cat <<EOF\na\nEOF\n", None),
            ("$ a |\n$ b\n", None),
            ("$ if true; then\nx\n", None),
            ("$ while read x\n", None),
            ("$ echo done if\n", Some("echo done if")),
            (
                "$ if true; then echo a; fi\n",
                Some("if true; then echo a; fi"),
            ),
            ("output only\n", None),
            ("", None),
            ("é", None),
        ];
        for (block, script) in table {
            assert_eq!(commands(block).as_deref(), script, "{block:?}");
        }
    }
}
