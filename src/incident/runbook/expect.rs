//! `expect="…"`: a predicate on what an action printed, read once and printed as it was written.

use std::fmt;

use super::{Compare, Expect};

impl Expect {
    /// Reads `== value`, `!= value`, `contains text`, `json $.path == value` and `number > 5`.
    ///
    /// # Errors
    /// A sentence that says what was read and what may be written.
    pub fn read(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "{text:?} is no predicate; write == value, != value, contains text, json $.path == value or number > 5"
            )
        };
        let text = text.trim();
        let (word, rest) = text
            .split_once(char::is_whitespace)
            .map_or((text, ""), |(word, rest)| (word, rest.trim()));
        if rest.is_empty() {
            return Err(bad());
        }
        match word {
            "==" => Ok(Expect::Equals(rest.to_owned())),
            "!=" => Ok(Expect::Differs(rest.to_owned())),
            "contains" => Ok(Expect::Contains(rest.to_owned())),
            "json" => {
                let (path, equals) = rest.split_once("==").ok_or_else(bad)?;
                let (path, equals) = (path.trim(), equals.trim());
                json_path(path)?;
                match equals {
                    "" => Err(bad()),
                    equals => Ok(Expect::Json {
                        path: path.to_owned(),
                        equals: equals.to_owned(),
                    }),
                }
            }
            "number" => {
                let (op, than) = rest.split_once(char::is_whitespace).ok_or_else(bad)?;
                let than: f64 = than.trim().parse().map_err(|_| bad())?;
                match (Compare::read(op), than.is_finite()) {
                    (Some(op), true) => Ok(Expect::Number { op, than }),
                    _ => Err(bad()),
                }
            }
            _ => Err(bad()),
        }
    }
}

/// Checks a path into JSON: `$.a.b[0]`.
///
/// # Errors
/// A sentence that says what was read and gives an example.
pub(super) fn json_path(path: &str) -> Result<(), String> {
    let bad = || {
        Err(format!(
            "{path:?} is not a path into JSON such as $.items[0].name"
        ))
    };
    let Some(rest) = path.strip_prefix('$') else {
        return bad();
    };
    let mut rest = rest;
    while !rest.is_empty() {
        let end = match rest.as_bytes() {
            [b'.', ..] => rest[1..].find(['.', '[']).map_or(rest.len(), |n| n + 1),
            [b'[', ..] => rest.find(']').map_or(0, |n| n + 1),
            _ => 0,
        };
        let inside = rest.get(1..end).unwrap_or_default();
        let right = match rest.starts_with('[') {
            true => inside.trim_end_matches(']').parse::<usize>().is_ok(),
            false => !inside.is_empty() && !inside.contains(char::is_whitespace),
        };
        if !right {
            return bad();
        }
        rest = &rest[end..];
    }
    Ok(())
}

impl Compare {
    fn read(text: &str) -> Option<Self> {
        match text {
            "<" => Some(Compare::Less),
            "<=" => Some(Compare::AtMost),
            "==" => Some(Compare::Equal),
            ">=" => Some(Compare::AtLeast),
            ">" => Some(Compare::More),
            _ => None,
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::Equal => "==",
            Compare::AtLeast => ">=",
            Compare::More => ">",
        })
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expect::Equals(value) => write!(f, "== {value}"),
            Expect::Differs(value) => write!(f, "!= {value}"),
            Expect::Contains(text) => write!(f, "contains {text}"),
            Expect::Json { path, equals } => write!(f, "json {path} == {equals}"),
            Expect::Number { op, than } => write!(f, "number {op} {than}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_print_as_they_are_written() {
        for text in [
            "== PONG",
            "!= t",
            "contains two words",
            "json $.items[0].status == ok",
            "json $ == 1",
            "number > 5",
            "number <= 0.5",
        ] {
            assert_eq!(Expect::read(text).map(|e| e.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn what_is_no_predicate_is_refused() {
        for text in [
            "",
            "PONG",
            "==",
            "number 5",
            "number > many",
            "number > inf",
            "json status == ok",
            "json $.a[x] == 1",
            "json $.a ==",
            "json $..a == 1",
            "equals 5",
        ] {
            assert!(Expect::read(text).is_err(), "{text:?} was read");
        }
    }
}
