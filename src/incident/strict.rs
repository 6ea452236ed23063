//! Strict TOML: every key that is not asked for is a fault, every fault of a file is found in one go, at its place.
//!
//! A reader asks a [`Table`] for the keys it knows and ends with [`Table::finish`], which reports the rest with the
//! nearest known key. Site files, cards, themes, keymaps and scenarios are all read this way.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Source, nearest};
use super::measure::{parse_bytes, parse_span};

/// A value with its kind; places are byte offsets in the whole file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `"…"`
    Text(String),
    /// `30`
    Integer(i64),
    /// `0.5`
    Float(f64),
    /// `true`
    Flag(bool),
    /// `2026-02-02`, `2026-02-02T14:00:00Z`
    Date(String),
    /// `[…]`
    List(Vec<(Range<usize>, Value)>),
    /// `{…}` or `[…]` headed
    Table(Table),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "text",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a decimal number",
            Value::Flag(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

/// A key with its value, each at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key as written.
    pub key: String,
    /// The key's place.
    pub key_at: Range<usize>,
    /// The value's place.
    pub at: Range<usize>,
    /// The value.
    pub value: Value,
}

/// A table whose keys are taken one by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it is, for faults: `step card`, `target pg-west`.
    pub name: String,
    /// Its place.
    pub at: Range<usize>,
    items: Vec<Item>,
    known: Vec<String>,
}

/// Collects the faults of one file while its tables are read.
#[derive(Debug)]
pub struct Reader<'a> {
    /// The file.
    pub source: Source<'a>,
    /// What was found so far.
    pub faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// A reader of `source` with no faults yet.
    pub fn new(source: Source<'a>) -> Self {
        Self {
            source,
            faults: Vec::new(),
        }
    }

    /// Parses the TOML that stands at `part` of the file; syntax faults are collected and what could be read is given.
    pub fn parse(&mut self, part: Range<usize>, name: &str) -> Table {
        let text = &self.source.text[part.clone()];
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().unwrap_or(0..0);
            let (what, instead) = match error.message() {
                "duplicate key" => (
                    format!("{} stands twice", text.get(at.clone()).unwrap_or("a key")),
                    "take one out",
                ),
                other => (one_line(other), ""),
            };
            self.fault(&shift(&at, part.start), what, instead);
        }
        let at = part.clone();
        Table {
            name: name.to_owned(),
            at,
            items: items(table.into_inner(), part.start),
            known: Vec::new(),
        }
    }

    /// Notes a fault.
    pub fn fault(
        &mut self,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        self.faults.push(self.source.fault(at, what, instead));
    }

    /// Notes a warning of a rule that has a code.
    pub fn coded(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let warning = self.source.warning(at, what, instead);
        self.faults.push(Fault { code, ..warning });
    }

    /// Notes a warning.
    pub fn warn(&mut self, at: &Range<usize>, what: impl Into<String>, instead: impl Into<String>) {
        self.faults.push(self.source.warning(at, what, instead));
    }

    fn wrong_kind(&mut self, item: &Item, wanted: &str) {
        self.fault(
            &item.at,
            format!("{} is {}", item.key, item.value.kind()),
            format!("write {wanted}"),
        );
    }
}

impl Table {
    /// Takes a key out; it will not be reported as unknown.
    pub fn take(&mut self, key: &str) -> Option<Item> {
        if !self.known.iter().any(|k| k == key) {
            self.known.push(key.to_owned());
        }
        let at = self.items.iter().position(|item| item.key == key)?;
        Some(self.items.remove(at))
    }

