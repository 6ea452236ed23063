//! Fields that several tables of a site file share: names, texts, paths, programs, secrets.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::clean::{Clean, phrase_ok};
use super::super::fault::nearest;
use super::super::measure::parse_span;
use super::super::redact::Redactor;
use super::super::site::SecretRef;
use super::super::strict::{Reader, Table, Value};

/// What a secret is to be written as.
const SECRET: &str = "write { env = \"NAME\" }, { file = \"PATH\" } or { command = [\"PROGRAM\"] }";

/// How a program is to be written.
const ARGV: &str = "write a list: [\"PROGRAM\", \"ARGUMENT\"]";

/// Where the site file stands, and what secrets look like.
pub(super) struct Folder<'a> {
    pub(super) base: &'a Path,
    redactor: Redactor,
}

impl<'a> Folder<'a> {
    pub(super) fn new(base: &'a Path) -> Self {
        Self {
            base,
            redactor: Redactor::new([]),
        }
    }

    /// A path; a relative one starts at the site file's folder.
    pub(super) fn path(
        &self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
    ) -> Option<PathBuf> {
        let (at, path) = table.text_at(reader, key)?;
        self.resolve(reader, &at, key, &path)
    }

    fn resolve(
        &self,
        reader: &mut Reader<'_>,
        at: &Range<usize>,
        key: &str,
        path: &str,
    ) -> Option<PathBuf> {
        match path {
            "" => reader.fault(at, format!("{key} is empty"), "write a path"),
            path if path.starts_with('~') => {
                reader.fault(
                    at,
                    format!("{key} is {path:?}, which only a shell understands"),
                    "write the whole path",
                );
            }
            path => return Some(self.base.join(path)),
        }
        None
    }

    /// A program with its arguments. One with a relative path starts at the site file's folder; one without is looked
    /// for in `PATH` when it runs.
    pub(super) fn argv(
        &self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
    ) -> Option<Vec<String>> {
        if !table.has(key) {
            return None;
        }
        let faults = reader.faults.len();
        let words = table.texts(reader, key);
        if reader.faults.len() > faults {
            return None;
        }
        let argv: Vec<String> = words.iter().map(|(_, word)| word.clone()).collect();
        let Some((at, program)) = words.first() else {
            let what = format!("{}: {key} names no program", table.name);
            reader.fault(&table.at, what, ARGV);
            return None;
        };
        // Neither is repeated: a command line may hold a secret, and faults are printed and logged.
        if self.redactor.finds_any(&argv.join(" ")) {
            let what = format!("{}: {key} holds a secret in plain text", table.name);
            reader.fault(
                at,
                what,
                "let the program read it from a file, and change it",
            );
            return None;
        }
        if program.is_empty() || program.contains(char::is_whitespace) {
            let what = format!("{}: {key} is a command line in one text", table.name);
            reader.fault(at, what, ARGV);
            return None;
        }
        if !program.contains('/') {
            return Some(argv);
        }
        let program = self.resolve(reader, at, key, program)?;
        let arguments = argv.into_iter().skip(1);
        Some(
            std::iter::once(program.display().to_string())
                .chain(arguments)
                .collect(),
        )
    }

    /// A secret by reference.
    pub(super) fn secret(
        &self,
        reader: &mut Reader<'_>,
        table: &mut Table,
        key: &str,
    ) -> Option<SecretRef> {
        let item = table.take(key)?;
        match item.value {
            Value::Table(mut source) => {
                source.name = format!("{key} of {}", table.name);
                self.source(reader, source)
            }
            // The value is not repeated: faults are printed and logged.
            Value::Text(_) => {
                reader.fault(
                    &item.at,
                    format!("{}: {key} stands in plain text", table.name),
                    format!("{SECRET}, and change it"),
                );
                None
            }
            _ => {
                reader.fault(
                    &item.at,
                    format!("{}: {key} is no reference to a secret", table.name),
                    SECRET,
                );
                None
            }
        }
    }

    fn source(&self, reader: &mut Reader<'_>, mut source: Table) -> Option<SecretRef> {
        let given = ["env", "file", "command"]
            .iter()
            .filter(|key| source.has(key))
            .count();
        let env = text(reader, &mut source, "env").map(SecretRef::Env);
        let file = self.path(reader, &mut source, "file").map(SecretRef::File);
        let command = self
            .argv(reader, &mut source, "command")
            .map(SecretRef::Command);
        if given != 1 {
            reader.fault(
                &source.at,
                format!("{} names {given} sources", source.name),
                SECRET,
            );
        }
        source.finish(reader);
        env.or(file).or(command)
    }

    /// Whether a variable would hold a secret.
    pub(super) fn is_secret(&self, name: &str, value: &str) -> bool {
        // `PASSWORD_FILE` says where it is, not what it is.
        let place = ["FILE", "PATH", "DIR"]
            .iter()
            .any(|end| name.ends_with(end));
        !place && self.redactor.finds_any(&format!("{name}={value}"))
    }
}

/// Text of one line, without characters that can't be seen.
pub(super) fn text(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<String> {
    let (at, text) = table.text_at(reader, key)?;
    plain(reader, &at, key, &text).then_some(text)
}

/// A duration with its place.
pub(super) fn span_at(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
) -> Option<(Range<usize>, Duration)> {
    let (at, text) = table.text_at(reader, key)?;
    match parse_span(&text) {
        Ok(span) => Some((at, span)),
        Err(why) => {
            reader.fault(&at, format!("{key}: {why}"), "");
            None
        }
    }
}

/// Such a text that must be there.
pub(super) fn required(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
) -> Option<String> {
    if !table.has(key) {
        table.missing(reader, key, example);
    }
    text(reader, table, key)
}

fn plain(reader: &mut Reader<'_>, at: &Range<usize>, key: &str, text: &str) -> bool {
    let fine = !text.trim().is_empty() && !text.contains('\n') && Clean::new(text).as_str() == text;
    if !fine {
        let shown = Clean::new(text).one_line();
        reader.fault(
            at,
            format!("{key} is \"{shown}\""),
            "write one line of visible text",
        );
    }
    fine
}

/// A name people type into a confirmation and programs take as an argument.
pub(super) fn name(reader: &mut Reader<'_>, at: &Range<usize>, kind: &str, name: &str) {
    if !phrase_ok(name) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        let shown = Clean::new(name).one_line();
        reader.fault(
            at,
            format!("{kind} \"{shown}\" can't be typed safely"),
            "use letters, digits and . _ : / -, a letter or digit first",
        );
    }
}

/// Reports a name that nobody has.
pub(super) fn unknown<'a>(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    owner: &str,
    kind: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) {
    let known: Vec<&str> = known.into_iter().collect();
    let instead = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => format!("the site has no {kind} yet"),
        None => format!("known: {}", known.join(", ")),
    };
    reader.fault(at, format!("{owner}: no {kind} {name:?}"), instead);
}
