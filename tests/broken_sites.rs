//! A folder of broken site files, each with all its faults, word for word: `tests/broken/NAME.toml` and
//! `tests/broken/NAME.toml.faults`. Set `BLESS=1` to write what is found, and read the difference.

#![allow(clippy::unwrap_used, reason = "a test that can't read its files fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use warroom::incident::fault::Weight;
use warroom::incident::sitefile;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken")
}

fn broken() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    found.sort();
    found
}

#[test]
fn every_broken_site_names_all_its_faults() {
    let files = broken();
    assert!(files.len() >= 14, "{} files", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (site, faults) = sitefile::parse(name, &text, Path::new("/etc/warroom"));
        let found: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        let usable = faults.iter().all(|fault| fault.weight == Weight::Warning);
        assert_eq!(site.is_some(), usable, "{name}");
        let beside = path.with_extension("toml.faults");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&beside, &found).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap();
        assert!(!expected.is_empty(), "{name} has no fault");
        if found != expected {
            wrong.push(format!("{name}: found\n{found}expected\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_fault_repeats_a_secret() {
    for path in broken() {
        let text = fs::read_to_string(&path).unwrap();
        let (_, faults) = sitefile::parse("x", &text, Path::new("/"));
        assert!(
            !format!("{faults:?}").contains("hunter2"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_site_file_of_the_lab_has_no_fault() {
    let script = "import sys; sys.path.insert(0, sys.argv[1]); import core, sitefile; from types import SimpleNamespace as N\n\
                  ports = {name: 15000 + n for n, name in enumerate(core.SERVICES)}\n\
                  print(sitefile.text(N(dir='/lab', ports=ports)), end='')";
    let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab");
    let output = Command::new("python3")
        .args(["-B", "-c", script])
        .arg(lab)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let (site, faults) = sitefile::parse("site.toml", &text, Path::new("/lab"));
    assert_eq!(faults, []);
    let site = site.unwrap();
    assert_eq!(
        (site.targets.len(), site.links.len(), site.backups.len()),
        (8, 2, 2)
    );
    assert_eq!(
        (
            site.severities.len(),
            site.ladder.len(),
            site.contacts.len()
        ),
        (4, 17, 5)
    );
    let of_category: Vec<&str> = site
        .ladder
        .iter()
        .filter(|rung| !rung.categories.is_empty())
        .map(|rung| rung.key.as_str())
        .collect();
    assert_eq!(of_category, ["security-team@0m"]);
}
