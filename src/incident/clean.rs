//! `Clean`: the only way text of other systems reaches the screen, the journal and the post-mortem.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar;

/// The longest line that is kept, in bytes, its mark included.
const LINE_CAP: usize = 8 * 1024;

/// Room for the mark of a cut line: `…(18446744073709551615 bytes cut)`.
const MARK_ROOM: usize = 48;

/// Combining marks one base may carry. Vietnamese and pointed Hebrew need three; more is a way to paint over other rows.
const MARKS: usize = 4;

/// Tabs reach to the next multiple of this, as terminals have it.
const TAB: usize = 8;

/// Text that can't command a terminal or imitate the console: control, bidirectional, zero-width, tag and variation
/// characters are shown as `<U+XXXX>`, never dropped in silence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Clean(String);

impl Clean {
    /// Cleans `text`: newlines stay (`\r\n` becomes one), tabs become spaces, a line over 8 KiB is cut with a mark that
    /// says how much is missing. Cleaning what is clean changes nothing.
    pub fn new(text: &str) -> Self {
        let mut out = String::with_capacity(text.len().min(LINE_CAP));
        for line in text.split_inclusive('\n') {
            // Only the carriage return of a line's end is no news; any other is shown.
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line.strip_suffix('\r').unwrap_or(line), "\n"),
                None => (line, ""),
            };
            clean_line(line, &mut out);
            out.push_str(end);
        }
        Self(out)
    }

    /// Cleans bytes; what is no UTF-8 becomes U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self::new(&String::from_utf8_lossy(bytes))
    }

    /// The cleaned text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text in one line: line ends become ` ⏎ `, those at the end fall away.
    pub fn one_line(&self) -> Self {
        match self.0.trim_end_matches('\n') {
            text if text.contains('\n') => Self::new(&text.replace('\n', " ⏎ ")),
            text => Self(text.to_owned()),
        }
    }

    /// The text in one line for Markdown: it reads the same when rendered, and is no markup, HTML or link.
    pub fn markdown(&self) -> String {
        let line = self.one_line();
        let text = line.as_str().trim_start();
        let mut out = String::with_capacity(text.len() + 8);
        if let Some(end) = starts_a_block(text) {
            let (head, last) = text[..end].split_at(end - 1);
            out.push_str(head);
            out.push('\\');
            out.push_str(last);
            escape_inline(&text[end..], &mut out);
        } else {
            escape_inline(text, &mut out);
        }
        out
    }

    /// The text as a fenced block of Markdown in `language`; the fence is longer than any run of backticks inside.
    pub fn fence(&self, language: &str) -> String {
        let longest = self.0.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let text = self.0.trim_end_matches('\n');
        format!("{fence}{language}\n{text}\n{fence}\n")
    }
}

/// Whether `text` can be asked for as a confirmation: `[A-Za-z0-9._:/-]` only, so that what is typed is what is meant.
pub fn phrase_ok(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    !text.is_empty() && text.chars().all(plain)
}

/// Cleans one line (without its `\n`) onto `out`.
fn clean_line(line: &str, out: &mut String) {
    let start = out.len();
    // Up to here the line and its mark fit; beyond, bytes are only counted.
    let mut fits = start;
    let mut over = 0;
    let mut column = 0;
    let mut marks = MARKS;
    for c in line.chars() {
        let before = out.len();
        match kind(c) {
            Kind::Tab => {
                let wide = TAB - column % TAB;
                out.extend(std::iter::repeat_n(' ', wide));
                column += wide;
                marks = 0;
            }
            Kind::Mark if marks < MARKS => {
                out.push(c);
                marks += 1;
            }
            Kind::Plain => {
                out.push(c);
                column += 1;
                marks = 0;
            }
            Kind::Mark | Kind::Hidden => {
                let _ = write!(out, "<U+{:04X}>", u32::from(c));
                column += out.len() - before;
                marks = 0;
            }
        }
        if over > 0 || out.len() - start > LINE_CAP {
            over += out.len() - before;
            out.truncate(before);
        } else if out.len() - start <= LINE_CAP - MARK_ROOM {
            fits = out.len();
        }
    }
    if over > 0 {
        let cut = over + out.len() - fits;
        out.truncate(fits);
        let _ = write!(out, "…({cut} bytes cut)");
    }
}

/// What a character does in a line.
#[derive(PartialEq, Eq)]
enum Kind {
    /// It is seen.
    Plain,
    /// It sits on the character before it.
    Mark,
    /// It commands, turns round or hides.
    Hidden,
    /// A tab.
    Tab,
}

