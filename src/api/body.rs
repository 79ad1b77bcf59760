//! A response's body: whole, or a list that is read while it is sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::{Error, Result};
use crate::store::ListDocument;

/// The body of a response.
///
/// A streamed one gives pieces of about 64 KiB, all read in one read transaction; dropped half-way,
/// it ends that.
#[derive(Debug)]
pub struct Body(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Streamed { first: Option<Bytes>, rest: Box<ListDocument>, more: bool },
}

impl Body {
    pub(super) fn streamed(first: Vec<u8>, rest: ListDocument) -> Self {
        Body(Content::Streamed { first: Some(first.into()), rest: Box::new(rest), more: true })
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Streamed { .. } => None,
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
            Content::Streamed { first, mut rest, .. } => {
                let mut all = first.map(Vec::from).unwrap_or_default();
                while rest.piece(&mut all)? {}
                Ok(all.into())
            }
        }
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
            Content::Streamed { first, rest, more } => match first.take() {
                Some(first) => Some(Ok(first)),
                None if !*more => None,
                None => {
                    let mut piece = Vec::new();
                    let read = rest.piece(&mut piece);
                    *more = matches!(read, Ok(true));
                    Some(read.map(|_| piece.into()))
                }
            },
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Streamed { first, more, .. } => first.is_none() && !more,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
