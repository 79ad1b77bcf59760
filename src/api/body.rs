//! A response's body: whole, or made piece by piece while it is sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::budget::Charge;
#[cfg(feature = "tower")]
use super::long_record::{LongRecord, next_long};
use super::stream::{Piece, Stream};
use crate::error::{Error, Result};
use crate::store::PIECE;

/// The body of a response.
///
/// One that is made of pieces makes each when it is asked for; those of a list are about 64 KiB long, or one long
/// record, and all read in one read transaction. Dropped half-way, it makes no more of them.
#[derive(Debug)]
pub struct Body {
    content: Content,
    counted: Option<Counted>,
}

enum Content {
    Whole(Bytes),
    /// Pieces, and how many bytes are left where that is known.
    Pieces(Pieces, Option<u64>),
    List(Box<Stream>),
    /// A list whose next record is long, or one such record, is being written.
    Apart(Apart),
    /// A long record that was not asked for yet.
    #[cfg(feature = "tower")]
    Late(Box<LongRecord>),
    /// The last piece was made, or one could not be.
    Ended,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Whole(bytes) => f.debug_tuple("Whole").field(bytes).finish(),
            Content::Ended => f.write_str("Ended"),
            _ => f.write_str("Pieces"),
        }
    }
}

/// A list whose next record is being written apart, or none, and what is written.
type Apart = Pin<Box<dyn Future<Output = Result<(Option<Box<Stream>>, Bytes)>> + Send>>;

/// What makes pieces.
type Pieces = Box<dyn Iterator<Item = Result<Bytes>> + Send>;

/// How a body counts in the budget.
struct Counted {
    charge: Arc<Charge>,
    /// How long the last piece was, in bytes; it may not be sent yet.
    last: usize,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").finish_non_exhaustive()
    }
}

/// What is counted of a body that is made of pieces: the one that is being sent, and the rest of the one before.
pub(crate) const PIECES: usize = 4 * PIECE;

impl Body {
    /// A body whose pieces are made one after the other, each when it is to be sent. It ends with the last, and
    /// breaks off where one cannot be made.
    pub(crate) fn pieces(pieces: impl Iterator<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::of(Content::Pieces(Box::new(pieces), None))
    }

    /// The same, of this many bytes together.
    pub(super) fn sized(pieces: impl Iterator<Item = Result<Bytes>> + Send + 'static, length: usize) -> Self {
        Self::of(Content::Pieces(Box::new(pieces), Some(length as u64)))
    }

    /// A list, read while it is sent.
    pub(super) fn list(stream: Stream) -> Self {
        Self::of(Content::List(Box::new(stream)))
    }

    /// A long record, which is written once there is room for it.
    #[cfg(feature = "server")]
    pub(super) fn late(record: LongRecord) -> Self {
        Self::of(Content::Late(Box::new(record)))
    }

    fn of(content: Content) -> Self {
        Body { content, counted: None }
    }

    /// Counts what is held of it with this, until it is sent; long records in it count besides.
    pub(crate) fn counted_by(&mut self, charge: Arc<Charge>) {
        self.counted = Some(Counted { charge, last: 0 });
    }

    /// What is held of it at once and not counted yet, in bytes; none where that is little.
    #[cfg(feature = "server")]
    pub(crate) fn uncounted(&self) -> Option<usize> {
        match &self.content {
            _ if self.counted.is_some() => None,
            Content::Whole(bytes) => Some(bytes.len()).filter(|length| *length > PIECE),
            Content::Ended => None,
            _ => Some(PIECES),
        }
    }

    /// How many bytes it has, where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Pieces(_, left) => *left,
            _ => None,
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
            match piece? {
                Piece::Made(bytes) => all.extend_from_slice(&bytes),
                Piece::Long(most) => all.extend_from_slice(&self.long(most)?),
            }
        }
        Ok(all.into())
    }

    /// The next piece; after a long one, [`long`](Self::long) gives it.
    fn next(&mut self) -> Option<Result<Piece>> {
        let piece = match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => None,
            Content::Whole(bytes) => return Some(Ok(Piece::Made(std::mem::take(bytes)))),
            Content::Pieces(pieces, left) => pieces.next().map(|piece| {
                let piece = piece?;
                *left = left.map(|left| left.saturating_sub(piece.len() as u64));
                Ok(Piece::Made(piece))
            }),
            Content::List(list) => list.next(),
            #[cfg(feature = "tower")]
            Content::Late(record) => return Some(record.at_most().map(Piece::Long)),
            Content::Apart(_) | Content::Ended => None,
        };
        if !matches!(piece, Some(Ok(_))) {
            self.content = Content::Ended;
        }
        piece
    }

    /// The long record that comes next, in place.
    fn long(&mut self, most: usize) -> Result<Bytes> {
        match &mut self.content {
            Content::List(list) => list.long(most).map(Bytes::from),
            #[cfg(feature = "tower")]
            Content::Late(record) => {
                let document = record.in_place(most);
                self.content = Content::Ended;
                document.map(Bytes::from)
            }
            _ => Ok(Bytes::new()),
        }
    }

    /// Begins to write the long record that comes next apart from here; false where that is to be done in place.
    #[cfg(feature = "tower")]
    fn begin_apart(&mut self, most: usize) -> bool {
        let counted = self.counted.as_ref();
        let charge = || counted.map(|counted| counted.charge.another());
        let kept = |counted: &Counted| if counted.last > PIECE / 16 { 2 * PIECE } else { 0 };
        let apart: Apart = match std::mem::replace(&mut self.content, Content::Ended) {
            Content::List(list) => match list.lane.clone() {
                Some(lane) => {
                    let counted = counted.map(|counted| (Arc::clone(&counted.charge), kept(counted)));
                    Box::pin(async move {
                        let (list, record) = next_long(lane, list, most, counted).await?;
                        Ok((Some(list), record))
                    })
                }
                None => {
                    self.content = Content::List(list);
                    return false;
                }
            },
            Content::Late(record) => {
                let charge = charge();
                // Nothing else of it will be sent.
                if let Some(counted) = counted {
                    counted.charge.let_go(0);
                }
                Box::pin(async move { Ok((None, record.written(charge).await?.into_bytes())) })
            }
            other => {
                self.content = other;
                return false;
            }
        };
        self.content = Content::Apart(apart);
        true
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::of(Content::Whole(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body::of(Content::Whole(bytes.into()))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        loop {
            if let Content::Apart(apart) = &mut self.content {
                let written = ready!(apart.as_mut().poll(cx));
                let (list, record) = match written {
                    Ok(written) => written,
                    Err(error) => {
                        self.content = Content::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                };
                self.content = list.map_or(Content::Ended, Content::List);
                if record.is_empty() {
                    continue;
                }
                return Poll::Ready(Some(Ok(Frame::data(record))));
            }
            // A late record is measured where it is written.
            #[cfg(feature = "tower")]
            if matches!(self.content, Content::Late(_)) && self.begin_apart(0) {
                continue;
            }
            let piece = match self.next() {
                Some(Ok(Piece::Made(piece))) => Ok(piece),
                #[cfg(feature = "tower")]
                Some(Ok(Piece::Long(most))) if self.begin_apart(most) => continue,
                Some(Ok(Piece::Long(most))) => self.long(most),
                Some(Err(error)) => Err(error),
                None => return Poll::Ready(None),
            };
            return Poll::Ready(Some(piece.map(|bytes| {
                Frame::data(match &mut self.counted {
                    Some(counted) => {
                        counted.last = bytes.len();
                        counted.charge.count(bytes)
                    }
                    None => bytes,
                })
            })));
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Ended => true,
            _ => false,
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
