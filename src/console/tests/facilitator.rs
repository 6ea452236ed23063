//! The facilitator's keys, and the orders that follow.

use std::time::Duration;

use super::super::facilitator::{Dialog, Facilitator};
use crate::incident::clean::Clean;
use crate::incident::drills::Grade;
use crate::incident::facilitation::{InjectState, Order, Truth};
use crate::incident::now::Now;

fn at(millis: u64) -> Now {
    let wall = chrono::DateTime::from_timestamp(1_795_268_700, 0).unwrap();
    Now {
        wall: wall + chrono::TimeDelta::milliseconds(millis.try_into().unwrap()),
        boot: Duration::from_millis(millis),
        boot_id: "b".into(),
    }
}

fn inject(id: &str, fired: Option<u64>) -> InjectState {
    InjectState {
        id: id.into(),
        title: id.into(),
        from: "Customer".into(),
        says: "Is it us?".into(),
        fired_at: fired.map(Duration::from_secs),
        due_at: None,
    }
}

fn truth(paused: bool) -> Truth {
    Truth {
        at: Duration::from_secs(60),
        wall: at(0).wall,
        speed: 5,
        paused,
        title: "Primary region lost".into(),
        incident: None,
        grade_so_far: Grade::Pass,
        lines: Vec::new(),
        harms: Vec::new(),
        injects: vec![inject("one", None), inject("two", Some(30))],
        timeline: Vec::new(),
        next: None,
    }
}

/// Keys in words, a second between them; `+` before one: it comes at once. `'text` is typed.
fn press(state: &mut Facilitator, keys: &str) -> Vec<Order> {
    let mut now = 10_000;
    let mut orders = Vec::new();
    for word in keys.split(' ').filter(|word| !word.is_empty()) {
        let (wait, word) = match word.strip_prefix('+') {
            Some(word) if !word.is_empty() => (30, word),
            _ => (1_000, word),
        };
        now += wait;
        match word.strip_prefix('\'') {
            Some(text) => state.pasted(&text.replace('_', " ")),
            None => orders.extend(state.key(word.parse().unwrap(), &at(now))),
        }
    }
    orders
}

#[test]
fn keys_become_orders() {
    let fire = |id: &str| Order::Fire { id: id.into() };
    let speed = |times| Order::Speed { times };
    let observe = |text: &str| Order::Observe {
        text: Clean::new(text),
    };
    let say = |from: &str, says: &str| Order::Say {
        from: from.into(),
        says: Clean::new(says),
    };
    let table: [(&str, Vec<Order>); 17] = [
        ("enter enter", vec![fire("one")]),
        ("enter +enter", vec![]),
        ("enter +enter +enter enter", vec![fire("one")]),
        ("enter esc enter", vec![]),
        ("down enter enter", vec![]),
        ("j k enter enter", vec![fire("one")]),
        ("space", vec![speed(0)]),
        ("1 5 2 0", vec![speed(1), speed(5), speed(20), speed(0)]),
        ("n enter", vec![]),
        ("n h i enter", vec![observe("hi")]),
        ("n 5 space 2 enter", vec![observe("5 2")]),
        ("n h esc 5", vec![speed(5)]),
        ("n 'two_words enter", vec![observe("two words")]),
        (
            "s 'CEO enter 'How_long? enter",
            vec![say("CEO", "How long?")],
        ),
        (
            "s tab 'How_long? enter 'CEO tab enter",
            vec![say("CEO", "How long?")],
        ),
        ("s 'CEO enter enter", vec![]),
        ("? 5 esc 1", vec![speed(1)]),
    ];
    for (keys, orders) in table {
        let mut state = Facilitator::default();
        state.told(truth(false));
        assert_eq!(press(&mut state, keys), orders, "{keys}");
        assert!(!state.leaving, "{keys}");
    }
}

#[test]
fn a_pause_ends_at_the_speed_it_had() {
    let mut state = Facilitator::default();
    assert_eq!(press(&mut state, "space"), []);
    assert!(state.message.take().is_some_and(|message| message.bad));
    state.told(truth(true));
    assert_eq!(press(&mut state, "space"), [Order::Speed { times: 5 }]);
}

#[test]
fn leaving_is_no_order_and_text_holds_q() {
    for (keys, leaving) in [
        ("q", true),
        ("ctrl-c", true),
        ("n q", false),
        ("n ctrl-c", true),
        ("? q", false),
    ] {
        let mut state = Facilitator::default();
        state.told(truth(false));
        assert_eq!(press(&mut state, keys), [], "{keys}");
        assert_eq!(state.leaving, leaving, "{keys}");
    }
}

#[test]
fn what_is_told_keeps_the_selection_within_what_there_is() {
    let mut state = Facilitator::default();
    state.told(truth(false));
    press(&mut state, "down");
    assert_eq!(state.selected, 1);
    state.silent("no word for 12 s");
    state.told(Truth {
        injects: vec![inject("one", None)],
        ..truth(false)
    });
    assert_eq!((state.selected, state.silent.is_some()), (0, false));
    press(&mut state, "enter");
    assert!(matches!(&state.dialog, Some(Dialog::Fire(inject)) if inject.id == "one"));
}
