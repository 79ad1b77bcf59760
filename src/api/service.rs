//! The API as a `tower::Service`, so that an axum or hyper program can mount it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use tokio::runtime::Handle;
use tower_service::Service;

use super::auth::Signed;
use super::budget::{Charge, Guest};
use super::long_record::Written;
use super::upload::Upload;
use super::{Api, Begun, Body, List, MAX_BODY, Planned, documented, respond};
use crate::error::Result;
use crate::format::{Format, Spooled};
use crate::resources::LongTree;
use crate::store::{Command, Document, PIECE, RecordDocument, Spawn};

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
        signed: Signed,
        max_body: usize,
        guest: Option<&Arc<dyn Guest>>,
    ) -> Response<Body> {
        let runtime = Handle::current();
        let format = self.format(request.uri(), request.headers(), request.body());
        let planned = self.plan(&request, Some(request.body()), signed, max_body, format);
        // What was read of the body is as long as the body: both need not be kept while others are waited for.
        let method = request.into_parts().0.method;
        let response = match planned {
            Planned::Answered(response) => response,
            Planned::Record(record) => self.one(record, guest).await,
            Planned::List(list) => self.list(list, guest).await,
            Planned::Tree(tree) => self.tree(tree, format, guest).await,
            Planned::Write(command, answer) => {
                let command = match self.ready(command).await {
                    Ok(command) => command,
                    Err(error) => return respond::to(&method, respond::error(error, format)),
                };
                let spawn: Spawn = Arc::new(move |lead| drop(runtime.spawn_blocking(lead)));
                let outcome = self.inner.store.submit(command, &spawn).await;
                self.written(outcome, answer, format)
            }
        };
        respond::to(&method, response)
    }

    /// Does the work for a command that needs no transaction and may take a while: reading long texts, hashing a password.
    async fn ready(&self, command: Command) -> Result<Command> {
        let mut command = match command.is_long() {
            true => self.inner.longs.run(move || Ok(command.read())).await?,
            false => command,
        };
        if command.made().is_some_and(|values| values.password.is_some()) {
            let store = self.inner.store.clone();
            command = self.inner.hashes.run(move || store.hash_password(&mut command).map(|()| command)).await?;
        }
        Ok(command)
    }

    /// The answer with a record, which is written apart where it is long.
    async fn one(&self, record: RecordDocument, guest: Option<&Arc<dyn Guest>>) -> Response<Body> {
        let Api { inner } = self;
        let document = match inner.store.document(record) {
            Ok(Document::Short(document)) => Ok(Body::from(document)),
            Ok(Document::Long) => {
                let charge = guest.map(|guest| inner.lists.budget.enter(Some(Arc::clone(guest))));
                self.long(record).written(charge).await.map(|Written { document, charge }| {
                    let mut body = Body::from(document);
                    charge.into_iter().for_each(|charge| body.counted_by(charge));
                    body
                })
            }
            Err(error) => Err(error),
        };
        documented(document, record.format)
    }

    /// The answer with a long document, which is made apart once there is room for it.
    async fn tree(&self, tree: LongTree, format: Format, guest: Option<&Arc<dyn Guest>>) -> Response<Body> {
        let (most, charge) = (tree.most, guest.map(|guest| self.charge(guest)));
        if let Some(charge) = &charge {
            charge.grow(most).await;
        }
        let store = self.inner.store.clone();
        let document = match self.inner.longs.run(move || tree.written(&store, format)).await {
            Ok(document) => {
                let Written { document, charge } = Written::of(document, most, charge).await;
                let mut body = Body::from(document);
                charge.into_iter().for_each(|charge| body.counted_by(charge));
                Ok(body)
            }
            Err(error) => Err(error),
        };
        documented(document, format)
    }

    async fn list(&self, list: List, guest: Option<&Arc<dyn Guest>>) -> Response<Body> {
        let format = list.format;
        let begun = match self.kept(&list) {
            Some(kept) => Ok(Begun::Whole(kept)),
            None => self.begun(list.clone()).await,
        };
        let bytes = match &begun {
            Ok(Begun::Whole(document)) if document.len() > PIECE => document.len().min(KEPT),
            Ok(Begun::Long(_)) => LIST,
            _ => return self.listed(begun, format),
        };
        let Some(guest) = guest else { return self.listed(begun, format) };
        let charge = self.charge(guest);
        let begun = if charge.try_grow(bytes) {
            begun
        } else {
            // Nothing of the store is held while it waits.
            drop(begun);
            charge.grow(LIST).await;
            self.begun(list).await
        };
        let mut response = self.listed(begun, format);
        response.body_mut().counted_by(charge);
        response
    }

    fn charge(&self, guest: &Arc<dyn Guest>) -> Arc<Charge> {
        Arc::new(self.inner.lists.budget.enter(Some(Arc::clone(guest))))
    }

    /// Begins a list in a blocking task.
    async fn begun(&self, list: List) -> Result<Begun> {
        let api = self.clone();
        let begun = self.inner.beginnings.run(move || api.begin(list)).await?;
        Ok(match begun {
            Begun::Long(list) => Begun::Long(Box::new(list.with(&self.inner.longs))),
            whole => whole,
        })
    }

    /// A refusal of a request whose body was not read, or only its beginning; its Hint says what to do.
    pub(crate) fn refused(
        &self,
        head: &Parts,
        begun: &[u8],
        status: StatusCode,
        message: &str,
        hint: &str,
    ) -> Response<Body> {
        respond::hinted(status, message, hint, self.format(&head.uri, &head.headers, begun))
    }
}

/// The answer to a request, to come; see [`Api`]'s `Service`.
pub type HandleFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Reads a body as it comes.
async fn uploaded<B: HttpBody>(body: B, mut upload: Upload) -> Result<(Bytes, usize, Spooled), B::Error> {
    let mut body = pin!(body);
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame?.into_data() else { continue };
        while data.has_remaining() {
            let piece = data.chunk();
            upload.take(piece);
            let length = piece.len();
            data.advance(length);
        }
    }
    Ok(upload.end())
}

/// Answers requests within a tokio runtime. A body of more than 1 MiB gets 413; a receipt may have 10 MiB.
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
            let (mut head, body) = request.into_parts();
            let signed = api.sign_in(&head.uri, &head.headers).await;
            let most = Api::max_body(&head.method, head.uri.path(), MAX_BODY);
            let body = Limited::new(body, most);
            let came = match Upload::begin(&api, &head).filter(|_| signed.is_ok()) {
                Some(upload) => uploaded(body, upload).await.map(|(beginning, _, form)| {
                    head.extensions.insert(form);
                    beginning
                }),
                None => body.collect().await.map(Collected::to_bytes),
            };
            Ok(match came {
                Ok(body) => api.answer(Request::from_parts(head, body), signed, most, None).await,
                Err(error) if error.is::<LengthLimitError>() => {
                    let hint = format!("Send at most {most} bytes");
                    api.refused(&head, b"", StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", &hint)
                }
                Err(_) => {
                    let hint = "Send the whole body";
                    api.refused(&head, b"", StatusCode::BAD_REQUEST, "The body could not be read.", hint)
                }
            })
        })
    }
}
