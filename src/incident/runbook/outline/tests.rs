//! Headings, fences and items, each at its place.

use super::*;

#[test]
fn a_rule_in_the_middle_of_a_file_hides_nothing() {
    let section =
        |rule: &str| format!("# T\n\nA.\n\n{rule}\n## Do\n\n```sh\nls\n```\n\n{rule}\n## End\n");
    let names = |text: &str| -> Vec<String> { titles(text).into_iter().map(|t| t.1).collect() };
    for rule in ["---", "+++", "***"] {
        assert_eq!(names(&section(rule)), ["T", "Do", "End"], "{rule}");
        let front = "\u{feff}---\ntitle: x\n---\n".to_owned();
        assert_eq!(
            names(&(front + &section(rule))),
            ["T", "Do", "End"],
            "{rule}"
        );
    }
}

fn titles(text: &str) -> Vec<(u8, String, Option<String>)> {
    outline(text)
        .into_iter()
        .skip(1)
        .map(|s| (s.level, s.title, s.id))
        .collect()
}

#[test]
fn only_a_hash_in_braces_is_an_id() {
    let table = [
        ("# A {#a}", "A", Some("a")),
        ("# Deploy {prod}", "Deploy {prod}", None),
        ("# A {#}", "A {#}", None),
        ("# A {#a b}", "A {#a b}", None),
        ("# `A` **b** {#a-1}", "A b", Some("a-1")),
        ("A\n===", "A", None),
    ];
    for (text, title, id) in table {
        let expected = (1, title.to_owned(), id.map(str::to_owned));
        assert_eq!(titles(text), [expected], "{text}");
    }
}

#[test]
fn front_matter_and_comments_are_not_shown_and_fences_know_their_place() {
    let text = "---\ntitle: x\n---\n<!-- no -->\n# T\n\n1. one\n\n   ```sh verify\n   echo a\n     echo b\n   ```\n";
    let sections = outline(text);
    assert!(sections[0].content.is_empty(), "{:?}", sections[0].content);
    let Content::Item(item) = &sections[1].content[0] else {
        panic!("{:?}", sections[1].content);
    };
    assert_eq!((item.mark, item.text.as_str()), (Mark::Number(1), "one"));
    let Content::Fence(fence) = &item.content[0] else {
        panic!("{item:?}");
    };
    assert_eq!(fence.info, "sh verify");
    assert_eq!(&text[fence.info_at.clone()], "sh verify");
    assert_eq!(fence.text, "echo a\n  echo b\n");
    assert_eq!(&text[fence.at.clone()], "echo a\n     echo b\n");
    assert!(fence.closed && !fence.quoted);
}

#[test]
fn a_fence_that_is_never_closed_is_noticed() {
    let closed = |text: &str| match &outline(text)[0].content[..] {
        [Content::Fence(fence)] => fence.closed,
        other => panic!("{other:?}"),
    };
    assert!(closed("```sh\nls\n```\n"));
    assert!(closed("~~~~sh\nls\n~~~~~\n\n"));
    assert!(!closed("```sh\nls\n"));
    assert!(!closed("````sh\nls\n```\n"));
    assert!(!closed("```sh"));
}
