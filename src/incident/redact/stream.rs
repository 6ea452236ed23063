//! Redaction of output as it arrives: a secret split over two reads is caught, and memory stays bounded.

use std::ops::Range;

use super::{Find, Redactor, replace};

/// Output is let go line by line; a line longer than this, in bytes, in pieces.
const CAP: usize = 64 * 1024;

/// What is held back of a line that does not end, in bytes: more than any pattern's beginning.
const WINDOW: usize = 4 * 1024;

/// Up to here, in bytes, what is held is searched at every line; a longer key is searched when it has doubled, so that a
/// key that comes line by line and never ends costs no more than its length.
const EAGER: usize = 8 * 1024;

/// A stream of bytes that comes out as text without secrets. Whole lines come out at once, the rest with [`Stream::finish`].
#[derive(Debug)]
pub struct Stream {
    redactor: Redactor,
    /// Bytes of a character that is not complete yet.
    partial: Vec<u8>,
    held: Held,
    cap: usize,
    window: usize,
    /// Inside a secret that was too long to hold: all is dropped up to this text.
    dropping_to: Option<&'static str>,
    /// Length of what was held when a search let nothing go.
    stuck_at: usize,
}

/// Text that is not let go yet; it may hold secrets, so it is never printed.
#[derive(Default)]
struct Held(String);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Stream {
    pub(super) fn new(redactor: Redactor) -> Self {
        let window = WINDOW.max(2 * redactor.longest());
        Self {
            redactor,
            partial: Vec::new(),
            held: Held::default(),
            cap: CAP.max(4 * window),
            window,
            dropping_to: None,
            stuck_at: 0,
        }
    }

    /// Takes what was read, gives what is safe to show and record.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut out = String::new();
        // A read may be of any size; what is held is not.
        for piece in bytes.chunks(self.cap) {
            self.decode(piece);
            while self.let_go(&mut out) {}
        }
        out
    }

    /// The rest, at the end of the output.
    pub fn finish(mut self) -> String {
        let rest = String::from_utf8_lossy(&self.partial).into_owned();
        self.held.0.push_str(&rest);
        self.drop_secret();
        match self.dropping_to {
            Some(_) => String::new(),
            None => self.redactor.redact(&self.held.0),
        }
    }

    /// Adds bytes to what is held, lossily, and keeps back a character that is cut in two.
    fn decode(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.partial);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.held.0.push_str(chunk.valid());
            let rest = chunk.invalid();
            let cut = chunks.peek().is_none()
                && std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
            match rest {
                [] => {}
                rest if cut => self.partial = rest.to_vec(),
                _ => self.held.0.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    /// Moves what is safe onto `out`; whether there may be more.
    fn let_go(&mut self, out: &mut String) -> bool {
        self.drop_secret();
        let text = &self.held.0;
        let over = text.len() > self.cap;
        let lines = text.rfind('\n').map_or(0, |at| at + 1);
        let too_soon = text.len() > EAGER && text.len() < 2 * self.stuck_at;
        if self.dropping_to.is_some() || !over && (lines == 0 || too_soon) {
            return false;
        }
        let finds = self.redactor.finds(text);
        let wholes = joined(&finds);
        let mut cut = before(&wholes, text, self.before_a_started_secret(lines));
        if cut == 0 && over {
            let window = text.floor_char_boundary(text.len() - self.window);
            cut = before(&wholes, text, window);
        }
        if cut == 0 && over {
            cut = wholes.first().map_or(text.len(), |first| first.end);
            // It reaches the end of what is held: nobody knows how long it is.
            if cut == text.len() {
                self.dropping_to = Some(match text.contains("PRIVATE KEY-----") {
                    true => "PRIVATE KEY-----",
                    false => "\n",
                });
            }
        }
        let safe: Vec<Find> = finds
            .into_iter()
            .filter(|find| find.whole.end <= cut)
            .collect();
        out.push_str(&replace(&text[..cut], &safe));
        self.stuck_at = if cut == 0 { text.len() } else { 0 };
        self.held.0.drain(..cut);
        cut > 0 && self.held.0.len() > self.cap
    }

    /// Drops what still belongs to a secret that was too long to hold.
    fn drop_secret(&mut self) {
        let Some(end) = self.dropping_to else {
            return;
        };
        let text = &mut self.held.0;
        match text.find(end) {
            Some(at) => {
                // A line's end belongs to the text again; the end of a key does not.
                text.drain(..if end == "\n" { at } else { at + end.len() });
                self.dropping_to = None;
            }
            None => {
                let keep = text.floor_char_boundary(text.len().saturating_sub(end.len() - 1));
                text.drain(..keep);
            }
        }
    }

    /// `cut`, or the place before it where a known secret of several lines begins that may go on behind it.
    fn before_a_started_secret(&self, cut: usize) -> usize {
        let text = &self.held.0[..cut];
        let starts = self.redactor.forms_of_many_lines().flat_map(|form| {
            (1..form.len())
                .filter(|n| form.is_char_boundary(*n))
                .filter(|n| text.ends_with(&form[..*n]))
                .map(|n| cut - n)
                .collect::<Vec<_>>()
        });
        starts.min().unwrap_or(cut)
    }
}

