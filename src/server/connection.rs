//! One connection: hyper drives it, this ends it.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Sleep, sleep_until};

use super::Shared;
use super::exchange::exchange;
use super::limits::Limits;
use super::progress::Progress;
use super::wire::Wire;

/// The size in bytes of a connection's buffer, each way, unless its heads may be longer.
const BUFFER: usize = 32 * 1024;

const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// What hyper does for every connection.
pub(super) fn protocol(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .title_case_headers(true)
        // Some programs close their half once they have asked.
        .half_close(true)
        .max_header_size(limits.max_head)
        // What waits for a program that reads slowly; hyper's own limit is six times that.
        .max_buf_size(limits.max_head.max(BUFFER));
    builder
}

/// Serves a connection until it closes, runs out of a time limit, or the server stops.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: Arc<Shared>, progress: Arc<Progress>) {
    let (stop, leave) = (shared.stop.notified(), progress.leave.notified());
    let wire = Wire::new(stream, Arc::clone(&progress), shared.limits.max_discard);
    // In a box: a connection without a request is small then.
    let service = service_fn(|request| Box::pin(exchange(request, Arc::clone(&shared), Arc::clone(&progress))));
    let mut connection = shared.protocol.serve_connection(TokioIo::new(wire), service);
    let (mut stop, mut leave) = (pin!(stop), pin!(leave));
    let mut clock = Clock { progress: &progress, limits: &shared.limits, armed: u64::MAX, sleep: None };
    let mut begun = false;
    let mut stopping = false;
    let ended = poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
            return Poll::Ready(Some(ended));
        }
        // Polled once, they will wake this task; the flags tell the rest.
        if !begun {
            begun = true;
            let _ = stop.as_mut().poll(cx);
            let _ = leave.as_mut().poll(cx);
        }
        if progress.gives_way() {
            return Poll::Ready(None);
        }
        if !stopping && shared.is_stopping() {
            stopping = true;
            if progress.dismiss() {
                return Poll::Ready(None);
            }
            Pin::new(&mut connection).graceful_shutdown();
            // It may be done by that.
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
                return Poll::Ready(Some(ended));
            }
        }
        ready!(clock.poll(stopping, cx));
        tracing::debug!("gave up waiting for {}", progress.doing());
        Poll::Ready(None)
    });
    if let Some(Err(error)) = ended.await {
        let peer = progress.peer;
        if error.is_parse() {
            // hyper answers it before anybody else sees it.
            tracing::info!("{peer} sent no request of HTTP/1.1: {error}");
        } else {
            tracing::debug!("the connection of {peer} ended: {error}");
        }
        let mut wire = connection.into_parts().io.into_inner();
        // hyper answers what is no request, except for the greeting of HTTP/2.
        if error.is_parse() && !wire.has_written() {
            refuse(&mut wire, BAD_REQUEST, &shared.limits).await;
        }
    }
}

/// Sends an answer as the last one of a connection, and closes it.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(wire: &mut Wire<S>, answer: &[u8], limits: &Limits) {
    let farewell = async {
        wire.write_all(answer).await?;
        wire.shutdown().await
    };
    // Who does not read it will not miss it.
    let _: Result<io::Result<()>, _> = tokio::time::timeout(limits.discard_timeout, farewell).await;
}

/// Rings when a connection has used up its time.
///
/// It is set anew only where the next deadline is earlier than it rings, or when it rang: a busy
/// connection moves no timer.
struct Clock<'a> {
    progress: &'a Progress,
    limits: &'a Limits,
    armed: u64,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock<'_> {
    fn poll(&mut self, stopping: bool, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let deadline = self.progress.deadline(self.limits, stopping).unwrap_or(u64::MAX);
            if deadline < self.armed {
                self.arm(deadline);
            } else if !self.sleep.as_ref().is_some_and(|sleep| sleep.is_elapsed()) {
                return Poll::Pending;
            } else if deadline <= self.progress.now() {
                return Poll::Ready(());
            } else {
                self.armed = u64::MAX;
                if deadline == u64::MAX {
                    self.sleep = None;
                    return Poll::Pending;
                }
                self.arm(deadline);
            }
            // The task's waker stays the same, so that one poll is enough.
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
            }
        }
    }

    fn arm(&mut self, deadline: u64) {
        self.armed = deadline;
        let instant = self.progress.instant(deadline).into();
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(instant),
            None => self.sleep = Some(Box::pin(sleep_until(instant))),
        }
    }
}
