//! Nothing runs that was not confirmed, whatever is held down, pasted or pressed.

use super::road::PLAIN;
use super::*;

const DANGER: &str = "# Danger\n\n## Look {#look}\n\n```toml check\nreachable = \"pg-west\"\n```\n\n## Change {#change}\n\n\
```toml step\ndanger = \"change\"\n```\n\n```sh\nx\n```\n\n## Promote {#promote}\n\n```toml step\ndanger = \"one-way\"\n\
confirm = \"FAILOVER\"\n```\n\n```toml run\npostgres.promote = { target = \"pg-west\" }\n```\n\n## Tick {#tick}\n\n\
- [ ] one\n- [ ] two\n\n## Decide {#decide}\n\n```toml step\ndecide = { \"A\" = \"#a\", \"B\" = \"#b\" }\n```\n\nD.\n\n\
## A {#a}\n\nA.\n\n## B {#b}\n\nB.\n";

/// The walk brought to each of its points.
fn points() -> Vec<Desk> {
    let steps: [fn(&mut Desk); 6] = [
        |desk| {
            desk.press("enter").answer("it is so");
        },
        |desk| {
            desk.press("enter").confirm("");
        },
        |desk| {
            desk.done();
        },
        |desk| {
            desk.press("enter").confirm("FAILOVER").done();
        },
        |desk| {
            for _ in 0..2 {
                desk.press("enter").wait(600).press("enter");
            }
        },
        |desk| {
            desk.press("enter")
                .answer("A")
                .reason("because of the rows");
        },
    ];
    (0..=steps.len())
        .map(|count| {
            let mut desk = Desk::on(DANGER);
            steps[..count].iter().for_each(|step| step(&mut desk));
            desk
        })
        .collect()
}

#[test]
fn the_walk_comes_to_its_points() {
    let found: Vec<String> = points().iter().map(Desk::steps).collect();
    assert_eq!(
        found,
        [
            ">......", "x>.....", "xr.....", "xx>....", "xxx>...", "xxxx>..", "xxxxx>."
        ]
    );
}

#[test]
fn nothing_is_performed_by_a_key_that_is_held_at_any_point_of_a_walk() {
    let keymap = Keymap::built_in();
    let mut keys: Vec<Key> = keymap.keys.keys().copied().collect();
    keys.extend(["f", "F", "ctrl-c", "del", "space"].map(|k| k.parse::<Key>().unwrap()));
    for (n, mut desk) in points().into_iter().enumerate() {
        let performed = desk.performed.len();
        let decided = desk.notes().filter(|n| matters(n)).count();
        for opener in &keys {
            desk.wait(700);
            desk.key(*opener);
            // Enter every 33 ms for ten seconds, with ticks between.
            for _ in 0..300 {
                desk.pass(33);
                desk.tell(Event::Key(Key::plain(Code::Enter)));
            }
            assert_eq!(
                desk.performed.len(),
                performed,
                "point {n}, {opener}, then enter held"
            );
            let now = desk.notes().filter(|n| matters(n)).count();
            assert_eq!(now, decided, "point {n}, {opener}, then enter held");
            for _ in 0..4 {
                desk.wait(700).press("esc");
            }
        }
    }
}

/// Notes that a person answers for.
fn matters(note: &Note) -> bool {
    !matches!(
        note,
        Note::Standing { .. }
            | Note::Vitals(_)
            | Note::Due { .. }
            | Note::LastSeen { .. }
            | Note::WalkEnded { reason: None, .. }
    )
}

#[test]
fn enter_held_after_typing_declares_nothing_and_chooses_nothing() {
    let vars = "# V\n\n```toml runbook\n[vars.A]\nprompt = \"A\"\n```\n\n## One {#one}\n\nDo.\n";
    let hold = |desk: &mut Desk| {
        for _ in 0..300 {
            desk.pass(33);
            desk.tell(Event::Key(Key::plain(Code::Enter)));
        }
    };
    let mut desk = Desk::new(vec![loaded("book", vars)]);
    desk.press("d").type_("it is down");
    hold(&mut desk);
    assert!(desk.state.incident.is_none());
    desk.wait(600).press("enter");
    assert!(desk.state.incident.is_some());
    desk.press("r enter").type_("value");
    hold(&mut desk);
    assert_eq!(desk.state.walk, None);
    desk.wait(600).press("enter");
    assert_eq!(desk.state.walk, Some(1));
}

#[test]
fn every_key_held_alone_performs_nothing() {
    let keymap = Keymap::built_in();
    for (n, mut desk) in points().into_iter().enumerate() {
        let performed = desk.performed.len();
        for key in keymap.keys.keys() {
            desk.press("esc esc esc esc").wait(700);
            for _ in 0..300 {
                desk.pass(33);
                desk.tell(Event::Key(*key));
            }
            assert_eq!(desk.performed.len(), performed, "point {n}, {key} held");
        }
    }
}

#[test]
fn a_paste_confirms_nothing() {
    for (n, mut desk) in points().into_iter().enumerate() {
        let performed = desk.performed.len();
        desk.press("enter").wait(700);
        for text in ["FAILOVER", "FAILOVER\r", "\x1b[201~FAILOVER\r\n", "run\n"] {
            desk.pass(33);
            desk.tell(Event::Pasted(text.into()));
            desk.pass(33);
            desk.tell(Event::Key(Key::plain(Code::Enter)));
            if let Some(Dialog::Ask(ask)) = desk.state.dialogs.last() {
                assert_eq!((ask.typed.as_str(), ask.reason.as_str()), ("", ""));
            }
        }
        assert_eq!(desk.performed.len(), performed, "point {n}");
    }
}

