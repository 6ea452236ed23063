//! The `toml runbook` card: what a runbook is for, and the variables it asks for.

use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use regex::Regex;

use super::super::fault::nearest;
use super::super::names::SeverityId;
use super::super::strict::{Reader, Table};
use super::ids::variable_name;
use super::{RunbookCard, System, Var, VarKind, VarSource};

/// Reads the card; faults go to the reader.
pub(super) fn runbook_card(reader: &mut Reader<'_>, part: Range<usize>) -> RunbookCard {
    let mut table = reader.parse(part, "runbook card");
    let date = "a date, 2026-02-02";
    let drill_every = table.table(reader, "drill", "drill").and_then(|mut drill| {
        let every = drill.span(reader, "every");
        drill.finish(reader);
        every
    });
    let card = RunbookCard {
        summary: table.text(reader, "summary"),
        severity: texts(&mut table, reader, "severity")
            .into_iter()
            .map(SeverityId)
            .collect(),
        rto: table.span(reader, "rto"),
        rpo: table.span(reader, "rpo"),
        requires: texts(&mut table, reader, "requires"),
        drill_every,
        owner: table.text(reader, "owner"),
        version: table.text(reader, "version"),
        reviewed: table.date::<NaiveDate>(reader, "reviewed", date),
        review_every: table.span(reader, "review_every"),
        closes: texts(&mut table, reader, "closes"),
        several: table.flag(reader, "several").unwrap_or(false),
        vars: table
            .named(reader, "vars", "variable")
            .into_iter()
            .map(|(at, name, table)| variable(reader, &at, name, table))
            .collect(),
    };
    table.finish(reader);
    card
}

fn texts(table: &mut Table, reader: &mut Reader<'_>, key: &str) -> Vec<String> {
    let texts = table.texts(reader, key);
    texts.into_iter().map(|(_, text)| text).collect()
}

fn variable(reader: &mut Reader<'_>, at: &Range<usize>, name: String, mut table: Table) -> Var {
    if let Err(why) = variable_name(&name) {
        reader.fault(at, why, "choose another");
    }
    let kinds = [
        ("text", VarKind::Text),
        ("time", VarKind::Time),
        ("number", VarKind::Number),
    ];
    let both = table.has("from") && table.has("choices");
    let default_at = table.key_at("default");
    let var = Var {
        name,
        prompt: table.text(reader, "prompt"),
        from: table.read(reader, "from", source),
        choices: texts(&mut table, reader, "choices"),
        default: table.text(reader, "default"),
        pattern: table.read(reader, "pattern", pattern),
        kind: table.choice(reader, "type", &kinds).unwrap_or_default(),
        secret: table.flag(reader, "secret").unwrap_or(false),
    };
    if both {
        let what = format!("{} has both from and choices", table.name);
        reader.fault(at, what, "keep one of them");
    }
    match &var.default {
        Some(_) if var.secret => {
            let what = format!("the secret {} stands in the file", var.name);
            reader.fault(&default_at, what, "take its default out, it is asked for");
        }
        Some(default) => {
            if let Err(why) = var.accepts(default) {
                reader.fault(&default_at, format!("default: {why}"), "");
            }
        }
        None => {}
    }
    table.finish(reader);
    var
}

fn source(word: &str) -> Result<VarSource, String> {
    let mut all = VarSource::all();
    let words: Vec<String> = all.iter().map(|(word, _)| word.clone()).collect();
    let found = all.iter().position(|(known, _)| known == word);
    found.map(|at| all.swap_remove(at).1).ok_or_else(|| {
        match nearest(word, words.iter().map(String::as_str)) {
            Some(meant) => format!("{word:?} is nothing to choose from; did you mean {meant}?"),
            None => format!(
                "{word:?} is nothing to choose from; write one of {}",
                words.join(", ")
            ),
        }
    })
}

fn pattern(text: &str) -> Result<String, String> {
    match Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default();
            Err(format!(
                "{text:?} is no regular expression ({})",
                why.trim_start_matches("error: ")
            ))
        }
    }
}

