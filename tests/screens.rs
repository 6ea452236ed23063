//! Golden screens: what the operator sees, as text a person can read. `WARROOM_BLESS=1 cargo test --test screens` writes
//! them anew; look at the difference before committing it.

mod fixtures;

use std::fmt::Write as _;
use std::path::PathBuf;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use warroom::screen::{Theme, draw, facilitator};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

/// Every screen: the console's, and the facilitator's.
fn screens() -> impl Iterator<Item = &'static str> {
    let facilitators = fixtures::facilitator::SCREENS;
    fixtures::SCREENS.iter().chain(facilitators).copied()
}

fn drawn(name: &str, (width, height): (u16, u16), theme: &Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let drawn = match fixtures::facilitator::state(name) {
        Some(state) => terminal.draw(|frame| facilitator::draw(&state, theme, frame)),
        None => {
            let state = fixtures::state(name);
            terminal.draw(|frame| draw(&state, theme, frame))
        }
    };
    drawn.unwrap();
    terminal.backend().buffer().clone()
}

/// The buffer's text, a line each row, without spaces at the ends.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut skip = 0;
        let mut line = String::new();
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip == 0 {
                line.push_str(symbol);
                skip = unicode_width::UnicodeWidthStr::width(symbol).max(1);
            }
            skip -= 1;
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn golden(name: &str, (width, height): (u16, u16)) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/screens/{name}-{width}x{height}.txt"))
}

/// Rows that differ, the expected one above the drawn one.
fn difference(expected: &str, drawn: &str) -> String {
    let (mut expected, mut drawn) = (expected.lines(), drawn.lines());
    let mut out = String::new();
    for row in 1.. {
        match (expected.next(), drawn.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => {
                let _ = writeln!(
                    out,
                    "{row:3} - {}\n    + {}",
                    a.unwrap_or(""),
                    b.unwrap_or("")
                );
            }
        }
    }
    out
}

#[test]
fn screens_look_as_they_did() {
    let bless = std::env::var_os("WARROOM_BLESS").is_some();
    let theme = Theme::default();
    let mut wrong = String::new();
    for name in screens() {
        for size in SIZES {
            let path = golden(name, size);
            let text = text(&drawn(name, size, &theme));
            if bless {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &text).unwrap();
                continue;
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default();
            if expected != text {
                let _ = write!(
                    wrong,
                    "{}\n{}",
                    path.display(),
                    difference(&expected, &text)
                );
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "screens changed (WARROOM_BLESS=1 writes them):\n{wrong}"
    );
}

#[test]
fn no_golden_screen_is_left_over() {
    let known: Vec<PathBuf> = screens()
        .flat_map(|name| SIZES.map(|size| golden(name, size)))
        .collect();
    for file in std::fs::read_dir(golden("x", (0, 0)).parent().unwrap()).unwrap() {
        let path = file.unwrap().path();
        assert!(
            known.contains(&path),
            "{} belongs to no screen",
            path.display()
        );
    }
}

#[test]
fn any_size_is_drawn() {
    let theme = Theme::mono();
    for name in screens() {
        for width in 0..=20 {
            for height in 0..=10 {
                drawn(name, (width, height), &theme);
            }
        }
        for (width, height) in [
            (40, 12),
            (69, 20),
            (99, 27),
            (101, 29),
            (260, 8),
            (30, 100),
            (260, 90),
        ] {
            drawn(name, (width, height), &theme);
        }
    }
}

#[test]
fn the_four_standings_differ_without_colour() {
    let screen = text(&drawn("incident", (120, 36), &Theme::mono()));
    let watch = text(&drawn("watch", (120, 36), &Theme::mono()));
    for (symbol, thing) in [
        ("✔", "us-west-2"),
        ("✖", "us-east-1"),
        ("?", "redis-east"),
        ("▲", "wal"),
    ] {
        assert!(
            screen.contains(&format!("{symbol} {thing}")),
            "{symbol} {thing}\n{screen}"
        );
    }
    assert!(!watch.contains('✖'));
}

#[test]
fn the_modes_differ_in_words_and_lines_without_colour() {
    let corners = [
        ("incident", "REAL", '─'),
        ("drill", "DRILL", '╌'),
        ("tabletop", "TABLETOP", '═'),
        ("facilitator", "FACILITATOR", '━'),
    ];
    for (name, word, line) in corners {
        let screen = text(&drawn(name, (80, 24), &Theme::mono()));
        assert!(screen.lines().next().unwrap().contains(word), "{screen}");
        for (_, _, other) in corners {
            assert_eq!(
                screen.contains(other),
                other == line,
                "{name} {other}\n{screen}"
            );
        }
    }
}

#[test]
fn every_dialog_says_in_its_first_line_whether_it_is_real() {
    use warroom::console::state::Dialog;
    use warroom::incident::journal::Mode;
    let mut dialogs = 0;
    for name in fixtures::SCREENS {
        let mut state = fixtures::state(name);
        if state.dialogs.is_empty() {
            continue;
        }
        dialogs += 1;
        for mode in [Mode::Real, Mode::Drill, Mode::Tabletop] {
            state.mode = mode;
            for dialog in &mut state.dialogs {
                if let Dialog::Ask(ask) = dialog {
                    ask.resolved.mode = mode;
                }
            }
            for theme in [Theme::default(), Theme::mono()] {
                let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
                terminal.draw(|frame| draw(&state, &theme, frame)).unwrap();
                let text = text(&terminal.backend().buffer().clone());
                let word = mode.to_string();
                let corners = ['┌', '╔'];
                let mut lines = text.lines().skip(1);
                let said = lines
                    .any(|line| line.trim_start().starts_with(corners) && line.contains(&word));
                assert!(said, "{name} in {word} does not say so:\n{text}");
            }
        }
    }
    assert!(dialogs > 10, "{dialogs} dialogs were looked at");
}
