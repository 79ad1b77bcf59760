//! A response's body: whole, or made piece by piece while it is sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::{Error, Result};
use crate::store::{ListDocument, PIECE};

/// What is held until the last of an answer was made.
pub(crate) type Held = Box<dyn Send + Sync>;

/// The body of a response.
///
/// One that is made of pieces makes each when it is asked for; those of a list are about 64 KiB long and all read
/// in one read transaction. Dropped half-way, it makes no more of them.
#[derive(Debug)]
pub struct Body(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Pieces(Pieces),
}

/// The pieces that are still to be made; none once the last was, or one could not be.
struct Pieces {
    rest: Option<Box<dyn Iterator<Item = Result<Bytes>> + Send>>,
    held: Option<Held>,
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").field("more", &self.rest.is_some()).finish_non_exhaustive()
    }
}

impl Pieces {
    fn next(&mut self) -> Option<Result<Bytes>> {
        let piece = self.rest.as_mut()?.next();
        if !matches!(piece, Some(Ok(_))) {
            self.rest = None;
            self.held = None;
        }
        piece
    }
}

/// A list that is read while it is sent.
pub(super) struct Stream {
    first: Option<Bytes>,
    rest: ListDocument,
    more: bool,
}

impl Stream {
    /// What was read of it already, and where to read on.
    pub(super) fn new(first: Bytes, rest: ListDocument) -> Self {
        Stream { first: Some(first), rest, more: true }
    }
}

impl Iterator for Stream {
    type Item = Result<Bytes>;

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
        Some(read.map(|_| piece.into()))
    }
}

impl Body {
    /// A body whose pieces are made one after the other, each when it is to be sent. It ends with the last, and
    /// breaks off where one cannot be made. Each should be about [`PIECE`] long: the server counts no more for it.
    pub(crate) fn pieces(pieces: impl Iterator<Item = Result<Bytes>> + Send + 'static) -> Self {
        Body(Content::Pieces(Pieces { rest: Some(Box::new(pieces)), held: None }))
    }

    /// Holds something until the last piece was made.
    pub(super) fn holding(mut self, held: Option<Held>) -> Self {
        if let Content::Pieces(pieces) = &mut self.0 {
            pieces.held = held;
        }
        self
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Pieces(_) => None,
        }
    }

    /// All of its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] or [`Error::Storage`] where a list cannot be read to its end.
    pub fn into_bytes(self) -> Result<Bytes> {
        match self.0 {
            Content::Whole(bytes) => Ok(bytes),
            Content::Pieces(mut pieces) => {
                let mut all = Vec::new();
                while let Some(piece) = pieces.next() {
                    all.extend_from_slice(&piece?);
                }
                Ok(all.into())
            }
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
            Content::Pieces(pieces) => pieces.next(),
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Pieces(pieces) => pieces.rest.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_pieces_makes_each_when_it_is_asked_for_and_no_more_once_one_cannot_be_made() {
        let (made, count) = std::sync::mpsc::channel();
        let fails = |number: u8| if number == 2 { Err(Error::storage("making", "broken")) } else { Ok(number) };
        let pieces = (0..9).map(move |number| {
            made.send(number).unwrap();
            fails(number).map(|number| Bytes::from(vec![number]))
        });
        let mut body = Body::pieces(pieces);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut next = || match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Ready(piece) => piece.map(|piece| piece.map(|frame| frame.into_data().unwrap())),
            Poll::Pending => unreachable!(),
        };
        assert!(count.try_recv().is_err());
        assert_eq!(next().unwrap().unwrap(), [0].as_slice());
        assert_eq!(next().unwrap().unwrap(), [1].as_slice());
        assert!(next().unwrap().is_err() && next().is_none());
        assert_eq!(count.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(
            Body::pieces(["a", "b"].map(|piece| Ok(Bytes::from(piece))).into_iter()).into_bytes().unwrap(),
            "ab"
        );
    }
}
