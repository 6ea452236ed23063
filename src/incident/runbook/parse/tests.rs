//! Headings, fences and lists as they become steps, rows and parts.

use super::*;

/// Each step as `phase/phase #id parts`, after the title and the number of blocks before the first step.
fn shape(text: &str) -> (String, usize, Vec<String>) {
    let (runbook, faults) = parse("f.md", text, "the-file".into());
    assert_eq!(faults, [], "{text}");
    let runbook = runbook.unwrap();
    let steps = runbook.steps.iter().map(|step| {
        let phase = step.phase.join("/");
        format!("{phase}#{} {}", step.id, step.parts.len())
    });
    (runbook.title.clone(), runbook.intro.len(), steps.collect())
}

#[test]
fn headings_become_phases_steps_and_rows() {
    let sh = "```sh\nls\n```\n";
    let table: [(String, &str, usize, &[&str]); 12] = [
        (String::new(), "the-file", 0, &[]),
        ("Only prose.".into(), "the-file", 1, &[]),
        (format!("# T\n\nProse.\n\n{sh}"), "T", 0, &["#t 1"]),
        (sh.into(), "the-file", 0, &["#step 1"]),
        (
            "# T\n\nProse.\n\n## Row\n\nMore.".into(),
            "T",
            1,
            &["#row 0"],
        ),
        (
            format!("# T\n\n{sh}\n## A\n\n{sh}"),
            "T",
            0,
            &["#t 1", "#a 1"],
        ),
        (
            format!("# T\n\n## A\n\nProse.\n\n### B\n\n{sh}\n#### C\n\n{sh}\n## D\n\n{sh}"),
            "T",
            0,
            &["A/B#b 1", "A/B#c 1", "#d 1"],
        ),
        (
            format!("# T\n\n## A\n\n{sh}\n## A\n\n{sh}"),
            "T",
            0,
            &["#a 1", "#a-2 1"],
        ),
        (
            format!("# T\n\n## A\n\n{sh}\n## B {{#a}}\n\n{sh}"),
            "T",
            0,
            &["#a-2 1", "#a 1"],
        ),
        (
            format!("## Before\n\n{sh}\n# T\n\n# Second\n\n{sh}"),
            "T",
            0,
            &["#before 1", "#second 1"],
        ),
        (
            "# T\n\n## A\n\n1. one\n2. two\n\n- three\n".into(),
            "T",
            0,
            &["#a 2"],
        ),
        // Numbered items are parts of a leaf only.
        (
            "# T\n\n1. one\n2. two\n\n## A\n\nProse.".into(),
            "T",
            2,
            &["#a 0"],
        ),
    ];
    for (text, title, intro, steps) in table {
        let (found, blocks, shapes) = shape(&text);
        assert_eq!((found.as_str(), blocks), (title, intro), "{text}");
        assert_eq!(shapes, steps, "{text}");
    }
}

#[test]
fn a_phases_prose_stands_beside_its_first_step() {
    let text = "# T\n\n## A\n\nOf the phase.\n\n### B\n\nOf the step.\n";
    let (runbook, _) = parse("f.md", text, "f".into());
    let why = &runbook.unwrap().steps[0].why;
    let expected = ["Of the phase.", "Of the step."].map(|text| Block::Text(text.into()));
    assert_eq!(why[..], expected);
}

#[test]
fn items_nested_in_a_part_belong_to_it_and_boxes_are_always_ticked() {
    let text = "# T\n\n## A\n\n1. one\n   - detail\n2. two\n   - [ ] box\n3. run\n\n   ```sh\n   ls\n   ```\n\n- [ ] last\n";
    let (runbook, _) = parse("f.md", text, "f".into());
    let runbook = runbook.unwrap();
    let parts: Vec<String> = runbook.steps[0]
        .parts
        .iter()
        .map(|part| match part {
            Part::Tick(tick) => format!("{} {}:{}", tick.index, tick.line, tick.text),
            Part::Action(action) => format!("{} {}:action", action.index, action.line),
        })
        .collect();
    assert_eq!(
        parts,
        ["1 5:one\n  detail", "2 8:box", "3 12:action", "4 15:last"]
    );
}

#[test]
fn a_file_whose_card_is_faulty_gives_no_runbook_and_one_with_a_warning_does() {
    let (faulty, faults) = parse("f.md", "# T\n\n```toml step\nx = 1\n```\n", "f".into());
    assert!(faulty.is_none() && faults.len() == 1);
    let (warned, faults) = parse("f.md", "# T\n\n```sh chek\nls\n```\n", "f".into());
    assert!(warned.is_some() && faults.len() == 1);
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let (runbook, _) = parse("f.md", "abc", "f".into());
    let digest = runbook.unwrap().digest;
    assert!(digest.starts_with("ba7816bf8f01cfea") && digest.len() == 64);
}
