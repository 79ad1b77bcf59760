//! What the page shows of the store.

use http::{Method, Response};

use super::body::Body;
use super::route::{self, Route};
use super::stream::Stream;
use super::{Api, respond};
use crate::error::Result;
use crate::format::{Dialect, Format, RequestBody};
use crate::resources::Plan;
use crate::store::{Actor, Document, ListDocument, Reach, RecordDocument, Selection};

impl Api {
    /// Answers a GET of a list or a record for the page and the control paths: the whole document in the `live`
    /// dialect, of a list only the given window (skip, limit). It asks for no credentials and counts no call. `None` if
    /// the path has no records.
    #[cfg(feature = "server")]
    pub(crate) fn look(&self, path: &str, window: (i64, i64)) -> Option<Result<Response<Body>>> {
        let Route::Found(target) = route::find(&Method::GET, path) else { return None };
        let (store, format) = (&self.inner.store, Format::Xml(Dialect::Live));
        let read = || match target.call(store, "", RequestBody::default(), (Actor::FIRST, Reach::All))?.plan()? {
            Plan::List { entity, selection } => {
                let selection = Selection { window: Some(window), ..selection };
                let mut list = ListDocument::new(store.snapshot()?, entity, selection, format);
                let mut first = Vec::new();
                let ended = list.short_piece(&mut first)?;
                Ok(Some(Body::list(Stream::new(first.into(), list, ended).with(&self.inner.longs))))
            }
            Plan::Record { entity, parent, id } => {
                let record = RecordDocument { entity, parent, id, reach: Reach::All, format };
                Ok(Some(match store.document(record)? {
                    Document::Short(document) => document.into(),
                    Document::Long => Body::late(self.long(record)),
                }))
            }
            Plan::Tree(..)
            | Plan::Long(_)
            | Plan::File(..)
            | Plan::RateLimit
            | Plan::Token
            | Plan::Unchanged { .. }
            | Plan::Write { .. } => Ok(None),
        };
        Some(read().transpose()?.map(|body: Body| respond::document(body, format)))
    }
}
