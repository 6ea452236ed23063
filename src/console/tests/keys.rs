//! Keys, hints, help, leaving, and what the console writes down by itself.

use super::super::command::{COMMANDS, Command};
use super::super::event::{Look, RequestId};
use super::super::hints::hints;
use super::road::PLAIN;
use super::*;
use crate::incident::judge::Standing;
use crate::incident::reading::Reading;

#[test]
fn hints_are_the_keymap_read_backwards() {
    for desk in [Desk::new(Vec::new()), Desk::on(PLAIN)] {
        let hints = hints(&desk.state);
        assert!(!hints.is_empty());
        for (key, word) in hints {
            let command = desk.state.keymap.keys[&key];
            let entry = command.entry().unwrap();
            assert!(word == entry.hint || word == entry.name, "{key} {word}");
        }
    }
    let desk = Desk::on(PLAIN);
    let first = hints(&desk.state)[0].0;
    assert_eq!(desk.state.keymap.keys[&first], Command::RunStep);
}

#[test]
fn help_and_palette_list_every_command() {
    let mut desk = Desk::new(Vec::new());
    desk.press("?");
    let Some(Dialog::Help(pager)) = desk.state.dialogs.last() else {
        panic!("no help");
    };
    for entry in COMMANDS {
        assert!(
            pager.lines.iter().any(|line| line.contains(entry.name)),
            "{}",
            entry.name
        );
    }
    desk.press("esc :").type_("refresh").press("enter");
    assert!(matches!(desk.others[..], [Effect::Refresh]));
}

#[test]
fn ctrl_c_never_ends_the_console_in_one_press() {
    let mut desk = Desk::new(Vec::new());
    desk.press("ctrl-c").wait(3_000).press("ctrl-c");
    assert!(!desk.state.leaving && !desk.message().is_empty());
    desk.press("ctrl-c");
    assert!(desk.state.leaving);
    let mut desk = Desk::on(PLAIN);
    desk.press("n").type_("half a no").press("ctrl-c");
    assert!(desk.state.dialogs.is_empty() && !desk.state.leaving);
    desk.press("ctrl-c ctrl-c ctrl-c");
    assert!(!desk.state.leaving, "an incident is open: it asks");
}

#[test]
fn leaving_asks_while_an_incident_is_open() {
    let mut desk = Desk::new(Vec::new());
    desk.press("q");
    assert!(matches!(desk.others[..], [Effect::Quit]));
    let mut desk = Desk::on(PLAIN);
    desk.press("q enter enter");
    assert!(!desk.state.leaving, "a held enter leaves nothing");
    desk.wait(600).press("enter");
    assert!(desk.state.leaving);
}

#[test]
fn an_entry_that_is_not_on_disk_changes_nothing_but_the_message() {
    let mut desk = Desk::on(PLAIN);
    let before = desk.state.incident.clone();
    let entries = desk.journal.len();
    desk.press("n").type_("hello");
    let effects = update(
        &mut desk.state,
        desk.now.clone(),
        Event::Key(Key::plain(Code::Enter)),
    );
    let [Effect::Append(request, _)] = effects[..] else {
        panic!("{effects:?}");
    };
    let failure = Failure::new(
        FailureKind::Local,
        "journal.jsonl",
        "no space left",
        "free some",
    );
    desk.tell(Event::NotAppended(request, failure));
    assert_eq!(
        desk.message(),
        "the note could not be written: journal.jsonl: no space left — free some"
    );
    assert_eq!(
        (desk.state.incident == before, desk.journal.len()),
        (true, entries)
    );
}

#[test]
fn an_entry_that_does_not_follow_is_a_banner_and_not_a_guess() {
    let mut desk = Desk::on(PLAIN);
    let mut entry = desk.journal.last().unwrap().clone();
    entry.seq = Seq(99);
    desk.tell(Event::Appended(None, Box::new(entry)));
    assert!(
        desk.state
            .trouble
            .as_ref()
            .unwrap()
            .as_str()
            .contains("entry 99")
    );
}

