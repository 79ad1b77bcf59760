//! The phase of a connection and since when it lasts, shared by the connection's task and the accepting one.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::*};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::limits::Limits;
use crate::api::Guest;

/// Nothing of the next request has come.
const IDLE: u8 = 0;
/// The head of a request is coming.
const HEAD: u8 = 1;
/// Its body is coming.
const BODY: u8 = 2;
/// The API works on the request.
const WORK: u8 = 3;
/// The answer is being made and sent.
const ANSWER: u8 = 4;
/// The answer is complete; the rest of it is being sent.
const SENT: u8 = 5;
/// Everything is sent; what still comes in is thrown away.
const DISCARD: u8 = 6;
/// The connection was told to close before it got a request.
const DISMISSED: u8 = 7;

/// How long a stopping server waits for a program to read its answer.
const DISCARD_WHEN_STOPPING: Duration = Duration::from_millis(200);

/// Moments are milliseconds since the server's start.
pub(super) struct Progress {
    /// Who is on the other side.
    pub(super) peer: SocketAddr,
    start: Instant,
    phase: AtomicU8,
    /// When the phase began or, if progress counts in it, last made progress.
    since: AtomicU64,
    /// Since when it has been without a complete head.
    headless: AtomicU64,
    had_body: AtomicBool,
    /// Whether a head had both `Transfer-Encoding` and `Content-Length`.
    ambiguous: AtomicBool,
    /// Woken when the connection's buffer is sent.
    flush: Mutex<Flush>,
    /// Since when the other side has kept the server waiting, to read or to write; 0 if it has not.
    waits: AtomicU64,
    /// Whether it must close to make room for others.
    gives_way: AtomicBool,
    pub(super) leave: Notify,
}

#[derive(Default)]
enum Flush {
    #[default]
    Unasked,
    Awaited(Waker),
    Done,
}

impl Progress {
    pub(super) fn new(peer: SocketAddr, start: Instant) -> Self {
        let now = AtomicU64::new(millis(start.elapsed()));
        let headless = AtomicU64::new(now.load(Relaxed));
        let [had_body, ambiguous, gives_way] = [const { AtomicBool::new(false) }; 3];
        Progress {
            peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            start,
            phase: AtomicU8::new(HEAD),
            since: now,
            headless,
            had_body,
            ambiguous,
            flush: Mutex::default(),
            waits: AtomicU64::new(0),
            gives_way,
            leave: Notify::new(),
        }
    }

    pub(super) fn now(&self) -> u64 {
        millis(self.start.elapsed())
    }

    /// The moment of the clock.
    pub(super) fn instant(&self, moment: u64) -> Instant {
        self.start + Duration::from_millis(moment)
    }

    /// Bytes came. For a head that is no progress: its time runs from its first byte.
    pub(super) fn received(&self) {
        match self.phase.load(Relaxed) {
            IDLE => {
                self.since.store(self.now(), Relaxed);
                // It may have been dismissed meanwhile.
                let _ = self.phase.compare_exchange(IDLE, HEAD, AcqRel, Relaxed);
            }
            BODY => self.moved_on(),
            _ => {}
        }
    }

    /// Bytes came or were taken, or now the server keeps the other side waiting.
    pub(super) fn moved_on(&self) {
        self.since.store(self.now(), Relaxed);
        self.waits.store(0, Relaxed);
    }

    /// No bytes have come.
    pub(super) fn awaits_bytes(&self) {
        if self.phase.load(Relaxed) == BODY {
            self.awaits_room();
        }
    }

    /// The other side takes no bytes.
    pub(super) fn awaits_room(&self) {
        // So that the moment is never 0.
        let _ = self.waits.compare_exchange(0, self.now().max(1), Relaxed, Relaxed);
    }

    pub(super) fn gives_way(&self) -> bool {
        self.gives_way.load(Acquire)
    }

    /// A head is complete; false if the connection has been told to close.
    pub(super) fn head_complete(&self, has_body: bool) -> bool {
        if has_body {
            self.since.store(self.now(), Relaxed);
        }
        self.had_body.store(has_body, Relaxed);
        self.phase.swap(if has_body { BODY } else { WORK }, AcqRel) != DISMISSED
    }