#[test]
fn a_paste_that_comes_as_keys_confirms_nothing() {
    for (n, mut desk) in points().into_iter().enumerate() {
        let performed = desk.performed.len();
        desk.press("enter").wait(700);
        for c in "FAILOVER".chars() {
            desk.pass(1);
            desk.tell(Event::Key(Key::plain(Code::Char(c))));
        }
        for _ in 0..3 {
            desk.pass(1);
            desk.tell(Event::Key(Key::plain(Code::Enter)));
        }
        assert_eq!(desk.performed.len(), performed, "point {n}");
    }
}

#[test]
fn a_confirmation_is_armed_after_half_a_second_and_counts_once() {
    let mut desk = Desk::on(DANGER);
    desk.press("enter").answer("it is so");
    desk.press("enter");
    for gap in [499, 33, 450] {
        desk.pass(gap);
        desk.tell(Event::Key(Key::plain(Code::Enter)));
        assert_eq!(desk.performed.len(), 0, "after {gap} ms");
    }
    desk.pass(500);
    desk.tell(Event::Key(Key::plain(Code::Enter)));
    assert_eq!(desk.performed.len(), 1);
    desk.press("enter enter enter").wait(700).press("enter");
    assert_eq!(desk.performed.len(), 1, "it runs: enter starts nothing");
}

#[test]
fn a_phrase_counts_only_as_it_is_typed_into_an_armed_question() {
    let mut desk = Desk::on(DANGER);
    desk.press("enter").answer("it is so");
    desk.press("enter").confirm("").done();
    desk.press("enter").type_("FAILOVER").press("enter");
    let Some(Dialog::Ask(ask)) = desk.state.dialogs.last() else {
        panic!("{}", desk.message());
    };
    assert_eq!(ask.typed, "");
    desk.wait(500).type_("FAILOVR").press("enter");
    assert_eq!((desk.message(), desk.performed.len()), ("type FAILOVER", 1));
    desk.press("backspace").type_("ER").press("enter");
    assert_eq!(desk.performed.len(), 2);
    assert_eq!(desk.performed[1].targets[0].place, "db-west:5432");
}

#[test]
fn what_is_red_is_overridden_with_a_phrase_and_a_reason() {
    let mut desk = Desk::on(
        "# R\n\n## One {#one}\n\n```toml check\nreachable = \"pg-west\"\n```\n\n```toml run\npostgres.checkpoint = { target = \"pg-west\" }\n```\n",
    );
    let words = super::super::checklist::words(&desk.state.walks[&1].steps[0].checks[0]);
    desk.holds.insert(words, Holds::Unknown);
    desk.press("enter").confirm("");
    assert_eq!(
        (desk.message(), desk.performed.len()),
        ("type OVERRIDE:pg-west", 0)
    );
    desk.type_("OVERRIDE:pg-west")
        .press("enter")
        .type_("too short")
        .press("enter");
    assert_eq!(desk.performed.len(), 0);
    desk.type_(", but now long enough").press("enter");
    assert_eq!(desk.performed.len(), 1);
}

#[test]
fn answers_for_a_question_that_has_gone_are_dropped() {
    let mut desk = Desk::on(PLAIN);
    desk.slow = true;
    desk.press("enter").wait(600).press("esc");
    desk.press("enter");
    let first = desk.kept.remove(0);
    desk.tell(first);
    let Some(Dialog::Ask(ask)) = desk.state.dialogs.last() else {
        panic!("no question");
    };
    assert!(
        ask.evaluation.is_none(),
        "the first question's answer reached the second"
    );
    desk.confirm("run");
    assert_eq!(
        (desk.message(), desk.performed.len()),
        ("the checks are still being evaluated", 0)
    );
    let second = desk.kept.remove(0);
    desk.tell(second);
    desk.press("enter");
    assert_eq!(desk.performed.len(), 1);
}

#[test]
fn a_question_that_somebody_else_answered_goes() {
    let mut desk = Desk::on(PLAIN);
    let mut other = desk.reopened();
    other.press("enter").confirm("run");
    let since = desk.journal.len();
    desk.press("enter").wait(600);
    assert!(matches!(desk.state.dialogs[..], [Dialog::Ask(_)]));
    for entry in &other.journal[since..] {
        desk.tell(Event::Appended(None, Box::new(entry.clone())));
    }
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(desk.message(), "ana confirmed step 1 One first");
    desk.type_("run").press("enter");
    assert_eq!((desk.performed.len(), desk.steps().as_str()), (0, "r.."));
}

#[test]
fn what_is_not_on_disk_yet_is_not_asked_about_again() {
    let mut desk = Desk::on(
        "# Book\n\n## Doors {#doors}\n\n- [ ] The first is shut\n- [ ] The second is shut\n",
    );
    desk.press("enter").wait(600);
    desk.writing = true;
    desk.press("enter");
    desk.wait(600).press("enter");
    assert!(desk.state.dialogs.is_empty(), "{:?}", desk.state.dialogs);
    let message = desk.state.message.take().unwrap();
    assert_eq!(
        (message.words.as_str(), message.bad),
        ("the tick is being written: once more in a moment", true)
    );
    desk.writing = false;
    for event in std::mem::take(&mut desk.kept) {
        desk.tell(event);
    }
    desk.press("enter");
    let open = format!("{:?}", desk.state.dialogs);
    assert!(open.contains("The second is shut"), "{open}");
}
