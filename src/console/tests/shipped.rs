//! The runbooks that are shipped, walked from their first step to their last by an operator for whom all goes well.

use super::super::road::Road;
use super::*;

const SHIPPED: [(&str, &str); 3] = [
    (
        "regional-failover",
        include_str!("../../../runbooks/regional-failover.md"),
    ),
    (
        "redis-sentinel-failover",
        include_str!("../../../runbooks/redis-sentinel-failover.md"),
    ),
    (
        "restore-dump",
        include_str!("../../../runbooks/restore-dump.md"),
    ),
];

/// Answers whatever stands open, as somebody would for whom all is as it should be.
fn go_on(desk: &mut Desk) {
    match desk.state.dialogs.last() {
        None => {
            desk.press("enter");
        }
        Some(Dialog::Ask(ask)) => {
            let phrase = ask.phrase().unwrap_or_default();
            desk.confirm(&phrase);
            assert!(desk.state.dialogs.is_empty(), "{}", desk.message());
            desk.done();
        }
        Some(Dialog::Choice(_)) => {
            desk.wait(600).press("enter");
        }
        Some(Dialog::Text(_)) => {
            desk.reason("it is as it should be");
        }
        Some(Dialog::Inputs(form)) => {
            let empty = form
                .values
                .get(form.field)
                .is_some_and(|v| v.value().is_empty());
            desk.type_(if empty { "/var/backups" } else { "" });
            desk.wait(600).press("enter");
        }
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn every_shipped_runbook_can_be_walked_to_its_end_and_resumed_at_each_step() {
    for (id, _) in SHIPPED {
        let library = SHIPPED.iter().map(|(id, text)| loaded(id, text)).collect();
        let mut desk = Desk::new(library);
        desk.declare();
        desk.press("r").type_(id).press("enter");
        for _ in 0..40 {
            if desk.state.walk.is_some() {
                break;
            }
            go_on(&mut desk);
        }
        assert!(desk.state.walk.is_some(), "{id}: {:?}", desk.state.dialogs);
        let mut seen = Vec::new();
        while desk.next() != Next::Done {
            assert!(
                seen.len() < 200,
                "{id} at {:?}: {}",
                desk.next(),
                desk.message()
            );
            seen.push(desk.next());
            go_on(&mut desk);
            if desk.state.dialogs.is_empty() {
                assert_eq!(desk.reopened().next(), desk.next(), "{id}");
            }
        }
        assert!(
            Road::shown(&desk.state).unwrap().complete(),
            "{id}: {}",
            desk.steps()
        );
        assert!(
            desk.performed
                .iter()
                .all(|r| !format!("{:?}", r.targets).contains('$'))
        );
    }
}
