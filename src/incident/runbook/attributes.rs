//! What stands behind a fence's language and role: `on=pg-west expect="== 1"`.

use std::ops::Range;

use super::super::fault::nearest;
use super::super::names::TargetId;
use super::super::strict::Reader;
use super::expect::json_path;
use super::fence::ROLES;
use super::ids::{addressee, variable_name};
use super::outline::Fence;
use super::{Attrs, Expect};

/// Every attribute there is.
const ALL: [&str; 8] = [
    "on", "with", "tx", "expect", "as", "path", "secret", "guards",
];

/// One word behind the fence's language: `check`, `on=pg-west`, `expect="== 1"`.
#[derive(Debug)]
pub(super) struct Word {
    /// Its place.
    pub at: Range<usize>,
    /// What stands before `=`, or the whole.
    pub key: String,
    /// What stands behind `=`, quotation marks taken off.
    pub value: Option<String>,
}

/// What stands behind the role.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// What the model keeps.
    pub attrs: Attrs,
    /// `on=`: a server or a host.
    pub on: Option<String>,
    /// `tx`: in one transaction.
    pub tx: bool,
}

/// Reads the words behind the role; an executor takes those that are `known`. Faults go to the reader.
pub(super) fn attributes(reader: &mut Reader<'_>, known: &[&str], words: &[Word]) -> Given {
    let mut given = Given::default();
    for (n, word) in words.iter().enumerate() {
        let key = word.key.as_str();
        if !known.contains(&key) {
            let instead = match nearest(key, known.iter().copied()) {
                _ if ROLES.iter().any(|(role, _)| *role == key) => {
                    "the role stands second, behind the language".to_owned()
                }
                // A word of other executors is no slip of the pen.
                Some(meant) if !ALL.contains(&key) => {
                    format!("did you mean {meant}?")
                }
                _ => format!("known here: {}", known.join(", ")),
            };
            reader.fault(&word.at, format!("the fence takes no {key:?}"), instead);
        } else if words[..n].iter().any(|earlier| earlier.key == key) {
            reader.fault(&word.at, format!("{key} stands here twice"), "keep one");
        } else if let Err(why) = attribute(&mut given, key, word.value.as_deref()) {
            reader.fault(&word.at, format!("{key}: {why}"), "");
        }
    }
    let alone = given.attrs.keep_as.is_none();
    for word in words.iter().filter(|_| alone) {
        if matches!(word.key.as_str(), "path" | "secret") {
            let what = format!("{} says how an output is kept, and none is", word.key);
            reader.fault(&word.at, what, "add as=NAME");
        }
    }
    given
}

fn attribute(given: &mut Given, key: &str, value: Option<&str>) -> Result<(), String> {
    match (key, value) {
        ("tx", None) => given.tx = true,
        ("secret", None) => given.attrs.secret = true,
        ("tx" | "secret", Some(_)) => return Err("it takes no value".into()),
        (_, None | Some("")) => return Err(format!("it has no value; write {key}=VALUE")),
        ("on", Some(name)) => {
            addressee(name)?;
            given.on = Some(name.to_owned());
        }
        ("with", Some(names)) => {
            for name in names.split(',') {
                addressee(name)?;
                given.attrs.with.push(TargetId(name.to_owned()));
            }
        }
        ("guards", Some(name)) => {
            addressee(name)?;
            given.attrs.guards = Some(TargetId(name.to_owned()));
        }
        ("expect", Some(text)) => given.attrs.expect = Some(Expect::read(text)?),
        ("as", Some(name)) => {
            variable_name(name)?;
            given.attrs.keep_as = Some(name.to_owned());
        }
        ("path", Some(path)) => {
            json_path(path)?;
            given.attrs.path = Some(path.to_owned());
        }
        _ => {}
    }
    Ok(())
}

/// The words behind a fence, each at its place, and whether every quotation mark is closed.
pub(super) fn words(fence: &Fence) -> (Vec<Word>, bool) {
    let mut words = Vec::new();
    let mut chars = fence.info.char_indices().peekable();
    let base = fence.info_at.start;
    let mut whole = true;
    while let Some((start, c)) = chars.peek().copied() {
        if c.is_whitespace() {
            chars.next();
            continue;
        }
        let mut key = String::new();
        let mut value: Option<String> = None;
        let mut quoted = false;
        let mut end = start;
        while let Some((at, c)) = chars.next_if(|(_, c)| quoted || !c.is_whitespace()) {
            end = at + c.len_utf8();
            match (&mut value, c) {
                (None, '=') => value = Some(String::new()),
                (None, c) => key.push(c),
                (Some(_), '"') => quoted = !quoted,
                (Some(text), '\\') if quoted => {
                    let escaped = chars.next_if(|(_, c)| matches!(c, '"' | '\\'));
                    text.push(escaped.map_or('\\', |(_, c)| c));
                }
                (Some(text), c) => text.push(c),
            }
        }
        whole &= !quoted;
        words.push(Word {
            at: base + start..base + end,
            key,
            value,
        });
    }
    (words, whole)
}