impl VarSource {
    /// What `from` may say, and what it means.
    pub fn all() -> Vec<(String, VarSource)> {
        let fixed = [
            ("regions", VarSource::Regions),
            ("regions.standby", VarSource::StandbyRegions),
            ("regions.primary", VarSource::PrimaryRegions),
            ("backups", VarSource::Backups),
            ("targets", VarSource::Targets(None)),
        ];
        let fixed = fixed.map(|(word, source)| (word.to_owned(), source));
        let of = |system: System| {
            let source = VarSource::Targets(Some(system));
            (format!("targets.{}", system.word()), source)
        };
        fixed.into_iter().chain(System::ALL.map(of)).collect()
    }
}

impl Var {
    /// Whether `value` may be given: no control characters and no leading `-` in any, then the variable's own rules.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the value; a secret is not repeated.
    pub fn accepts(&self, value: &str) -> Result<(), String> {
        let shown = match self.secret {
            true => "the value".to_owned(),
            false => format!("{value:?}"),
        };
        if value.is_empty() {
            return Err(format!("{} is empty", self.name));
        }
        if value.starts_with('-') && self.kind != VarKind::Number {
            return Err(format!(
                "{shown} begins with -, a program would take it for an option"
            ));
        }
        if value.chars().any(char::is_control) {
            return Err(format!("{shown} holds a control character"));
        }
        let kind = match self.kind {
            VarKind::Text => Ok(()),
            VarKind::Time => DateTime::parse_from_rfc3339(value)
                .map(drop)
                .map_err(|_| "an instant such as 2026-11-21T14:00:00Z"),
            VarKind::Number => value.parse::<i64>().map(drop).map_err(|_| "a whole number"),
        };
        kind.map_err(|wanted| format!("{shown} is not {wanted}"))?;
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == value) {
            return Err(format!("{shown} is none of {}", self.choices.join(", ")));
        }
        match &self.pattern {
            // Anchored here, so that an author can't forget it.
            Some(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(regex) if regex.is_match(value) => Ok(()),
                Ok(_) => Err(format!("{shown} does not match {pattern}")),
                Err(_) => Err(format!("{pattern} is no regular expression")),
            },
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_to_the_variables_rules() {
        let var = |kind, pattern: Option<&str>, choices: &[&str]| Var {
            name: "X".into(),
            prompt: None,
            from: None,
            choices: choices.iter().map(ToString::to_string).collect(),
            default: None,
            pattern: pattern.map(str::to_owned),
            kind,
            secret: false,
        };
        let text = var(VarKind::Text, None, &[]);
        let table = [
            (&text, "pg-west", Ok(())),
            (&text, "; rm -rf /", Ok(())),
            (
                &text,
                "-x",
                Err("\"-x\" begins with -, a program would take it for an option"),
            ),
            (&text, "a\nb", Err("\"a\\nb\" holds a control character")),
            (&text, "", Err("X is empty")),
            (
                &var(VarKind::Time, None, &[]),
                "2026-11-21T14:00:00Z",
                Ok(()),
            ),
            (
                &var(VarKind::Time, None, &[]),
                "14:00",
                Err("\"14:00\" is not an instant such as 2026-11-21T14:00:00Z"),
            ),
            (&var(VarKind::Number, None, &[]), "-5", Ok(())),
            (
                &var(VarKind::Number, None, &[]),
                "5m",
                Err("\"5m\" is not a whole number"),
            ),
            (&var(VarKind::Text, Some("us|eu"), &[]), "us", Ok(())),
            (
                &var(VarKind::Text, Some("us|eu"), &[]),
                "usa",
                Err("\"usa\" does not match us|eu"),
            ),
            (
                &var(VarKind::Text, None, &["a", "b"]),
                "c",
                Err("\"c\" is none of a, b"),
            ),
        ];
        for (var, value, expected) in table {
            assert_eq!(
                var.accepts(value),
                expected.map_err(str::to_owned),
                "{value}"
            );
        }
    }
}
