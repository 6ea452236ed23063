//! A site of a thousand targets on ten hosts, of which two hundred take connections and never answer: how often a living one
//! is really read, as its server sees it, and what the console costs meanwhile.
//!
//! `cargo bench --bench thousand` takes a minute, and fails when a living target was left alone for longer than two
//! intervals.

#[path = "../tests/common/pty.rs"]
#[allow(dead_code)]
mod pty;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const HOSTS: usize = 10;
const LIVING: usize = 80;
const HANGING: usize = 20;
const INTERVAL: Duration = Duration::from_secs(5);
const SPAN: Duration = Duration::from_secs(60);

/// What the servers saw.
#[derive(Default)]
struct Seen {
    /// When each living target was read, by path.
    reads: Mutex<BTreeMap<String, Vec<Instant>>>,
    connections: AtomicUsize,
    hung: AtomicUsize,
}

impl Seen {
    fn note(&self, path: String) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        reads.entry(path).or_default().push(Instant::now());
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let seen = Arc::new(Seen::default());
    let site = runtime.block_on(serve(&seen));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.toml");
    fs::write(&path, site).unwrap();

    let home = folder.path().join("home");
    let begun = Instant::now();
    let mut console = pty::Console::start(&home, 120, 36, &["--site", path.to_str().unwrap()]);
    console.wait_for("thousand");
    let painted = begun.elapsed();
    std::thread::sleep(SPAN.saturating_sub(begun.elapsed()));
    let (cpu, memory) = cost(console.pid());
    let (reads, worst) = gaps(&seen, begun);
    let keys = keys(&mut console);
    console.signal("TERM");

    let all = HOSTS * LIVING;
    println!(
        "targets             {} of which {} hang",
        all + HOSTS * HANGING,
        HOSTS * HANGING
    );
    println!("first paint         {} ms", painted.as_millis());
    println!("living, read        {reads} times in {} s", SPAN.as_secs());
    println!(
        "living, longest gap {:.2} s of an interval of {} s",
        worst.as_secs_f64(),
        INTERVAL.as_secs()
    );
    println!(
        "connections         {}",
        seen.connections.load(Ordering::SeqCst)
    );
    println!(
        "hanging, tried      {} times",
        seen.hung.load(Ordering::SeqCst)
    );
    println!(
        "CPU                 {:.1} % of one core",
        100.0 * cpu / SPAN.as_secs_f64()
    );
    println!("memory, at most     {} MB", memory / 1024);
    println!(
        "key to screen       {:.1} ms, at most {:.1} ms",
        keys.0, keys.1
    );
    match worst <= INTERVAL * 2 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Starts the servers, each a host of its own, and writes the site file of their targets.
async fn serve(seen: &Arc<Seen>) -> String {
    let mut site = String::from("name = \"thousand\"\n");
    for host in 0..HOSTS {
        let address = format!("127.0.0.{}:0", host + 1);
        let living = TcpListener::bind(&address).await.unwrap();
        let hanging = TcpListener::bind(&address).await.unwrap();
        for (kind, count, at) in [("live", LIVING, &living), ("hang", HANGING, &hanging)] {
            let at = at.local_addr().unwrap();
            for n in 0..count {
                let _ = write!(
                    site,
                    "[targets.{kind}-{host}-{n}]\nsystem = \"http\"\nurl = \"http://{at}/{host}/{n}\"\ninterval = \"{}s\"\ntimeout = \"3s\"\n",
                    INTERVAL.as_secs()
                );
            }
        }
        let to = Arc::clone(seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = living.accept().await {
                to.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, Arc::clone(&to)));
            }
        });
        let to = Arc::clone(seen);
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = hanging.accept().await {
                to.hung.fetch_add(1, Ordering::SeqCst);
                held.push(stream);
            }
        });
    }
    site
}

/// Answers every request on a connection, and notes when it came.
async fn answer(mut stream: TcpStream, seen: Arc<Seen>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        if !buffer.ends_with(b"\r\n\r\n") {
            continue;
        }
        let head = String::from_utf8_lossy(&buffer);
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.note(path);
        buffer.clear();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await?;
    }
}

/// How many reads there were, and the longest that a living target was left alone, from the start to now.
fn gaps(seen: &Seen, begun: Instant) -> (usize, Duration) {
    let reads = seen.reads.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(reads.len(), HOSTS * LIVING, "every living target is read");
    let worst = reads.values().map(|times| {
        let all = [&[begun], times.as_slice(), &[Instant::now()]].concat();
        all.windows(2)
            .map(|two| two[1] - two[0])
            .max()
            .unwrap_or_default()
    });
    (
        reads.values().map(Vec::len).sum(),
        worst.max().unwrap_or_default(),
    )
}

/// Seconds of CPU a process has used, and the most memory it has held, in KB.
fn cost(pid: u32) -> (f64, usize) {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.rsplit_once(')').unwrap().1;
    let ticks = |n: usize| {
        after
            .split_whitespace()
            .nth(n)
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let memory = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    // A tick is a hundredth of a second on every Linux that Rust runs on.
    ((ticks(11) + ticks(12)) / 100.0, memory)
}

/// Milliseconds from a key to what it shows: the median and the most of forty.
fn keys(console: &mut pty::Console) -> (f64, f64) {
    let mut spans: Vec<f64> = (0..20)
        .flat_map(|_| ["?", "\x1b"])
        .map(|key| {
            let before = console.screen();
            let begun = Instant::now();
            console.send(key.as_bytes());
            while console.screen() == before {
                std::thread::sleep(Duration::from_micros(200));
            }
            let span = begun.elapsed().as_secs_f64() * 1000.0;
            std::thread::sleep(Duration::from_millis(300));
            span
        })
        .collect();
    spans.sort_by(f64::total_cmp);
    (spans[spans.len() / 2], spans[spans.len() - 1])
}
