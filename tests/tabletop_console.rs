//! The first command of the README, by a person at a terminal: a tabletop from its briefing to the report, and a facilitator at
//! a second terminal.

mod common;

use std::fs;

use common::pty::Console;
use common::walk::{Operator, wait_until};

#[test]
fn a_tabletop_is_played_from_its_briefing_to_its_report() {
    let home = tempfile::tempdir().unwrap();
    let mut operator = Operator::tabletop(home.path(), &["--speed", "20", "--seed", "7"]);
    operator.sees("Nothing here is real");
    operator.console.press("esc");
    let facilitator = facilitates(home.path());
    operator.sees_line(&["✖ us-east-1"]);
    operator.declare("Primary region lost");
    operator.open("regional-failover", 3, None);
    operator.decides();
    operator.asks("Type pg-east");
    operator.confirms("pg-east", "done");
    operator.comes_to("Promote the standby");
    operator.asks("Type FAILOVER");
    operator.confirms("FAILOVER", "done");
    operator.sees("promoted, timeline 2");
    operator.moves_the_traffic();
    let answers = || {
        let journal = operator.journal();
        let mut lines = journal.lines().rev();
        lines
            .find(|line| line.contains("\"subject\":\"target api\""))
            .is_some_and(|line| line.contains("\"to\":\"fine\""))
    };
    wait_until("the public name to answer", answers);
    operator.mitigates("the health check says so");
    let report = operator.resolves("West serves, east is fenced");
    assert!(report.contains("**TABLETOP.**"), "{report}");
    let folder = operator.incident();
    operator.console.press("q");
    assert_eq!(operator.console.exit_code(), 0);
    operator.sees("PASS");
    let drill = fs::read_to_string(folder.join("drill-report.md")).unwrap();
    for part in [
        "| Result | **PASS** |",
        "| Facilitator | facilitator |",
        "heard from CEO: How long?",
        "they fenced it first",
        "Fence the old primary: done",
        "- [ ] ",
        "| RTO | ",
    ] {
        assert!(drill.contains(part), "{part} is not in:\n{drill}");
    }
    drop(facilitator);
}

/// A facilitator who looks, says something and writes an observation down.
fn facilitates(home: &std::path::Path) -> Console {
    let mut console = Console::start(home, 120, 36, &["drill", "--facilitate"]);
    console.wait_for("FACILITATOR");
    console.wait_for("A customer writes");
    console.press("s");
    console.arm();
    console.type_text("CEO");
    console.press("tab");
    console.type_text("How long?");
    console.press("enter");
    console.press("n");
    console.arm();
    console.type_text("they fenced it first");
    console.press("enter");
    console.wait_for("written down");
    let truth = || console.screen().contains("its region is lost");
    wait_until("the truth of the lost region", truth);
    console
}