fn kind(c: char) -> Kind {
    match c {
        '\t' => Kind::Tab,
        ' '..='~' => Kind::Plain,
        _ if hidden(c) => Kind::Hidden,
        _ if c.width() == Some(0) => Kind::Mark,
        _ => Kind::Plain,
    }
}

/// Whether a character commands, turns round or hides, and so may never reach a screen: controls (newline and tab too),
/// Bidi_Control, Default_Ignorable_Code_Point (zero-width, fillers, tags, variation selectors), line and
/// paragraph separators, interlinear annotation, noncharacters. Source: Unicode 17, PropList and DerivedCoreProperties.
pub fn hidden(c: char) -> bool {
    matches!(c,
        '\u{00}'..='\u{1F}' | '\u{7F}'..='\u{9F}' // C0, DEL, C1
        | '\u{AD}' | '\u{34F}' | '\u{61C}' // soft hyphen, grapheme joiner, Arabic letter mark
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' // Khmer inherent vowels, Mongolian selectors
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{FDD0}'..='\u{FDEF}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The length of what would make a line of Markdown more than a paragraph: a heading, an item, a rule, an underline.
/// Its last character is the one to escape.
fn starts_a_block(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(digits)? {
        b'#' | b'+' | b'-' | b'=' | b':' if digits == 0 => Some(1),
        b'.' | b')' if digits > 0 => Some(digits + 1),
        _ => None,
    }
}

fn escape_inline(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // What GitHub makes links of without being asked.
            ':' if text[at..].starts_with("://") => out.push_str("\\:"),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => out.push_str("\\."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' | '^' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
}

impl AsRef<str> for Clean {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Clean {
    /// A journal may have been edited: what is read is cleaned again.
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(from)?))
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    #[test]
    fn what_commands_or_hides_is_shown() {
        let table = [
            ("plain text", "plain text"),
            ("größer 東京 مرحبا 🙂", "größer 東京 مرحبا 🙂"),
            ("a\tb\n\tc", "a       b\n        c"),
            ("a\r\nb\n", "a\nb\n"),
            ("50%\r100%", "50%<U+000D>100%"),
            ("end\r", "end<U+000D>"),
            ("\x1b[31mred\x1b[0m", "<U+001B>[31mred<U+001B>[0m"),
            ("\x1b]52;c;ZXZpbA==\x07", "<U+001B>]52;c;ZXZpbA==<U+0007>"),
            ("\u{9b}31m \u{7f}\0", "<U+009B>31m <U+007F><U+0000>"),
            ("pg-\u{202e}tsew", "pg-<U+202E>tsew"),
            (
                "\u{61c}\u{200e}\u{200f}\u{2066}\u{2069}",
                "<U+061C><U+200E><U+200F><U+2066><U+2069>",
            ),
            ("a\u{200b}b\u{2060}c\u{feff}", "a<U+200B>b<U+2060>c<U+FEFF>"),
            (
                "x\u{fe0f}y\u{e0041}z\u{e0100}",
                "x<U+FE0F>y<U+E0041>z<U+E0100>",
            ),
            ("a\u{2028}b\u{ad}c\u{3164}", "a<U+2028>b<U+00AD>c<U+3164>"),
            ("\u{301}x", "<U+0301>x"),
            (
                "e\u{301}\u{302}\u{303}\u{304}\u{305}",
                "e\u{301}\u{302}\u{303}\u{304}<U+0305>",
            ),
        ];
        for (dirty, shown) in table {
            assert_eq!(Clean::new(dirty).as_str(), shown, "{dirty:?}");
        }
        assert_eq!(
            Clean::from_bytes(b"a\xffb\xc3").as_str(),
            "a\u{fffd}b\u{fffd}"
        );
    }

    /// Random strings made of everything that is treated in a way of its own.
    fn corpus() -> impl Iterator<Item = String> {
        const PIECES: [&str; 26] = [
            "a",
            "b c",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "\x1b[2J",
            "\u{301}",
            "\u{301}\u{302}\u{303}\u{304}\u{305}",
            "\u{202e}",
            "\u{e0041}",
            "\u{fe0f}",
            "👩\u{200d}🚀",
            "한",
            "\u{1112}\u{1161}\u{11ab}",
            "<U+202E>",
            "`",
            "```",
            "|",
            "<b>",
            "[x](y)",
            "1. ",
            "# ",
            "https://x.y/z",
            "…",
            "\u{fffe}",
        ];
        let mut seed: u64 = 0x5eed;
        let mut next = move |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % below
        };
        (0..2_000).map(move |n| {
            // Every hundredth is long enough to be cut.
            let pieces = if n % 100 == 0 { 6_000 } else { 1 + next(30) };
            (0..pieces)
                .map(|_| PIECES[next(PIECES.len() - usize::from(n % 100 == 0) * 20)])
                .collect()
        })
    }

    #[test]
    fn cleaning_clean_text_changes_nothing_and_nothing_hidden_is_left() {
        let all = (0..=0x10_FFFF_u32)
            .filter_map(char::from_u32)
            .map(|c| format!("x{c}y"));
        for text in corpus().chain(all) {
            let once = Clean::new(&text);
            assert_eq!(Clean::new(once.as_str()), once, "{text:?}");
            assert!(
                once.as_str().chars().all(|c| c == '\n' || !hidden(c)),
                "{text:?}"
            );
            assert!(once.as_str().split('\n').all(|line| line.len() <= LINE_CAP));
            let line = once.one_line();
            assert!(!line.as_str().contains('\n'));
            assert_eq!(Clean::new(line.as_str()), line);
        }
    }

    #[test]
    fn a_long_line_is_cut_with_a_mark_and_its_neighbours_stay() {
        let fits = "x".repeat(LINE_CAP);
        assert_eq!(Clean::new(&fits).as_str(), fits);
        let text = format!("before\n{}\nafter", "x".repeat(LINE_CAP + 1));
        let clean = Clean::new(&text);
        let lines: Vec<&str> = clean.as_str().lines().collect();
        assert_eq!((lines[0], lines[2]), ("before", "after"));
        assert!(
            lines[1].ends_with("x…(49 bytes cut)"),
            "{}",
            &lines[1][8_000..]
        );
        let endless = Clean::new(&"\x1b".repeat(5_000_000));
        assert!(endless.as_str().len() <= LINE_CAP);
        assert!(endless.as_str().contains("<U+001B>…("));
    }

    #[test]
    fn a_journal_that_was_edited_is_cleaned_when_it_is_read() {
        let clean: Clean = serde_json::from_str(r#""a\u001b[2Jb""#).unwrap();
        assert_eq!(clean.as_str(), "a<U+001B>[2Jb");
    }

    #[test]
    fn one_line_keeps_the_line_ends_visible() {
        for (text, line) in [("a\nb\n", "a ⏎ b"), ("a\n", "a"), ("", ""), ("\n\n", "")] {
            assert_eq!(Clean::new(text).one_line().as_str(), line);
        }
    }

    #[test]
    fn markdown_reads_as_the_text_and_is_nothing_else() {
        let table = [
            ("lag of pg-west 12.4 s", "lag of pg-west 12.4 s"),
            ("<b>x</b> & y", "&lt;b&gt;x&lt;/b&gt; &amp; y"),
            ("[go](http://evil)", "\\[go\\](http\\://evil)"),
            ("a | b `c` *d* _e_", "a \\| b \\`c\\` \\*d\\* \\_e\\_"),
            ("# no heading", "\\# no heading"),
            ("12. no item", "12\\. no item"),
            ("- no item", "\\- no item"),
            ("www.evil.example", "www\\.evil.example"),
        ];
        for (text, markdown) in table {
            assert_eq!(Clean::new(text).markdown(), markdown);
        }
        for text in corpus() {
            let clean = Clean::new(&text);
            let shown = clean.markdown();
            let mut read = String::new();
            for event in Parser::new_ext(&shown, Options::all()) {
                match event {
                    Event::Text(text) => read.push_str(&text),
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                    other => panic!("{shown:?} holds {other:?}"),
                }
            }
            assert_eq!(
                read.trim_end(),
                clean.one_line().as_str().trim(),
                "{shown:?}"
            );
        }
    }

    #[test]
    fn nothing_inside_ends_a_fence() {
        for text in corpus().chain(["".into(), "`````".into(), "a\n~~~\n```\n".into()]) {
            let clean = Clean::new(&text);
            let shown = clean.fence("text");
            let events: Vec<Event<'_>> = Parser::new(&shown).collect();
            let read: String = events[1..events.len() - 1]
                .iter()
                .map(|event| match event {
                    Event::Text(text) => text.as_ref(),
                    other => panic!("{shown:?} holds {other:?}"),
                })
                .collect();
            assert_eq!(
                read.trim_end_matches('\n'),
                clean.as_str().trim_end_matches('\n')
            );
        }
    }

    #[test]
    fn phrases_are_plain_ascii() {
        for (phrase, fine) in [
            ("FAILOVER", true),
            ("pg-west", true),
            ("db:5432/app_1.2", true),
            ("", false),
            ("pg west", false),
            ("pg\u{2010}west", false),
            ("рg-west", false),
            ("a\u{200b}b", false),
            ("$(x)", false),
        ] {
            assert_eq!(phrase_ok(phrase), fine, "{phrase:?}");
        }
    }
}
