//! The road through a runbook.

use super::super::event::Look;
use super::super::resolving::look;
use super::super::road::Road;
use super::*;
use crate::incident::acts::postgres::{PgPrimary, PgRole, PgSight};
use crate::incident::judge::Standing;
use crate::incident::measure::Lsn;
use crate::incident::reading::{Reading, Sight};
use crate::incident::runbook::Role;

pub(super) const PLAIN: &str = "# Plain\n\n## One {#one}\n\n```sh\necho 1\n```\n\n## Two {#two}\n\n```sh\necho 2\n```\n\n\
## Three {#three}\n\nRead this.\n";

const FORK: &str = r##"# Fork

## Ask {#ask}

```toml step
branch = { ok = "#fine", fail = "#mend", unknown = "#mend" }
```

```toml check
reachable = "pg-west"
```

## Mend {#mend}

```toml step
next = "#ask"
```

```sh
mend
```

## Fine {#fine}

Good.
"##;

const UNDO: &str = r##"# Undo

## Shift {#shift}

```toml step
danger = "change"
on_fail = "#end"
```

```sh
shift
```

```sh rollback
unshift
```

## Burn {#burn}

```toml step
danger = "one-way"
confirm = "BURN"
```

```sh
burn
```

```sh rollback
pray
```

## End {#end}

Over.

## Clean up {#clean}

```toml step
always = true
danger = "change"
```

```sh
clean
```
"##;

#[test]
fn steps_are_walked_in_order_each_after_its_own_confirmation() {
    let mut desk = Desk::on(PLAIN);
    assert_eq!(desk.steps(), ">..");
    desk.press("enter");
    assert!(matches!(desk.state.dialogs[..], [Dialog::Ask(_)]));
    desk.confirm("run");
    assert_eq!((desk.steps().as_str(), desk.performed.len()), ("r..", 1));
    desk.press("enter").done();
    assert_eq!((desk.steps().as_str(), desk.performed.len()), ("x>.", 1));
    desk.press("enter").confirm("run").done();
    desk.press("enter").wait(600).press("enter");
    assert_eq!((desk.steps().as_str(), desk.performed.len()), ("xxx", 2));
    assert_eq!(desk.next(), Next::Done);
    desk.press("enter");
    let ended = Note::WalkEnded {
        walk: 1,
        reason: None,
    };
    assert_eq!(desk.notes().last(), Some(&ended));
}

#[test]
fn a_console_that_comes_back_stands_at_the_same_step() {
    let mut desk = Desk::on(PLAIN);
    let same = |desk: &Desk| {
        let other = desk.reopened();
        assert_eq!(
            (other.steps(), other.next(), other.state.cursor),
            (desk.steps(), desk.next(), desk.state.cursor)
        );
    };
    same(&desk);
    desk.press("enter").confirm("run");
    same(&desk);
    desk.unknown();
    assert_eq!(desk.steps(), "?..");
    same(&desk);
    desk.press("enter")
        .answer("it did not")
        .reason("the log says so, plainly");
    assert_eq!(desk.steps(), "f..");
    same(&desk);
}

#[test]
fn what_nobody_knows_is_settled_before_it_is_tried_again() {
    let mut desk = Desk::on(PLAIN);
    desk.press("enter").confirm("run").unknown();
    assert!(matches!(desk.next(), Next::Settle(..)));
    desk.press("x")
        .answer("it happened")
        .reason("seen in the log");
    assert_eq!(desk.steps(), "x>.");
    assert_eq!(desk.performed.len(), 1);
}

#[test]
fn a_failure_asks_what_to_do() {
    let mut desk = Desk::on(UNDO);
    desk.press("enter").confirm("").fails();
    assert_eq!(
        (desk.steps().as_str(), desk.message()),
        ("f...", "step 1 Shift failed: it: exit 1")
    );
    desk.press("enter").answer("try again");
    assert!(matches!(desk.state.dialogs[..], [Dialog::Ask(_)]));
    desk.confirm("").fails();
    assert_eq!(
        desk.performed.iter().map(|r| r.attempt).collect::<Vec<_>>(),
        [1, 2]
    );
    // What is owed always may be run though it is not next.
    desk.press("5 G enter");
    assert!(
        matches!(desk.state.dialogs[..], [Dialog::Ask(_)]),
        "{}",
        desk.message()
    );
    desk.confirm("").done();
    assert_eq!(desk.steps(), "f..x");
    desk.press("g enter")
        .answer("go to End")
        .reason("the author proposes it");
    assert_eq!(
        (desk.steps().as_str(), desk.next()),
        ("f.>x", Next::Acknowledge("end".into()))
    );
}

