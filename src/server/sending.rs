//! The body of an answer while it is sent, and what follows its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::progress::Progress;
use crate::accounts::AccountName;
use crate::api::Body;
use crate::control::Recording;
use crate::error::Error;

/// The body of an answer, which notes when all of it was handed over.
pub(super) struct Sending {
    body: Body,
    pub(super) progress: Arc<Progress>,
    /// How many of its bytes are still sent before the connection breaks.
    pub(super) cut: Option<u64>,
    /// The cut lies within the piece that was taken already.
    is_short: bool,
    /// Becomes the journal's entry when the answer ends.
    pub(super) recording: Option<Recording>,
    /// The account that it is of, where there are many.
    pub(super) account: Option<AccountName>,
}

/// Why a body ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Unreadable(#[from] Error),
    #[error("a fault cut the answer short")]
    Cut,
}

impl Sending {
    /// Nothing yet.
    pub(super) fn of(progress: &Arc<Progress>) -> Self {
        let body = Body::from(Vec::new());
        Sending { body, progress: Arc::clone(progress), cut: None, is_short: false, recording: None, account: None }
    }

    pub(super) fn carry(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let sending = &mut *self;
        if sending.is_short || sending.cut == Some(0) && !sending.body.is_end_stream() {
            sending.is_short = true;
            // If a body fails, hyper drops what it has not sent yet.
            ready!(sending.progress.poll_flushed(cx));
            return Poll::Ready(Some(Err(Broken::Cut)));
        }
        let frame = match ready!(Pin::new(&mut sending.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                tracing::error!("a list broke off: {error}");
                return Poll::Ready(Some(Err(error.into())));
            }
            None => return Poll::Ready(None),
        };
        let (Some(left), Some(data)) = (&mut sending.cut, frame.data_ref()) else {
            return Poll::Ready(Some(Ok(frame)));
        };
        let kept = data.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= kept as u64;
        sending.is_short = kept < data.len();
        Poll::Ready(Some(Ok(Frame::data(data.slice(..kept)))))
    }

    fn is_end_stream(&self) -> bool {
        !self.is_short && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.progress.answer_complete();
    }
}
