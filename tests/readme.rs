//! The README shows what is there: its pictures are the golden screens. `WARROOM_BLESS=1` puts them in anew.

use std::fs;
use std::path::Path;

/// Stands before a picture: `<!-- screen: tests/screens/NAME.txt -->`.
const MARK: &str = "<!-- screen: ";

#[test]
fn its_pictures_are_the_golden_screens() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let mut wanted = String::new();
    let mut pictures = 0;
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        wanted.push_str(line);
        wanted.push('\n');
        let Some(file) = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_suffix(" -->"))
        else {
            continue;
        };
        pictures += 1;
        let screen = fs::read_to_string(root.join(file)).unwrap();
        assert_eq!(
            lines.next(),
            Some("```text"),
            "a picture of {file} is a text fence"
        );
        wanted.push_str(&format!("```text\n{}\n```\n", screen.trim_end()));
        lines.by_ref().find(|line| *line == "```").unwrap();
    }
    assert!(pictures > 0, "the README shows no screen");
    if std::env::var_os("WARROOM_BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
}
