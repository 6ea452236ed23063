//! `[[severities]]`, `[[ladder]]` and `[[contacts]]`: how bad it is, who is told by when, who is who.

use std::ops::Range;
use std::time::Duration;

use super::super::names::SeverityId;
use super::super::site::{Contact, Rung, RungFrom, Severity};
use super::super::strict::{Reader, Table};
use super::defaults;
use super::fields::{self, required, text};

/// More often than this nobody can be told.
const SHORTEST_EVERY: Duration = Duration::from_secs(60);

/// The severities; the default scheme when the site gives none.
pub(super) fn severities(reader: &mut Reader<'_>, site: &mut Table) -> Vec<Severity> {
    let mut found: Vec<Severity> = Vec::new();
    for mut table in site.tables(reader, "severities", "severity") {
        let id = table.text_at(reader, "id");
        if let Some((at, id)) = &id {
            table.name = format!("severity {id}");
            fields::name(reader, at, "severity", id);
            if found.iter().any(|severity| severity.id.as_str() == id) {
                reader.fault(at, format!("severity {id} stands twice"), "take one out");
            }
        } else {
            table.missing(reader, "id", "id = \"SEV-1\"");
        }
        let title = required(
            reader,
            &mut table,
            "title",
            "title = \"Critical: complete outage\"",
        );
        let response = table.span(reader, "response");
        let rto = table.span(reader, "rto");
        table.finish(reader);
        if let (Some((_, id)), Some(title)) = (id, title) {
            found.push(Severity {
                id: SeverityId(id),
                title,
                response,
                rto,
            });
        }
    }
    match found.is_empty() {
        true => defaults::severities(),
        false => found,
    }
}

/// The ladder; the default one, on the site's severities, when the site gives none. An empty list is no ladder.
pub(super) fn rungs(
    reader: &mut Reader<'_>,
    site: &mut Table,
    severities: &[Severity],
    categories: &[String],
) -> Vec<Rung> {
    if !site.has("ladder") {
        site.take("ladder");
        return defaults::ladder(severities);
    }
    let mut found = Vec::new();
    for table in site.tables(reader, "ladder", "rung") {
        let at = table.at.clone();
        found.extend(rung(reader, table, severities, categories).map(|rung| (at, rung)));
    }
    let keys: Vec<Option<String>> = found
        .iter()
        .map(|(_, rung)| own_key(rung, &found))
        .collect();
    for ((at, rung), key) in found.iter_mut().zip(keys) {
        match key {
            Some(key) => rung.key = key,
            None => {
                let what = format!("rung {} stands twice", rung.key);
                reader.fault(at, what, "take one out");
            }
        }
    }
    found.into_iter().map(|(_, rung)| rung).collect()
}

fn rung(
    reader: &mut Reader<'_>,
    mut table: Table,
    severities: &[Severity],
    categories: &[String],
) -> Option<Rung> {
    let who = required(reader, &mut table, "who", "who = \"Engineering lead\"");
    if let Some(who) = &who {
        table.name = format!("rung of {who}");
    }
    if !table.has("after") {
        table.missing(reader, "after", "after = \"15m\"");
    }
    let after = table.span(reader, "after");
    let froms = [
        ("detection", RungFrom::Detection),
        ("declaration", RungFrom::Declaration),
        ("resolution", RungFrom::Resolution),
    ];
    let from = table
        .choice(reader, "from", &froms)
        .unwrap_or(RungFrom::Declaration);
    let what = required(reader, &mut table, "what", "what = \"notify\"");
    let channel = text(reader, &mut table, "channel");
    let at = table.at.clone();
    let every = table.span(reader, "every");
    if every.is_some_and(|every| every < SHORTEST_EVERY) {
        reader.fault(
            &at,
            format!("{} comes again in less than a minute", table.name),
            "write every = \"30m\"",
        );
    }
    let of_severity = known(
        reader,
        &mut table,
        "severities",
        "severity",
        severities.iter().map(|s| s.id.as_str()),
    );
    let of_category = known(
        reader,
        &mut table,
        "categories",
        "category",
        categories.iter().map(String::as_str),
    );
    table.finish(reader);
    let (who, after) = (who?, after?);
    Some(Rung {
        key: key(&who, after),
        after,
        from,
        severities: of_severity.into_iter().map(SeverityId).collect(),
        categories: of_category,
        what: what?,
        who,
        channel,
        every,
    })
}

/// Texts that must each be one of `names`.
fn known<'n>(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    kind: &str,
    names: impl Iterator<Item = &'n str>,
) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    let texts = table.texts(reader, key);
    for (at, text) in &texts {
        if !names.contains(&text.as_str()) {
            fields::unknown(reader, at, &table.name, kind, text, names.iter().copied());
        }
    }
    texts.into_iter().map(|(_, text)| text).collect()
}

/// The shortest key of a rung that no other one has: who and when, else what too, else for whom it holds, and so on.
/// Acknowledgements are kept under it, so it is made of words and not of the order in the file. None when another rung
/// says the same.
fn own_key(rung: &Rung, all: &[(Range<usize>, Rung)]) -> Option<String> {
    (1..=6)
        .map(|parts| (parts, long_key(rung, parts)))
        .find(|(parts, key)| {
            all.iter()
                .filter(|(_, other)| long_key(other, *parts) == *key)
                .count()
                == 1
        })
        .map(|(_, key)| key)
}

/// The key of a rung made of the first `parts` of what it says.
fn long_key(rung: &Rung, parts: usize) -> String {
    let severities: Vec<&str> = rung.severities.iter().map(SeverityId::as_str).collect();
    let all = [
        key(&rung.who, rung.after),
        slug(&rung.what),
        slug(&severities.join(" ")),
        slug(&rung.categories.join(" ")),
        slug(rung.channel.as_deref().unwrap_or_default()),
        format!("{:?}", rung.from).to_lowercase(),
    ];
    let said = all.into_iter().take(parts).filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(".")
}

/// `engineering-lead@15m`.
pub(super) fn key(who: &str, after: Duration) -> String {
    let seconds = after.as_secs();
    let when = match seconds {
        s if s % 3_600 == 0 && s > 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    };
    format!("{}@{when}", slug(who))
}

fn slug(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// Who is who.
pub(super) fn contacts(reader: &mut Reader<'_>, site: &mut Table) -> Vec<Contact> {
    let mut found: Vec<Contact> = Vec::new();
    for mut table in site.tables(reader, "contacts", "contact") {
        let role = required(reader, &mut table, "role", "role = \"Engineering lead\"");
        let name = text(reader, &mut table, "name");
        let reach = text(reader, &mut table, "reach");
        let at = table.at.clone();
        table.finish(reader);
        let Some(role) = role else {
            continue;
        };
        let contact = Contact { role, name, reach };
        if found.contains(&contact) {
            reader.fault(
                &at,
                format!("contact {} stands twice", contact.role),
                "take one out",
            );
        }
        found.push(contact);
    }
    found
}