#[test]
fn an_act_that_was_not_started_is_asked_about_anew() {
    let mut desk = Desk::on(PLAIN);
    desk.press("enter").wait(600).type_("run");
    desk.pass(40);
    let effects = update(
        &mut desk.state,
        desk.now.clone(),
        Event::Key(Key::plain(Code::Enter)),
    );
    let [Effect::Perform(request, _)] = &effects[..] else {
        panic!("{effects:?}");
    };
    assert_eq!(desk.steps(), "r..");
    let failure = Failure::new(FailureKind::Local, "runner", "no processes left", "");
    desk.tell(Event::NotStarted(*request, failure));
    assert_eq!(desk.steps(), ">..");
    desk.press("enter").confirm("run");
    assert_eq!(desk.performed.len(), 1);
}

#[test]
fn an_intent_that_was_never_started_is_voided_and_asked_about_anew() {
    let mut desk = Desk::on(PLAIN);
    desk.press("enter").confirm("run");
    // The console died between the intent and the start.
    let intent = desk
        .journal
        .iter()
        .position(|e| matches!(e.fact, Fact::Intent(_)));
    desk.journal.truncate(intent.unwrap() + 1);
    let mut other = desk.reopened();
    assert_eq!(other.steps(), ">..");
    other.press("enter");
    assert_eq!(
        other.message(),
        "ana confirmed it a moment ago: it is being started"
    );
    other.wait(10_000).press("enter");
    let voided = other.notes().any(|n| matches!(n, Note::Voided { .. }));
    assert!(voided);
    other.confirm("run");
    assert_eq!(other.performed[0].attempt, 2);
    assert_eq!(other.steps(), "r..");
}

#[test]
fn a_console_that_only_looks_asks_for_nothing_and_writes_nothing() {
    let desk = Desk::on(PLAIN);
    let mut other = Desk::new(desk.state.library.to_vec());
    other.now = desk.now.clone();
    other.state.memory.observing = true;
    other.tell(Event::Opened(desk.journal.clone()));
    assert_eq!(other.steps(), desk.steps());
    for key in other.state.keymap.keys.clone().into_keys() {
        other.key(key);
        other
            .wait(61_000)
            .press("enter")
            .wait(600)
            .press("enter esc esc");
    }
    let asked = other.others.iter().all(|effect| {
        matches!(
            effect,
            Effect::Refresh | Effect::Suspend | Effect::Copy(_) | Effect::Quit
        )
    });
    assert!(asked, "{:?}", other.others);
    assert_eq!((other.journal.len(), other.performed.len()), (0, 0));
}

#[test]
fn opening_a_journal_takes_nothing_to_be_due_that_was_seen_to() {
    let mut desk = Desk::new(Vec::new());
    desk.declare();
    desk.wait(60_000).press("a").wait(600).press("enter");
    let before = desk
        .notes()
        .filter(|n| matches!(n, Note::Due { .. }))
        .count();
    let other = desk.reopened();
    let after = other
        .notes()
        .filter(|n| matches!(n, Note::Due { .. }))
        .count();
    assert_eq!(after, before);
}

#[test]
fn a_question_that_stands_open_is_evaluated_again() {
    let mut desk = Desk::on(
        "# R\n\n## One {#one}\n\n```toml check\nreachable = \"pg-west\"\n```\n\n```toml run\npostgres.checkpoint = { target = \"pg-west\" }\n```\n",
    );
    desk.press("enter").wait(600);
    let words = super::super::checklist::words(&desk.state.walks[&1].steps[0].checks[0]);
    desk.holds.insert(words, Holds::No);
    desk.wait(5_000).press("enter");
    assert_eq!(
        (desk.message(), desk.performed.len()),
        ("type OVERRIDE:pg-west", 0)
    );
}

