use std::path::Path;

use chrono::{NaiveDate, NaiveTime};

use super::checklist::{Item, Stage, all, during};
use super::schedule::{DrillState, schedule};
use super::*;
use crate::incident::clean::Clean;
use crate::incident::journal::{Actor, Chosen, Declaration, Entry, Fact, Incident, Note, Seq};
use crate::incident::judge::Standing;
use crate::incident::now::Now;
use crate::incident::runbook::Vars;
use crate::incident::sitefile;

fn day(text: &str) -> DateTime<Utc> {
    let day: NaiveDate = text.parse().unwrap();
    day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap())
        .and_utc()
}

fn drills(tables: &str) -> Vec<Drill> {
    let text = format!("name = \"x\"\n{tables}");
    let (site, faults) = sitefile::parse("site.toml", &text, Path::new("/"));
    assert_eq!(faults, [], "{tables}");
    site.unwrap().drills
}

fn exercise(at: &str, scenario: &str, mode: Mode, grade: Grade) -> DrillRecord {
    DrillRecord {
        at: day(at),
        id: "TTX-2026-0001".into(),
        drill: None,
        scenario: scenario.into(),
        title: scenario.into(),
        kind: Kind::Tabletop,
        mode,
        grade,
        rto_target: Some(Duration::from_secs(3_600)),
        rto_actual: Some(Duration::from_millis(1_320_500)),
        rpo_target: None,
        rpo_actual: None,
        tester: "ana".into(),
        notes: vec!["slow".into()],
        seed: Some(7),
    }
}

fn held(at: &str, scenario: &str) -> Record {
    Record::Exercise(exercise(at, scenario, Mode::Tabletop, Grade::Pass))
}

fn tick(at: &str, drill: &str, item: &str) -> Record {
    Record::Tick(Tick {
        at: day(at),
        drill: drill.into(),
        item: item.into(),
        by: "ben".into(),
        note: None,
    })
}

fn date(at: Option<DateTime<Utc>>) -> String {
    at.map_or("now".into(), |at| at.format("%Y-%m-%d").to_string())
}

/// The drill, what follows `kind` in its table, when it was last held, when it is due then.
type Case = (&'static str, &'static str, &'static str, &'static str);

#[test]
fn every_schedule_of_the_documents_can_be_written_down() {
    const MONTHLY: &str = "months = [\"jan\", \"feb\", \"mar\", \"apr\", \"may\", \"jun\", \"jul\", \"aug\", \"sep\", \"oct\", \"nov\", \"dec\"]";
    let table: [Case; 18] = [
        (
            "G-01 backup-restoration",
            "every = \"7d\"",
            "2026-03-02",
            "2026-03-09",
        ),
        (
            "G-02 component-failover",
            MONTHLY,
            "2026-03-02",
            "2026-04-30",
        ),
        (
            "G-03 regional-failover",
            "every = \"90d\"",
            "2026-03-02",
            "2026-05-31",
        ),
        (
            "G-04 full-dr",
            "every = \"365d\"",
            "2026-03-02",
            "2027-03-02",
        ),
        (
            "G-05 component-failover",
            "every = \"1w\"",
            "2026-03-02",
            "2026-03-09",
        ),
        (
            "G-06 full-dr",
            "every = \"30d\"",
            "2026-03-02",
            "2026-04-01",
        ),
        (
            "G-07 backup-restoration",
            MONTHLY,
            "2026-12-20",
            "2027-01-31",
        ),
        (
            "G-08 component-failover",
            "months = [\"feb\", \"may\", \"aug\", \"nov\"]\ntakes = \"4h\"",
            "2026-02-10",
            "2026-05-31",
        ),
        (
            "G-09 regional-failover",
            "months = [\"jun\", \"dec\"]\ntakes = \"4h\"\nlive = true",
            "2026-06-30",
            "2026-12-31",
        ),
        (
            "G-10 full-dr",
            "months = [\"sep\"]\ntakes = \"8h\"",
            "2026-09-02",
            "2027-09-30",
        ),
        ("G-11 tabletop", MONTHLY, "2028-01-31", "2028-02-29"),
        (
            "G-12 backup-restoration",
            "every = \"30d\"\nrto = \"15m\"",
            "2026-03-02",
            "2026-04-01",
        ),
        (
            "G-13 full-dr",
            "every = \"90d\"\nrto = \"1h\"",
            "2026-03-02",
            "2026-05-31",
        ),
        (
            "G-14 cluster-rebuild",
            "every = \"365d\"\nrto = \"4h\"",
            "2026-03-02",
            "2027-03-02",
        ),
        (
            "G-15 backup-restoration",
            "every = \"90d\"\nrto = \"30m\"",
            "2026-03-02",
            "2026-05-31",
        ),
        (
            "G-16 secret-rotation",
            "every = \"30d\"",
            "2026-03-02",
            "2026-04-01",
        ),
        (
            "G-17 component-failover",
            "every = \"90d\"\nrto = \"5m\"",
            "2026-03-02",
            "2026-05-31",
        ),
        (
            "G-18 full-dr",
            "every = \"365d\"\nrto = \"6h\"",
            "2026-03-02",
            "2027-03-02",
        ),
    ];
    for (name, keys, last, due) in table {
        let (id, kind) = name.split_once(' ').unwrap();
        let drills = drills(&format!(
            "[drills.{id}]\nwhat = \"exercise\"\nkind = \"{kind}\"\n{keys}\n"
        ));
        let live = drills[0].live;
        let mode = if live { Mode::Drill } else { Mode::Tabletop };
        let log = [Record::Exercise(exercise(
            last,
            "exercise",
            mode,
            Grade::Pass,
        ))];
        let state = &schedule(&drills, &log, day(last))[0];
        assert_eq!(state.drill.kind.word(), kind, "{name}");
        assert_eq!(date(state.due), due, "{name}");
    }
    // G-19, the documents are reviewed after each drill: an item of the checklist that follows one.
    let review = Item::find("after-5").unwrap();
    assert!(review.words.contains("update the runbooks"));
}

