//! Quick commands: what is asked at once, what is added as a step, and what neither Enter nor a paste can do.

use super::*;
use crate::console::quick::QuickForm;
use crate::incident::runbook::Code;
use crate::incident::typed::{Typed, read};

impl Desk {
    fn quick(&self) -> &QuickForm {
        match self.state.dialogs.last() {
            Some(Dialog::Quick(form)) => form,
            other => panic!("no quick commands: {other:?}: {}", self.message()),
        }
    }

    fn asks(&self) -> &Resolved {
        match self.state.dialogs.last() {
            Some(Dialog::Ask(ask)) => &ask.resolved,
            other => panic!("nothing is asked: {other:?}: {}", self.message()),
        }
    }

    fn said(&self) -> Vec<&str> {
        let notes = self.notes().filter_map(|note| match note {
            Note::Said { text, .. } => Some(text.as_str()),
            _ => None,
        });
        notes.collect()
    }

    /// Types a fence's words and its text, or a line of TOML, and presses enter.
    fn quickly(&mut self, words: &str, text: &str) -> &mut Self {
        self.press("!").type_(words).press("enter");
        match text {
            "" => self,
            text => self.wait(600).type_(text).press("enter"),
        }
    }
}

#[test]
fn what_only_looks_is_asked_at_once_and_noted_when_asked_to() {
    let mut desk = Desk::on(road::PLAIN);
    desk.holds.insert("reachable pg-west".into(), Holds::No);
    desk.quickly("reachable = \"pg-west\"", "");
    let asked = desk.quick().asked.as_ref().unwrap();
    let answers = asked.answers.as_ref().unwrap();
    assert_eq!((answers.len(), answers[0].1.holds), (1, Holds::No));
    assert_eq!(desk.said(), Vec::<&str>::new());
    desk.press("ctrl-n ctrl-n");
    let noted = "asked reachable = \"pg-west\": not so, reachable pg-west";
    assert_eq!(
        (desk.said(), desk.message()),
        (vec![noted], "this answer is noted already")
    );
    desk.press("esc");
    desk.quickly("sql on=pg-west", "SELECT 1").press("ctrl-n");
    assert_eq!(
        desk.said()[1],
        "asked sql on=pg-west: SELECT 1: sql on pg-west: SELECT 1"
    );
    // None of it is a walk or an act.
    let walks = desk.state.incident.as_ref().unwrap().walks.len();
    assert_eq!((walks, desk.performed.len()), (1, 0));
}

#[test]
fn an_answer_for_another_question_is_dropped() {
    let mut desk = Desk::on(road::PLAIN);
    desk.slow = true;
    desk.quickly("reachable = \"pg-west\"", "").press("ctrl-n");
    assert_eq!(desk.message(), "the answer is still being waited for");
    desk.press("backspace");
    for event in std::mem::take(&mut desk.kept) {
        desk.tell(event);
    }
    assert_eq!(desk.quick().asked, None);
    desk.press("ctrl-n");
    assert_eq!(
        (desk.message(), desk.said()),
        ("nothing was asked yet", vec![])
    );
}

#[test]
fn what_may_change_something_is_a_step_with_its_own_confirmation() {
    let mut desk = Desk::on(road::PLAIN);
    desk.press("enter").confirm("run").done();
    desk.quickly("sh with=pg-west", "uptime");
    let resolved = desk.asks();
    assert_eq!(resolved.phrase.as_deref(), Some("run"));
    assert_eq!(resolved.with, ["pg-west".into()]);
    assert_eq!(resolved.targets[0].place, "db-west:5432");
    assert_eq!(desk.performed.len(), 1);
    desk.confirm("run").done();
    assert_eq!((desk.performed.len(), desk.steps().as_str()), (2, "x"));
    // It ends as a runbook does, and the one it was added to goes on.
    desk.press("enter");
    assert_eq!((desk.state.walk, desk.steps().as_str()), (Some(1), "x>."));
    let added = desk.notes().find_map(|note| match note {
        Note::Chosen(chosen) => chosen.added.clone(),
        _ => None,
    });
    let added = added.unwrap();
    assert_eq!(added.amid, Some((1, "two".into())));
    assert_eq!(added.fence, "```sh run with=pg-west\nuptime\n```\n");
}

#[test]
fn a_destructive_act_asks_for_its_targets_name_and_a_guard_is_not_gone_past() {
    let mut desk = Desk::on(road::PLAIN);
    desk.quickly(
        "postgres.terminate = { target = \"pg-west\", role = \"app\" }",
        "",
    );
    assert_eq!(desk.asks().phrase.as_deref(), Some("pg-west"));
    desk.wait(600).press("enter");
    assert_eq!((desk.message(), desk.performed.len()), ("type pg-west", 0));
    desk.press("esc");
    desk.quickly("redis on=redis-west", "REPLICAOF NO ONE");
    assert!(
        desk.message().contains("promotes past every guard"),
        "{}",
        desk.message()
    );
    assert!(desk.state.dialogs.is_empty() && desk.performed.is_empty());
}

#[test]
fn a_console_that_comes_back_stands_before_the_added_step() {
    let mut desk = Desk::on(road::PLAIN);
    desk.quickly("sh", "uptime").wait(600).press("esc");
    let typed = match read("sh", "uptime") {
        Ok(Typed::Step(added)) => *added,
        other => panic!("{other:?}"),
    };
    let mut other = desk.reopened();
    other.tell(Event::Walked(2, Arc::new(typed.runbook)));
    assert_eq!((other.state.walk, other.steps().as_str()), (Some(2), ">"));
    other.press("enter").confirm("run").unknown();
    assert!(matches!(other.next(), Next::Settle(..)));
}

