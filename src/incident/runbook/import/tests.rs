//! Drafts are what their plain runbooks were, with what is missing added and every guess marked.

use chrono::NaiveDate;

use super::super::{Danger, Runbook, check, parse};
use super::*;

fn drafted(text: &str) -> (String, Runbook) {
    let draft = draft("d.md", text, "d".into()).unwrap();
    let (runbook, _) = parse("d.md", &draft, "d".into());
    let found = check("d.md", &draft, "d".into(), None, NaiveDate::MIN);
    let other: Vec<String> = found
        .iter()
        .filter(|fault| fault.code != "to-review")
        .map(ToString::to_string)
        .collect();
    assert_eq!(other, Vec::<String>::new(), "{draft}");
    (draft, runbook.unwrap())
}

/// Every line of the plain text is still there, in its order.
fn keeps(plain: &str, draft: &str) {
    let mut rest = draft.lines();
    for line in plain.lines().filter(|line| !line.trim().is_empty()) {
        let bare = line.trim_end();
        assert!(
            rest.any(|found| found.starts_with(bare)),
            "{line:?} is lost or moved:\n{draft}"
        );
    }
}

#[test]
fn a_step_gets_an_id_a_card_and_marks_and_keeps_its_words() {
    let plain = "# Cache\n\nWhat to do when the cache fails. Sessions are lost.\n\n## Start again\n\nRun by: Database Admin\n\nEstimated Recovery Time: 5-15 minutes\n\n```bash\nsystemctl restart cache\n```\n\n- [ ] It answers\n";
    let (draft, runbook) = drafted(plain);
    keeps(plain, &draft);
    let step = &runbook.steps[0];
    assert!(draft.contains("## Start again {#start-again}\n"), "{draft}");
    assert_eq!(step.card.danger, Some(Danger::Change));
    // As the plain file asks for it.
    assert_eq!(step.card.confirm.as_deref(), Some("run"));
    assert_eq!(step.card.role.as_deref(), Some("Database Admin"));
    assert_eq!(step.card.estimate.map(|e| e.as_secs()), Some(15 * 60));
    assert_eq!(
        runbook.card.summary.as_deref(),
        Some("What to do when the cache fails.")
    );
    assert!(
        draft.contains("estimate from \"Estimated Recovery Time: 5-15 minutes\""),
        "{draft}"
    );
}

#[test]
fn a_way_back_is_marked_where_it_would_be_the_next_step() {
    let step = |title: &str| format!("## {title}\n\n```bash\nsystemctl restart app\n```\n\n");
    let marked = |titles: &[&str]| {
        let steps: String = titles.iter().map(|title| step(title)).collect();
        let (draft, _) = drafted(&format!("# App\n\n{steps}"));
        draft.matches("guessed: a way back").count()
    };
    assert_eq!(marked(&["Release", "Rollback"]), 1);
    assert_eq!(marked(&["Release", "Step 4: Roll back the release"]), 1);
    assert_eq!(marked(&["Roll back the release", "Tell people"]), 0);
    assert_eq!(marked(&["Release", "Look for rollbacks"]), 0);
}

#[test]
fn what_only_looks_becomes_a_check_until_something_changes() {
    let plain = "# T\n\n## Do\n\n```bash\ndf -h\n```\n\n```bash\nrm -rf /srv/cache\n```\n\n```bash\ndf -h\n```\n";
    let (draft, runbook) = drafted(plain);
    let step = &runbook.steps[0];
    assert_eq!((step.checks.len(), step.parts.len()), (1, 2), "{draft}");
    assert_eq!(step.card.danger, Some(Danger::Destructive));
    assert!(draft.contains("danger from \"rm -rf\""), "{draft}");
}

#[test]
fn a_long_script_becomes_steps_and_its_constants_variables() {
    let plain = "# T\n\n## Recover\n\n```bash\n#!/bin/bash\nset -euo pipefail\nNAMESPACE=\"shop\"\n\n# Step 1: Look\nkubectl get pods -n $NAMESPACE\n\n# Step 2: Restart\nkubectl rollout restart deploy/api -n $NAMESPACE\n\n# Step 3: Point the domain to it\n# at the registrar\n```\n\nEstimated time: 2 hours.\n";
    let (draft, runbook) = drafted(plain);
    let steps: Vec<(&str, &str)> = runbook
        .steps
        .iter()
        .map(|step| (step.id.as_str(), step.title.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            ("recover-1", "Look"),
            ("recover-2", "Restart"),
            ("recover-3", "Point the domain to it")
        ],
        "{draft}"
    );
    assert_eq!(runbook.card.vars[0].default.as_deref(), Some("shop"));
    assert!(draft.contains("- [ ] at the registrar"), "{draft}");
    assert!(draft.contains("ambient-client"), "{draft}");
}

#[test]
fn what_shares_the_shell_stays_whole_with_a_note() {
    let plain = "# T\n\n## Do\n\n```bash\n# 1. Look\nAT=$(date -u +%s)\n# 2. Say\necho $AT\n```\n";
    let (draft, runbook) = drafted(plain);
    assert_eq!(runbook.steps.len(), 1, "{draft}");
    assert!(draft.contains("left together"), "{draft}");
    keeps(plain, &draft);
}

#[test]
fn a_file_with_several_procedures_says_so_and_unset_variables_are_asked_for() {
    let plain = "# T\n\n## A\n\n### Do\n\n```sh\nship \"$TICKET\" \"$API_TOKEN\"\n```\n\n## B\n\n### Do\n\n- [ ] it\n";
    let (_, runbook) = drafted(plain);
    assert!(runbook.card.several);
    let vars: Vec<(&str, bool)> = runbook
        .card
        .vars
        .iter()
        .map(|var| (var.name.as_str(), var.secret))
        .collect();
    assert_eq!(vars, [("API_TOKEN", true), ("TICKET", false)]);
}

#[test]
fn odd_files_are_drafted_too() {
    let files = [
        "",
        "Only prose.",
        "```sh\nls\n```",
        "---\ntitle: x\nowner: TBD\n---\n\n# T\n\nTBD\n\n```sh\ntouch x\n```",
        "T\n=\n\nA\n-\n\n```sh\r\ntouch x\r\n```\r\n",
        "# T #\n\n## A ##\n\n```sh\ntouch x\n```\n",
        "# T\n\n1. one\n\n   ```bash\n   # 1. a\n   touch x\n   # 2. b\n   touch y\n   ```\n",
        "###### Deep\n\n```bash\n# 1. a\ntouch x\n# 2. b\ntouch y\n```\n",
        "\u{feff}# T\n\n## A\n\n```sh\ntouch x",
    ];
    for plain in files {
        drafted(plain);
    }
}

#[test]
fn a_file_in_our_format_is_left_alone() {
    let told = draft(
        "d.md",
        "# T\n\n```toml runbook\nsummary = \"S\"\n```\n",
        "d".into(),
    );
    assert!(told.unwrap_err().contains("already"));
}

#[test]
fn a_statement_without_a_server_is_shown_and_said_to_be() {
    let plain = "# T\n\n## Do\n\n1. Look\n\n   ```sql\n   DELETE FROM jobs;\n   ```\n";
    let (draft, _) = drafted(plain);
    keeps(plain, &draft.replace("```sql show", "```sql"));
    let mark = "   <!-- warroom: review — guessed: shown and not run, as it names no server";
    assert!(draft.contains(mark), "{draft}");
}