const TWO: &str = "[drills.region]\nwhat = \"region-lost\"\nkind = \"regional-failover\"\nmonths = [\"feb\", \"may\", \"aug\", \"nov\"]\n\
                   [drills.restore]\nwhat = \"runbook:restore-dump\"\nkind = \"backup-restoration\"\nevery = \"30d\"\nlive = true\n";

#[test]
fn a_drill_is_due_by_its_rhythm_and_overdue_after_that() {
    // What was held before today, today; when each is due, and how many days that was missed by.
    let live = |at| Record::Exercise(exercise(at, "walk:restore-dump", Mode::Drill, Grade::Fail));
    let table = [
        (
            "never",
            vec![],
            "2026-03-02",
            ("2026-05-31", None),
            ("now", None),
        ),
        (
            "held in their time",
            vec![held("2026-02-03", "region-lost"), live("2026-02-20")],
            "2026-03-02",
            ("2026-05-31", None),
            ("2026-03-22", None),
        ),
        (
            "missed",
            vec![held("2026-02-03", "region-lost"), live("2026-02-20")],
            "2026-06-02",
            ("2026-05-31", Some(1)),
            ("2026-03-22", Some(72)),
        ),
        (
            "late for May counts for May",
            vec![held("2026-06-02", "region-lost")],
            "2026-06-02",
            ("2026-08-31", None),
            ("now", None),
        ),
        (
            "the newest counts, whatever the order in the log",
            vec![
                held("2026-05-20", "region-lost"),
                held("2026-02-03", "region-lost"),
            ],
            "2026-06-02",
            ("2026-08-31", None),
            ("now", None),
        ),
    ];
    let drills = drills(TWO);
    for (what, log, now, region, restore) in table {
        let states = schedule(&drills, &log, day(now));
        let found: Vec<(String, Option<u64>)> = states
            .iter()
            .map(|s| (date(s.due), s.overdue.map(|o| o.as_secs() / 86_400)))
            .collect();
        let expected = [region, restore].map(|(due, over)| (due.to_owned(), over));
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn an_exercise_counts_for_what_it_was() {
    let named = DrillRecord {
        drill: Some("region".into()),
        ..exercise("2026-03-02", "another", Mode::Drill, Grade::Pass)
    };
    let table = [
        (
            exercise("2026-03-02", "region-lost", Mode::Tabletop, Grade::Fail),
            vec!["region"],
        ),
        (
            exercise("2026-03-02", "region-lost", Mode::Drill, Grade::Pass),
            vec![],
        ),
        (
            exercise("2026-03-02", "walk:restore-dump", Mode::Drill, Grade::Pass),
            vec!["restore"],
        ),
        (
            exercise(
                "2026-03-02",
                "runbook:restore-dump",
                Mode::Drill,
                Grade::Pass,
            ),
            vec!["restore"],
        ),
        (
            exercise(
                "2026-03-02",
                "walk:restore-dump",
                Mode::Tabletop,
                Grade::Pass,
            ),
            vec![],
        ),
        (
            exercise("2026-03-02", "restore-dump", Mode::Drill, Grade::Pass),
            vec![],
        ),
        (named, vec!["region"]),
    ];
    let drills = drills(TWO);
    for (record, expected) in table {
        let counts = drills.iter().filter(|drill| record.satisfies(drill));
        let counts: Vec<&str> = counts.map(|drill| drill.id.as_str()).collect();
        assert_eq!(counts, expected, "{} {}", record.scenario, record.mode);
    }
    let for_it = held_for(&drills, "walk:restore-dump", Mode::Drill).map(|d| d.id.as_str());
    assert_eq!(for_it, Some("restore"));
    assert_eq!(held_for(&drills, "walk:restore-dump", Mode::Tabletop), None);
}

#[test]
fn the_checklist_has_six_before_eight_during_and_seven_after() {
    let counts = [Stage::Before, Stage::During, Stage::After]
        .map(|stage| all().filter(|item| item.stage == stage).count());
    assert_eq!(counts, [6, 8, 7]);
    for (text, number) in [
        ("1", Some(1)),
        ("before-6", Some(6)),
        ("after-1", Some(15)),
        ("21", Some(21)),
    ] {
        assert_eq!(Item::find(text).map(|item| item.number), number, "{text}");
    }
    for text in ["0", "22", "before-7", "after", ""] {
        assert_eq!(Item::find(text), None, "{text}");
    }
}

/// Ids of the items that are open.
fn open(state: &DrillState<'_>, now: &str) -> Vec<String> {
    let open = state.items.iter().filter(|item| item.open(day(now)));
    open.map(|item| item.item.id()).collect()
}

#[test]
fn items_come_up_are_due_and_are_ticked_until_the_next_time() {
    let drills = drills(TWO);
    let log = [
        tick("2026-01-20", "region", "before-1"),
        held("2026-02-03", "region-lost"),
        tick("2026-02-04", "region", "after-1"),
        tick("2026-05-20", "region", "before-2"),
        tick("2026-05-20", "restore", "before-3"),
    ];
    let state = |now: &str| schedule(&drills, &log, day(now)).remove(0);
    let after = [
        "after-2", "after-3", "after-4", "after-5", "after-6", "after-7",
    ];
    assert_eq!(open(&state("2026-02-03"), "2026-02-03"), after);
    // The preparations come up two weeks before the end of May; what was ticked for the last time counts no more.
    let before = ["before-1", "before-3", "before-4", "before-5", "before-6"];
    assert_eq!(
        open(&state("2026-05-20"), "2026-05-20"),
        [&before[..], &after].concat()
    );
    let state = state("2026-05-20");
    let due: Vec<String> = state.items.iter().map(|item| date(item.due)).collect();
    assert_eq!(
        (due[0].as_str(), due[6].as_str()),
        ("2026-05-24", "2026-02-05")
    );
    let over = |id: &str| {
        let item = state.items.iter().find(|item| item.item.id() == id);
        item.and_then(|item| item.overdue(day("2026-05-20")))
            .map(|over| over.as_secs() / 86_400)
    };
    assert_eq!(
        (over("before-1"), over("after-1"), over("after-2")),
        (None, None, Some(104))
    );
}

#[test]
fn a_drill_that_comes_every_week_is_prepared_half_a_week_before() {
    let drills = drills("[drills.x]\nwhat = \"x\"\nkind = \"tabletop\"\nevery = \"7d\"\n");
    let log = [held("2026-03-02", "x")];
    let state = schedule(&drills, &log, day("2026-03-02")).remove(0);
    let first = state.items[0].due.unwrap();
    assert_eq!(first.to_rfc3339(), "2026-03-06T00:00:00+00:00");
    // Never held: everything before it is due now, nothing after it is.
    let state = schedule(&drills, &[], day("2026-03-02")).remove(0);
    assert_eq!(open(&state, "2026-03-02").len(), 6);
    assert!(state.calls());
}

fn journal(facts: Vec<Note>) -> Incident {
    let at = Now {
        wall: day("2026-03-02"),
        boot: Duration::ZERO,
        boot_id: "a".into(),
    };
    let declared = Fact::Declared(Declaration {
        id: "TTX-2026-0001".into(),
        mode: Mode::Tabletop,
        site: "x".into(),
        title: "x".into(),
        severity: "SEV-1".into(),
        category: None,
        detected: at.wall,
    });
    let facts = std::iter::once(declared).chain(facts.into_iter().map(Fact::Note));
    let entries: Vec<Entry> = (1..)
        .zip(facts)
        .map(|(seq, fact)| Entry {
            seq: Seq(seq),
            at: at.clone(),
            actor: Actor {
                name: "ana".into(),
                host: "h".into(),
            },
            fact,
            prev: String::new(),
        })
        .collect();
    Incident::fold(&entries).unwrap()
}

#[test]
fn the_journal_answers_what_happened_during_a_drill() {
    let walk = |number: u32, runbook: &str| {
        let chosen = Note::Chosen(Box::new(Chosen {
            walk: number,
            runbook: runbook.into(),
            title: "x".into(),
            digest: String::new(),
            vars: Vars::new(),
            secrets: Vec::new(),
            steps: vec![("one".into(), "One".into())],
            parts: [("one".into(), 1)].into(),
            parent: None,
            added: None,
        }));
        let ticked = Note::Ticked {
            walk: number,
            step: "one".into(),
            index: 1,
            note: None,
        };
        [chosen, ticked]
    };
    let vitals = |standing| Note::Vitals(vec![("link pg".into(), standing, "x".into())]);
    let resolved = Note::Resolved {
        summary: Clean::new("x"),
        waived: Vec::new(),
    };
    let whole = [
        walk(1, "regional-failover").to_vec(),
        vec![vitals(Standing::Breach)],
        walk(2, "failback").to_vec(),
        vec![vitals(Standing::Fine), resolved],
    ];
    let (y, n) = (Some(true), Some(false));
    let table = [
        ("nothing", vec![], [y, n, n, y, n, None, n, n]),
        (
            "failed over, still red",
            [walk(1, "pg").to_vec(), vec![vitals(Standing::Breach)]].concat(),
            [y, y, y, y, n, n, n, n],
        ),
        ("all of it", whole.concat(), [y, y, y, y, n, y, y, y]),
    ];
    let record = exercise("2026-03-02", "x", Mode::Tabletop, Grade::Pass);
    for (what, notes, expected) in table {
        let answers = during(&journal(notes), &record);
        let answers: Vec<Option<bool>> = answers.into_iter().map(|(_, answer)| answer).collect();
        assert_eq!(answers, expected, "{what}");
    }
}

#[test]
fn records_are_lines_that_people_can_read() {
    let record = held("2026-03-02", "region-lost");
    let line = serde_json::to_string(&record).unwrap();
    assert!(line.contains("\"rto_actual\":1320.5"), "{line}");
    assert!(line.contains("\"grade\":\"PASS\""), "{line}");
    assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    let old = "{\"exercise\":{\"at\":\"2026-03-02T12:00:00Z\",\"id\":\"DRL-2026-0001\",\"scenario\":\"x\",\"title\":\"x\",\"kind\":\"full-dr\",\"mode\":\"drill\",\"grade\":\"FAIL\",\"tester\":\"ana\"}}";
    let Record::Exercise(old) = serde_json::from_str(old).unwrap() else {
        panic!("{old}");
    };
    assert_eq!((old.rto_actual, old.seed, old.live()), (None, None, true));
    let negative = line.replace("1320.5", "-1.0");
    assert!(serde_json::from_str::<Record>(&negative).is_err());
}

#[test]
fn kinds_are_read_by_their_words() {
    for kind in Kind::ALL {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    let why = "full-drr".parse::<Kind>().unwrap_err();
    assert!(why.contains("did you mean full-dr?"), "{why}");
}
