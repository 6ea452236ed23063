//! The reference walk, and the walk that does harm: what an operator would do at the console, move by move.

use std::ops::Range;

use crate::incident::names::StepId;
use crate::incident::strict::{Item, Reader, Table, Value};

use super::super::{Grade, Losing, Move};
use super::names::{self, ANY, Names};
use super::{GRADES, only_one, required_choice};

/// Every word that makes a move.
const WORDS: [&str; 15] = [
    "wait",
    "until",
    "declare",
    "runbook",
    "walk",
    "go",
    "run",
    "skip",
    "decide",
    "leave",
    "note",
    "role",
    "acknowledge",
    "mitigated",
    "resolve",
];

/// Standings that can be waited for.
const STANDINGS: [&str; 4] = ["fine", "watch", "breach", "unknown"];

/// Reads walks.
pub(super) struct Walks<'a> {
    /// Names of the site.
    pub names: &'a Names<'a>,
    /// Runbooks that the scenario lists.
    pub runbooks: &'a [String],
}

impl Walks<'_> {
    /// `solution = [{ … }]`.
    pub fn solution(&self, reader: &mut Reader<'_>, table: &mut Table) -> Vec<Move> {
        let moves = table.tables(reader, "solution", "move");
        self.moves(reader, moves)
    }

    /// `[losing]`; a scenario without one has no moves there.
    pub fn losing(&self, reader: &mut Reader<'_>, table: &mut Table) -> Losing {
        let Some(mut losing) = table.table(reader, "losing", "losing") else {
            return Losing {
                moves: Vec::new(),
                grade: Grade::Fail,
                because: String::new(),
            };
        };
        let grade_at = losing.key_at("grade");
        let grade = required_choice(reader, &mut losing, "grade", &GRADES);
        if grade == Some(Grade::Pass) {
            let what = "a losing walk that ends in PASS";
            reader.fault(&grade_at, what, "write PARTIAL or FAIL");
        }
        let because = losing.required_text(
            reader,
            "because",
            "because = \"words of the report's reason\"",
        );
        if !losing.has("moves") {
            losing.missing(reader, "moves", "moves = [{ … }]");
        }
        let moves = losing.tables(reader, "moves", "move");
        let moves = self.moves(reader, moves);
        losing.finish(reader);
        Losing {
            moves,
            grade: grade.unwrap_or(Grade::Fail),
            because: because.unwrap_or_default(),
        }
    }

    fn moves(&self, reader: &mut Reader<'_>, tables: Vec<Table>) -> Vec<Move> {
        let mut found = Vec::new();
        let mut walking = false;
        for mut table in tables {
            let at = table.at.clone();
            let word = only_one(reader, &mut table, &WORDS, "wait = \"2m\"");
            let of_a_walk = ["walk", "go", "run", "skip", "decide", "leave"];
            if word.is_some_and(|word| of_a_walk.contains(&word)) && !walking {
                let what = "a move in a runbook, and none was opened before";
                reader.fault(&at, what, "put { runbook = \"…\" } before it");
            }
            walking |= word == Some("runbook");
            let made = word.and_then(|word| match word {
                "walk" | "go" | "run" | "skip" | "decide" => of_steps(reader, &mut table, word),
                word => self.of_the_incident(reader, &mut table, word),
            });
            table.finish(reader);
            found.extend(made);
        }
        found
    }

    fn of_the_incident(
        &self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        word: &str,
    ) -> Option<Move> {
        match word {
            "wait" => table.span(reader, word).map(Move::Wait),
            "until" => self.until(reader, table),
            "declare" => {
                let title = table.text(reader, word);
                if !table.has("severity") {
                    table.missing(reader, "severity", "severity = \"SEV-1\"");
                }
                let severity = self.names.severity(reader, table, "severity");
                let category = self.names.category(reader, table, "category");
                Some(Move::Declare {
                    title: title?,
                    severity: severity?,
                    category,
                })
            }
            "runbook" => self.runbook(reader, table),
            "leave" => table.text(reader, word).map(Move::Leave),
            "note" => table.text(reader, word).map(Move::Note),
            "role" => {
                let role = table.text(reader, word);
                let who = table.required_text(reader, "who", "who = \"ana\"");
                Some(Move::Role {
                    role: role?,
                    who: who?,
                })
            }
            "acknowledge" => is_true(reader, table, word).then_some(Move::Acknowledge),
            "mitigated" => table.text(reader, word).map(Move::Mitigated),
            "resolve" => table.text(reader, word).map(Move::Resolve),
            _ => None,
        }
    }

    /// `{ until = { subject = "region us-east-1", is = "breach" } }`
    fn until(&self, reader: &mut Reader<'_>, table: &mut Table) -> Option<Move> {
        let mut until = table.table(reader, "until", "until")?;
        let example = "subject = \"region us-east-1\"";
        if !until.has("subject") {
            until.missing(reader, "subject", example);
        }
        let subject = until.text_at(reader, "subject");
        if let Some((at, subject)) = &subject {
            self.subject(reader, at, subject);
        }
        let words = STANDINGS.map(|word| (word, word));
        let is = required_choice(reader, &mut until, "is", &words);
        until.finish(reader);
        Some(Move::Until {
            subject: subject?.1,
            is: is?.to_owned(),
        })
    }

    fn subject(&self, reader: &mut Reader<'_>, at: &Range<usize>, subject: &str) {
        let owner = "subject";
        match subject.split_once(' ') {
            Some(("target", name)) => {
                self.names.target_at(reader, at, owner, name, ANY);
            }
            Some(("region", name)) => {
                self.names.region_at(reader, at, owner, name);
            }
            Some(("link", name)) => {
                self.names.link_at(reader, at, owner, name);
            }
            Some(("backup", name)) => {
                self.names.backup_at(reader, at, owner, name);
            }
            _ => {
                let what = format!("subject is {subject:?}");
                let kinds = "write target, region, link or backup and its name, \"target pg-east\"";
                reader.fault(at, what, kinds);
            }
        }
    }

    /// `{ runbook = "regional-failover", vars = { STANDBY = "pg-west" } }`
    fn runbook(&self, reader: &mut Reader<'_>, table: &mut Table) -> Option<Move> {
        let (at, id) = table.text_at(reader, "runbook")?;
        names::listed(reader, &at, &id, self.runbooks);
        let mut vars = Vec::new();
        for item in vars_of(reader, table) {
            match super::text_of(&item.value) {
                Some(value) => vars.push((item.key, value.to_owned())),
                None => {
                    let what = format!("{} is no text", item.key);
                    reader.fault(&item.at, what, "write its value in quotes");
                }
            }
        }
        Some(Move::Runbook { id, vars })
    }
}

