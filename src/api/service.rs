//! The API as a `tower::Service`, so that an axum or hyper program can mount it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::runtime::Handle;
use tower_service::Service;

use super::{Api, Begun, Body, Held, List, Planned, respond};
use crate::error::{Error, Result};
use crate::store::Spawn;

/// A longer body is refused with 413; 1 MiB.
const MAX_BODY: usize = 1024 * 1024;

impl Api {
    /// Answers a request without blocking: reads run in place, writes await their group's commit,
    /// lists begin in a blocking task. A list that is sent while it is read waits for a place, and holds it
    /// until it ends. Must be called within a tokio runtime.
    pub(crate) async fn answer(&self, request: Request<Bytes>, place: impl Future<Output = Held>) -> Response<Body> {
        let runtime = Handle::current();
        let format = self.format(request.uri(), request.headers(), request.body());
        let response = match self.plan(&request, format) {
            Planned::Answered(response) => response,
            Planned::List(list) => match self.kept(&list) {
                Some(kept) => respond::document(kept, format),
                None => match self.begun(list.clone()).await {
                    Ok(Begun::Long(begun)) => {
                        // Nothing of the store is held while it waits.
                        drop(begun);
                        let held = place.await;
                        self.listed(self.begun(list).await, Some(held), format)
                    }
                    begun => self.listed(begun, None, format),
                },
            },
            Planned::Write(command, answer) => {
                let spawn: Spawn = Arc::new(move |lead| drop(runtime.spawn_blocking(lead)));
                let outcome = self.inner.store.submit(command, &spawn).await;
                self.written(outcome, answer, format)
            }
        };
        respond::to(request.method(), response)
    }

    /// Begins a list in a blocking task.
    async fn begun(&self, list: List) -> Result<Begun> {
        let turn = Arc::clone(&self.inner.beginnings).acquire_owned().await;
        let api = self.clone();
        let begin = move || {
            let _turn = turn;
            api.begin(list)
        };
        let begun = Handle::current().spawn_blocking(begin).await;
        begun.unwrap_or_else(|error| Err(Error::storage("reading a list", error)))
    }

    /// A refusal of a request whose body was not read; its Hint says what to do.
    pub(crate) fn refused(&self, head: &Parts, status: StatusCode, message: &str, hint: &str) -> Response<Body> {
        respond::hinted(status, message, hint, self.format(&head.uri, &head.headers, b""))
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
                Ok(body) => {
                    api.answer(Request::from_parts(head, body.to_bytes()), async { Box::new(()) as Held }).await
                }
                Err(error) if error.is::<LengthLimitError>() => {
                    let hint = format!("Send at most {MAX_BODY} bytes");
                    api.refused(&head, StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", &hint)
                }
                Err(_) => {
                    let hint = "Send the whole body";
                    api.refused(&head, StatusCode::BAD_REQUEST, "The body could not be read.", hint)
                }
            })
        })
    }
}
