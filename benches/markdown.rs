//! What opening Markdown costs: large files of shapes that invite quadratic time, and a million small ones that nobody wrote.
//!
//! `cargo bench --bench markdown` measures, and fails when 10 MB take a second, when four times as much takes more than eight times
//! as long, or when one of `INPUTS` (1,000,000; another number behind `--`) breaks what must hold of any text. What an import leaves
//! to a person, because a mark of its own ends what the file leaves open, is counted, and is at most one draft in 10,000.

#[path = "../tests/fixtures/markdown.rs"]
mod markdown;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use warroom::incident::runbook::{Runbook, parse};

const MEGABYTE: usize = 1 << 20;
const INPUTS: u64 = 1_000_000;

/// A shape of which a file is made by repeating it.
const SHAPES: &[(&str, &str)] = &[
    (
        "steps",
        "## Restart the service\n\nIt is asked before it is ended.\n\n```sh\nsystemctl restart app # of the region\n```\n\n- [ ] It answers\n\n",
    ),
    (
        "boxes of one step",
        "- [ ] one more thing to look at, and to tick when it was seen\n",
    ),
    (
        "prose",
        "Somebody wrote a long runbook, *with* `marks`, [links](http://example.org/) and nothing to run.\n\n",
    ),
    (
        "fences of one step",
        "```bash\nkubectl get pods -n shop\n```\n\n",
    ),
    (
        "a table",
        "| what | who | when | how long it may take, by the book |\n",
    ),
    (
        "one script",
        "echo one more line of a script that has no end # comment\n",
    ),
    ("headings alike", "## Same\n\n"),
    ("a list in a list", "- a\n  - b\n    - c\n      1. d\n"),
    ("quotes", "> > > a quote in a quote\n\n"),
    ("open brackets", "[[[[ a ]( **_ `"),
];

fn main() -> ExitCode {
    // Every row is printed, whatever the one before it came to.
    let large: Vec<bool> = SHAPES
        .iter()
        .map(|(name, shape)| cost(name, shape))
        .collect();
    let inputs = std::env::args().find_map(|word| word.parse().ok());
    match any(inputs.unwrap_or(INPUTS)) && large.iter().all(|fine| *fine) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// How long a shape takes to open at 2.5 and at 10 MB, at best of three: what else the machine does is not the shape's.
fn cost(name: &str, shape: &str) -> bool {
    let head = if name == "one script" {
        "# T\n\n```sh\n"
    } else {
        "# T\n\n"
    };
    let timed = |bytes: usize| -> (Duration, usize) {
        let text = head.to_owned() + &shape.repeat(bytes / shape.len());
        let opened = || {
            let begun = Instant::now();
            let runbook = parse("large.md", &text, "large".into()).0;
            let took = begun.elapsed();
            (took, runbook.as_ref().map_or(0, steps))
        };
        [opened(), opened(), opened()]
            .into_iter()
            .min()
            .unwrap_or_default()
    };
    let (small, _) = timed(10 * MEGABYTE / 4);
    let (large, steps) = timed(10 * MEGABYTE);
    let linear = large < small * 8 || large < Duration::from_millis(200);
    let fine = linear && large < Duration::from_secs(1);
    let (small, large) = (small.as_millis(), large.as_millis());
    let mark = if fine { "" } else { "  TOO SLOW" };
    println!("{name:<20} {small:>5} ms of 2.5 MB  {large:>5} ms of 10 MB  {steps:>7} steps{mark}");
    fine
}

fn steps(runbook: &Runbook) -> usize {
    runbook.steps.len()
}

/// Whether what must hold of any text holds of so many.
fn any(inputs: u64) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["runbooks", "tests/plain", "tests/broken"].map(|folder| root.join(folder));
    let files = files
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let mut files: Vec<_> = files
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    let real: Vec<String> = files
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let [next, broken, left] = [const { AtomicU64::new(0) }; 3];
    let begun = Instant::now();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= inputs {
                        break;
                    }
                    let text = markdown::file(&mut fastrand::Rng::with_seed(seed), &real);
                    for (holds, count) in [
                        (markdown::holds(&text), &broken),
                        (markdown::drafts(&text), &left),
                    ] {
                        if let Err(why) = holds {
                            count.fetch_add(1, Ordering::Relaxed);
                            println!("seed {seed}: {why}\n--- of\n{text:?}");
                        }
                    }
                }
            });
        }
    });
    let (broken, left) = (broken.into_inner(), left.into_inner());
    println!(
        "{inputs} files that nobody wrote: {broken} broke something, {left} drafts leave something to a person, {} s",
        begun.elapsed().as_secs()
    );
    broken == 0 && left * 10_000 <= inputs
}
