//! The API as a `tower::Service`, so that an axum or hyper program can mount it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::runtime::Handle;
use tower_service::Service;

use super::apart::Written;
use super::budget::{Charge, Guest};
use super::{Api, Begun, Body, MAX_BODY, Plan, respond};
use crate::error::Result;
use crate::store::{Document, PIECE, Resource, Selection, Spawn};

/// What a list that is read while it is sent takes, in bytes: a reader of the file, and the pieces on their way.
pub(crate) const LIST: usize = 1024 * 1024;
/// What the answer with a list takes that is kept anyway.
const KEPT: usize = 2 * PIECE;

impl Api {
    /// Answers a request without blocking: reads run in place, writes await their group's commit,
    /// lists begin in a blocking task. Must be called within a tokio runtime.
    ///
    /// What is long of the answer is held for the guest, where there is one, and counts in the budget until it is
    /// sent; the answer waits for the room, and holds nothing meanwhile.
    pub(crate) async fn answer(
        &self,
        request: Request<Bytes>,
        max_body: usize,
        guest: Option<&Arc<dyn Guest>>,
    ) -> Response<Body> {
        let runtime = Handle::current();
        let response = match self.plan(&request, max_body) {
            Plan::Answered(response) => response,
            Plan::Record { resource, id, parent } => self.one((resource, id, parent), guest).await,
            Plan::List { resource, selection } => self.list(resource, selection, guest).await,
            Plan::Write { command, target } => {
                let spawn: Spawn = Arc::new(move |lead| drop(runtime.spawn_blocking(lead)));
                let outcome = self.inner.store.submit(command, &spawn).await;
                self.written(outcome, target)
            }
        };
        respond::to(request.method(), response)
    }

    async fn one(
        &self,
        record: (&'static dyn Resource, i64, Option<i64>),
        guest: Option<&Arc<dyn Guest>>,
    ) -> Response<Body> {
        let Api { inner } = self;
        let (resource, id, parent) = record;
        match inner.store.document(resource, id, parent, inner.dialect) {
            Ok(Document::Long) => {
                let charge = guest.map(|guest| inner.lists.budget.enter(Some(Arc::clone(guest))));
                let written = self.long(record, inner.dialect).written(charge).await;
                self.documented(written.map(|Written { document, charge }| {
                    let mut body = Body::from(document);
                    charge.into_iter().for_each(|charge| body.counted_by(charge));
                    body
                }))
            }
            Ok(Document::Short(document)) => self.documented(Ok(document)),
            Err(error) => self.documented(Err::<Body, _>(error)),
        }
    }

    async fn list(
        &self,
        resource: &'static dyn Resource,
        selection: Selection,
        guest: Option<&Arc<dyn Guest>>,
    ) -> Response<Body> {
        let begun = match self.kept(resource, &selection) {
            Some(kept) => Ok(Begun::Whole(kept)),
            None => self.begun(resource, selection.clone()).await,
        };
        let bytes = match &begun {
            Ok(Begun::Whole(document)) if document.len() > KEPT => KEPT,
            Ok(Begun::Long(_)) => LIST,
            _ => return self.listed(begun),
        };
        let Some(guest) = guest else { return self.listed(begun) };
        let charge = self.charge(guest);
        let begun = if charge.try_grow(bytes) {
            begun
        } else {
            // Nothing of the store is held while it waits.
            drop(begun);
            charge.grow(LIST).await;
            self.begun(resource, selection).await
        };
        let mut response = self.listed(begun);
        response.body_mut().counted_by(charge);
        response
    }

    fn charge(&self, guest: &Arc<dyn Guest>) -> Arc<Charge> {
        Arc::new(self.inner.lists.budget.enter(Some(Arc::clone(guest))))
    }

    /// Begins a list in a blocking task.
    async fn begun(&self, resource: &'static dyn Resource, selection: Selection) -> Result<Begun> {
        let api = self.clone();
        let begun = self.inner.beginnings.run(move || api.begin(resource, selection)).await?;
        Ok(match begun {
            Begun::Long(list) => Begun::Long(Box::new(list.with(&self.inner.longs))),
            whole => whole,
        })
    }

    /// A refusal whose Hint says what to do, in the API's dialect.
    pub(crate) fn refused(&self, status: StatusCode, message: &str, hint: &str) -> Response<Body> {
        respond::hinted(status, message, hint, self.inner.dialect)
    }
}

/// The answer to a request, to come; see [`Api`]'s `Service`.
pub type HandleFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Answers requests within a tokio runtime. A body of more than 1 MiB gets 413.
impl<B> Service<Request<B>> for Api
where
    B: HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = HandleFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> HandleFuture {
        let api = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            Ok(match Limited::new(body, MAX_BODY).collect().await {
                Ok(body) => api.answer(Request::from_parts(head, body.to_bytes()), MAX_BODY, None).await,
                Err(error) if error.is::<LengthLimitError>() => {
                    let hint = format!("Send at most {MAX_BODY} bytes");
                    api.refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", &hint)
                }
                Err(_) => {
                    let hint = "Send the whole body";
                    api.refused(StatusCode::BAD_REQUEST, "The body could not be read.", hint)
                }
            })
        })
    }
}
