//! Redaction: secrets are taken out of text before it is recorded or shown. Known values first, then what looks like one.
//!
//! Redact before [`Clean`](super::clean::Clean): cleaning may change a value so that it is no longer recognised.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use self::patterns::patterns;

mod patterns;
mod stream;

pub use stream::Stream;

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are left alone: taking every `a` out of a text hides nothing and destroys the text.
const SHORTEST: usize = 4;

/// Under this, the Base64 of a value is too short to be told from other text.
const SHORTEST_BASE64: usize = 6;

/// What URL libraries leave as it is in user names, passwords and query values (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Knows the secrets of a site while it runs, and what secrets look like. A clone shares what it knows.
#[derive(Clone)]
pub struct Redactor {
    forms: Arc<[Form]>,
}

/// One way a known value may be written.
struct Form {
    text: SecretString,
    /// Characters of Base64 before it that hold some of its bits.
    before: usize,
    /// Characters of Base64 behind it that hold some of its bits.
    after: usize,
}

/// A stretch of text that must not be cut, and the secret in it.
struct Find {
    whole: Range<usize>,
    secret: Range<usize>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

impl Redactor {
    /// A redactor that knows these values and all patterns. Values under four characters are left to the patterns.
    pub fn new(known: impl IntoIterator<Item = SecretString>) -> Self {
        let mut forms = Vec::new();
        for secret in known {
            let text = secret.expose_secret();
            push_forms(text, &mut forms);
            // A key of many lines may be printed one line at a time, or with other line ends.
            for line in text
                .lines()
                .map(str::trim)
                .filter(|line| *line != text && line.len() >= 8)
            {
                push_forms(line, &mut forms);
            }
        }
        Self {
            forms: forms.into(),
        }
    }

    /// `text` with every secret in it replaced by [`REDACTED`]. Redacting twice changes nothing more.
    pub fn redact(&self, text: &str) -> String {
        replace(text, &self.finds(text))
    }

    /// Whether there is anything to redact in `text`.
    pub fn finds_any(&self, text: &str) -> bool {
        !self.finds(text).is_empty()
    }

    /// A stream that redacts what is pushed into it piece by piece.
    pub fn stream(&self) -> Stream {
        Stream::new(self.clone())
    }

    /// Every secret of `text`. They may overlap: all are found in the text as it was, so that none hides another.
    fn finds(&self, text: &str) -> Vec<Find> {
        let mut finds = Vec::new();
        for form in self.forms.iter() {
            let value = form.text.expose_secret();
            for (at, _) in text.match_indices(value) {
                let range = widen(text, at..at + value.len(), form.before, form.after);
                finds.push(Find {
                    whole: range.clone(),
                    secret: range,
                });
            }
        }
        for pattern in patterns() {
            for found in pattern.captures_iter(text) {
                let Some(whole) = found.get(0).map(|m| m.range()) else {
                    continue;
                };
                // The group that took part is the secret; a pattern without groups is one as a whole.
                let secret = found
                    .iter()
                    .skip(1)
                    .flatten()
                    .next()
                    .map_or_else(|| whole.clone(), |m| m.range());
                if !secret.is_empty() {
                    finds.push(Find { whole, secret });
                }
            }
        }
        finds
    }

    /// Known values that go over more than one line.
    fn forms_of_many_lines(&self) -> impl Iterator<Item = &str> {
        self.forms
            .iter()
            .map(|form| form.text.expose_secret())
            .filter(|text| text.contains('\n'))
    }

    /// Length of the longest known form, in bytes.
    fn longest(&self) -> usize {
        self.forms
            .iter()
            .map(|form| form.text.expose_secret().len())
            .max()
            .unwrap_or(0)
    }
}

/// Replaces the secrets, joined where they overlap.
fn replace(text: &str, finds: &[Find]) -> String {
    let mut secrets: Vec<&Range<usize>> = finds.iter().map(|find| &find.secret).collect();
    secrets.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in secrets {
        if range.start >= done {
            out.push_str(&text[done..range.start]);
            out.push_str(REDACTED);
        }
        done = done.max(range.end);
    }
    out.push_str(&text[done..]);
    out
}

fn push_forms(value: &str, forms: &mut Vec<Form>) {
    if value.len() < SHORTEST {
        return;
    }
    let upper = utf8_percent_encode(value, UNRESERVED).to_string();
    let all = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let json = serde_json::Value::from(value).to_string();
    let mut texts = vec![
        value.to_owned(),
        upper.replace("%20", "+"),
        lower_hex(&upper.replace("%20", "+")),
        lower_hex(&upper),
        lower_hex(&all),
        upper,
        all,
        json[1..json.len() - 1].to_owned(),
    ];
    texts.sort();
    texts.dedup();
    forms.extend(texts.into_iter().map(|text| Form {
        text: text.into(),
        before: 0,
        after: 0,
    }));
    if value.len() >= SHORTEST_BASE64 {
        push_base64(value, forms);
    }
}

/// Base64 of a value depends on where in the encoded bytes it stands: three forms an alphabet, without the characters at
/// both ends that hold bits of a neighbour too.
fn push_base64(value: &str, forms: &mut Vec<Form>) {
    for offset in 0..3 {
        let bytes = [&[0; 2][..offset], value.as_bytes()].concat();
        let skip = [0, 2, 3][offset];
        let whole = bytes.len() * 8 / 6;
        for encoded in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
        ] {
            forms.push(Form {
                text: encoded[skip..whole].to_owned().into(),
                before: usize::from(offset > 0),
                after: usize::from(bytes.len() % 3 != 0),
            });
        }
    }
}

