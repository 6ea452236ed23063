//! A Markdown file as headings with what stands under each: prose, fences and list items, each at its place.
//!
//! Nothing is judged here; what a fence or an item means is decided where the steps are made.

use std::borrow::Cow;
use std::ops::Range;

use pulldown_cmark::{
    BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, OffsetIter, Options, Parser, Tag, TagEnd,
};

use super::prose::Inline;
use super::{Admonition, Block};

/// A heading with what stands between it and the next one.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// 1 to 6; 0 for what stands before the first heading.
    pub level: u8,
    /// The heading's text, its marks and its `{#id}` taken off.
    pub title: String,
    /// `{#id}`, when it has one.
    pub id: Option<String>,
    /// The heading's place.
    pub at: Range<usize>,
    /// What stands under it, before the next heading.
    pub content: Vec<Content>,
    /// There is a fence in it.
    fenced: bool,
}

impl Section {
    /// Whether one of its fences, those in its items too, is of a kind.
    pub(super) fn holds(&self, kind: fn(&Fence) -> bool) -> bool {
        fn any(content: &[Content], kind: fn(&Fence) -> bool) -> bool {
            content.iter().any(|content| match content {
                Content::Fence(fence) => kind(fence),
                Content::Item(item) => any(&item.content, kind),
                Content::Prose(_) => false,
            })
        }
        self.fenced && any(&self.content, kind)
    }
}

/// One block of a section.
#[derive(Debug)]
pub(super) enum Content {
    /// To be shown.
    Prose(Block),
    /// Code between fences.
    Fence(Fence),
    /// An item of a list.
    Item(Item),
}

/// Code between fences.
#[derive(Debug)]
pub(super) struct Fence {
    /// What stands behind the opening fence, as written.
    pub info: String,
    /// The place of `info`.
    pub info_at: Range<usize>,
    /// The code, its indentation by a list taken off.
    pub text: String,
    /// The code's place; indentation by a list is inside.
    pub at: Range<usize>,
    /// It stands in a quote.
    pub quoted: bool,
    /// Its closing fence is there.
    pub closed: bool,
}

/// An item of a list.
#[derive(Debug)]
pub(super) struct Item {
    /// What stands in front of it.
    pub mark: Mark,
    /// How deep its list is nested, from 0.
    pub depth: usize,
    /// Its own text.
    pub text: String,
    /// Its place.
    pub at: Range<usize>,
    /// What it holds beside its text.
    pub content: Vec<Content>,
}

/// What stands in front of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// `-`
    Bullet,
    /// `1.`
    Number(u64),
    /// `- [ ]`
    Box,
}

/// The sections of a file in its order; the first holds what stands before the first heading.
pub(super) fn outline(text: &str) -> Vec<Section> {
    let text = &bare(text);
    let mut walker = Walker {
        text,
        events: events(text, Options::empty()),
        fenced: false,
    };
    let mut sections = vec![Section::default()];
    while let Some((event, at)) = walker.events.next() {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            sections.push(walker.heading(level, at));
        } else if let Some(section) = sections.last_mut() {
            walker.block(event, at, &Within::default(), &mut section.content);
            section.fenced |= std::mem::take(&mut walker.fenced);
        }
    }
    sections
}

fn events(text: &str, more: Options) -> OffsetIter<'_> {
    // Heading attributes stay off: `{prod}` is text here, and `{#id}` is read below.
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    Parser::new_ext(text, options | more).into_offset_iter()
}

/// The text without its byte order mark, which would hide the first heading, and without its front matter. As many spaces keep
/// every byte at its place.
fn bare(text: &str) -> Cow<'_, str> {
    let mark = text.len() - text.trim_start_matches('\u{feff}').len();
    let end = mark + front_matter(&text[mark..]);
    if end == 0 {
        return Cow::Borrowed(text);
    }
    let blank = |byte: u8| match byte {
        b'\n' | b'\r' => char::from(byte),
        _ => ' ',
    };
    let mut bare: String = text[..end].bytes().map(blank).collect();
    bare.push_str(&text[end..]);
    Cow::Owned(bare)
}

/// Where the line behind the front matter begins; 0 without one. Only a file's first line opens it: to the parser any `---` does
/// that has text below it, and what stood up to the next one would be lost.
pub(super) fn front_matter(text: &str) -> usize {
    if !text.starts_with("---") && !text.starts_with("+++") {
        return 0;
    }
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let Some((Event::Start(Tag::MetadataBlock(_)), at)) = events(text, options).next() else {
        return 0;
    };
    let end = at.end.min(text.len());
    let open = !text[..end].ends_with('\n');
    let rest = text[end..].find('\n').map_or(text.len(), |n| end + n + 1);
    if open { rest } else { end }
}

/// How deep quotes and lists may stand in each other: what is deeper is one text, or a file of `>` would end the program.
const DEEPEST: usize = 32;

