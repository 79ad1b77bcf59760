//! What can be counted of work, whatever else the machine does: bytes that were allocated, and calls that read files.

use std::ops::{Add, Sub};
use std::sync::OnceLock;

/// Tells how many bytes this process has allocated so far; set where an allocator counts them.
pub static ALLOCATED: OnceLock<fn() -> u64> = OnceLock::new();

/// What was counted.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Bytes.
    pub allocated: u64,
    /// Calls of the system that read a file: of a store's file, one for each page that is not in SQLite's cache.
    pub reads: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Counts { allocated: self.allocated + other.allocated, reads: self.reads + other.reads }
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Counts { allocated: self.allocated - other.allocated, reads: self.reads - other.reads }
    }
}

/// Looking at the counts reads one file itself.
const LOOK: u64 = if cfg!(target_os = "linux") { 1 } else { 0 };

/// What a function gives, and what was counted of this process meanwhile.
pub fn counted<T>(run: impl FnOnce() -> T) -> (T, Counts) {
    let start = now();
    let result = run();
    let looked = Counts { allocated: 0, reads: LOOK };
    (result, now() - start - looked)
}

fn now() -> Counts {
    Counts { allocated: ALLOCATED.get().map_or(0, |allocated| allocated()), reads: reads() }
}

/// How often this process has read a file, as Linux tells it.
#[cfg(target_os = "linux")]
fn reads() -> u64 {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    static COUNTS: OnceLock<File> = OnceLock::new();
    let counts = COUNTS.get_or_init(|| File::open("/proc/self/io").unwrap());
    let mut text = [0; 512];
    let length = counts.read_at(&mut text, 0).unwrap();
    let text = std::str::from_utf8(&text[..length]).unwrap();
    text.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap().parse().unwrap()
}

#[cfg(not(target_os = "linux"))]
fn reads() -> u64 {
    0
}
