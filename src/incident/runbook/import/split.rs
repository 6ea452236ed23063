//! A long script by its numbered comments: one step for each, where nothing the shell keeps crosses the cut.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::console::complete;
use super::super::lint::{assigned, bare};

/// A script in pieces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Constants of its head, which become variables of the runbook: name and value.
    pub constants: Vec<(String, String)>,
    /// The pieces: what the comment says, and the code.
    pub pieces: Vec<(String, String)>,
    /// Why pieces were left together, when some were.
    pub note: Option<String>,
}

/// A comment that numbers a step: `# Step 1: Assess`, `# 1. Assess`, `## 2) Then`.
static NUMBERED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^#+\s*(?:[Ss]tep\s+)?\d+\s*[.:)]\s*(\S.*?)\s*$").ok());
/// A literal that a variable of the card can hold.
static CONSTANT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"^([A-Za-z_]\w*)=(?:"([\w./:@%+-]*)"|'([\w./:@%+-]*)'|([\w./:@%+-]+))$"#).ok()
});
/// What changes the shell itself, so that what follows depends on it.
static STATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:cd|pushd|popd|export|trap|exec|umask|source|\.|shopt|ulimit|alias|declare|readonly)\s|^\s*(?:function\s+\w+|\w+\s*\(\)\s*\{)").ok()
});

/// Cuts a script; none when it holds no two numbered comments.
pub(super) fn cut(script: &str) -> Option<Cut> {
    let (head, mut pieces) = pieces(script)?;
    if pieces.len() < 2 {
        return None;
    }
    let mut cut = Cut::default();
    let head = constants(&head, &pieces, &mut cut.constants);
    // What stands before the first number runs first.
    let head = head.trim();
    if !head.is_empty() {
        let (_, first) = &mut pieces[0];
        *first = format!("{head}\n{first}");
    }
    let crossing = crossings(&pieces);
    let mut names: Vec<String> = Vec::new();
    for (n, (title, code)) in pieces.into_iter().enumerate() {
        match cut.pieces.last_mut() {
            Some((_, last)) if crossing.contains(&n) => {
                last.push_str("\n\n");
                last.push_str(&format!("# {title}\n{code}"));
                names.push(title);
            }
            _ => cut.pieces.push((title, code)),
        }
    }
    if !names.is_empty() {
        let names = names.join("; ");
        cut.note = Some(format!(
            "left together, as they share what the shell keeps: {names}"
        ));
    }
    Some(cut)
}

/// What stands before the first numbered comment, then each comment's words with the code below it.
fn pieces(script: &str) -> Option<(String, Vec<(String, String)>)> {
    let numbered = NUMBERED.as_ref()?;
    let (mut head, mut pieces): (String, Vec<(String, String)>) = Default::default();
    let mut open = String::new();
    for line in script.lines() {
        let found = numbered.captures(line).filter(|_| complete(&open));
        match (
            found.and_then(|found| Some(found.get(1)?.as_str().to_owned())),
            pieces.last_mut(),
        ) {
            (Some(title), _) => {
                open.clear();
                pieces.push((title, String::new()));
            }
            (None, Some((_, code))) => {
                code.push_str(line);
                code.push('\n');
                open.push_str(line);
                open.push('\n');
            }
            (None, None) => {
                head.push_str(line);
                head.push('\n');
                open.push_str(line);
                open.push('\n');
            }
        }
    }
    for (_, code) in &mut pieces {
        *code = code.trim_matches('\n').to_owned();
    }
    // A number with nothing but comments below it is still a step: to be done by hand.
    Some((head, pieces))
}

