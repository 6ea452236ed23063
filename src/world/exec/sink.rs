//! Where an act's output goes: its evidence file. Redacted, cleaned, and bounded in memory and on disk whatever is printed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::incident::clean::Clean;
use crate::incident::redact::{Redactor, Stream};
use crate::world::ledger::{Disk, RealDisk};

/// The beginning of an output is kept up to here; of what follows only the end.
const HEAD: u64 = 63 << 20;

/// As much of the end is kept when the beginning filled its part.
const TAIL: usize = 1 << 20;

/// A longer line is cut into several.
const LINE: usize = 8 << 10;

/// How many of the last lines go into the journal.
const EXCERPT: usize = 20;

/// The evidence file of one act.
pub struct Sink {
    redactor: Redactor,
    muted: AtomicBool,
    kept: Mutex<Kept>,
}

struct Kept {
    file: BufWriter<File>,
    head_left: u64,
    tail: VecDeque<Clean>,
    tail_bytes: usize,
    left_out: u64,
    /// The last lines, for the excerpt.
    last: VecDeque<Clean>,
    failed: bool,
}

/// One stream of bytes on its way into a sink.
pub struct Pipe<'a> {
    sink: &'a Sink,
    stream: Stream,
    line: String,
}

impl Sink {
    /// Makes the evidence file; it must not be there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(path: &Path, redactor: Redactor) -> io::Result<Self> {
        let kept = Kept {
            file: BufWriter::new(RealDisk.create(path)?),
            head_left: HEAD,
            tail: VecDeque::new(),
            tail_bytes: 0,
            left_out: 0,
            last: VecDeque::new(),
            failed: false,
        };
        Ok(Self {
            redactor,
            muted: AtomicBool::new(false),
            kept: Mutex::new(kept),
        })
    }

    /// Takes nothing in while an act prints a secret.
    pub fn mute(&self, muted: bool) {
        self.muted.store(muted, Ordering::SeqCst);
    }

    /// Whether an act prints a secret at the moment.
    pub fn is_muted(&self) -> bool {
        self.muted.load(Ordering::SeqCst)
    }

    /// One whole line.
    pub fn line(&self, text: impl AsRef<str>) {
        let text = self.redactor.redact(text.as_ref());
        for line in text.split('\n') {
            self.put(line);
        }
        self.kept().flush();
    }

    /// A stream of bytes, cut into lines.
    pub fn pipe(&self) -> Pipe<'_> {
        Pipe {
            sink: self,
            stream: self.redactor.stream(),
            line: String::new(),
        }
    }

    /// `text` without secrets.
    pub fn redact(&self, text: &str) -> Clean {
        Clean::new(&self.redactor.redact(text))
    }

    /// The last lines.
    pub fn excerpt(&self) -> Clean {
        let kept = self.kept();
        let lines: Vec<_> = kept.last.iter().map(Clean::as_str).collect();
        Clean::new(&lines.join("\n"))
    }

    /// Writes what was kept of the end and syncs the file.
    ///
    /// # Errors
    /// When not all of the output is on disk.
    pub fn finish(&self) -> io::Result<()> {
        let mut kept = self.kept();
        let (tail, left_out) = (std::mem::take(&mut kept.tail), kept.left_out);
        if left_out > 0 {
            writeln!(kept.file, "[{left_out} bytes are left out here]")?;
        }
        for line in tail {
            writeln!(kept.file, "{line}")?;
        }
        kept.file.flush()?;
        kept.file.get_ref().sync_data()?;
        match kept.failed {
            true => Err(io::Error::other(
                "a part of the output could not be written",
            )),
            false => Ok(()),
        }
    }

    fn put(&self, line: &str) {
        if !self.muted.load(Ordering::SeqCst) {
            self.kept().put(Clean::new(line));
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Whoever follows the file sees what was read so far.
    fn flush(&mut self) {
        self.failed |= self.file.flush().is_err();
    }

    fn put(&mut self, line: Clean) {
        let bytes = line.as_str().len() + 1;
        let length = u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.tail.is_empty() && self.head_left >= length {
            self.head_left -= length;
            // A full disk must not stop the act; the end says that output is missing.
            self.failed |= writeln!(self.file, "{line}").is_err();
        } else {
            self.put_tail(line.clone(), bytes);
        }
        if self.last.len() == EXCERPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    fn put_tail(&mut self, line: Clean, bytes: usize) {
        self.tail.push_back(line);
        self.tail_bytes += bytes;
        while self.tail_bytes > TAIL {
            let Some(gone) = self.tail.pop_front() else {
                break;
            };
            let gone = gone.as_str().len() + 1;
            self.tail_bytes -= gone;
            self.left_out += u64::try_from(gone).unwrap_or_default();
        }
    }
}

impl Pipe<'_> {
    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        let text = self.stream.push(bytes);
        self.take(&text);
        self.sink.kept().flush();
    }

    /// The end of the stream; a last line needs no newline.
    pub fn finish(mut self) {
        let rest = std::mem::replace(&mut self.stream, self.sink.redactor.stream()).finish();
        self.take(&rest);
        if !self.line.is_empty() {
            self.sink.put(&self.line);
        }
    }

    fn take(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            if self.line.ends_with('\n') {
                self.line.pop();
                self.sink.put(&self.line);
                self.line.clear();
            }
            while self.line.len() > LINE {
                let rest = self.line.split_off(self.line.floor_char_boundary(LINE));
                self.sink.put(&self.line);
                self.line = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_and_tail_are_kept_and_what_is_between_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        let sink = Sink::create(&path, Redactor::new([])).unwrap();
        let mut pipe = sink.pipe();
        let chunk = "y\n".repeat(1 << 19);
        pipe.push(b"first\n");
        for _ in 0..70 {
            pipe.push(chunk.as_bytes());
        }
        pipe.push(b"last");
        pipe.finish();
        sink.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.len() < 65 << 20, "{}", text.len());
        assert!(text.starts_with("first\ny\n"));
        assert!(text.ends_with("y\nlast\n"));
        assert_eq!(text.matches(" bytes are left out here]").count(), 1);
        assert!(sink.excerpt().as_str().ends_with("y\nlast"));
    }

    #[test]
    fn an_endless_line_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        let sink = Sink::create(&path, Redactor::new([])).unwrap();
        let mut pipe = sink.pipe();
        pipe.push(&[b'x'; 20_000]);
        pipe.finish();
        sink.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lengths: Vec<_> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [8192, 8192, 3616]);
    }
}
