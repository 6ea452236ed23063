//! Every key is read or reported, at its place.

use super::*;

#[test]
fn every_fault_of_a_table_is_found_at_its_place() {
    let text = "# card\ndanger = \"one-wya\"\nestimate = 3\nconfrim = \"X\"\ntimeout = \"soon\"\n";
    let mut reader = Reader::new(Source::new("a.md", text));
    let mut card = reader.parse(0..text.len(), "step card");
    let danger = card.choice(&mut reader, "danger", &[("none", 0), ("one-way", 3)]);
    let estimate = card.span(&mut reader, "estimate");
    let timeout = card.span(&mut reader, "timeout");
    let confirm = card.text(&mut reader, "confirm");
    card.finish(&mut reader);
    assert_eq!(
        (danger, estimate, timeout, confirm),
        (None, None, None, None)
    );
    let faults: Vec<String> = reader.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "a.md:2:10: danger is \"one-wya\" — write one of none, one-way",
            "a.md:3:12: estimate is an integer — write text in quotes",
            "a.md:5:11: timeout: \"soon\" is not a duration such as 30s, 5m, 1h30m or 90d",
            "a.md:4:1: step card has no key \"confrim\" — did you mean confirm?",
        ]
    );
}

#[test]
fn syntax_faults_keep_what_could_be_read_and_places_count_from_the_file() {
    let text = "# Title\n\nname = \nother = \"x\"\n";
    let mut reader = Reader::new(Source::new("s.toml", text));
    let mut table = reader.parse(9..text.len(), "site");
    assert_eq!(table.text(&mut reader, "other").as_deref(), Some("x"));
    assert_eq!((reader.faults[0].line, reader.faults.len()), (3, 1));
}

#[test]
fn named_tables_keep_the_order_of_the_file() {
    let text = "[regions.west]\n[regions.east]\n";
    let mut reader = Reader::new(Source::new("s.toml", text));
    let mut table = reader.parse(0..text.len(), "site");
    let names: Vec<String> = table
        .named(&mut reader, "regions", "region")
        .into_iter()
        .map(|(_, n, _)| n)
        .collect();
    assert_eq!(names, ["west", "east"]);
}
