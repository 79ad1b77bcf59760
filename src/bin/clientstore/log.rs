//! What a command says besides its result: lines on standard error that never block or end the command.
//!
//! A thread writes them. Lines that it cannot write, because the reader is gone or does not read, are dropped and
//! counted. The count is written as soon as writing works again.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::counted;

/// At most this many bytes wait to be written.
const MAX_WAITING: usize = 256 * 1024;

/// At most this many bytes are written at once: the system keeps them together, also where several programs write.
const TOGETHER: usize = 4096;

/// How long the end of a command waits for lines that are not written.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long to wait before trying again, where standard error was set not to block.
const PAUSE: Duration = Duration::from_millis(10);

static LINES: Lines =
    Lines { waiting: Mutex::new(Waiting { text: Vec::new(), dropped: 0, at_work: false }), changed: Condvar::new() };

/// Says a line on standard error, formatted like `println!`.
macro_rules! say {
    ($($argument:tt)*) => { $crate::log::line(format_args!($($argument)*)) };
}
pub(crate) use say;

/// Says a line on standard error.
pub(crate) fn line(line: fmt::Arguments<'_>) {
    LINES.add(format!("{line}\n").as_bytes());
}

/// Writes lines that are whole to standard error.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says a line on standard output, even if nobody reads that.
pub(crate) fn announce(line: String) {
    let write = move || {
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            say!("clientstore: cannot write to standard output: {error}");
        }
    };
    if let Err(error) = thread::Builder::new().name("announce".to_owned()).spawn(write) {
        say!("clientstore: cannot write to standard output: {error}");
    }
}

/// Reports panics in the same way.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => say!("clientstore: {panic}\n{backtrace}"),
            _ => say!("clientstore: {panic}"),
        }
        finish();
    }));
}

/// Waits until the lines are written, but not for a reader that does not read.
pub(crate) fn finish() {
    let deadline = Instant::now() + PATIENCE;
    let mut waiting = LINES.lock();
    while waiting.at_work || !waiting.text.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        waiting = LINES.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

struct Lines {
    waiting: Mutex<Waiting>,
    /// Notified when lines come or were written.
    changed: Condvar,
}

struct Waiting {
    text: Vec<u8>,
    /// How many lines were dropped and not told yet.
    dropped: u64,
    /// Whether the thread writes.
    at_work: bool,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&'static self, line: &[u8]) {
        static THREAD: OnceLock<bool> = OnceLock::new();
        let runs = *THREAD.get_or_init(|| {
            let write = || self.write(io::stderr());
            thread::Builder::new().name("log".to_owned()).spawn(write).is_ok()
        });
        let mut waiting = self.lock();
        if !runs || !waiting.text.is_empty() && waiting.text.len() + line.len() > MAX_WAITING {
            waiting.dropped += 1;
            return;
        }
        waiting.text.extend_from_slice(line);
        if !waiting.at_work {
            self.changed.notify_all();
        }
    }

    /// Writes lines as they come, for ever.
    fn write(&self, mut out: impl Write) {
        let mut text = Vec::new();
        let mut waiting = self.lock();
        loop {
            while waiting.text.is_empty() {
                waiting.at_work = false;
                self.changed.notify_all();
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.at_work = true;
            text.clear();
            std::mem::swap(&mut text, &mut waiting.text);
            let mut dropped = std::mem::take(&mut waiting.dropped);
            drop(waiting);

            dropped += unwritten(&mut out, &text);
            if dropped > 0 {
                let were = if dropped == 1 { "was" } else { "were" };
                let told = format!("clientstore: {} {were} dropped\n", counted(dropped, "log line"));
                if unwritten(&mut out, told.as_bytes()) == 0 {
                    dropped = 0;
                }
            }
            waiting = self.lock();
            waiting.dropped += dropped;
        }
    }
}

/// Writes lines, and tells how many could not be written.
fn unwritten(out: &mut impl Write, mut text: &[u8]) -> u64 {
    let ends = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count() as u64;
    while !text.is_empty() {
        let begin = &text[..text.len().min(TOGETHER)];
        let whole = begin.iter().rposition(|byte| *byte == b'\n').map_or(begin.len(), |end| end + 1);
        match out.write(&text[..whole]) {
            Ok(0) => return ends(text),
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(_) => return ends(text),
        }
    }
    0
}
