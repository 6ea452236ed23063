//! What is asked before an act and while one looks, and how it is answered.

use std::thread;
use std::time::{Duration, Instant};

use warroom::console::resolving::resolve;
use warroom::incident::acts::Act;
use warroom::incident::journal::Resolved;
use warroom::incident::journal::fold::Phase;
use warroom::incident::runbook::{ActionRef, Code};

use super::super::operator::dialog;
use super::{PATIENCE, Sight, Walker};

impl Walker {
    /// Looks at checks until they hold, and says so.
    pub(super) fn looks(&mut self) {
        let (so, not_so) = ("it is so: tick it", "go on though it is not so");
        let end = Instant::now() + PATIENCE;
        loop {
            self.console
                .wait("what the checks saw", PATIENCE, |s| s.contains(not_so));
            if self.console.screen().contains(so) {
                return self.gives_answer("", |screen| !dialog(screen));
            }
            let screen = self.console.screen();
            assert!(Instant::now() < end, "it does not come to be so:\n{screen}");
            self.opens_again();
        }
    }

    /// Answers an act's question with its phrase, and waits for its end.
    pub(super) fn acts(&mut self, sight: &Sight, action: &ActionRef) {
        let resolved = resolve(&sight.state, action);
        let resolved = resolved.unwrap_or_else(|why| panic!("{action}: {why}"));
        if let Code::Act {
            act: Act::Runbook(sub),
        } = &resolved.code
        {
            return self.opens_sub(sight, &sub.file);
        }
        if self.console.screen().contains("Who agrees?") {
            return self.agrees(sight);
        }
        self.holds();
        let phrase = resolved.phrase.clone().unwrap_or_default();
        self.gives_answer(&phrase, |screen| !dialog(screen));
        self.ends_as_it_should(action, &resolved);
    }

    /// Waits until all that an act depends on holds. What could not be found out in time is asked again, as a person would: a
    /// busy machine is no fault. What is red fails.
    fn holds(&mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.console.wait("its evaluation", PATIENCE, |screen| {
                screen.contains("enter runs it") || screen.contains("Type ")
            });
            let screen = self.console.screen();
            if !screen.contains("OVERRIDE:") {
                return;
            }
            let unknown = screen.contains("│ ? ") && Instant::now() < end;
            assert!(unknown, "a check is red:\n{screen}");
            self.opens_again();
        }
    }

    /// Closes a dialog, and opens it anew.
    fn opens_again(&mut self) {
        // An esc with another key on its heels would be one key, alt and that.
        thread::sleep(Duration::from_millis(200));
        self.console.press("esc");
        self.console
            .wait("no dialog", PATIENCE, |screen| !dialog(screen));
        thread::sleep(Duration::from_millis(500));
        self.opens();
    }

    fn ends_as_it_should(&self, action: &ActionRef, resolved: &Resolved) {
        let what = format!("the end of {action}");
        let number = resolved.attempt;
        let ended = self.until(&what, |sight| {
            let attempt = sight.attempt(action);
            attempt.is_some_and(|attempt| {
                attempt.intent.resolved.attempt == number
                    && !matches!(attempt.phase(), Phase::Intended | Phase::Running)
            })
        });
        let attempt = ended.attempt(action).unwrap();
        // The others are explained when their turn comes again, for the test may have a way for them.
        let fine = !matches!(attempt.phase(), Phase::Refused | Phase::Voided);
        assert!(fine, "{action}: {}", self.told(attempt));
    }

    /// One more person agrees with a step.
    fn agrees(&mut self, sight: &Sight) {
        let head = sight.incident.head();
        let name = format!("colleague-{}", head.0);
        self.gives_answer(&name, |screen| !dialog(screen));
        self.until("the agreement", |now| now.incident.head() > head);
    }
}
