//! A response's body: whole, or a list that is read while it is sent.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::lists::{Keeping, Pieces};
use crate::error::{Error, Result};
use crate::store::{ListDocument, PIECE};

/// The body of a response.
///
/// A streamed one gives pieces of about 64 KiB, all read in one read transaction; dropped half-way,
/// it ends that.
#[derive(Debug)]
pub struct Body(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// A list that was kept, and how many of its pieces were given.
    Kept {
        pieces: Arc<Pieces>,
        given: usize,
    },
    Streamed(Box<Stream>),
}

#[derive(Debug)]
struct Stream {
    first: Option<Bytes>,
    rest: ListDocument,
    more: bool,
    keeping: Option<Keeping>,
}

impl Stream {
    /// The next piece; none after the last.
    fn next(&mut self) -> Option<Result<Bytes>> {
        let piece = match self.first.take() {
            Some(first) => first,
            None if !self.more => return None,
            None => {
                let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
                let read = self.rest.piece(&mut piece);
                self.more = matches!(read, Ok(true));
                if let Err(error) = read {
                    self.keeping = None;
                    return Some(Err(error));
                }
                piece.into()
            }
        };
        if let Some(keeping) = &mut self.keeping {
            keeping.add(&piece);
        }
        if !self.more
            && let Some(keeping) = self.keeping.take()
        {
            keeping.finish();
        }
        Some(Ok(piece))
    }

    /// What is left of it, in one.
    fn into_bytes(mut self) -> Result<Bytes> {
        let mut all = self.first.take().map(Vec::from).unwrap_or_default();
        let expected = self.keeping.as_ref().map_or(0, Keeping::expected);
        all.reserve(expected.saturating_sub(all.len()) + PIECE / 8);
        while self.more {
            self.more = self.rest.piece(&mut all)?;
        }
        let all = Bytes::from(all);
        if let Some(mut keeping) = self.keeping {
            keeping.add(&all);
            keeping.finish();
        }
        Ok(all)
    }
}

impl Body {
    pub(super) fn streamed(first: Vec<u8>, rest: ListDocument, keeping: Option<Keeping>) -> Self {
        Body(Content::Streamed(Box::new(Stream { first: Some(first.into()), rest, more: true, keeping })))
    }

    pub(super) fn kept(pieces: Arc<Pieces>) -> Self {
        Body(Content::Kept { pieces, given: 0 })
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Kept { pieces, given } => Some(pieces[*given..].iter().map(|piece| piece.len() as u64).sum()),
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
            Content::Kept { pieces, given } => match &pieces[given..] {
                [piece] => Ok(piece.clone()),
                pieces => Ok(pieces.concat().into()),
            },
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
            Content::Kept { pieces, given } => pieces.get(*given).cloned().map(|piece| {
                *given += 1;
                Ok(piece)
            }),
            Content::Streamed(stream) => stream.next(),
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Kept { pieces, given } => *given == pieces.len(),
            Content::Streamed(stream) => stream.first.is_none() && !stream.more,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