#[test]
fn neither_a_held_enter_nor_a_paste_runs_or_adds_anything() {
    let mut desk = Desk::on(road::PLAIN);
    let before = desk.journal.len();
    // What is pasted fills the form, every line of it.
    desk.press("!");
    desk.tell(Event::Pasted(
        "sh with=pg-west\r\nrm -r /srv/x\r\nrm -r /srv/y\r\n".into(),
    ));
    let form = desk.quick();
    assert_eq!(form.words.value(), "sh with=pg-west");
    assert_eq!(form.text.value(), "rm -r /srv/x\nrm -r /srv/y");
    assert_eq!((desk.journal.len(), desk.performed.len()), (before, 0));
    // A terminal without bracketed paste sends it as keys, faster than fingers.
    desk.press("esc ! ")
        .type_("kube.restart = { target = \"x\" }");
    desk.pass(2);
    desk.tell(Event::Key(Key::plain(super::super::key::Code::Enter)));
    assert!(
        desk.quick()
            .fault
            .as_ref()
            .unwrap()
            .contains("faster than typing")
    );
    assert_eq!((desk.journal.len(), desk.performed.len()), (before, 0));
    // An enter that is held goes no further than the question.
    desk.press("esc");
    desk.quickly("sh with=pg-west", "uptime");
    for _ in 0..100 {
        desk.press("enter");
    }
    assert_eq!(
        (desk.asks().phrase.as_deref(), desk.performed.len()),
        (Some("run"), 0)
    );
}

#[test]
fn what_is_wrong_with_the_line_is_said_below_it() {
    let mut desk = Desk::on(road::PLAIN);
    for (words, text, fault) in [
        (
            "sql on=pg-west verify",
            "SELECT 1",
            "the fence takes no \"verify\"",
        ),
        ("lag = { of = \"pg-west\" }", "", "lag has no under"),
        ("reachable = \"$STANDBY\"", "", "$STANDBY has no value"),
    ] {
        desk.quickly(words, text);
        let told = desk.quick().fault.clone().unwrap_or_default();
        assert!(told.starts_with(fault), "{words}: {told}");
        desk.press("esc");
    }
}

#[test]
fn an_offer_is_asked_or_filled_in_and_enter_alone_takes_none() {
    let mut desk = Desk::on(road::PLAIN);
    desk.press("!")
        .type_("pg-west longest")
        .press("down")
        .wait(600)
        .press("enter");
    let form = desk.quick();
    assert_eq!(form.words.value(), "sql on=pg-west");
    assert!(form.asked.is_some());
    desk.press("esc !")
        .type_("redis.failover")
        .press("down")
        .wait(600)
        .press("enter");
    let form = desk.quick();
    assert_eq!(
        form.words.value(),
        "redis.failover = { target = \"sentinel\" }"
    );
    assert_eq!((form.asked.is_some(), desk.performed.len()), (false, 0));
    desk.wait(600).press("enter");
    assert_eq!(desk.asks().phrase.as_deref(), Some("sentinel"));
    // Nothing is selected until it is gone to: the line is taken as it stands.
    desk.press("esc !").type_("lag").press("enter");
    assert!(desk.quick().fault.is_some());
}

#[test]
fn a_text_of_several_lines_is_typed_and_nothing_is_offered_below_it() {
    let mut desk = Desk::on(road::PLAIN);
    desk.press("! s h tab").type_("one").press("alt-enter");
    desk.type_("two").press("down");
    assert_eq!(desk.quick().selected, None);
    desk.press("enter");
    let code = desk.asks().code.clone();
    let Code::Shell { script, .. } = code else {
        panic!("{code:?}");
    };
    assert_eq!(script.trim_end(), "one\ntwo");
}

#[test]
fn without_an_incident_it_is_asked_and_nothing_is_added_or_noted() {
    let mut desk = Desk::new(vec![]);
    desk.quickly("reachable = \"pg-west\"", "").press("ctrl-n");
    assert!(desk.quick().asked.as_ref().unwrap().answers.is_some());
    assert_eq!(desk.message(), "no incident is open: d declares one");
    desk.press("esc");
    desk.quickly("sh", "uptime");
    assert_eq!(
        desk.quick().fault.as_deref(),
        Some("no incident is open: d declares one")
    );
    desk.press("esc").declare();
    desk.state.memory.observing = true;
    desk.quickly("sh", "uptime");
    assert!(desk.quick().fault.as_ref().unwrap().contains("only looks"));
    assert_eq!(desk.performed.len(), 0);
}

#[test]
fn every_offer_reads_as_what_it_says_it_is() {
    let sample = include_str!("../../../site.sample.toml");
    for text in [SITE, sample] {
        let (site, faults) = sitefile::parse("site.toml", text, Path::new("/"));
        let site = site.unwrap_or_else(|| panic!("{faults:#?}"));
        let offers = crate::console::quick::offers(&site);
        let mut of: Vec<&str> = offers.iter().map(|offer| offer.of).collect();
        of.dedup();
        let mut once = of.clone();
        once.sort();
        once.dedup();
        assert_eq!(
            of.len(),
            once.len(),
            "each system stands in one place: {of:?}"
        );
        for offer in &offers {
            let typed = read(&offer.words, &offer.text);
            let looks = matches!(typed, Ok(Typed::Question(_)));
            let reads = looks || matches!(typed, Ok(Typed::Step(_)));
            assert!(reads && looks == offer.looks, "{offer:?}: {typed:?}");
        }
        for target in &site.targets {
            let of_it = |offer: &&crate::console::quick::Offer| {
                offer.what.starts_with(&format!("{}: ", target.id))
            };
            assert!(
                offers.iter().any(|o| of_it(&o)),
                "{} offers nothing",
                target.id
            );
        }
    }
}
