//! Quick commands: the line, and below it what the site offers or what was answered.

use ratatui::text::{Line, Span};

use super::{Sheet, foot, prose, spaced, title, verdict_lines};
use crate::console::quick::{Asked, Offer, QuickForm};
use crate::incident::reading::Holds;
use crate::screen::text::{clip, fold, width};
use crate::screen::theme::{Role, Theme};
use crate::screen::widgets::input;

/// What is said below a text that is being typed.
const BELOW_A_TEXT: &str = "sql that only looks and http GET are asked at once; all else is a step, and asks first. \
    alt-enter begins another line.";

/// What is said where the site has nothing to offer.
const NO_OFFER: &str = "The site offers nothing of this name: enter takes the line as it is typed. \
    A condition is asked at once; an act is a step, and asks first.";

pub(super) fn sheet(form: &QuickForm, theme: &Theme, room: usize) -> Sheet {
    let (body, top, left, keys) = match &form.asked {
        Some(asked) => {
            let noted = asked.noted || asked.answers.is_none();
            let keys = [("ctrl-n", "notes it"), ("esc", "close")];
            let keys = keys[usize::from(noted)..].to_vec();
            (answer(asked, theme, room), asked.top, None, keys)
        }
        None if form.at_text => {
            let keys = vec![("enter", "asks"), ("tab", "line above"), ("esc", "not now")];
            (prose(BELOW_A_TEXT, Role::Dim, room, theme), 0, None, keys)
        }
        None => {
            let offers = form.matching();
            let (body, at) = list(&offers, form.selected, theme, room);
            let of = form.offers.len();
            let count = format!("{} of {of}, ▲ asks before it runs", offers.len());
            let keys = vec![("enter", "asks"), ("↓", "list"), ("esc", "not now")];
            // The rows above the selected one stay in sight, and with them its system's name.
            (body, at.saturating_sub(6), Some(count), keys)
        }
    };
    let left = left.map(|words| Span::styled(words, theme.style(Role::Dim)));
    let left: Vec<Span<'static>> = left.into_iter().collect();
    Sheet {
        title: title("Quick commands", theme),
        head: head(form, theme, room),
        body,
        foot: spaced(foot(left, &keys, room, theme)),
        top,
        ..Sheet::default()
    }
}

/// The line, its text where it takes one, and what is wrong with it.
fn head(form: &QuickForm, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let row = |sign: &'static str, span| {
        let sign = Span::styled(sign, theme.style(Role::HintKey));
        Line::from(vec![sign, span])
    };
    let inside = room.saturating_sub(2);
    let typing = form.selected.is_none();
    let mut head = vec![row(
        "! ",
        input(&form.words, inside, typing && !form.at_text, theme),
    )];
    if form.takes_text() {
        let text = input(&form.text, inside, typing && form.at_text, theme);
        head.push(row("  ", text));
    }
    let fault = form.fault.as_ref().map(|fault| format!("✖ {fault}"));
    head.extend(
        fault
            .iter()
            .flat_map(|fault| prose(fault, Role::MessageBad, room, theme)),
    );
    head.push(Line::default());
    head
}

/// What is offered, under the name of its system; and the row of the selected one.
fn list(
    offers: &[&Offer],
    selected: Option<usize>,
    theme: &Theme,
    room: usize,
) -> (Vec<Line<'static>>, usize) {
    if offers.is_empty() {
        return (prose(NO_OFFER, Role::Dim, room, theme), 0);
    }
    let wide = offers.iter().map(|o| width(&o.what)).max().unwrap_or(0);
    let wide = wide.min(room / 2);
    let (mut rows, mut at, mut of) = (Vec::new(), 0, "");
    for (n, offer) in offers.iter().enumerate() {
        if offer.of != of {
            of = offer.of;
            rows.push(Line::styled(of, theme.style(Role::Title)));
        }
        if selected == Some(n) {
            at = rows.len();
        }
        rows.push(row(offer, selected == Some(n), wide, theme, room));
    }
    (rows, at)
}

/// `  pg-west: lag      lag = { of = "pg-west", under = "30s" }`; a step has `▲` before it.
fn row(offer: &Offer, selected: bool, wide: usize, theme: &Theme, room: usize) -> Line<'static> {
    let sign = if selected { "▶" } else { " " };
    let mark = if offer.looks { " " } else { "▲" };
    let what = clip(&offer.what, wide);
    let pad = wide - width(&what);
    // The beginning of a long query tells nothing.
    let space = room.saturating_sub(wide + 6);
    let whole = format!("{}: {}", offer.words, offer.text);
    let line = match offer.text.is_empty() || width(&whole) > space {
        true => offer.words.clone(),
        false => whole,
    };
    let (role, aside) = match selected {
        true => (Role::Selection, Role::Selection),
        false => (Role::Text, Role::Dim),
    };
    let line = clip(&line, space);
    let rest = space.saturating_sub(width(&line));
    Line::from(vec![
        Span::styled(format!("{sign} "), theme.style(role)),
        Span::styled(
            format!("{mark} "),
            theme.style(if selected { role } else { Role::Watch }),
        ),
        Span::styled(format!("{what}{:pad$}  ", ""), theme.style(role)),
        Span::styled(format!("{line}{:rest$}", ""), theme.style(aside)),
    ])
}

/// Verdicts with their sign; rows and bodies as they came.
fn answer(asked: &Asked, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let Some(answers) = &asked.answers else {
        return prose("asking…", Role::Dim, room, theme);
    };
    if answers.is_empty() {
        return prose("? there was no answer", Role::Unknown, room, theme);
    }
    let lines = answers.iter().flat_map(|(name, seen)| {
        let saw = seen.saw.as_str();
        match seen.holds == Holds::Yes && saw.contains('\n') {
            true => {
                let style = theme.style(Role::Code);
                let pieces = saw.lines().flat_map(|line| fold(line, room));
                pieces.map(|line| Line::styled(line, style)).collect()
            }
            false => verdict_lines(name, seen, room, theme),
        }
    });
    let noted = asked
        .noted
        .then(|| Line::styled("✔ noted in the timeline", theme.style(Role::Fine)));
    lines.chain(noted).collect()
}
