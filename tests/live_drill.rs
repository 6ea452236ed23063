//! A live drill on real servers: what is marked is touched, what is not is refused, and what was begun is seen to.

mod common;

use std::fs;
use std::process::{Command, Output};

use common::lab::Lab;
use common::pg::session;
use common::pty::environment;
use common::walk::Operator;

/// `warroom ARGS` without a terminal.
fn warroom(lab: &Lab, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    command.env_clear().envs(environment(&lab.path("home")));
    command.args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

/// The lab's site with pg-east marked for drills.
fn staging(lab: &Lab) -> String {
    let text = fs::read_to_string(lab.path("site.toml")).unwrap();
    let header = "[targets.pg-east]\n";
    assert!(text.contains(header));
    let path = lab.path("staging.toml");
    fs::write(
        &path,
        text.replace(header, &format!("{header}drill = true\n")),
    )
    .unwrap();
    path.display().to_string()
}

async fn databases(lab: &Lab) -> Vec<String> {
    let east = session(lab, "pg-east", "app", "app").await;
    let rows = east
        .query(
            "SELECT datname::text FROM pg_database WHERE datname IN ('warroom_drilled', 'warroom_never')",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_touches_what_is_marked_and_sees_to_what_it_began() {
    let lab = Lab::up();
    let site = staging(&lab);
    let runbook = format!("{}/tests/runbooks/live.md", env!("CARGO_MANIFEST_DIR"));
    for (args, why) in [
        (&["drill", "--live"][..], "--live wants --site FILE"),
        (
            &[
                "drill",
                "--live",
                "--site",
                &lab.path("site.toml").display().to_string(),
            ],
            "no target of this site is marked",
        ),
    ] {
        let output = warroom(&lab, args);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(why), "{}", said(&output));
    }
    let live = ["drill", "--live", "--site", &site, "--runbook", &runbook];
    let mut operator = Operator::drill(&lab, &live);
    operator.sees("DRILL");
    operator.declare("Practice");
    operator.open("Live drill", 0, None);
    operator.asks("enter runs it");
    operator.sees("DRILL");
    operator.confirms("", "done");
    assert_eq!(databases(&lab).await, ["warroom_drilled"]);
    for (step, why) in [
        (
            "Touch what is not marked",
            "pg-west is not marked for drills",
        ),
        ("Run a shell that names nothing", "says what it touches"),
        (
            "Run a shell that names what is not marked",
            "pg-west is not marked for drills",
        ),
    ] {
        operator.comes_to(step);
        operator.console.press("enter");
        operator.sees(why);
        operator.skip("the drill may not touch it");
    }
    operator.comes_to("Run a shell on what is marked");
    operator.asks("enter runs it");
    operator.confirms("", "done");
    let incident = operator.incident();
    let id = incident.file_name().unwrap().to_string_lossy().into_owned();
    let ran = fs::read_to_string(lab.path("home/ran")).unwrap();
    assert_eq!(ran, format!("DRILL {id} {}\n", lab.port("pg-east")));

    // It is left with the database standing: the next drill is refused until that is seen to.
    operator.console.press("q");
    operator.sees("Still standing: Tidy up");
    operator.console.arm();
    operator.console.press("enter");
    assert_eq!(operator.console.exit_code(), 0);
    let refused = warroom(&lab, &live);
    assert_eq!(refused.status.code(), Some(2));
    let words = said(&refused);
    assert!(words.contains(&id) && words.contains("Tidy up"), "{words}");
    let mut operator = Operator::drill(&lab, &["open", &id, "--site", &site]);
    operator.comes_to("Tidy up");
    operator.sees("DRILL");
    operator.asks("enter runs it");
    operator.confirms("", "done");
    assert!(databases(&lab).await.is_empty());
    operator.ends_the_walk();
    operator.mitigates("nothing was broken");
    operator.resolves("Practised, and tidied up");
    operator.console.press("q");
    assert_eq!(operator.console.exit_code(), 0);
    let report = fs::read_to_string(incident.join("drill-report.md")).unwrap();
    for part in ["(DRILL)", "| Result | **PARTIAL** |", "was skipped"] {
        assert!(report.contains(part), "{part} is not in:\n{report}");
    }
    let again = warroom(&lab, &live);
    assert!(said(&again).contains("no terminal"), "{}", said(&again));
}