fn vars_of(reader: &mut Reader<'_>, table: &mut Table) -> Vec<Item> {
    let vars = table.table(reader, "vars", "vars");
    vars.map(|mut vars| vars.take_all()).unwrap_or_default()
}

/// Moves that name a step of the runbook that is open.
fn of_steps(reader: &mut Reader<'_>, table: &mut Table, word: &str) -> Option<Move> {
    match word {
        "walk" => {
            let to = walk_to(reader, table)?;
            let overriding = table.text(reader, "overriding");
            Some(Move::Walk { to, overriding })
        }
        "run" => {
            let step = super::step(reader, table, word);
            let overriding = table.text(reader, "overriding");
            Some(Move::Run {
                step: step?,
                overriding,
            })
        }
        "decide" => {
            let answer = table.text(reader, word);
            let reason = reason(reader, table);
            Some(Move::Decide {
                answer: answer?,
                reason: reason?,
            })
        }
        word => {
            let step = super::step(reader, table, word);
            let (step, reason) = (step, reason(reader, table));
            Some(match word {
                "go" => Move::Go {
                    step: step?,
                    reason: reason?,
                },
                _ => Move::Skip {
                    step: step?,
                    reason: reason?,
                },
            })
        }
    }
}

fn reason(reader: &mut Reader<'_>, table: &mut Table) -> Option<String> {
    table.required_text(reader, "reason", "reason = \"…\": it is recorded")
}

/// `walk = true`: to the end; `walk = "promote"`: up to that step.
fn walk_to(reader: &mut Reader<'_>, table: &mut Table) -> Option<Option<StepId>> {
    let item = table.take("walk")?;
    match item.value {
        Value::Flag(true) => Some(None),
        Value::Text(id) => names::step(reader, &item.at, "walk", id).map(Some),
        _ => {
            let example = "write walk = true to the end, or the step before which it stops";
            reader.fault(&item.at, "walk leads nowhere", example);
            None
        }
    }
}

fn is_true(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> bool {
    let at = table.key_at(key);
    let said = table.flag(reader, key);
    if said == Some(false) {
        let what = format!("{key} is false, and nothing is done");
        reader.fault(&at, what, "write true, or take the move out");
    }
    said == Some(true)
}
