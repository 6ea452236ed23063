//! A numbered list whose items hold commands becomes a heading for each item: each is a step with a danger, a check and an id of its
//! own, and nobody types a phrase for the whole list before its first, harmless look.

use super::super::attributes::words;
use super::super::fence::has_executor;
use super::super::outline::{Content, Fence, Item, Mark, Section, outline};
use super::edit::Edits;
use super::{fences, guess};

/// Longer titles are cut behind a sentence, where they hold one.
const TITLE: usize = 72;

/// The text with its lists parted, and its sections then; none where there is no such list, or where parting one would change what
/// any fence says.
pub(super) fn parted(text: &str, sections: &[Section]) -> Option<(String, Vec<Section>)> {
    let mut edits = Edits::default();
    for section in sections {
        part(&mut edits, text, section);
    }
    if edits.is_empty() {
        return None;
    }
    let parted = edits.apply(text);
    let after = outline(&parted);
    let said = |sections: &[Section]| -> Vec<(String, String)> {
        let fences = sections.iter().flat_map(fences);
        fences.map(|f| (f.info.clone(), f.text.clone())).collect()
    };
    (said(sections) == said(&after)).then_some((parted, after))
}

/// Parts the list of a section, where it has just one, whose lines stand as those of a list do, and nothing but prose behind it.
fn part(edits: &mut Edits, text: &str, section: &Section) {
    let numbered = |content: &&Content| match content {
        Content::Item(item) => matches!(item.mark, Mark::Number(_)),
        _ => false,
    };
    let mut content = section
        .content
        .iter()
        .skip_while(|content| !numbered(content))
        .peekable();
    let mut items = Vec::new();
    while let Some(Content::Item(item)) = content.next_if(numbered) {
        items.push(item);
    }
    let acting = items.iter().filter(|item| acts(item)).count();
    let prose = content.all(|content| matches!(content, Content::Prose(_)));
    if acting < 2 || !prose || section.level > 5 {
        return;
    }
    let marks = "#".repeat(usize::from(section.level.max(1)) + 1);
    let written = items.iter().map(|item| written(text, item, &marks));
    let Some(written) = written.collect::<Option<Vec<String>>>() else {
        return;
    };
    let mark = guess::mark("guessed: a step for each item of the list");
    for (n, (item, new)) in items.iter().zip(written).enumerate() {
        let start = line_start(text, item.at.start);
        let mark = if n == 0 { mark.as_str() } else { "" };
        edits.replace(start..end(text, item.at.end), format!("{mark}{new}"));
    }
}

/// Whether an item holds a fence that would be run.
fn acts(item: &Item) -> bool {
    let runs = |fence: &Fence| {
        let (words, _) = words(fence);
        let executor = words.first().is_some_and(|word| has_executor(&word.key));
        executor && words.len() == 1 && !fence.quoted && fence.closed
    };
    item.content
        .iter()
        .any(|content| matches!(content, Content::Fence(fence) if runs(fence)))
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |n| n + 1)
}

/// The margin of what follows is none of an item's.
fn end(text: &str, at: usize) -> usize {
    let line = line_start(text, at);
    match text[line..at].trim().is_empty() {
        true => line,
        false => at,
    }
}

