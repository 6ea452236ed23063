//! A tabletop, played by its own clock: the console, the guards, the steps and the journal are those of an outage.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use warroom::console::key::{Code, Key};
use warroom::console::state::Dialog;
use warroom::drill::scenario::{built_in, parse};
use warroom::incident::journal::{Actor, Mode};
use warroom::incident::reading::Holds;
use warroom::tabletop::{Beginning, Hand, Script, Session, scenarios};
use warroom::world::shelf;

/// A session and the hands at its keyboard.
struct Hands {
    session: Session,
    root: tempfile::TempDir,
}

impl Hands {
    fn new(seed: u64) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (id, text) = built_in::SCENARIOS[0];
        let scenario = parse(id, id, text).0.unwrap();
        let session = Session::new(Beginning {
            library: scenarios::library(&scenario.site),
            script: Script {
                scenario: Arc::new(scenario),
                digest: String::new(),
                talk: false,
            },
            seed,
            begins: "2026-11-25T20:00:00Z".parse().unwrap(),
            root: root.path().join("tabletops"),
            log: root.path().to_owned(),
            speed: 1,
            actor: Actor {
                name: "ana".into(),
                host: "bastion".into(),
            },
            keymap: shelf::keymap("default").unwrap(),
            size: (120, 36),
            key: vec![7; 32],
        });
        Self { session, root }
    }

    fn wait(&mut self, seconds: u64) {
        let to = self.session.passed() + Duration::from_secs(seconds);
        self.session.advance(to);
    }

    /// A key, after a second without one.
    fn press(&mut self, key: &str) {
        self.wait(1);
        let at = self.session.passed();
        self.session.hands(Hand::Key(key.parse().unwrap()), at);
    }

    fn type_(&mut self, text: &str) {
        for c in text.chars() {
            let to = self.session.passed() + Duration::from_millis(100);
            self.session.advance(to);
            self.session.hands(Hand::Key(Key::plain(Code::Char(c))), to);
        }
    }

    fn declare(&mut self) {
        self.press("d");
        self.type_("Primary region lost");
        (0..4).for_each(|_| self.press("enter"));
        assert!(self.session.state.incident.is_some());
    }

    fn choose(&mut self) {
        self.press("r");
        self.type_("regional");
        (0..5).for_each(|_| self.press("enter"));
        assert!(
            self.session.state.walk.is_some(),
            "{:?}",
            self.session.state.message
        );
    }

    /// Answers what the next step asks, until `step` is the one that stands next.
    fn walk_to(&mut self, step: &str) {
        for _ in 0..60 {
            if self.selected() == step && self.session.state.dialogs.is_empty() {
                return;
            }
            self.press("enter");
            match self.session.state.dialogs.last() {
                Some(Dialog::Text(_)) => {
                    self.type_("seen on the simulated site");
                    self.press("enter");
                }
                Some(Dialog::Ask(ask)) => {
                    let phrase = ask.resolved.phrase.clone().unwrap_or_default();
                    self.type_(&phrase);
                    self.press("enter");
                    self.wait(60);
                }
                _ => {}
            }
        }
        if let Some(Dialog::Ask(ask)) = self.session.state.dialogs.last() {
            let red = ask.red();
            panic!("{step} is not reached: {red:#?}");
        }
        panic!(
            "{step} is not reached, but {}: {:?}",
            self.selected(),
            self.session.state.message
        );
    }

    fn selected(&self) -> String {
        let state = &self.session.state;
        let runbook = state.walk.and_then(|walk| state.walks.get(&walk));
        runbook.map_or_else(String::new, |r| r.steps[state.cursor].id.to_string())
    }

    fn journal(&self) -> String {
        fs::read_to_string(self.session.dir().unwrap().join("journal.jsonl")).unwrap()
    }
}

fn standing(hands: &Hands, subject: &str) -> String {
    let standings = &hands.session.state.memory.standings;
    format!("{}", standings[subject])
}

#[test]
fn a_lost_region_is_seen_and_its_standby_takes_over_behind_a_fence() {
    let mut hands = Hands::new(7);
    hands.wait(30);
    assert_eq!(standing(&hands, "region us-east-1"), "fine");
    hands.wait(60);
    assert_eq!(standing(&hands, "region us-east-1"), "breach");
    hands.declare();
    assert_eq!(hands.session.state.mode, Mode::Tabletop);
    assert!(hands.session.dir().unwrap().starts_with(hands.root.path()));
    hands.choose();
    hands.walk_to("promote");
    assert_eq!(hands.session.split(), 0);
    hands.walk_to("scale");
    hands.wait(10);
    assert_eq!(hands.session.split(), 0, "the old primary was fenced first");
    let journal = hands.journal();
    for part in ["\"id\":\"TTX-", "\"seed\":7", "timeline 2", "tabletop"] {
        assert!(journal.contains(part), "{part} is not in the journal");
    }
    assert_eq!(standing(&hands, "target pg-west"), "fine");
}

#[test]
fn a_promotion_before_the_fence_is_red_as_on_a_real_pair() {
    let mut hands = Hands::new(8);
    hands.wait(90);
    hands.declare();
    hands.choose();
    hands.press("t");
    (0..3).for_each(|_| hands.press("down"));
    hands.press("enter");
    hands.type_("there is no time for it");
    hands.press("enter");
    assert_eq!(hands.selected(), "promote");
    hands.press("enter");
    let Some(Dialog::Ask(ask)) = hands.session.state.dialogs.last() else {
        panic!("nothing is asked: {:?}", hands.session.state.message);
    };
    let red: Vec<String> = ask.red().iter().map(|(name, _)| name.clone()).collect();
    assert!(red.iter().any(|name| name.contains("fenced")), "{red:?}");
    assert!(
        ask.red()
            .iter()
            .all(|(_, verdict)| verdict.holds != Holds::Yes)
    );
    assert!(ask.phrase().unwrap().starts_with("OVERRIDE:"));
}

#[test]
fn an_exercise_opens_no_connection() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ["tabletop", "drill"] {
        for entry in fs::read_dir(folder.join(room)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.contains("registry::open"), "{}", path.display());
        }
    }
}

#[test]
fn the_same_seed_and_the_same_hands_lead_to_the_same_entries() {
    let play = |seed| {
        let mut hands = Hands::new(seed);
        hands.wait(120);
        hands.declare();
        hands.choose();
        hands.walk_to("fence");
        let entries = &hands.session.state.incident.as_ref().unwrap().entries;
        let said = entries
            .iter()
            .map(|e| (e.at.clone(), format!("{:?}", e.fact)));
        said.collect::<Vec<_>>()
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3), play(4));
}