/// The stretches that must not be cut, in order, joined where they overlap.
fn joined(finds: &[Find]) -> Vec<Range<usize>> {
    let mut wholes: Vec<Range<usize>> = finds.iter().map(|find| find.whole.clone()).collect();
    wholes.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in wholes {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// `cut`, moved before the stretch it would cut. One that reaches the end of the text, its last newline included, may go on.
fn before(wholes: &[Range<usize>], text: &str, cut: usize) -> usize {
    wholes
        .iter()
        .find(|whole| whole.start < cut && (cut < whole.end || whole.end == text.len()))
        .map_or(cut, |whole| whole.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(redactor: &Redactor, pieces: &[&[u8]]) -> String {
        let mut stream = redactor.stream();
        let mut out: String = pieces.iter().map(|piece| stream.push(piece)).collect();
        out.push_str(&stream.finish());
        out
    }

    #[test]
    fn a_secret_split_anywhere_is_caught() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----";
        let redactor = Redactor::new(["hunter2-lön".into(), "first line\nsecond line".into()]);
        let text = format!(
            "start hunter2-lön end\nPGPASSWORD=abc psql\nfirst line\nsecond line\n{key}\nAuthorization: Bearer abc.def\n\
             redis://:pw@h/0 first line\nother hunter2-l"
        );
        let whole = redactor.redact(&text);
        assert_eq!(
            whole,
            "start [redacted] end\nPGPASSWORD=[redacted] psql\n[redacted]\n[redacted]\nAuthorization: Bearer [redacted]\n\
             redis://:[redacted]@h/0 [redacted]\nother hunter2-l"
        );
        let bytes = text.as_bytes();
        for at in 0..=bytes.len() {
            assert_eq!(
                pushed(&redactor, &[&bytes[..at], &bytes[at..]]),
                whole,
                "split at {at}"
            );
        }
        let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(pushed(&redactor, &one_by_one), whole);
    }

    #[test]
    fn pieces_of_any_size_give_what_the_whole_gives() {
        const LINES: [&str; 12] = [
            "plain output, nothing to see",
            "",
            "PGPASSWORD=abc psql -h db",
            "postgres://u:p@ss@db:5432/app",
            r#"{"password": "a b c", "x": 1}"#,
            "redis-cli -a s3c PING",
            "token: abcdef",
            "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\nIB+/=\n-----END EC PRIVATE KEY-----",
            "c3dvcmRmaXNo and swordfish",
            "first line\nsecond line",
            "first line\nanother line",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJ é…",
        ];
        let redactor = Redactor::new(["swordfish".into(), "first line\nsecond line".into()]);
        let mut seed: u64 = 42;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for round in 0..200 {
            let text: String = (0..8)
                .map(|_| format!("{}\n", LINES[next(LINES.len())]))
                .collect();
            let (mut rest, mut pieces) = (text.as_bytes(), Vec::new());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(1 + next(40.min(rest.len())));
                pieces.push(piece);
                rest = more;
            }
            assert_eq!(
                pushed(&redactor, &pieces),
                redactor.redact(&text),
                "round {round}: {text}"
            );
        }
    }

    #[test]
    fn lines_come_out_when_they_end() {
        let redactor = Redactor::new([]);
        let mut stream = redactor.stream();
        assert_eq!(stream.push(b"one\ntw"), "one\n");
        assert_eq!(stream.push(b"o\n\xe2\x82"), "two\n");
        assert_eq!(stream.push(b"\xac\n\xff\n"), "€\n\u{fffd}\n");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn an_endless_line_is_held_only_in_part_and_still_redacted() {
        let redactor = Redactor::new(["swordfish-and-more".into()]);
        let mut stream = redactor.stream();
        let mut out = String::new();
        // 25 bytes divide none of the sizes above: the secret lies across every kind of border.
        for _ in 0..40_000 {
            out.push_str(&stream.push(b"yyyyy swordfish-and-more "));
            assert!(stream.held.0.len() <= stream.cap + 64);
        }
        out.push_str(&stream.finish());
        assert_eq!(out, "yyyyy [redacted] ".repeat(40_000));
    }

    #[test]
    fn a_secret_without_end_is_dropped_to_the_end_of_its_line() {
        let redactor = Redactor::new([]);
        let mut stream = redactor.stream();
        let mut out = stream.push(b"ok\npassword=");
        for _ in 0..1_000 {
            out.push_str(&stream.push(&[b'x'; 1_000]));
            assert!(stream.held.0.len() <= stream.cap + 1_000);
        }
        out.push_str(&stream.push(b"xx\nafter\n"));
        out.push_str(&stream.finish());
        assert_eq!(out, "ok\npassword=[redacted]\nafter\n");
    }

    #[test]
    fn a_key_without_end_is_dropped_whatever_its_lines() {
        let redactor = Redactor::new([]);
        let mut stream = redactor.stream();
        let mut out = stream.push(b"ok\n-----BEGIN PRIVATE KEY-----\n");
        for _ in 0..10_000 {
            out.push_str(&stream.push(b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"));
            assert!(stream.held.0.len() <= stream.cap + 64);
        }
        out.push_str(&stream.push(b"-----END PRIVATE"));
        out.push_str(&stream.push(b" KEY-----\nafter\n"));
        out.push_str(&stream.finish());
        assert_eq!(out, "ok\n[redacted]\nafter\n");
    }

    #[test]
    fn nothing_held_is_printed() {
        let redactor = Redactor::new(["hunter2".into()]);
        let mut stream = redactor.stream();
        stream.push(b"hunter2");
        let shown = format!("{stream:?} {redactor:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