#[test]
fn a_step_is_undone_until_something_one_way_came_after_it() {
    let mut desk = Desk::on(UNDO);
    desk.press("enter").confirm("").done();
    desk.press("5 g u");
    let Some(Dialog::Ask(ask)) = desk.state.dialogs.last() else {
        panic!("{}", desk.message());
    };
    assert_eq!(ask.resolved.action.role, Role::Rollback);
    desk.confirm("run").done();
    assert_eq!(desk.steps(), "u>..");

    let mut desk = Desk::on(UNDO);
    desk.press("enter").confirm("").done();
    desk.press("enter").confirm("BURN").done();
    for keys in ["5 g u", "j u"] {
        desk.press(keys);
        assert!(desk.state.dialogs.is_empty());
        assert!(desk.message().contains("one-way"), "{}", desk.message());
    }
}

#[test]
fn a_fork_goes_where_its_checks_point_and_a_circle_asks_it_again() {
    let mut desk = Desk::on(FORK);
    desk.holds.insert("reachable pg-west".into(), Holds::No);
    let check = desk.state.walks[&1].steps[0].checks[0].clone();
    let words = super::super::checklist::words(&check);
    desk.holds.insert(words.clone(), Holds::No);
    assert_eq!(desk.next(), Next::Branch("ask".into()));
    desk.press("enter").answer("fail: Mend");
    assert_eq!(desk.steps(), "x>.");
    desk.press("enter").confirm("run").done();
    assert_eq!(desk.next(), Next::Branch("ask".into()));
    desk.press("enter").answer("fail: Mend");
    assert_eq!(desk.next().step(), Some(&"mend".into()));
    desk.press("enter").confirm("run").done();
    desk.holds.insert(words, Holds::Yes);
    desk.press("enter").answer("ok: Fine");
    assert_eq!(desk.next(), Next::Acknowledge("fine".into()));
    assert_eq!(desk.performed.len(), 2);
    assert_eq!(desk.reopened().next(), desk.next());
}

#[test]
fn a_road_that_leads_back_is_taken_again_from_its_fork_on() {
    let mut desk = Desk::on(
        "# C\n\n## Which {#which}\n\n```toml step\ndecide = { \"This\" = \"#fetch\", \"None\" = \"#end\" }\n```\n\n\
         ## Fetch {#fetch}\n\n```sh\nfetch\n```\n\n\
         ## Load {#load}\n\n```toml step\non_fail = \"#back\"\nnext = \"#end\"\n```\n\n```sh\nload\n```\n\n\
         ## Back {#back}\n\n```toml step\nnext = \"#which\"\n```\n\n```sh\nback\n```\n\n## End {#end}\n\nE.\n",
    );
    let this = |desk: &mut Desk| {
        assert_eq!(desk.next(), Next::Decide("which".into()));
        desk.press("enter")
            .answer("This")
            .reason("it is the newest one");
        assert_eq!(desk.next().step(), Some(&"fetch".into()));
        desk.press("enter").confirm("run").done();
        assert!(matches!(desk.next(), Next::Action(load) if load.step == "load".into()));
        desk.press("enter").confirm("run");
    };
    this(&mut desk);
    desk.fails();
    desk.press("enter")
        .answer("go to Back")
        .reason("it can't be loaded");
    desk.press("enter").confirm("run").done();
    this(&mut desk);
    desk.done();
    assert_eq!(desk.next(), Next::Acknowledge("end".into()));
    assert_eq!(desk.performed.len(), 5);
    assert_eq!(desk.reopened().next(), desk.next());
}

#[test]
fn a_decision_is_taken_with_a_reason() {
    let mut desk = Desk::on(
        "# D\n\n## Which {#which}\n\n```toml step\ndecide = { \"Left\" = \"#left\", \"Right\" = \"#right\" }\n```\n\n\
         Think.\n\n## Left {#left}\n\nL.\n\n## Right {#right}\n\nR.\n",
    );
    desk.press("enter").answer("Right").press("enter");
    assert!(desk.message().contains("wait") || desk.message().contains("type 10"));
    desk.reason("the copy is older than the rows");
    assert_eq!(
        (desk.steps().as_str(), desk.next()),
        ("x.>", Next::Acknowledge("right".into()))
    );
}

