//! One request and its answer.

use std::fmt::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tracing::Level;

use super::Shared;
use super::guard::Verdict;
use super::progress::Progress;
use crate::api::{Body, done};
use crate::error::{Error, Result};

/// The connection was told to close before the head of the request was complete.
#[derive(Debug, thiserror::Error)]
#[error("the connection gave way")]
pub(super) struct Dismissed;

/// Answers a request, and logs it.
pub(super) async fn exchange(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
) -> std::result::Result<Response<Sending>, Dismissed> {
    let begun = Instant::now();
    if !progress.head_complete(!request.body().is_end_stream()) {
        return Err(Dismissed);
    }
    let logged = tracing::enabled!(Level::INFO).then(|| (request.method().clone(), request.uri().clone()));
    let version = request.version();
    let mut response = answer(request, &shared, &progress).await;
    if version == Version::HTTP_10 && response.body().size_hint().exact().is_none() {
        // The end of the connection tells the end of the list.
        *response.version_mut() = Version::HTTP_10;
    }
    progress.answered();
    if let Some((method, uri)) = logged {
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        let path = Printable(uri.path());
        tracing::info!("{method} {path} {} {milliseconds:.3} ms", response.status().as_u16());
    }
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && let Some(error) = response.extensions().get::<Error>()
    {
        tracing::error!("{error}");
    }
    Ok(response.map(|body| Sending { body, progress }))
}

async fn answer(request: Request<Incoming>, shared: &Shared, progress: &Progress) -> Response<Body> {
    let (head, body) = request.into_parts();
    if is_malformed(&head) || progress.is_ambiguous() && head.headers.contains_key(TRANSFER_ENCODING) {
        let mut response = done();
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().insert("status", HeaderValue::from_static("400 Bad Request"));
        return closing(response);
    }
    let cors = match shared.guard.judge(&head, &shared.api) {
        Verdict::Pass(cors) => cors,
        Verdict::Answer(response) if body.is_end_stream() => return *response,
        // The body stays unread.
        Verdict::Answer(response) => return closing(*response),
    };
    let mut response = match collect(body, shared.limits.max_body).await {
        Ok(body) => {
            progress.body_complete();
            shared.api.answer(Request::from_parts(head, body)).await
        }
        Err(Unread::TooLong) => {
            let hint = format!("Send at most {} bytes", shared.limits.max_body);
            closing(shared.api.refused(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", &hint))
        }
        Err(Unread::Broken) => {
            closing(shared.api.refused(StatusCode::BAD_REQUEST, "The body could not be read.", "Send the whole body"))
        }
    };
    if let Some(cors) = cors {
        cors.add_to(response.headers_mut());
    }
    response
}

/// What hyper lets pass: a target that is neither a path nor a whole address.
fn is_malformed(head: &Parts) -> bool {
    head.method != Method::CONNECT && head.uri.authority().is_some() && head.uri.scheme().is_none()
}

fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

enum Unread {
    TooLong,
    Broken,
}

async fn collect(mut body: Incoming, limit: usize) -> std::result::Result<Bytes, Unread> {
    // Refused before it is waited for, the program is not told to go on.
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLong);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(Unread::TooLong);
        }
        if all.is_empty() && first.is_empty() {
            first = data;
            continue;
        }
        all.extend_from_slice(&std::mem::take(&mut first));
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The body of an answer, which tells when it was given whole.
pub(super) struct Sending {
    body: Body,
    progress: Arc<Progress>,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Err(error))) = &frame {
            tracing::error!("a list broke off: {error}");
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.progress.answer_complete();
    }
}

/// A path for a log: whatever is not printable ASCII is escaped.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return f.write_str(self.0);
        }
        self.0.chars().try_for_each(|character| match character {
            '!'..='~' => f.write_char(character),
            other => write!(f, "{}", other.escape_default()),
        })
    }
}
