//! A response's body: whole, or made piece by piece while it is sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::budget::Charge;
use crate::error::{Error, Result};
use crate::store::{ListDocument, Mark, PIECE};

/// The body of a response.
///
/// One that is made of pieces makes each when it is asked for; those of a list are about 64 KiB long and all read
/// in one read transaction. Dropped half-way, it makes no more of them.
#[derive(Debug)]
pub struct Body {
    content: Content,
    counted: Option<Counted>,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// None once the last piece was made, or one could not be.
    Pieces(Option<Pieces>),
}

/// What makes pieces.
struct Pieces(Box<dyn Source>);

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}

trait Source: Send {
    fn next(&mut self) -> Option<Result<Bytes>>;

    /// Takes back the piece that it gave last, to give it once more.
    fn put_back(&mut self, piece: Bytes);
}

/// Pieces that were made elsewhere; one that is put back is kept.
struct Given<I> {
    back: Option<Bytes>,
    pieces: I,
}

impl<I: Iterator<Item = Result<Bytes>> + Send> Source for Given<I> {
    fn next(&mut self) -> Option<Result<Bytes>> {
        self.back.take().map(Ok).or_else(|| self.pieces.next())
    }

    fn put_back(&mut self, piece: Bytes) {
        self.back = Some(piece);
    }
}

/// A list that is read while it is sent; a piece that is put back is read again.
pub(super) struct Stream {
    first: Option<Bytes>,
    rest: ListDocument,
    more: bool,
    /// Where the last piece began.
    mark: Mark,
}

impl Stream {
    /// What was read of it already, where that began, where to read on, and whether there is more.
    pub(super) fn new(first: Bytes, mark: Mark, rest: ListDocument, more: bool) -> Self {
        Stream { first: Some(first), rest, more, mark }
    }
}

impl Source for Stream {
    fn next(&mut self) -> Option<Result<Bytes>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        if !self.more {
            return None;
        }
        self.mark = self.rest.mark();
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        let read = self.rest.piece(&mut piece);
        self.more = matches!(read, Ok(true));
        Some(read.map(|_| piece.into()))
    }

    fn put_back(&mut self, piece: Bytes) {
        drop(piece);
        let begin = self.rest.mark();
        self.rest.go_back(std::mem::replace(&mut self.mark, begin));
        self.more = true;
    }
}

/// How a body counts in the budget.
struct Counted {
    charge: Arc<Charge>,
    /// How long a piece is that has been counted, in bytes.
    piece: usize,
    /// Waits for room for a longer one.
    waits: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("piece", &self.piece).finish_non_exhaustive()
    }
}

/// Bytes on their way, which are counted until they were sent or dropped.
struct Sent {
    bytes: Bytes,
    _charge: Arc<Charge>,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What is counted of a body that is made of pieces: the one that is being sent, and the rest of the one before.
pub(crate) const PIECES: usize = 4 * PIECE;

impl Body {
    /// A body whose pieces are made one after the other, each when it is to be sent. It ends with the last, and
    /// breaks off where one cannot be made.
    pub(crate) fn pieces(pieces: impl Iterator<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::made_by(Given { back: None, pieces })
    }

    /// A list, read while it is sent.
    pub(super) fn list(stream: Stream) -> Self {
        Self::made_by(stream)
    }

    fn made_by(source: impl Source + 'static) -> Self {
        Body { content: Content::Pieces(Some(Pieces(Box::new(source)))), counted: None }
    }

    fn whole(bytes: Bytes) -> Self {
        Body { content: Content::Whole(bytes), counted: None }
    }

    /// Counts what is held of it with this, until it is sent. Pieces that are longer wait for more room.
    pub(crate) fn counted_by(&mut self, charge: Arc<Charge>) {
        self.counted = Some(Counted { charge, piece: PIECES / 2, waits: None });
    }

    /// What is held of it at once and not counted yet, in bytes; none where that is little.
    pub(crate) fn uncounted(&self) -> Option<usize> {
        match &self.content {
            _ if self.counted.is_some() => None,
            Content::Whole(bytes) => Some(bytes.len()).filter(|length| *length > PIECE),
            Content::Pieces(pieces) => pieces.as_ref().map(|_| PIECES),
        }
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Pieces(_) => None,
        }
    }

    /// All of its bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] or [`Error::Storage`] where a list cannot be read to its end.
    pub fn into_bytes(mut self) -> Result<Bytes> {
        if let Content::Whole(bytes) = self.content {
            return Ok(bytes);
        }
        let mut all = Vec::new();
        while let Some(piece) = self.next() {
            all.extend_from_slice(&piece?);
        }
        Ok(all.into())
    }

    fn next(&mut self) -> Option<Result<Bytes>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => None,
            Content::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Content::Pieces(pieces) => {
                let piece = pieces.as_mut()?.0.next();
                if !matches!(piece, Some(Ok(_))) {
                    *pieces = None;
                }
                piece
            }
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::whole(bytes)
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::whole(bytes.into())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            if let Some(counted) = &mut self.counted
                && let Some(waits) = &mut counted.waits
            {
                ready!(waits.as_mut().poll(cx));
                counted.waits = None;
            }
            let piece = match self.next() {
                Some(Ok(piece)) => piece,
                other => return Poll::Ready(other.map(|piece| piece.map(Frame::data))),
            };
            let Body { content, counted } = &mut *self;
            let Some(counted) = counted else { return Poll::Ready(Some(Ok(Frame::data(piece)))) };
            if let Content::Pieces(Some(pieces)) = content
                && piece.len() > counted.piece
            {
                // The rest of one may wait to be sent while the next is made.
                let more = 2 * (piece.len() - counted.piece);
                counted.piece = piece.len();
                if !counted.charge.try_grow(more) {
                    pieces.0.put_back(piece);
                    counted.waits = Some(Box::pin(counted.charge.grow(more)));
                    continue;
                }
            }
            let sent = Sent { bytes: piece, _charge: Arc::clone(&counted.charge) };
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(sent)))));
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Pieces(pieces) => pieces.is_none(),
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