#[test]
fn a_step_is_skipped_with_a_reason_of_ten_characters() {
    let mut desk = Desk::on(PLAIN);
    desk.press("s").type_("short").press("enter");
    assert_eq!(
        (desk.steps().as_str(), desk.message()),
        (">..", "type 10 characters or more, or esc")
    );
    desk.reason(" but now it is long");
    assert_eq!(desk.steps(), "s>.");
    assert_eq!(desk.performed.len(), 0);
}

#[test]
fn esc_means_that_nothing_happened() {
    for keys in [
        "enter", "s", "n", "t", "L", "S", "w", "m", "R", "p", "D", ":", "?", "r", "q",
    ] {
        let mut desk = Desk::on(PLAIN);
        let before = desk.journal.len();
        desk.press(keys);
        assert!(!desk.state.dialogs.is_empty(), "{keys} opens nothing");
        desk.wait(600).press("esc");
        assert!(desk.state.dialogs.is_empty(), "{keys}");
        assert_eq!(
            (desk.journal.len(), desk.performed.len()),
            (before, 0),
            "{keys}"
        );
        assert!(!desk.state.leaving);
    }
}

#[test]
fn a_step_that_does_not_apply_is_passed_over_and_the_journal_says_why() {
    let mut desk = Desk::new(vec![loaded(
        "book",
        "# W\n\n## Maybe {#maybe}\n\n```toml step\nwhen = { writable = \"pg-west\" }\n```\n\n```sh\nx\n```\n\n## End {#end}\n\nE.\n",
    )]);
    desk.declare();
    let when = {
        let step = &desk.state.library[0].runbook.steps[0];
        step.card.when.as_ref().unwrap().to_string()
    };
    desk.holds.insert(when, Holds::No);
    desk.choose("book");
    assert_eq!(desk.steps(), "n>");
    assert_eq!(desk.reopened().steps(), "n>");
}

#[test]
fn an_incident_resolves_when_its_checklists_are_done_or_waived() {
    let book = "# B\n\n```toml runbook\ncloses = [\"after\"]\n```\n\n## One {#one}\n\nDo.\n";
    let after = "# After\n\n## Check {#check}\n\nLook.\n";
    let mut desk = Desk::with(vec![loaded("book", book), loaded("after", after)]);
    desk.press("R")
        .reason("nobody is left to look")
        .reason("it is over and done");
    let resolved = desk.state.incident.as_ref().unwrap().resolved.is_some();
    assert!(resolved);
    let waived = desk.notes().find_map(|note| match note {
        Note::Resolved { waived, .. } => Some(waived.clone()),
        _ => None,
    });
    assert_eq!(waived.unwrap()[0].0, "the checklist after");

    let mut desk = Desk::with(vec![loaded("book", book), loaded("after", after)]);
    desk.choose("after");
    desk.press("enter").wait(600).press("enter");
    desk.press("R").reason("it is over and done");
    let waived = desk.notes().find_map(|note| match note {
        Note::Resolved { waived, .. } => Some(waived.len()),
        _ => None,
    });
    assert_eq!(waived, Some(0));
}

#[test]
fn an_act_that_asks_for_two_people_names_another() {
    let mut desk = Desk::on(
        "# A\n\n## One {#one}\n\n```toml step\napprovals = 2\ndanger = \"change\"\n```\n\n```sh\nx\n```\n",
    );
    desk.press("enter").reason("ana");
    assert_eq!(desk.message(), "ana agrees already: name another person");
    desk.press("ctrl-u").reason("ben").press("enter");
    assert!(matches!(desk.state.dialogs[..], [Dialog::Ask(_)]));
}

/// A primary of PostgreSQL, at that position of its WAL.
fn primary(lsn: u64) -> Sight {
    Sight::Postgres(PgSight {
        system_id: 7,
        timeline: 1,
        version: 150_018,
        clock: start().wall,
        default_read_only: false,
        heartbeat: None,
        role: PgRole::Primary(PgPrimary {
            lsn: Lsn(lsn),
            replicas: Vec::new(),
            backup_running: false,
            archived_at: None,
            archive_failing: false,
        }),
    })
}

