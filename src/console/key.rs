//! Keys as keymaps name them: `d`, `?`, `enter`, `ctrl-r`, `f5`.

use std::fmt;
use std::str::FromStr;

/// One press of a key. Shift is part of the character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With ctrl held.
    pub ctrl: bool,
    /// With alt held.
    pub alt: bool,
}

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character as typed.
    Char(char),
    /// A function key.
    F(u8),
    /// Named keys.
    Enter,
    /// Leave, not now.
    Esc,
    /// Forward.
    Tab,
    /// Backward.
    BackTab,
    /// Deletes before the cursor.
    Backspace,
    /// Deletes at the cursor.
    Delete,
    /// Arrow.
    Up,
    /// Arrow.
    Down,
    /// Arrow.
    Left,
    /// Arrow.
    Right,
    /// Start.
    Home,
    /// End.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}

const NAMED: [(&str, Code); 15] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("del", Code::Delete),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("home", Code::Home),
    ("end", Code::End),
    ("pgup", Code::PageUp),
    ("pgdn", Code::PageDown),
    ("space", Code::Char(' ')),
];

impl Key {
    /// The key alone.
    pub fn plain(code: Code) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
        }
    }
}

impl FromStr for Key {
    type Err = String;

    /// `ctrl-r`, `alt-x`, `enter`, `f5`, `G`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            match rest.split_once('-') {
                Some(("ctrl", tail)) if !tail.is_empty() => (rest, ctrl) = (tail, true),
                Some(("alt", tail)) if !tail.is_empty() => (rest, alt) = (tail, true),
                _ => break,
            }
        }
        let named = NAMED
            .iter()
            .find(|(name, _)| *name == rest)
            .map(|(_, code)| *code);
        let function = || {
            rest.strip_prefix('f')?
                .parse()
                .ok()
                .filter(|n| (1..=12).contains(n))
                .map(Code::F)
        };
        let mut chars = rest.chars();
        let single = || match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Some(Code::Char(c)),
            _ => None,
        };
        let code = named.or_else(function).or_else(single);
        let code =
            code.ok_or_else(|| format!("{text:?} is not a key such as d, enter, ctrl-r or f5"))?;
        Ok(Self { code, ctrl, alt })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.code {
            Code::F(n) => format!("f{n}"),
            code => match (NAMED.iter().find(|(_, named)| *named == code), code) {
                (Some((name, _)), _) => (*name).to_owned(),
                (None, Code::Char(c)) => c.to_string(),
                (None, _) => String::new(),
            },
        };
        let ctrl = if self.ctrl { "ctrl-" } else { "" };
        let alt = if self.alt { "alt-" } else { "" };
        f.pad(&format!("{ctrl}{alt}{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_and_print_alike() {
        for name in [
            "d", "?", "enter", "ctrl-r", "alt-x", "f5", "G", "-", "ctrl--", "space", "pgdn",
        ] {
            assert_eq!(name.parse::<Key>().unwrap().to_string(), name);
        }
        for bad in ["", "ctrl-", "hyper-x", "f13", "dd"] {
            assert!(bad.parse::<Key>().is_err(), "{bad:?} was read as a key");
        }
    }
}
