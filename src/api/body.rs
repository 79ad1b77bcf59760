//! A response's body: whole, or a list that is read while it is sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::{Error, Result};
use crate::store::{ListDocument, PIECE};

/// What is held until the last of a list was read.
pub(crate) type Held = Box<dyn Send + Sync>;

/// The body of a response.
///
/// A streamed one gives pieces of about 64 KiB, all read in one read transaction; dropped half-way,
/// it ends that.
#[derive(Debug)]
pub struct Body(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Streamed(Box<Stream>),
}

/// A list that is too long to be held.
pub(super) struct Stream {
    first: Option<Bytes>,
    rest: ListDocument,
    more: bool,
    held: Option<Held>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("rest", &self.rest).field("more", &self.more).finish_non_exhaustive()
    }
}

impl Stream {
    /// What was read of it already, and where to read on.
    pub(super) fn new(first: Bytes, rest: ListDocument) -> Self {
        Stream { first: Some(first), rest, more: true, held: None }
    }

    /// Holds something until it ends.
    pub(super) fn hold(&mut self, held: Option<Held>) {
        self.held = held;
    }

    /// The next piece; none after the last.
    fn next(&mut self) -> Option<Result<Bytes>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        if !self.more {
            return None;
        }
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        let read = self.rest.piece(&mut piece);
        self.more = matches!(read, Ok(true));
        if !self.more {
            self.held = None;
        }
        Some(read.map(|_| piece.into()))
    }

    /// What is left of it, in one.
    fn into_bytes(mut self) -> Result<Bytes> {
        let mut all = self.first.take().map(Vec::from).unwrap_or_default();
        while self.more {
            self.more = self.rest.piece(&mut all)?;
        }
        Ok(all.into())
    }
}

impl Body {
    pub(super) fn streamed(stream: Box<Stream>) -> Self {
        Body(Content::Streamed(stream))
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Streamed(_) => None,
        }
    }

    /// All of its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] or [`Error::Storage`] where a streamed list cannot be read to its end.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self.0 {
            Content::Whole(bytes) => Ok(bytes),
            Content::Streamed(stream) => stream.into_bytes(),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body(Content::Whole(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body(Content::Whole(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let piece = match &mut self.0 {
            Content::Whole(bytes) if bytes.is_empty() => None,
            Content::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Content::Streamed(stream) => stream.next(),
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Streamed(stream) => stream.first.is_none() && !stream.more,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