    /// Takes every key that is left: for tables whose keys are names.
    pub fn take_all(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    /// Whether the key stands there (untaken).
    pub fn has(&self, key: &str) -> bool {
        self.items.iter().any(|item| item.key == key)
    }

    /// Whether the key stands there (untaken) and says `word`.
    pub fn says(&self, key: &str, word: &str) -> bool {
        self.items
            .iter()
            .any(|item| item.key == key && item.value == Value::Text(word.to_owned()))
    }

    /// The keys that were not taken yet, in the file's order.
    pub fn keys(&self) -> Vec<String> {
        self.items.iter().map(|item| item.key.clone()).collect()
    }

    /// Names keys that are allowed here, for what [`Table::finish`] says about others.
    pub fn know(&mut self, keys: &[&str]) {
        self.known.extend(keys.iter().map(ToString::to_string));
    }

    /// The place of a key that was not taken yet; the table's own when it is not there.
    pub fn key_at(&self, key: &str) -> Range<usize> {
        let item = self.items.iter().find(|item| item.key == key);
        item.map_or(&self.at, |item| &item.key_at).clone()
    }

    /// Reports that a required key is missing.
    pub fn missing(&self, reader: &mut Reader<'_>, key: &str, example: &str) {
        reader.fault(
            &self.at,
            format!("{} has no {key}", self.name),
            format!("add {example}"),
        );
    }

    /// Text.
    pub fn text(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<String> {
        self.text_at(reader, key).map(|(_, text)| text)
    }

    /// Text with its place.
    pub fn text_at(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
    ) -> Option<(Range<usize>, String)> {
        let item = self.take(key)?;
        match item.value {
            Value::Text(text) => Some((item.at, text)),
            _ => {
                reader.wrong_kind(&item, "text in quotes");
                None
            }
        }
    }

    /// Text that must be there.
    pub fn required_text(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        example: &str,
    ) -> Option<String> {
        if !self.has(key) {
            self.missing(reader, key, example);
        }
        self.text(reader, key)
    }

    /// Text that `read` understands; what it says otherwise is the fault.
    pub fn read<T>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (at, text) = self.text_at(reader, key)?;
        read(&text)
            .map_err(|why| reader.fault(&at, format!("{key}: {why}"), ""))
            .ok()
    }

    /// A duration: `"30s"`.
    pub fn span(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
        self.read(reader, key, parse_span)
    }

    /// A size: `"64MB"`.
    pub fn bytes(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<u64> {
        self.read(reader, key, parse_bytes)
    }

    /// One of the given words.
    pub fn choice<T: Clone>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let (at, text) = self.text_at(reader, key)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(value.clone());
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        reader.fault(
            &at,
            format!("{key} is {text:?}"),
            format!("write one of {}", words.join(", ")),
        );
        None
    }

    /// `true` or `false`; false when absent.
    pub fn flag(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        let item = self.take(key)?;
        match item.value {
            Value::Flag(flag) => Some(flag),
            _ => {
                reader.wrong_kind(&item, "true or false");
                None
            }
        }
    }

    /// A whole number that fits `T`.
    pub fn integer<T: TryFrom<i64>>(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<T> {
        let item = self.take(key)?;
        let Value::Integer(number) = item.value else {
            reader.wrong_kind(&item, "a whole number");
            return None;
        };
        T::try_from(number)
            .map_err(|_| reader.fault(&item.at, format!("{key} is {number}, out of range"), ""))
            .ok()
    }

    /// A date or an instant that `T` reads (`2026-02-02`, with or without quotes).
    pub fn date<T: FromStr>(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        example: &str,
    ) -> Option<T> {
        let item = self.take(key)?;
        let (Value::Date(text) | Value::Text(text)) = &item.value else {
            reader.wrong_kind(&item, example);
            return None;
        };
        let read = text.parse();
        // A date the parser could not read was reported by it, and is empty here.
        if read.is_err() && !text.is_empty() {
            let what = format!("{key} is {text:?}");
            reader.fault(&item.at, what, format!("write {example}"));
        }
        read.ok()
    }

    /// A list of texts, each with its place; one text alone counts as a list of one.
    pub fn texts(&mut self, reader: &mut Reader<'_>, key: &str) -> Vec<(Range<usize>, String)> {
        let Some(item) = self.take(key) else {
            return Vec::new();
        };
        match item.value {
            Value::Text(text) => vec![(item.at, text)],
            Value::List(values) => values
                .into_iter()
                .filter_map(|(at, value)| match value {
                    Value::Text(text) => Some((at, text)),
                    other => {
                        reader.fault(
                            &at,
                            format!("{key} holds {}", other.kind()),
                            "write text in quotes",
                        );
                        None
                    }
                })
                .collect(),
            _ => {
                reader.wrong_kind(&item, "a list of texts");
                Vec::new()
            }
        }
    }

    /// A table, renamed for faults.
    pub fn table(&mut self, reader: &mut Reader<'_>, key: &str, name: &str) -> Option<Table> {
        let item = self.take(key)?;
        match item.value {
            Value::Table(table) => Some(Table {
                name: name.to_owned(),
                ..table
            }),
            _ => {
                reader.wrong_kind(&item, "a table");
                None
            }
        }
    }

    /// Named tables, `[regions.NAME]`, in the file's order: the name's place, the name, the table.
    pub fn named(
        &mut self,
        reader: &mut Reader<'_>,
        key: &str,
        singular: &str,
    ) -> Vec<(Range<usize>, String, Table)> {
        let Some(mut all) = self.table(reader, key, key) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in all.take_all() {
            match item.value {
                Value::Table(table) => {
                    let name = format!("{singular} {}", item.key);
                    found.push((item.key_at, item.key, Table { name, ..table }));
                }
                _ => reader.wrong_kind(&item, "a table"),
            }
        }
        found
    }

    /// A list of tables, `[[ladder]]`.
    pub fn tables(&mut self, reader: &mut Reader<'_>, key: &str, singular: &str) -> Vec<Table> {
        let Some(item) = self.take(key) else {
            return Vec::new();
        };
        let Value::List(values) = item.value else {
            reader.wrong_kind(&item, &format!("[[{key}]]"));
            return Vec::new();
        };
        values
            .into_iter()
            .filter_map(|(at, value)| match value {
                Value::Table(table) => Some(Table {
                    name: singular.to_owned(),
                    ..table
                }),
                other => {
                    reader.fault(
                        &at,
                        format!("{key} holds {}", other.kind()),
                        format!("write [[{key}]]"),
                    );
                    None
                }
            })
            .collect()
    }

    /// One table or a list of them: `lag = { … }`, `lag = [{ … }, { … }]`.
    pub fn one_or_more(&mut self, reader: &mut Reader<'_>, key: &str) -> Vec<Table> {
        let Some(item) = self.take(key) else {
            return Vec::new();
        };
        let values = match item.value {
            Value::List(values) => values,
            one => vec![(item.at, one)],
        };
        let mut tables = Vec::new();
        for (at, value) in values {
            match value {
                Value::Table(table) => tables.push(Table {
                    name: key.to_owned(),
                    ..table
                }),
                other => {
                    let what = format!("{key} is {}", other.kind());
                    reader.fault(&at, what, format!("write {key} = {{ … }}"));
                }
            }
        }
        tables
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self, reader: &mut Reader<'_>) {
        for item in &self.items {
            let instead = match nearest(&item.key, self.known.iter().map(String::as_str)) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            reader.fault(
                &item.key_at,
                format!("{} has no key {:?}", self.name, item.key),
                instead,
            );
        }
    }
}

fn shift(at: &Range<usize>, by: usize) -> Range<usize> {
    at.start + by..at.end + by
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The table's items in the file's order (the parser sorts them by key).
fn items(table: DeTable<'_>, base: usize) -> Vec<Item> {
    let mut items: Vec<Item> = table
        .into_iter()
        .map(|(key, value)| {
            let key_at = shift(&key.span(), base);
            let key = key.into_inner().into_owned();
            let (at, value) = own(value, base);
            Item {
                key,
                key_at,
                at,
                value,
            }
        })
        .collect();
    items.sort_by_key(|item| item.key_at.start);
    items
}

fn own(value: Spanned<DeValue<'_>>, base: usize) -> (Range<usize>, Value) {
    let at = shift(&value.span(), base);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        // A number too big for the type is kept as text, and so reported as the wrong kind.
        DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(n.to_string()),
        },
        DeValue::Float(n) => n
            .as_str()
            .parse()
            .map_or_else(|_| Value::Text(n.to_string()), Value::Float),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(values) => Value::List(values.into_iter().map(|v| own(v, base)).collect()),
        DeValue::Table(table) => {
            let items = items(table, base);
            Value::Table(Table {
                name: "table".into(),
                at: at.clone(),
                items,
                known: Vec::new(),
            })
        }
    };
    (at, value)
}

#[cfg(test)]
mod tests;
