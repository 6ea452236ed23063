//! The seam of redaction: known values are taken out of a stream of bytes, also when a read cuts them in two.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

const REDACTED: &str = "[redacted]";

/// Shorter values are left alone: taking every `a` out of a text hides nothing and destroys the text.
const SHORTEST: usize = 4;

/// Knows the secrets of one act.
pub struct Redactor {
    forms: Vec<SecretString>,
}

/// Redacts what is pushed into it piece by piece.
pub struct Stream<'a> {
    redactor: &'a Redactor,
    held: Vec<u8>,
}

impl Redactor {
    /// A redactor of these values, as they are and as URLs write them.
    pub fn new(known: impl IntoIterator<Item = SecretString>) -> Self {
        let mut forms = Vec::new();
        for secret in known {
            let text = secret.expose_secret();
            if text.len() < SHORTEST {
                continue;
            }
            let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            if encoded != text {
                forms.push(SecretString::from(encoded));
            }
            forms.push(secret);
        }
        Self { forms }
    }

    /// `text` without its secrets.
    pub fn redact(&self, text: &str) -> String {
        let redact =
            |text: String, form: &SecretString| text.replace(form.expose_secret(), REDACTED);
        self.forms.iter().fold(text.to_owned(), redact)
    }

    /// A stream that redacts what is pushed into it.
    pub fn stream(&self) -> Stream<'_> {
        Stream {
            redactor: self,
            held: Vec::new(),
        }
    }
}

impl Stream<'_> {
    /// Takes what was read, gives what is safe to show and record: an end that may be the beginning of a secret, or of a
    /// character, is held back.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let keep = self.beginnings();
        let rest = self.held.split_off(self.held.len() - keep);
        let ready = std::mem::replace(&mut self.held, rest);
        self.redactor.redact(&String::from_utf8_lossy(&ready))
    }

    /// The rest, at the end of the output.
    pub fn finish(self) -> String {
        self.redactor.redact(&String::from_utf8_lossy(&self.held))
    }

    /// Length of the longest end that begins a secret or an unfinished character.
    fn beginnings(&self) -> usize {
        let held = &self.held;
        let longest = self.redactor.forms.iter().filter_map(|form| {
            let form = form.expose_secret().as_bytes();
            (1..form.len())
                .rev()
                .find(|n| form.get(..*n).is_some_and(|start| held.ends_with(start)))
        });
        let partial = match std::str::from_utf8(held) {
            Err(error) if error.error_len().is_none() => held.len() - error.valid_up_to(),
            _ => 0,
        };
        longest.max().unwrap_or(0).max(partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_split_at_any_byte_is_redacted() {
        let redactor = Redactor::new([SecretString::from("s3cr\u{e9}t/pw")]);
        let text = "login s3cr\u{e9}t/pw ok s3cr%C3%A9t%2Fpw s3cr\u{e9} end".as_bytes();
        for at in 0..=text.len() {
            let mut stream = redactor.stream();
            let (one, two) = text.split_at(at);
            let shown = [stream.push(one), stream.push(two), stream.finish()].concat();
            assert_eq!(
                shown, "login [redacted] ok [redacted] s3cr\u{e9} end",
                "at {at}"
            );
        }
    }
}