/// Where a block stands.
#[derive(Debug, Clone, Copy, Default)]
struct Within {
    quoted: bool,
    /// How many lists it stands in.
    depth: usize,
    /// How many quotes and lists it stands in.
    nested: usize,
}

struct Walker<'a> {
    text: &'a str,
    events: OffsetIter<'a>,
    /// A fence was met.
    fenced: bool,
}

impl<'a> Walker<'a> {
    fn heading(&mut self, level: HeadingLevel, at: Range<usize>) -> Section {
        let text = self.inline(|tag| matches!(tag, TagEnd::Heading(_))).text();
        let (title, id) = split_id(text);
        Section {
            level: level as u8,
            title,
            id,
            at,
            content: Vec::new(),
            fenced: false,
        }
    }

    /// Inline events up to the end of the block they stand in.
    fn inline(&mut self, ends: impl Fn(TagEnd) -> bool) -> Inline {
        let mut inline = Inline::default();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::End(tag) if ends(tag) => break,
                event => inline.push(event),
            }
        }
        inline
    }

    /// Everything up to the end of the block that has just begun, as one text.
    fn flat(&mut self) -> String {
        let mut inline = Inline::default();
        let mut open = 1_usize;
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
            inline.push(event);
        }
        inline.text()
    }

    fn block(
        &mut self,
        event: Event<'a>,
        at: Range<usize>,
        within: &Within,
        out: &mut Vec<Content>,
    ) {
        match event {
            Event::Start(Tag::BlockQuote(_) | Tag::List(_)) if within.nested >= DEEPEST => {
                let text = self.flat();
                out.push(Content::Prose(Block::Text(text)));
            }
            Event::Start(Tag::Paragraph) => {
                let text = self.inline(|tag| tag == TagEnd::Paragraph).text();
                out.push(Content::Prose(Block::Text(text)));
            }
            // Only in a quote or an item: headings of sections are met by `outline`.
            Event::Start(Tag::Heading { .. }) => {
                let text = self.inline(|tag| matches!(tag, TagEnd::Heading(_))).text();
                out.push(Content::Prose(Block::Text(text)));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let fenced = matches!(kind, CodeBlockKind::Fenced(_));
                out.push(self.code(at, fenced, within.quoted));
            }
            Event::Start(Tag::BlockQuote(kind)) => self.quote(kind, within, out),
            Event::Start(Tag::List(first)) => self.list(first, within, out),
            Event::Start(Tag::Table(_)) => self.table(out),
            Event::Start(Tag::HtmlBlock) => {
                let text = self.inline(|tag| tag == TagEnd::HtmlBlock).text();
                if !text.is_empty() {
                    out.push(Content::Prose(Block::Text(text)));
                }
            }
            _ => {}
        }
    }

    fn code(&mut self, block: Range<usize>, fenced: bool, quoted: bool) -> Content {
        let mut text = String::new();
        let mut at: Option<Range<usize>> = None;
        for (event, range) in self.events.by_ref() {
            match event {
                Event::End(TagEnd::CodeBlock) => break,
                Event::Text(part) => {
                    text.push_str(&part);
                    at = Some(at.map_or(range.start, |at| at.start)..range.end);
                }
                _ => {}
            }
        }
        let text = newlines(text);
        if !fenced {
            return Content::Prose(Block::Code(String::new(), text));
        }
        self.fenced = true;
        let whole = &self.text[block.clone()];
        // A carriage return alone ends a line, too.
        let opening = whole.split(['\n', '\r']).next().unwrap_or_default();
        let bare = opening.trim_start().trim_start_matches(['`', '~']);
        let info_at = block.start + opening.len() - bare.trim_start().len();
        let info = bare.trim().to_owned();
        let after = (block.start + opening.len()).min(block.end);
        Content::Fence(Fence {
            info_at: info_at..info_at + info.len(),
            info,
            text,
            at: at.unwrap_or(after..after),
            quoted,
            closed: closed(whole),
        })
    }

    fn quote(&mut self, kind: Option<BlockQuoteKind>, within: &Within, out: &mut Vec<Content>) {
        let mut inner = Vec::new();
        let within = Within {
            quoted: true,
            nested: within.nested + 1,
            ..*within
        };
        while let Some((event, at)) = self.events.next() {
            match event {
                Event::End(TagEnd::BlockQuote(_)) => break,
                event => self.block(event, at, &within, &mut inner),
            }
        }
        let (texts, others): (Vec<Content>, Vec<Content>) = inner
            .into_iter()
            .partition(|c| matches!(c, Content::Prose(Block::Text(_)) | Content::Item(_)));
        let lines: Vec<String> = texts.iter().flat_map(lines).collect();
        let text = lines.join("\n");
        out.push(Content::Prose(match kind.map(admonition) {
            Some(kind) => Block::Admonition(kind, text),
            None => Block::Quote(text),
        }));
        out.extend(others);
    }

    fn list(&mut self, first: Option<u64>, within: &Within, out: &mut Vec<Content>) {
        let mut number = first;
        while let Some((event, at)) = self.events.next() {
            match event {
                Event::End(TagEnd::List(_)) => break,
                Event::Start(Tag::Item) => {
                    let mark = number.map_or(Mark::Bullet, Mark::Number);
                    // Most items hold one thing or none, and room for four is as large as a page of text.
                    if out.is_empty() {
                        out.reserve_exact(1);
                    }
                    out.push(Content::Item(self.item(mark, at, within)));
                    number = number.map(|n| n.saturating_add(1));
                }
                _ => {}
            }
        }
    }

    fn item(&mut self, mark: Mark, at: Range<usize>, within: &Within) -> Item {
        let mut own = Inline::default();
        let mut content = Vec::new();
        let deeper = Within {
            depth: within.depth + 1,
            nested: within.nested + 1,
            ..*within
        };
        while let Some((event, at)) = self.events.next() {
            match event {
                Event::End(TagEnd::Item) => break,
                Event::Start(Tag::Paragraph) if content.is_empty() => {
                    own.line();
                    let paragraph = self.inline(|tag| tag == TagEnd::Paragraph);
                    own.join(&paragraph);
                }
                Event::Start(
                    Tag::Paragraph
                    | Tag::Heading { .. }
                    | Tag::CodeBlock(_)
                    | Tag::BlockQuote(_)
                    | Tag::List(_)
                    | Tag::Table(_)
                    | Tag::HtmlBlock,
                ) => self.block(event, at, &deeper, &mut content),
                event => own.push(event),
            }
        }
        Item {
            mark: if own.ticked { Mark::Box } else { mark },
            depth: within.depth,
            text: own.text(),
            at,
            content,
        }
    }

    fn table(&mut self, out: &mut Vec<Content>) {
        let (mut row, mut cell) = (Vec::new(), Inline::default());
        for (event, _) in self.events.by_ref() {
            match event {
                Event::End(TagEnd::Table) => break,
                Event::End(TagEnd::TableCell) => row.push(std::mem::take(&mut cell).text()),
                Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                    out.push(Content::Prose(Block::Row(std::mem::take(&mut row))));
                }
                event => cell.push(event),
            }
        }
    }
}

