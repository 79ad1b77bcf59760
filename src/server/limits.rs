//! What a connection may take.

use std::time::Duration;

/// How much a connection may send and how long it may take; `Limits::default()` has the defaults.
///
/// ```
/// use std::time::Duration;
/// use clientstore::server::Limits;
///
/// let mut limits = Limits::default();
/// limits.max_body = 64 * 1024;
/// limits.idle_timeout = Duration::from_secs(5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest body of a request, in bytes; 1 MiB. A longer one gets 413, but a receipt may have 10 MiB.
    pub max_body: usize,
    /// The longest head of a request (its request line and headers), in bytes; 32 KiB. A longer one
    /// gets 431.
    pub max_head: usize,
    /// How long a head may take from its first byte to its last, however steadily it comes; 10
    /// seconds. The first one of a connection counts from when the connection was accepted.
    pub head_timeout: Duration,
    /// How long a request's body may bring no byte, or a program read no byte of its answer; 30 seconds.
    pub progress_timeout: Duration,
    /// How long a connection may be kept open between an answer and the next request; 60 seconds.
    pub idle_timeout: Duration,
    /// How many connections are served at once; 1,024. At the limit, a new one replaces the one that has been without a
    /// complete request head for longest. If all are busy with a request, the new one waits.
    pub max_connections: usize,
    /// How much of a refused request is still read, in bytes; 16 MiB. A program that sends all of its request before it
    /// reads the answer needs that to see why.
    pub max_discard: u64,
    /// How long reading the rest of a refused request may take; 2 seconds.
    pub discard_timeout: Duration,
    /// How long requests in flight may take to finish once the server is told to stop; 1 second.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body: 1024 * 1024,
            max_head: 32 * 1024,
            head_timeout: Duration::from_secs(10),
            progress_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            max_connections: 1024,
            max_discard: 16 * 1024 * 1024,
            discard_timeout: Duration::from_secs(2),
            stop_timeout: Duration::from_secs(1),
        }
    }
}
