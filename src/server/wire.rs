//! A socket that notes the bytes that pass.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::lines::Lines;
use super::progress::Progress;

/// The size in bytes of the pieces in which unwanted input is read.
const DISCARDED: usize = 16 * 1024;

pub(super) struct Wire<S> {
    stream: S,
    progress: Arc<Progress>,
    lines: Lines,
    wrote: bool,
    shut: bool,
    /// How much is still read and thrown away before the connection closes.
    discard: u64,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S, progress: Arc<Progress>, max_discard: u64) -> Self {
        Wire { stream, progress, lines: Lines::default(), wrote: false, shut: false, discard: max_discard }
    }

    /// Whether anything was ever sent.
    pub(super) fn has_written(&self) -> bool {
        self.wrote
    }

    fn noted(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(1..)) => {
                self.wrote = true;
                self.progress.moved_on();
            }
            Poll::Pending => self.progress.awaits_room(),
            Poll::Ready(_) => {}
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut wire.stream).poll_read(cx, buffer);
        let came = &buffer.filled()[before..];
        if read.is_pending() {
            wire.progress.awaits_bytes();
        }
        if !came.is_empty() {
            wire.progress.received();
            if wire.lines.pass(came) {
                wire.progress.mark_ambiguous();
            }
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write(cx, bytes);
        wire.noted(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write_vectored(cx, slices);
        wire.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when its buffer is empty.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Over TLS, what was written may still wait for the socket.
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.progress.flushed(self.lines.is_partial());
        Poll::Ready(Ok(()))
    }

    /// Closing a socket with unread bytes would reset the connection, and the other side might never see its answer. So
    /// those bytes are read first, up to a limit; the connection's task limits the time.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if !wire.shut {
            ready!(Pin::new(&mut wire.stream).poll_shutdown(cx))?;
            wire.shut = true;
            wire.progress.discarding();
        }
        let mut bytes = [0; DISCARDED];
        while wire.discard > 0 {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut wire.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    wire.discard = wire.discard.saturating_sub(buffer.filled().len() as u64);
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