/// An item as a section of its own: its first words as the heading, the rest at the margin. None where its lines do not stand as those
/// of a list do.
fn written(text: &str, item: &Item, marks: &str) -> Option<String> {
    let margin = &text[line_start(text, item.at.start)..item.at.start];
    let source = text[item.at.clone()].trim_end();
    let digits = source.find(|c: char| !c.is_ascii_digit())?;
    let number = source.get(..digits + 1)?;
    let gap = source[digits + 1..].find(|c| c != ' ')?;
    let plain = margin.chars().all(|c| c == ' ') && digits > 0 && gap > 0;
    let deep = " ".repeat(margin.len() + digits + 1 + gap);
    let mut lines = vec![&source[digits + 1 + gap..]];
    let mut rest = lines[0].lines();
    lines[0] = rest.next()?;
    for line in rest {
        match line.strip_prefix(deep.as_str()) {
            Some(line) => lines.push(line),
            None if line.trim().is_empty() => lines.push(""),
            None => return None,
        }
    }
    let begins =
        |line: &str| line.starts_with(|c: char| c.is_alphanumeric() || "`*_[\"'(".contains(c));
    let own = lines
        .iter()
        .take_while(|line| begins(line) && !line.starts_with("```"))
        .count();
    let words = lines[..own].join(" ");
    if !plain || own == 0 || words.contains("{#") || words.trim_end().ends_with(['#', '\\']) {
        return None;
    }
    let (title, more) = title(words.trim_end());
    let mut out = format!("{marks} {number} {title}\n\n");
    if !more.is_empty() {
        out.push_str(&format!("{more}\n\n"));
    }
    if !acts(item) {
        out.push_str(&format!("- [ ] {title}\n\n"));
    }
    let body = lines[own..].join("\n");
    let body = body.trim_matches('\n');
    if !body.is_empty() {
        out.push_str(&format!("{body}\n\n"));
    }
    Some(out)
}

/// The heading's words, and what stands below it.
fn title(words: &str) -> (&str, &str) {
    let whole = |at: usize| {
        let head = &words[..at];
        let even = |c: char| head.matches(c).count().is_multiple_of(2);
        even('`') && even('*') && head.matches('[').count() == head.matches(']').count()
    };
    let ends = [". ", ": ", " — ", " – ", " - "];
    let cuts = ends.iter().filter_map(|end| {
        let found = words.match_indices(end).map(|(at, _)| at);
        let at = found.into_iter().find(|at| whole(*at))?;
        Some((at, at + end.len()))
    });
    let cut = cuts.min().filter(|(at, _)| words.len() > TITLE && *at > 0);
    let (title, more) = cut.map_or((words, ""), |(at, rest)| (&words[..at], &words[rest..]));
    (title.trim_end_matches([':', '.', ' ']), more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_with_commands_become_sections_and_others_what_is_ticked() {
        let plain = "# T\n\n## Fail over\n\nBefore.\n\n1. Look at the lag:\n\n   ```sh\n   df -h\n   ```\n\n2. Tell people.\n\n10. Promote it. It can't be undone, so ask the commander first and wait for the answer.\n\n    ```sh\n    pg_ctl promote\n    ```\n\nAfter.\n";
        let (parted, _) = parted(plain, &outline(plain)).unwrap();
        let expected = "# T\n\n## Fail over\n\nBefore.\n\n<!-- warroom: review — guessed: a step for each item of the list -->\n### 1. Look at the lag\n\n```sh\ndf -h\n```\n\n### 2. Tell people\n\n- [ ] Tell people\n\n### 10. Promote it\n\nIt can't be undone, so ask the commander first and wait for the answer.\n\n```sh\npg_ctl promote\n```\n\nAfter.\n";
        assert_eq!(parted, expected);
    }

    #[test]
    fn a_list_that_is_no_row_of_commands_stays_a_list() {
        let fence = "   ```sh\n   ls\n   ```\n";
        for plain in [
            "1. Look\n2. Go\n".to_owned(),
            format!("1. Look\n\n{fence}2. Go\n"),
            format!("- Look\n\n{fence}- Go\n\n{fence}"),
            // What stands behind the list would become part of its last step.
            format!("1. Look\n\n{fence}2. Go\n\n{fence}\n```sh\ndate\n```\n"),
            // Lazy lines, and no title.
            format!("1. Look\nat it\n\n{fence}2. Go\n\n{fence}"),
            format!("1. ```sh\n   ls\n   ```\n2. Go\n\n{fence}"),
            format!("> 1. Look\n>\n> {fence}"),
        ] {
            assert!(parted(&plain, &outline(&plain)).is_none(), "{plain}");
        }
    }
}