#[test]
fn what_would_be_lost_is_asked_with_what_was_last_seen_of_the_primary() {
    let text = "# Lost\n\n## How much? {#loss}\n\n```toml check\nloss = { of = \"pg-west\", under = \"30s\" }\n```\n\n- [ ] accepted\n";
    let mut desk = Desk::on(text);
    let refused = Failure::new(FailureKind::Refused, "pg-east", "refused", "");
    for value in [Ok(primary(4_711)), Err(refused)] {
        desk.pass(2_000);
        let reading = Reading {
            at: desk.now.clone(),
            value,
            host: None,
        };
        desk.tell(Event::Observed(vec![Look {
            target: "pg-east".into(),
            reading,
            took: Duration::ZERO,
        }]));
    }
    let walk = Road::shown(&desk.state).unwrap().number();
    let asked = look(&desk.state, walk, &"loss".into()).unwrap();
    assert_eq!(asked.last_known.unwrap().lsn, Lsn(4_711));
}

#[test]
fn what_is_left_out_on_a_road_that_is_taken_again_stays_left_out() {
    let mut desk = Desk::on(
        "# C\n\n## Try {#try}\n\n```toml step\non_fail = \"#mend\"\n```\n\n```sh\ntry\n```\n\n## One {#one}\n\n- [ ] one\n\n\
         ## Two {#two}\n\n```toml step\nnext = \"#end\"\n```\n\n- [ ] two\n\n\
         ## Mend {#mend}\n\n```toml step\ndecide = { \"Again\" = \"#try\", \"No\" = \"#end\" }\n```\n\n## End {#end}\n\nE.\n",
    );
    desk.press("enter").confirm("run").fails();
    desk.press("enter")
        .answer("go to Mend")
        .reason("it did not go through");
    desk.press("enter")
        .answer("Again")
        .reason("it may well work now");
    desk.press("enter").confirm("run").done();
    assert_eq!(desk.next(), Next::Tick("one".into(), 1));
    desk.press("s").reason("seen with my own eyes");
    assert_eq!(desk.next(), Next::Tick("two".into(), 1));
}

#[test]
fn a_decision_has_a_time_from_when_the_road_came_to_it_and_none_past_the_recovery() {
    const BOOK: &str = "# D\n\n```toml runbook\nsummary = \"S\"\nrto = \"30m\"\n```\n\n## Look {#look}\n\n- [ ] look\n\n\
        ## Which {#which}\n\n```toml step\ndecide = { \"This\" = \"#this\", \"That\" = \"#look\" }\ndecide_by = \"10m\"\n```\n\n\
        - [ ] asked\n\n## This {#this}\n\nT.\n";
    let minutes = |n: u64| n * 60_000;
    let row = |desk: &Desk| {
        let decision = desk.state.vitals.clock.decision.clone();
        decision.map(|row| (row.what, row.standing, row.words))
    };
    let told =
        |what: &str, standing, words: &str| Some((what.to_owned(), standing, words.to_owned()));
    let mut desk = Desk::on(BOOK);
    desk.wait(minutes(8));
    assert_eq!(row(&desk), None, "its turn has not come");
    desk.press("enter")
        .wait(600)
        .press("enter")
        .wait(minutes(4));
    assert_eq!(row(&desk), told("Which", Standing::Unknown, "in 6:00"));
    // From the tick of the step before, not from its own.
    desk.press("enter")
        .wait(600)
        .press("enter")
        .wait(minutes(1));
    assert_eq!(row(&desk), told("Which", Standing::Watch, "in 4:59"));
    desk.wait(minutes(6));
    assert_eq!(row(&desk), told("Which", Standing::Breach, "1:00 overdue"));
    desk.press("enter")
        .answer("This")
        .reason("it is this one and no other");
    assert_eq!(row(&desk), None, "it was decided");

    let mut desk = Desk::on(BOOK);
    desk.wait(minutes(25))
        .press("enter")
        .wait(600)
        .press("enter")
        .wait(minutes(1));
    let what = "Which, before the RTO ends";
    let (found, standing, _) = row(&desk).unwrap();
    assert_eq!((found.as_str(), standing), (what, Standing::Watch));
}