/// Takes the head's constants out, where nothing assigns them anew; they become variables.
fn constants(head: &str, pieces: &[(String, String)], out: &mut Vec<(String, String)>) -> String {
    let later: BTreeSet<String> = pieces
        .iter()
        .flat_map(|(_, code)| assigned(&bare(code)))
        .collect();
    let mut kept = Vec::new();
    for line in head.lines() {
        let found = CONSTANT
            .as_ref()
            .and_then(|constant| constant.captures(line.trim_end()));
        let name = found
            .as_ref()
            .and_then(|found| found.get(1))
            .map(|name| name.as_str());
        let value = found
            .as_ref()
            .and_then(|found| found.iter().skip(2).flatten().next());
        match (name, value) {
            (Some(name), Some(value))
                if !later.contains(name) && super::super::ids::variable_name(name).is_ok() =>
            {
                out.push((name.to_owned(), value.as_str().to_owned()));
            }
            _ => kept.push(line),
        }
    }
    kept.join("\n")
}

/// The pieces that have to stay with the one before them.
fn crossings(pieces: &[(String, String)]) -> BTreeSet<usize> {
    let texts: Vec<String> = pieces.iter().map(|(_, code)| bare(code)).collect();
    let mut together = BTreeSet::new();
    for (n, text) in texts.iter().enumerate() {
        let keeps = STATE.as_ref().is_some_and(|state| state.is_match(text));
        let sets = assigned(text);
        let names = |word: &str| sets.contains(word);
        let uses = |later: &usize| {
            let mut words = texts[*later].split(|c: char| !(c.is_alphanumeric() || c == '_'));
            keeps || words.any(names)
        };
        let last = (n + 1..texts.len()).rfind(uses);
        if let Some(last) = last {
            together.extend(n + 1..=last);
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(script: &str) -> Vec<String> {
        let pieces = cut(script).map(|cut| cut.pieces).unwrap_or_default();
        pieces.into_iter().map(|(title, _)| title).collect()
    }

    #[test]
    fn numbered_comments_part_a_script_where_nothing_crosses() {
        let table: [(&str, &[&str]); 9] = [
            ("# Step 1: Look\nls\n# Step 2: Go\nrm x", &["Look", "Go"]),
            (
                "# 1. Look\nls\n\n# 2. Go\nrm x\n# 3) End\ndate",
                &["Look", "Go", "End"],
            ),
            ("ls\nrm x", &[]),
            ("# 1. Only one\nls", &[]),
            // What one piece sets and a later one uses keeps all between together.
            (
                "# 1. A\nX=$(ls)\n# 2. B\ndate\n# 3. C\necho $X\n# 4. D\ndate",
                &["A", "D"],
            ),
            ("# 1. A\ncd /srv\n# 2. B\nls", &["A"]),
            ("# 1. A\nf() { ls; }\n# 2. B\nf", &["A"]),
            // A comment in a document or a loop is no cut.
            ("# 1. A\ncat <<EOF\n# 2. B\nEOF\n# 3. C\nls", &["A", "C"]),
            (
                "# 1. A\nfor i in 1 2; do\n# 2. B\nls\ndone\n# 3. C\nls",
                &["A", "C"],
            ),
        ];
        for (script, expected) in table {
            assert_eq!(titles(script), expected, "{script}");
        }
    }

    #[test]
    fn constants_of_the_head_become_variables_and_the_rest_runs_first() {
        let script = "#!/bin/bash\nset -e\nNS=\"shop\"\nWHEN=$(date)\n# 1. A\nkubectl get pods -n $NS\n# 2. B\nls $NS";
        let cut = cut(script).unwrap();
        assert_eq!(cut.constants, [("NS".to_owned(), "shop".to_owned())]);
        assert_eq!(
            cut.pieces[0].1,
            "#!/bin/bash\nset -e\nWHEN=$(date)\nkubectl get pods -n $NS"
        );
        assert_eq!(cut.pieces[1], ("B".into(), "ls $NS".into()));
        assert_eq!(cut.note, None);
    }

    #[test]
    fn what_is_left_together_is_told_and_loses_no_line() {
        let cut = cut("# 1. A\nX=1\n# 2. B\necho $X").unwrap();
        assert_eq!(cut.pieces, [("A".into(), "X=1\n\n# B\necho $X".into())]);
        assert!(cut.note.unwrap().ends_with("keeps: B"));
    }
}