/// A heading's text without its `{#id}`, and the id.
fn split_id(mut text: String) -> (String, Option<String>) {
    let is_id = |id: &str| {
        let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !id.is_empty() && id.chars().all(right)
    };
    let found = text
        .strip_suffix('}')
        .and_then(|bare| bare.rsplit_once("{#"));
    let Some((title, id)) = found.filter(|(_, id)| is_id(id)) else {
        return (text, None);
    };
    let (end, id) = (title.trim_end().len(), id.to_owned());
    text.truncate(end);
    (text, Some(id))
}

/// Whether a fenced block ends with a closing fence; without one the rest of the file would be code.
fn closed(block: &str) -> bool {
    let fence: String = block
        .chars()
        .take_while(|c| matches!(c, '`' | '~'))
        .collect();
    let last = block.trim_end().lines().skip(1).last().unwrap_or_default();
    let last = last.trim_start_matches([' ', '\t', '>']);
    last.starts_with(&fence) && last.chars().all(|c| fence.starts_with(c))
}

/// Every way to end a line that Markdown knows, as the one that a shell reads: to it a carriage return is part of the last word.
pub(super) fn newlines(text: String) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text,
    }
}

fn admonition(kind: BlockQuoteKind) -> Admonition {
    match kind {
        BlockQuoteKind::Note => Admonition::Note,
        BlockQuoteKind::Tip => Admonition::Tip,
        BlockQuoteKind::Important => Admonition::Important,
        BlockQuoteKind::Warning => Admonition::Warning,
        BlockQuoteKind::Caution => Admonition::Caution,
    }
}

/// Text and items of a quote as lines.
fn lines(content: &Content) -> Vec<String> {
    match content {
        Content::Prose(Block::Text(text)) => vec![text.clone()],
        Content::Item(item) => {
            let indent = "  ".repeat(item.depth);
            let own = format!("{indent}{}{}", item.mark.prefix("- "), item.text);
            let inner = item.content.iter().flat_map(lines);
            std::iter::once(own).chain(inner).collect()
        }
        Content::Prose(_) | Content::Fence(_) => Vec::new(),
    }
}

impl Mark {
    /// The mark as it is shown in front of a text; `bullet` for a bulleted one.
    pub(super) fn prefix(self, bullet: &str) -> String {
        match self {
            Mark::Bullet => bullet.to_owned(),
            Mark::Number(n) => format!("{n}. "),
            Mark::Box => "[ ] ".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
