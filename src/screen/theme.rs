//! Themes: what each role looks like. Read from `themes/NAME.toml`, strictly; nothing is replaced by a default in silence.
//!
//! Roles say what something means (`breach`, `drill`, `hint-key`), never where it stands or which colour it has.

use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};

use crate::incident::fault::{Fault, Source, nearest};
use crate::incident::journal::Mode;
use crate::incident::judge::Standing;
use crate::incident::runbook::{Admonition, Danger};
use crate::incident::strict::{Item, Reader, Table, Value};

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident = $name:literal),* $(,)?) => {
        /// What something on the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Role { $($(#[$doc])* $role),* }

        impl Role {
            /// Every role, in the order of the theme files.
            pub const ALL: &[Role] = &[$(Role::$role),*];

            /// Its name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Role::$role => $name),* }
            }
        }
    };
}

roles! {
    /// Ordinary words.
    Text = "text",
    /// What can be read later.
    Dim = "dim",
    /// What is to be read first.
    Strong = "strong",
    /// A pane's or a dialog's title.
    Title = "title",
    /// Commands and scripts.
    Code = "code",
    /// Measured, fresh, within limits.
    Fine = "fine",
    /// Worth an eye.
    Watch = "watch",
    /// Not measured.
    Unknown = "unknown",
    /// Over its limit, or down.
    Breach = "breach",
    /// A step that is done.
    Done = "done",
    /// A step that runs.
    Running = "running",
    /// A step that lies ahead.
    Waiting = "waiting",
    /// The title of the part that the movement keys work on.
    Focus = "focus",
    /// The selected row.
    Selection = "selection",
    /// What is typed.
    Input = "input",
    /// Where it is typed.
    Cursor = "cursor",
    /// What a key does.
    Hint = "hint",
    /// The key.
    HintKey = "hint-key",
    /// What just happened.
    Message = "message",
    /// What just failed or was refused.
    MessageBad = "message-bad",
    /// The journal is in trouble.
    Banner = "banner",
    /// Maintenance mode.
    Maintenance = "maintenance",
    /// The word REAL.
    Real = "real",
    /// The word DRILL.
    Drill = "drill",
    /// The word TABLETOP.
    Tabletop = "tabletop",
    /// The word FACILITATOR.
    Facilitator = "facilitator",
    /// Frames while it is real.
    FrameReal = "frame-real",
    /// Frames of a drill.
    FrameDrill = "frame-drill",
    /// Frames of a tabletop.
    FrameTabletop = "frame-tabletop",
    /// Frames of the facilitator's console.
    FrameFacilitator = "frame-facilitator",
    /// An act that only looks.
    DangerNone = "danger-none",
    /// An act that can be changed back.
    DangerChange = "danger-change",
    /// An act that can lose data, sessions or capacity.
    DangerDestructive = "danger-destructive",
    /// An act that cannot be undone.
    DangerOneWay = "danger-one-way",
    /// `> [!NOTE]`
    Note = "note",
    /// `> [!TIP]`
    Tip = "tip",
    /// `> [!IMPORTANT]`
    Important = "important",
    /// `> [!WARNING]`
    Warning = "warning",
    /// `> [!CAUTION]`
    Caution = "caution",
    /// The used part of a bar.
    Bar = "bar",
    /// The rest of a bar.
    BarRest = "bar-rest",
    /// Sparklines.
    Spark = "spark",
}

impl From<Standing> for Role {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Fine => Role::Fine,
            Standing::Watch => Role::Watch,
            Standing::Unknown => Role::Unknown,
            Standing::Breach => Role::Breach,
        }
    }
}

impl From<Danger> for Role {
    fn from(danger: Danger) -> Self {
        match danger {
            Danger::None => Role::DangerNone,
            Danger::Change => Role::DangerChange,
            Danger::Destructive => Role::DangerDestructive,
            Danger::OneWay => Role::DangerOneWay,
        }
    }
}

