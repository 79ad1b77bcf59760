//! A list that is read from the store while it is sent.

use bytes::Bytes;

#[cfg(feature = "tower")]
use super::lane::Lane;
use crate::error::Result;
use crate::store::{Ended, ListDocument, PIECE};

/// A list that is read while it is sent.
pub(super) struct Stream {
    first: Option<Bytes>,
    rest: ListDocument,
    /// How the last read of `rest` ended.
    ended: Ended,
    /// Where long records are written; without one, on the calling thread.
    #[cfg(feature = "tower")]
    pub(super) lane: Option<Lane>,
}

impl Stream {
    /// A list of which `first` was read already; reading it ended with `ended`.
    pub(super) fn new(first: Bytes, rest: ListDocument, ended: Ended) -> Self {
        Stream {
            first: Some(first).filter(|first| !first.is_empty()),
            rest,
            ended,
            #[cfg(feature = "tower")]
            lane: None,
        }
    }

    /// Lets long records be written in the lane.
    #[cfg(feature = "tower")]
    pub(super) fn with(mut self, lane: &Lane) -> Self {
        self.lane = Some(lane.clone());
        self
    }

    /// The next piece. For a long record it only gives the upper bound of its length; [`long`](Self::long) writes it.
    pub(super) fn next(&mut self) -> Option<Result<Piece>> {
        if let Some(mut first) = self.first.take() {
            if first.len() > PIECE + PIECE / 8 {
                self.first = Some(first.split_off(PIECE));
            }
            return Some(Ok(Piece::Made(first)));
        }
        match self.ended {
            Ended::Whole => return None,
            Ended::BeforeLong(most) => return Some(Ok(Piece::Long(most))),
            Ended::Between => {}
        }
        let mut piece = Vec::with_capacity(PIECE + PIECE / 8);
        match self.rest.short_piece(&mut piece) {
            Ok(Ended::BeforeLong(most)) => {
                self.ended = Ended::BeforeLong(most);
                Some(Ok(Piece::Long(most)))
            }
            Ok(ended) => {
                self.ended = ended;
                Some(Ok(Piece::Made(piece.into())))
            }
            Err(error) => {
                self.ended = Ended::Whole;
                Some(Err(error))
            }
        }
    }

    /// Writes the long record, in this much room; empty if the record was deleted meanwhile.
    pub(super) fn long(&mut self, room: usize) -> Result<Vec<u8>> {
        self.ended = Ended::Whole;
        let mut piece = Vec::new();
        if let Some(taken) = self.rest.take_long()? {
            piece.reserve_exact(room);
            self.rest.write_taken(&taken, &mut piece)?;
        }
        self.ended = Ended::Between;
        Ok(piece)
    }
}

/// What comes next of a body.
pub(super) enum Piece {
    Made(Bytes),
    /// A long record, of at most this many bytes; it is not written yet.
    Long(usize),
}