#[test]
fn the_half_hour_before_a_declaration_is_in_the_journal() {
    let mut desk = Desk::new(vec![loaded("book", PLAIN)]);
    let down = |desk: &mut Desk| {
        let failure = Failure::new(
            FailureKind::Refused,
            "pg-east (db-east:5432)",
            "refused",
            "",
        );
        for _ in 0..5 {
            desk.pass(2_000);
            let reading = Reading {
                at: desk.now.clone(),
                value: Err(failure.clone()),
                host: None,
            };
            desk.tell(Event::Observed(vec![Look {
                target: "pg-east".into(),
                reading,
                took: Duration::ZERO,
            }]));
        }
    };
    down(&mut desk);
    let row = &desk.state.vitals.regions[0].components[0];
    assert_eq!(row.standing, Standing::Breach);
    desk.declare();
    let standing = desk.notes().find_map(|note| match note {
        Note::Standing { subject, words, .. } if subject == "target pg-east" => Some(words.clone()),
        _ => None,
    });
    let words = standing.expect("the breach before the declaration");
    assert!(words.starts_with("at "), "{words}");
    desk.wait(61_000);
    let vitals = desk
        .notes()
        .filter(|n| matches!(n, Note::Vitals(_)))
        .count();
    assert_eq!(vitals, 2);
}

#[test]
fn a_rung_is_surfaced_once_and_acknowledged_by_a_person() {
    let mut desk = Desk::new(Vec::new());
    desk.declare();
    desk.wait(60_000).wait(60_000).wait(60_000);
    let due: Vec<String> = desk
        .notes()
        .filter_map(|note| match note {
            Note::Due { rung, .. } => Some(rung.clone()),
            _ => None,
        })
        .collect();
    assert!(!due.is_empty());
    let mut once = due.clone();
    once.dedup();
    assert_eq!(once, due);
    desk.press("a").wait(600).press("enter");
    let acknowledged = &desk.state.incident.as_ref().unwrap().acknowledged;
    assert_eq!(acknowledged.len(), 1);
}

#[test]
fn the_hashed_secret_is_bound_and_the_secret_itself_is_nowhere() {
    let text = "# S\n\n```toml runbook\n[vars.TOKEN]\nprompt = \"Token\"\nsecret = true\n```\n\n## One {#one}\n\n```sh\necho \"$TOKEN\"\n```\n";
    let mut desk = Desk::new(vec![loaded("book", text)]);
    desk.declare();
    desk.press("r enter").type_("hunter22").wait(600);
    assert!(!format!("{:?}", desk.state).contains("hunter22"));
    desk.press("enter").wait(600).press("enter");
    desk.press("enter").confirm("run");
    assert_eq!(desk.performed[0].secrets["TOKEN"].len(), 64);
    let journal = serde_json::to_string(&desk.journal).unwrap();
    assert!(!journal.contains("hunter22") && !format!("{:?}", desk.state).contains("hunter22"));
    // Secrets die with their console: another one asks for them before it runs anything.
    desk.done();
    let mut other = desk.reopened();
    other.press("5 g");
    assert_eq!(other.steps(), desk.steps());
}

#[test]
fn runbooks_of_the_site_stand_before_those_for_any_site_and_fitting_ones_first() {
    let book = |id: &str, severity: &str, place: Place| Loaded {
        place,
        ..loaded(
            id,
            &format!("# {id}\n\n```toml runbook\nseverity = [\"{severity}\"]\n```\n\n- [ ] Look\n"),
        )
    };
    let mut desk = Desk::new(vec![
        book("another", "SEV-4", Place::Own),
        book("general", "SEV-1", Place::Any),
        book("own", "SEV-1", Place::Own),
        book("rehearsed", "SEV-4", Place::Named),
    ]);
    desk.declare();
    desk.press("r");
    let Some(Dialog::Runbooks(chooser)) = desk.state.dialogs.last() else {
        panic!("no list: {}", desk.message());
    };
    let keys: Vec<&str> = chooser.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["rehearsed", "own", "general", "another"]);
}

#[test]
fn of_a_long_path_the_file_and_its_folder_are_told() {
    let mut desk = Desk::on(PLAIN);
    for (path, told) in [
        (
            "/s/INC-1/postmortem.md".to_owned(),
            "/s/INC-1/postmortem.md",
        ),
        (
            format!("/{}/INC-1/postmortem.md", "s".repeat(90)),
            "…/INC-1/postmortem.md",
        ),
    ] {
        desk.tell(Event::Exported(RequestId(0), Ok(path)));
        assert_eq!(desk.message(), format!("the post-mortem stands at {told}"));
    }
}