impl From<Admonition> for Role {
    fn from(admonition: Admonition) -> Self {
        match admonition {
            Admonition::Note => Role::Note,
            Admonition::Tip => Role::Tip,
            Admonition::Important => Role::Important,
            Admonition::Warning => Role::Warning,
            Admonition::Caution => Role::Caution,
        }
    }
}

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// The file's stem.
    pub name: String,
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: impl Into<Role>) -> Style {
        self.styles[role.into() as usize]
    }

    /// The style of the mode's word.
    pub fn badge(&self, mode: Mode) -> Style {
        self.style(match mode {
            Mode::Real => Role::Real,
            Mode::Drill => Role::Drill,
            Mode::Tabletop => Role::Tabletop,
        })
    }

    /// The style of frames in a mode.
    pub fn frame(&self, mode: Mode) -> Style {
        self.style(match mode {
            Mode::Real => Role::FrameReal,
            Mode::Drill => Role::FrameDrill,
            Mode::Tabletop => Role::FrameTabletop,
        })
    }

    /// The theme for `NO_COLOR`: weights of type only. Whoever chooses it turns crossterm's colours *on*
    /// (`crossterm::style::force_color_output(true)`): with `NO_COLOR` set it would send `ESC[;m` for every change of
    /// colour, which takes bold and reversed away too.
    pub fn mono() -> Self {
        // The fallback is never taken: a test reads every built-in theme. Plain type is still a usable screen.
        built_in("mono").unwrap_or(Self {
            name: "mono".to_owned(),
            styles: [Style::new(); Role::ALL.len()],
        })
    }
}

impl Default for Theme {
    fn default() -> Self {
        built_in("default").unwrap_or_else(Theme::mono)
    }
}

/// Themes that are compiled in: name and text.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("default", include_str!("../../themes/default.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// The built-in theme of that name.
pub fn built_in(name: &str) -> Option<Theme> {
    let (_, text) = BUILT_IN.iter().find(|(n, _)| *n == name)?;
    parse(&format!("{name}.toml"), text).0
}

/// Reads a theme. `file` is named in faults, and its stem is the theme's name. `inherits` may name a built-in theme; in
/// the end every role must have a style. With a fault there is no theme.
pub fn parse(file: &str, text: &str) -> (Option<Theme>, Vec<Fault>) {
    let mut reader = Reader::new(Source::new(file, text));
    let mut table = reader.parse(0..text.len(), "theme");
    let base = inherited(&mut reader, &mut table);
    let palette = palette(&mut reader, &mut table);
    let mut styles = [Style::new(); Role::ALL.len()];
    for role in Role::ALL {
        let style = match (table.take(role.name()), &base) {
            (Some(item), _) => style(&mut reader, item, &palette),
            (None, Some(base)) => base.style(*role),
            (None, None) => {
                table.missing(
                    &mut reader,
                    role.name(),
                    &format!(
                        "{} = {{ fg = \"..\" }}, or inherits = \"default\"",
                        role.name()
                    ),
                );
                continue;
            }
        };
        styles[*role as usize] = style;
    }
    table.finish(&mut reader);
    let stem = file.rsplit('/').next().unwrap_or(file);
    let name = stem.strip_suffix(".toml").unwrap_or(stem).to_owned();
    let theme = reader.faults.is_empty().then_some(Theme { name, styles });
    (theme, reader.faults)
}

fn inherited(reader: &mut Reader<'_>, table: &mut Table) -> Option<Theme> {
    let (at, name) = table.text_at(reader, "inherits")?;
    let found = built_in(&name);
    if found.is_none() {
        let known: Vec<&str> = BUILT_IN.iter().map(|(n, _)| *n).collect();
        reader.fault(
            &at,
            format!("there is no built-in theme {name:?} to inherit"),
            suggestion(&name, &known),
        );
        // Its roles would all be missing; that is this one fault, not forty.
        return Some(Theme::mono());
    }
    found
}

fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", known.join(", ")),
    }
}

type Palette = Vec<(String, Color)>;

fn palette(reader: &mut Reader<'_>, table: &mut Table) -> Palette {
    let Some(mut entries) = table.table(reader, "palette", "palette") else {
        return Vec::new();
    };
    let mut palette = Vec::new();
    for item in entries.take_all() {
        if let Some((at, text)) = words(reader, &item) {
            let colour = colour(reader, &at, &text, &Vec::new());
            // A name whose colour is at fault is known all the same: one mistake, one fault.
            palette.push((item.key, colour.unwrap_or_default()));
        }
    }
    palette
}

fn words(reader: &mut Reader<'_>, item: &Item) -> Option<(Range<usize>, String)> {
    match &item.value {
        Value::Text(text) => Some((item.at.clone(), text.clone())),
        _ => {
            reader.fault(
                &item.at,
                format!("{} is no colour", item.key),
                "write a colour in quotes, \"blue\", \"32\" or \"#0087d7\"",
            );
            None
        }
    }
}

