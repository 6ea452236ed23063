//! The site a scenario is played on: a built-in one by name, or a site file of its own within the scenario.

use std::path::Path;

use crate::incident::fault::{Fault, nearest};
use crate::incident::site::{Endpoint, Site};
use crate::incident::sitefile;
use crate::incident::strict::{Reader, Table};

use super::super::{Wiring, built_in};

/// The site, and what usually hangs together there.
pub(super) struct Played {
    /// None when its text has faults.
    pub site: Option<Site>,
    /// Its text.
    pub text: String,
    /// Its usual wiring; empty where the scenario brings its own site.
    pub usual: Wiring,
}

/// What a scenario writes to say where it is played.
const EXAMPLE: &str = "add site = \"harbour\", or site_text = ''' with a site file in it";

/// Reads `site` or `site_text`.
pub(super) fn read(reader: &mut Reader<'_>, table: &mut Table) -> Option<Played> {
    let named_at = table.key_at("site");
    let named = table.text_at(reader, "site");
    let own = table.take("site_text");
    match (named, own) {
        (Some((at, name)), None) => match built_in::site(&name) {
            Some((text, usual)) => Some(Played {
                site: parse(&format!("{name}.toml"), text).0,
                text: text.to_owned(),
                usual,
            }),
            None => {
                let names = || built_in::SITES.iter().map(|(name, _, _)| *name);
                let instead = match nearest(&name, names()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known: {}", names().collect::<Vec<_>>().join(", ")),
                };
                reader.fault(&at, format!("no built-in site {name:?}"), instead);
                None
            }
        },
        (None, Some(item)) => {
            let Some(text) = super::text_of(&item.value) else {
                reader.fault(&item.at, "site_text is no text", EXAMPLE);
                return None;
            };
            let (site, faults) = parse(reader.source.file, text);
            let (line, _) = reader.source.place(item.at.start);
            // A text that begins with its quotes' line break does not have it.
            let written = reader.source.text.get(item.at.clone()).unwrap_or_default();
            let opened = written.trim_start_matches(['\'', '"']);
            let begins = line + usize::from(opened.starts_with(['\n', '\r']));
            reader.faults.extend(faults.into_iter().map(|fault| Fault {
                line: fault.line + begins - 1,
                ..fault
            }));
            let looked_at = site.iter().flat_map(|site| &site.targets).find(|target| {
                let endpoint = &target.endpoint;
                matches!(
                    endpoint,
                    Endpoint::Check(_) | Endpoint::Store(_) | Endpoint::Managed(_)
                )
            });
            if let Some(target) = looked_at {
                let what = format!(
                    "{}: {} can't be simulated",
                    target.id,
                    target.endpoint.system()
                );
                reader.fault(&item.at, what, "leave it out of the simulated site");
            }
            Some(Played {
                site,
                text: text.to_owned(),
                usual: Wiring::default(),
            })
        }
        (Some(_), Some(_)) => {
            let what = "the scenario has both site and site_text";
            reader.fault(&named_at, what, "keep one of them");
            None
        }
        (None, None) => {
            reader.fault(&table.at, "the scenario has no site", EXAMPLE);
            None
        }
    }
}

/// Reads a simulated site's text; it has no folder.
pub(in super::super) fn parse(file: &str, text: &str) -> (Option<Site>, Vec<Fault>) {
    sitefile::parse(file, text, Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::fault::Source;

    #[test]
    fn what_is_only_looked_at_can_not_be_simulated() {
        let text = "site_text = '''\nname = \"x\"\n[targets.port]\nsystem = \"tcp\"\nhost = \"h\"\nport = 1\n'''\n";
        let mut reader = Reader::new(Source::new("s.toml", text));
        let mut table = reader.parse(0..text.len(), "the scenario");
        assert!(read(&mut reader, &mut table).is_some());
        let said: Vec<String> = reader.faults.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("port: tcp can't be simulated"), "{said:?}");
    }
}
