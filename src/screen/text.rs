//! Text in cells: measured by display width, shortened and wrapped between words.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns. What does not fit is left out from a word on and shown as `…`; only a first word
/// that is longer than all the room is cut inside.
pub fn clip(text: &str, room: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let more = text.len() > line.len();
    if width(line) <= room && !more {
        return line.to_owned();
    }
    if room == 0 {
        return String::new();
    }
    let mut kept = String::new();
    for word in line.split_inclusive(' ') {
        let with = width(&kept) + width(word.trim_end());
        // A space and the sign must follow, for something is left out.
        if with + 2 > room {
            break;
        }
        kept.push_str(word);
    }
    if kept.is_empty() {
        kept = head(line, room - 1).to_owned();
    } else if !kept.ends_with(' ') {
        kept.push(' ');
    }
    kept.push('…');
    kept
}

/// The longest beginning of `text` that takes at most `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// `text` in lines of at most `room` columns, broken between words; its own line ends stay. A word longer than a line
/// is broken inside, and nothing is ever left out.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    if room == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mut current = " ".repeat(indent.min(room / 2));
        let mut empty = true;
        for word in line.split_whitespace() {
            let gap = usize::from(!empty);
            if !empty && width(&current) + gap + width(word) > room {
                lines.push(std::mem::take(&mut current));
                empty = true;
            }
            if !empty {
                current.push(' ');
            }
            current.push_str(word);
            empty = false;
            while width(&current) > room {
                let kept = match breakable(head(&current, room)) {
                    0 => current.len(),
                    kept => kept,
                };
                let rest = current.split_off(kept);
                lines.push(std::mem::replace(&mut current, rest));
            }
        }
        lines.push(current);
    }
    lines
}

/// Where a word that is too long is broken: behind its last `/`, `,`, `-`, `=` or `.`, when that leaves a good part of it
/// on the line.
fn breakable(head: &str) -> usize {
    let at = head.rfind(['/', ',', '-', '=', '.']).map_or(0, |at| at + 1);
    if at * 2 > head.len() { at } else { head.len() }
}

/// `text` in pieces of at most `room` columns, every space kept: for scripts, where a space may mean something.
pub fn fold(text: &str, room: usize) -> Vec<String> {
    if room == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while width(rest) > room {
            let piece = head(rest, room);
            if piece.is_empty() {
                break;
            }
            lines.push(piece.to_owned());
            rest = &rest[piece.len()..];
        }
        lines.push(rest.to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_leaves_whole_words() {
        let table = [
            ("lag is fine", 20, "lag is fine"),
            ("lag is fine", 11, "lag is fine"),
            ("lag is fine", 10, "lag is …"),
            ("lag is fine", 5, "lag …"),
            ("db-west.example.com", 8, "db-west…"),
            ("first\nsecond", 20, "first …"),
            ("東京 region lost", 8, "東京 …"),
            ("東京", 3, "東…"),
            ("anything", 0, ""),
        ];
        for (text, room, shown) in table {
            let clipped = clip(text, room);
            assert_eq!(clipped, shown, "{text:?} in {room}");
            assert!(width(&clipped) <= room);
        }
    }

    #[test]
    fn wrapping_loses_nothing() {
        let text = "Promoting now loses about 12.4 s\n\n  of https://example.com/a/very/long/address writes";
        for room in 1..40 {
            let lines = wrap(text, room);
            assert!(lines.iter().all(|l| width(l) <= room), "{room}");
            let letters = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(text));
        }
        assert_eq!(wrap("a b c", 3), ["a b", "c"]);
    }

    #[test]
    fn folding_keeps_every_character() {
        let script = "pg_dump  -Fc   app |\n\tgzip";
        for room in 1..30 {
            assert_eq!(fold(script, room).concat(), script.replace('\n', ""));
        }
    }
}