/// `range` with up to `before` and `after` characters of Base64 around it.
fn widen(text: &str, range: Range<usize>, before: usize, after: usize) -> Range<usize> {
    let base64 = |b: &&u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    let bytes = text.as_bytes();
    let left = bytes[..range.start]
        .iter()
        .rev()
        .take(before)
        .take_while(base64)
        .count();
    let right = bytes[range.end..]
        .iter()
        .take(after)
        .take_while(base64)
        .count();
    range.start - left..range.end + right
}

/// `%2F` as `%2f`.
fn lower_hex(encoded: &str) -> String {
    let mut hex = 0;
    encoded
        .chars()
        .map(|c| {
            hex = if c == '%' { 2 } else { i32::max(hex - 1, -1) };
            if c != '%' && hex >= 0 {
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_found_however_they_are_written() {
        let value = "S3cr/et+ p@ss\"word";
        let redactor = Redactor::new([SecretString::from(value)]);
        let table = [
            format!("a {value} b"),
            "a S3cr%2Fet%2B%20p%40ss%22word b".into(),
            "a S3cr%2fet%2b+p%40ss%22word b".into(),
            r#"a S3cr/et+ p@ss\"word b"#.into(),
        ];
        for text in table {
            assert_eq!(redactor.redact(&text), "a [redacted] b", "{text}");
        }
        for (before, after) in [
            ("", ""),
            ("x", ""),
            ("xy", "z"),
            ("xyz", "12"),
            ("user:", ":more text"),
        ] {
            for encode in [
                |t: &str| STANDARD_NO_PAD.encode(t),
                |t: &str| URL_SAFE_NO_PAD.encode(t),
            ] {
                let encoded = encode(&format!("{before}{value}{after}"));
                let shown = redactor.redact(&encoded);
                let left = shown.len() - shown.find(REDACTED).map_or(0, |_| REDACTED.len());
                // Nothing is left but the characters of the neighbours alone.
                assert!(shown.contains(REDACTED), "{encoded}");
                assert!(
                    left <= (before.len() * 8).div_ceil(6) + (after.len() * 8).div_ceil(6),
                    "{encoded}: {shown}"
                );
            }
        }
    }

    #[test]
    fn overlapping_and_short_values() {
        let redactor = Redactor::new(["xxabc".into(), "abcyy".into(), "abc".into(), "".into()]);
        assert_eq!(redactor.redact("1 xxabcyy 2 abc"), "1 [redacted] 2 abc");
        let key = Redactor::new(["line number one\nline number two".into()]);
        assert_eq!(key.redact("x line number two y"), "x [redacted] y");
    }

    #[test]
    fn what_looks_like_a_secret_is_one() {
        let table = [
            ("key AKIAIOSFODNN7EXAMPLE.", "key [redacted]."),
            (
                "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG",
                "aws_secret_access_key = [redacted]",
            ),
            (
                "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG",
                "AWS_SECRET_ACCESS_KEY=[redacted]",
            ),
            (
                "postgres://u:p@ss@db:5432/app",
                "postgres://u:[redacted]@db:5432/app",
            ),
            (
                "redis://:pw@h/0 and http://h:80/a@b",
                "redis://:[redacted]@h/0 and http://h:80/a@b",
            ),
            (
                "-H 'Authorization: Bearer abc.def'",
                "-H 'Authorization: Bearer [redacted]'",
            ),
            (
                "authorization: Basic dXNlcjpwdw==",
                "authorization: Basic [redacted]",
            ),
            ("Bearer 0123456789", "Bearer [redacted]"),
            (
                "t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJ",
                "t [redacted]",
            ),
            (
                "redis-cli -h x -p 6379 -a s3c PING",
                "redis-cli -h x -p 6379 -a [redacted] PING",
            ),
            (
                "PGPASSWORD=abc psql -h db",
                "PGPASSWORD=[redacted] psql -h db",
            ),
            ("PGPASSWORD='a b' psql", "PGPASSWORD='[redacted]' psql"),
            (
                "host=db password=abc user=x",
                "host=db password=[redacted] user=x",
            ),
            (
                r#"{"password": "abc", "x": 1}"#,
                r#"{"password": "[redacted]", "x": 1}"#,
            ),
            (
                "a: 1\n  db_password: abc\nb: 2",
                "a: 1\n  db_password: [redacted]\nb: 2",
            ),
            (
                "ALTER ROLE x PASSWORD 'abc';",
                "ALTER ROLE x PASSWORD '[redacted]';",
            ),
            ("AUTH default abc\nPING", "AUTH [redacted]\nPING"),
            (
                "CONFIG SET requirepass abc",
                "CONFIG SET requirepass [redacted]",
            ),
            ("--password abc --x", "--password [redacted] --x"),
            ("mytool --pass=abc x", "mytool --pass=[redacted] x"),
            (
                "https://h/?token=abc&x=1",
                "https://h/?token=[redacted]&x=1",
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nx",
                "[redacted]\nx",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMHc", "[redacted]"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ", "[redacted]"),
        ];
        let redactor = Redactor::new([]);
        for (text, shown) in table {
            assert_eq!(redactor.redact(text), shown);
            assert_eq!(redactor.redact(shown), shown, "redacted twice");
        }
    }

    #[test]
    fn ordinary_words_stay() {
        let redactor = Redactor::new([]);
        for text in [
            "pg-west (db-west:5432): password: $PGX is not set — set it, or name another source in the site file",
            "password = { file = \"secrets/pg\" }",
            "promoted pg-west, timeline 2, lag 12.4 s",
            "the bearer of this",
            "http://127.0.0.1:18080/health: 503",
            "redis-cli -h 10.0.0.1 INFO",
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
            "FATAL: password authentication failed for user \"x\"",
        ] {
            assert_eq!(redactor.redact(text), text);
        }
    }
}
