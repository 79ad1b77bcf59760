//! Lists of the API: kept whole for the next request, or read from the store while they are sent.

use bytes::Bytes;
use http::Response;

use super::stream::Stream;
use super::{Api, Body, Inner, lists, respond};
use crate::error::{Error, Result};
use crate::format::Format;
use crate::store::{Ended, Entity, ListDocument, PIECE, Selection};

/// A list to write, in a format.
#[derive(Clone)]
pub(super) struct List {
    pub(super) entity: &'static Entity,
    pub(super) selection: Selection,
    pub(super) format: Format,
}

/// A list whose beginning was read.
pub(super) enum Begun {
    Whole(Bytes),
    /// To be read while it is sent.
    Long(Box<Stream>),
}

impl Api {
    /// A whole list that was kept and is still what the store holds.
    pub(super) fn kept(&self, list: &List) -> Option<Bytes> {
        let Inner { store, lists, .. } = &*self.inner;
        let version = store.version().ok().filter(|_| list.selection.is_whole())?;
        lists.get(list.name(), version)
    }

    /// Reads a list: to its end where it is short, or whole and can be kept.
    pub(super) fn begin(&self, list: List) -> Result<Begun> {
        let Inner { store, lists, .. } = &*self.inner;
        let name = list.name();
        let List { entity, selection, format } = list;
        let turn = if selection.is_whole() { lists.turn() } else { None };
        // The version is taken before the list is read, so that a write meanwhile makes it outdated.
        let version = store.version()?;
        if selection.is_whole()
            && let Some(kept) = lists.get(name, version)
        {
            // Another request has made the list meanwhile.
            return Ok(Begun::Whole(kept));
        }
        let begin = |selection| Ok::<_, Error>(ListDocument::new(store.snapshot()?, entity, selection, format));
        if let Some(mut room) = turn.as_ref().and_then(|_| lists.room(name)) {
            let mut document = begin(selection.clone())?;
            loop {
                let more = document.piece(&mut room.document)?;
                if !room.fits() {
                    // It is too long to be kept, and begins anew.
                    if room.is_too_long() {
                        lists.measured(name, room.document.len());
                    }
                    break;
                }
                if !more {
                    return Ok(Begun::Whole(lists.keep(name, room, version, store.version()?)));
                }
            }
        }
        drop(turn);
        let mut document = begin(selection)?;
        let mut first = Vec::with_capacity(PIECE + PIECE / 8);
        let mut ended = document.short_piece(&mut first)?;
        if ended == Ended::Between {
            // A page of invoices is a little longer than a piece, and its reader is to keep what it has in memory.
            ended = document.short_piece(&mut first)?;
        }
        if ended == Ended::Whole && first.len() <= 2 * PIECE {
            return Ok(Begun::Whole(first.into()));
        }
        document.keep_little()?;
        Ok(Begun::Long(Box::new(Stream::new(first.into(), document, ended))))
    }

    /// The answer with a list.
    pub(super) fn listed(&self, begun: Result<Begun>, format: Format) -> Response<Body> {
        match begun {
            Ok(Begun::Whole(document)) => respond::document(document, format),
            Ok(Begun::Long(list)) => respond::document(Body::list(*list), format),
            Err(error) => respond::error(error, format),
        }
    }
}

impl List {
    /// The key that it is kept under.
    fn name(&self) -> lists::Name {
        (self.entity.document.list, self.format)
    }
}