    pub(super) fn body_complete(&self) {
        self.waits.store(0, Relaxed);
        self.phase.store(WORK, Relaxed);
    }

    pub(super) fn answered(&self) {
        self.since.store(self.now(), Relaxed);
        self.phase.store(ANSWER, Relaxed);
    }

    /// The whole answer is in the connection's buffer.
    pub(super) fn answer_complete(&self) {
        let _ = self.phase.compare_exchange(ANSWER, SENT, Relaxed, Relaxed);
    }

    /// Waits until the buffer is empty; for the one answer that a connection ends with.
    pub(super) fn poll_flushed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut flush = self.flush.lock().unwrap_or_else(PoisonError::into_inner);
        match *flush {
            Flush::Done => Poll::Ready(()),
            _ => {
                *flush = Flush::Awaited(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The buffer is empty; `partial` if the beginning of another head has come already.
    pub(super) fn flushed(&self, partial: bool) {
        if self.phase.load(Relaxed) == ANSWER {
            let mut flush = self.flush.lock().unwrap_or_else(PoisonError::into_inner);
            if let Flush::Awaited(waker) = &*flush {
                waker.wake_by_ref();
                *flush = Flush::Done;
            }
        }
        if self.phase.load(Relaxed) == SENT {
            self.headless.store(self.since.load(Relaxed), Relaxed);
            // What came after a body is not known; at worst it counts as idle until its next byte.
            let begun = partial && !self.had_body.load(Relaxed);
            self.phase.store(if begun { HEAD } else { IDLE }, Release);
        }
    }

    pub(super) fn discarding(&self) {
        self.since.store(self.now(), Relaxed);
        self.phase.store(DISCARD, Relaxed);
    }

    /// Since when the connection has been without a complete head; `None` if it has one.
    pub(super) fn headless_since(&self) -> Option<u64> {
        matches!(self.phase.load(Acquire), IDLE | HEAD).then(|| self.headless.load(Relaxed))
    }

    /// Stops a connection without a complete head from beginning a request; false if it has a complete head.
    pub(super) fn dismiss(&self) -> bool {
        let is_headless = |phase| matches!(phase, IDLE | HEAD).then_some(DISMISSED);
        self.phase.fetch_update(AcqRel, Relaxed, is_headless).is_ok()
    }

    /// Until when the phase may last; `None` while the API is at work.
    pub(super) fn deadline(&self, limits: &Limits, stopping: bool) -> Option<u64> {
        let limit = match self.phase.load(Relaxed) {
            IDLE => limits.idle_timeout,
            HEAD => limits.head_timeout,
            BODY | ANSWER | SENT => limits.progress_timeout,
            DISCARD if stopping => limits.discard_timeout.min(DISCARD_WHEN_STOPPING),
            DISCARD => limits.discard_timeout,
            _ => return None,
        };
        // Rounded up, so that no limit ends early.
        Some(self.since.load(Relaxed).saturating_add(millis(limit)).saturating_add(1))
    }

    /// What the connection failed to do in time, for the log.
    pub(super) fn doing(&self) -> &'static str {
        match self.phase.load(Relaxed) {
            IDLE => "another request",
            HEAD => "the head of a request",
            BODY => "the body of a request",
            ANSWER | SENT => "an answer to be read",
            _ => "the other side to close",
        }
    }

    pub(super) fn mark_ambiguous(&self) {
        self.ambiguous.store(true, Relaxed);
    }

    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous.load(Relaxed)
    }
}

impl Guest for Progress {
    fn stalled(&self) -> Option<Duration> {
        let waits = self.waits.load(Relaxed);
        (waits > 0).then(|| Duration::from_millis(self.now().saturating_sub(waits)))
    }

    fn excuse(&self) {
        self.moved_on();
    }

    fn give_way(&self) {
        tracing::debug!("{} was too slow, and gave way", self.doing());
        self.gives_way.store(true, Release);
        self.leave.notify_waiters();
    }
}

fn millis(duration: Duration) -> u64 {
    // Far beyond any limit, but small enough to be added without overflow.
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1 << 40)
}
