//! Inline Markdown as plain text: marks are taken off, a link keeps its address.

use pulldown_cmark::{Event, Tag, TagEnd};

/// The text of a paragraph, a heading, a cell or an item while it is read.
#[derive(Debug, Default)]
pub(super) struct Inline {
    text: String,
    /// Where each open link's text began, and its address.
    links: Vec<(usize, String)>,
    /// A check box was met.
    pub ticked: bool,
}

impl Inline {
    /// Takes one more inline event.
    pub(super) fn push(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.text.push_str(&text),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(_) => self.ticked = true,
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.links.push((self.text.len(), dest_url.into_string()));
            }
            Event::End(TagEnd::Link) => self.end_link(),
            _ => {}
        }
    }

    /// Begins a new line, unless it is the first.
    pub(super) fn line(&mut self) {
        if !self.text.trim().is_empty() {
            self.text.push('\n');
        }
    }

    /// Appends another's text, and its check box.
    pub(super) fn join(&mut self, other: &Inline) {
        self.text.push_str(&other.text);
        self.ticked |= other.ticked;
    }

    /// The text, without space around it.
    pub(super) fn text(self) -> String {
        let mut text = self.text;
        text.truncate(text.trim_end().len());
        text.drain(..text.len() - text.trim_start().len());
        text
    }

    /// Markup that is not a comment is shown as it is written.
    fn html(&mut self, html: &str) {
        let mut rest = html;
        while let Some(start) = rest.find("<!--") {
            self.text.push_str(&rest[..start]);
            rest = rest[start..]
                .find("-->")
                .map_or("", |end| &rest[start + end + 3..]);
        }
        self.text.push_str(rest);
    }

    /// On paper and on a screen a link is worth nothing without its address.
    fn end_link(&mut self) {
        let Some((start, address)) = self.links.pop() else {
            return;
        };
        let shown = &self.text[start..];
        let mail = address.strip_prefix("mailto:").unwrap_or(&address);
        if !address.is_empty() && shown != mail && !address.starts_with('#') {
            self.text.push_str(&format!(" ({address})"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_off_and_links_keep_their_address() {
        let table = [
            ("a **b** `c` ~~d~~", "a b c ~~d~~"),
            ("see [the wiki](https://w/x)", "see the wiki (https://w/x)"),
            ("<https://w/x> [p](#p)", "https://w/x p"),
            ("one\ntwo\\\nthree", "one two\nthree"),
            ("a <!-- b --> c <kbd>d</kbd>", "a  c <kbd>d</kbd>"),
            ("![a chart](x.png)", "a chart"),
        ];
        for (markdown, text) in table {
            let mut inline = Inline::default();
            pulldown_cmark::Parser::new(markdown).for_each(|event| inline.push(event));
            assert_eq!(inline.text(), text);
        }
    }
}