fn style(reader: &mut Reader<'_>, item: Item, palette: &Palette) -> Style {
    let mut table = match item.value {
        Value::Table(mut table) => {
            table.name = item.key;
            table
        }
        _ => {
            let fg =
                words(reader, &item).and_then(|(at, text)| colour(reader, &at, &text, palette));
            return Style { fg, ..Style::new() };
        }
    };
    let fg = table.text_at(reader, "fg");
    let bg = table.text_at(reader, "bg");
    let modifiers = table.texts(reader, "modifiers");
    table.finish(reader);
    let mut read = |text: Option<(Range<usize>, String)>| {
        text.and_then(|(at, text)| colour(reader, &at, &text, palette))
    };
    let style = Style {
        fg: read(fg),
        bg: read(bg),
        ..Style::new()
    };
    modifiers.into_iter().fold(style, |style, (at, word)| {
        style.add_modifier(modifier(reader, &at, &word))
    })
}

const MODIFIERS: &[(&str, Modifier)] = &[
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

fn modifier(reader: &mut Reader<'_>, at: &Range<usize>, word: &str) -> Modifier {
    if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
        return *modifier;
    }
    let known: Vec<&str> = MODIFIERS.iter().map(|(name, _)| *name).collect();
    reader.fault(
        at,
        format!("there is no modifier {word:?}"),
        suggestion(word, &known),
    );
    Modifier::empty()
}

/// ANSI names; `default` is the terminal's own.
const ANSI: &[(&str, Color)] = &[
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

fn colour(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    text: &str,
    palette: &Palette,
) -> Option<Color> {
    let named = palette.iter().find(|(name, _)| name == text);
    let ansi = || ANSI.iter().find(|(name, _)| *name == text).map(|(_, c)| *c);
    let found = named
        .map(|(_, c)| *c)
        .or_else(ansi)
        .or_else(|| hex(text))
        .or_else(|| text.parse().ok().map(Color::Indexed));
    if found.is_none() {
        let names = palette.iter().map(|(name, _)| name.as_str());
        let near = nearest(text, names.chain(ANSI.iter().map(|(name, _)| *name)));
        let instead = near.map_or_else(
            || "write a name of [palette], \"blue\", \"32\" or \"#0087d7\"".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        reader.fault(at, format!("there is no colour {text:?}"), instead);
    }
    found
}

/// `#rrggbb`.
fn hex(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = number.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_is_without_fault() {
        for (name, text) in BUILT_IN {
            let (theme, faults) = parse(&format!("themes/{name}.toml"), text);
            assert_eq!(faults, []);
            assert_eq!(theme.unwrap().name, *name);
        }
    }

    #[test]
    fn mono_has_no_colour_and_keeps_weights() {
        let mono = Theme::mono();
        for role in Role::ALL {
            let style = mono.style(*role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
        let marked = Role::ALL
            .iter()
            .filter(|r| !mono.style(**r).add_modifier.is_empty());
        assert!(marked.count() > 10);
    }

    #[test]
    fn a_theme_inherits_what_it_does_not_say() {
        let text = "inherits = \"default\"\nbreach = { fg = \"hot\", modifiers = [\"bold\"] }\n[palette]\nhot = \"#ff0000\"\n";
        let (theme, faults) = parse("mine.toml", text);
        assert_eq!(faults, []);
        let theme = theme.unwrap();
        assert_eq!(theme.style(Role::Breach).fg, Some(Color::Rgb(255, 0, 0)));
        assert_eq!(theme.style(Role::Fine), Theme::default().style(Role::Fine));
    }

    #[test]
    fn every_fault_is_found_at_its_place_with_what_was_meant() {
        let text = "inherits = \"defualt\"\nbreech = \"red\"\nfine = \"bleu\"\nwatch = { fg = \"#12\", modifiers = [\"blod\"] }\ndim = 3\n";
        let (theme, faults) = parse("t.toml", text);
        assert!(theme.is_none());
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "t.toml:1:12: there is no built-in theme \"defualt\" to inherit — did you mean default?",
                "t.toml:5:7: dim is no colour — write a colour in quotes, \"blue\", \"32\" or \"#0087d7\"",
                "t.toml:3:8: there is no colour \"bleu\" — did you mean blue?",
                "t.toml:4:16: there is no colour \"#12\" — write a name of [palette], \"blue\", \"32\" or \"#0087d7\"",
                "t.toml:4:36: there is no modifier \"blod\" — did you mean bold?",
                "t.toml:2:1: theme has no key \"breech\" — did you mean breach?",
            ]
        );
    }

    #[test]
    fn without_inheritance_every_missing_role_is_a_fault() {
        let (theme, faults) = parse("t.toml", "text = {}\n");
        assert!(theme.is_none());
        assert_eq!(faults.len(), Role::ALL.len() - 1);
    }
}
