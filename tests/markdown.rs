//! Whatever a Markdown reader accepts opens: generated and mutated files, none of which may panic, be refused or lose its ids.
//!
//! `cargo bench --bench markdown` does the same a million times, and measures what large files cost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

#[path = "fixtures/markdown.rs"]
mod markdown;

use std::fs;
use std::path::Path;

/// The runbooks there are, and the plain documents.
fn real() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["runbooks", "tests/plain", "tests/broken"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

#[test]
fn no_file_panics_or_is_refused_that_a_reader_would_show() {
    let real = real();
    for seed in 0..3_000 {
        let text = markdown::file(&mut fastrand::Rng::with_seed(seed), &real);
        if let Err(why) = markdown::holds(&text).and_then(|()| markdown::drafts(&text)) {
            panic!("seed {seed}: {why}\n--- of\n{text:?}");
        }
    }
}

#[test]
fn what_is_nested_without_end_is_one_text() {
    for text in [
        ">".repeat(20_000) + " deep",
        "- ".repeat(5_000) + "deep",
        "* > ".repeat(5_000) + "deep",
        "[".repeat(20_000),
        "```sh\n".repeat(2_000),
        "| a ".repeat(5_000),
    ] {
        markdown::holds(&text).unwrap();
    }
}
