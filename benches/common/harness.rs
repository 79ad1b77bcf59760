//! Pairs of a case and its floor, run in turn, and the line that tells their ratio.
//!
//! criterion and divan measure one function after the other, each for seconds; on a machine that does
//! anything else as well, what changed in between is then taken for a difference between the two. Here
//! a case and its floor take turns within milliseconds, and the median of the rounds' ratios counts.

use std::hint::black_box;
use std::iter::Sum;
use std::ops::{Add, Div};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::counts::{Counts, counted};
use super::data::Data;

/// A case runs for at least this long, and for at least [`ROUNDS`] rounds.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same in the short form.
const SHORT_PATIENCE: Duration = Duration::from_millis(600);
const ROUNDS: usize = 3;
/// More rounds make the median no better.
const MOST_ROUNDS: usize = 151;

/// What a ratio should be.
#[derive(Clone, Copy)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Printed for the reader; no aim is set.
    Shown,
}

/// What a case gave.
pub struct Outcome {
    pub value: f64,
    /// How it came about, for standard error.
    pub note: String,
    /// What was counted of one operation, where it was.
    pub counts: Option<Counted>,
}

/// What one operation came to, of the case and of its floor.
#[derive(Clone, Copy)]
pub struct Counted {
    /// Bytes that the case allocated.
    pub allocated: f64,
    /// Calls of the case that read a file.
    pub reads: f64,
    /// Calls of the floor that read a file.
    pub floor_reads: f64,
}

static SHORT: AtomicBool = AtomicBool::new(false);

/// Has all cases run in their short form, which the guard compares with earlier runs.
pub fn shorten() {
    SHORT.store(true, Ordering::Relaxed);
}

/// Whether the cases run in their short form.
pub fn is_short() -> bool {
    SHORT.load(Ordering::Relaxed)
}

/// Something whose cost is measured beside a floor.
pub struct Case {
    pub name: &'static str,
    pub aim: Aim,
    pub run: fn(&Data) -> Outcome,
    /// Whether only a clock tells what it takes, which the guard does not read.
    pub by_the_clock: bool,
}

/// What work has cost.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    time: Duration,
    counts: Option<Counts>,
}

impl From<Duration> for Cost {
    fn from(time: Duration) -> Self {
        Cost { time, counts: None }
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let counts = self.counts.zip(other.counts).map(|(one, other)| one + other);
        Cost { time: self.time + other.time, counts: counts.or(self.counts).or(other.counts) }
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Cost::default(), Add::add)
    }
}

impl Div<u32> for Cost {
    type Output = Self;

    fn div(self, parts: u32) -> Self {
        Cost { time: self.time / parts, counts: None }
    }
}

/// How long a function takes; in the short form, how much processor time this process spends meanwhile, which
/// other programs' work changes little, and what can be counted.
pub fn time<T>(run: impl FnOnce() -> T) -> Cost {
    let timed = |now: fn() -> Duration| {
        let start = now();
        black_box(run());
        now() - start
    };
    if !is_short() {
        return timed(wall_time).into();
    }
    let (time, counts) = counted(|| timed(processor_time));
    Cost { time, counts: Some(counts) }
}

fn wall_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// The processor time that this process has spent.
#[cfg(unix)]
fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

#[cfg(not(unix))]
fn processor_time() -> Duration {
    wall_time()
}

/// Measured times: a case's and its floor's in each round; and what was counted in all of them.
pub struct Pairs {
    times: Vec<(f64, f64)>,
    counts: Option<(Counts, Counts)>,
}

/// Runs a case and its floor in turn. What they give is a time for the same amount of work.
///
/// A round has both of them twice, the second time in the opposite order: who goes first finds the
/// processor's caches and the pages that all of a process's connections share its own.
pub fn pairs<C: Into<Cost>, F: Into<Cost>>(mut case: impl FnMut() -> C, mut floor: impl FnMut() -> F) -> Pairs {
    let (mut case, mut floor) = (|| case().into(), || floor().into());
    case();
    floor();
    let start = Instant::now();
    let patience = if is_short() { SHORT_PATIENCE } else { PATIENCE };
    let mut times = Vec::new();
    let (mut all, mut floors) = (Cost::default(), Cost::default());
    while times.len() < ROUNDS || times.len() < MOST_ROUNDS && start.elapsed() < patience {
        let (ours, theirs) = (case(), floor());
        let (theirs, ours) = (theirs + floor(), ours + case());
        times.push((ours.time.as_secs_f64() / 2.0, theirs.time.as_secs_f64() / 2.0));
        (all, floors) = (all + ours, floors + theirs);
    }
    Pairs { times, counts: all.counts.zip(floors.counts) }
}

impl Pairs {
    /// The case's time, the floor's being 1; the note tells the times of one of `per` operations.
    pub fn times(&self, per: usize) -> Outcome {
        self.outcome(per, |(ours, theirs)| ours / theirs)
    }

    /// The case's operations a second, the floor's being 1.
    pub fn rates(&self, per: usize) -> Outcome {
        self.outcome(per, |(ours, theirs)| theirs / ours)
    }

    /// How long the case takes, in seconds: the median of the rounds.
    pub fn seconds(&self) -> f64 {
        sorted(self.times.iter().map(|pair| pair.0))[self.times.len() / 2]
    }

    fn outcome(&self, per: usize, ratio: impl Fn((f64, f64)) -> f64) -> Outcome {
        let ratios = sorted(self.times.iter().copied().map(ratio));
        let count = ratios.len();
        let each = |times: Vec<f64>| duration(times[count / 2] / per as f64);
        let ours = each(sorted(self.times.iter().map(|pair| pair.0)));
        let theirs = each(sorted(self.times.iter().map(|pair| pair.1)));
        let (low, high) = (ratios[count / 4], ratios[count * 3 / 4]);
        let note = format!("{ours} beside {theirs}; the middle half of {count} rounds: {low:.3} to {high:.3}");
        let each = |counted: u64| counted as f64 / (2 * count * per) as f64;
        let counts = self.counts.map(|(ours, theirs)| Counted {
            allocated: each(ours.allocated),
            reads: each(ours.reads),
            floor_reads: each(theirs.reads),
        });
        Outcome { value: ratios[count / 2], note, counts }
    }
}

pub fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1e-6 => format!("{:.0} ns", seconds * 1e9),
        _ if seconds < 1e-3 => format!("{:.2} µs", seconds * 1e6),
        _ => format!("{:.2} ms", seconds * 1e3),
    }
}

/// Prints a case's line on standard output, and its note on standard error.
pub fn report(name: &str, Outcome { value, note, .. }: &Outcome, aim: Aim) {
    let (aim, verdict) = match aim {
        Aim::AtMost(most) => (format!("{most:.2}"), if *value <= most { "ok" } else { "MISS" }),
        Aim::AtLeast(least) => (format!("at least {least:.2}"), if *value >= least { "ok" } else { "MISS" }),
        Aim::Shown => ("-".to_owned(), "-"),
    };
    println!("{name} | {value:.3} | {aim} | {verdict}");
    eprintln!("    {note}");
}
