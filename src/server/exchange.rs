//! One request and its answer.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tracing::Level;

use super::Shared;
use super::guard::Verdict;
use super::progress::Progress;
use super::sending::Sending;
use crate::api::{Api, Body, Charge, Guest, Reason, Signed, Upload, done, is_encoded, reason};
use crate::control::{Controller, Drops};
use crate::error::Error;
use crate::format::Spooled;

/// Why a request gets no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// The connection was told to close before the head of the request was complete.
    #[error("the connection gave way")]
    Dismissed,
    #[error("a fault dropped the connection")]
    Dropped,
}

/// Answers a request, and logs it.
pub(super) async fn exchange(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
) -> std::result::Result<Response<Sending>, Unanswered> {
    let begun = Instant::now();
    if !progress.head_complete(!request.body().is_end_stream()) {
        return Err(Unanswered::Dismissed);
    }
    let logged = tracing::enabled!(Level::INFO).then(|| (request.method().clone(), request.uri().clone()));
    let version = request.version();
    let mut sending = Sending::of(&progress);
    let Some(mut response) = answer(request, &shared, &mut sending).await else {
        if let Some((method, uri)) = logged {
            tracing::info!("{} {method} {} dropped", progress.peer, Printable(uri.path()));
        }
        return Err(Unanswered::Dropped);
    };
    if version == Version::HTTP_10 && response.body().size_hint().exact().is_none() {
        // The end of the connection tells the end of the list.
        *response.version_mut() = Version::HTTP_10;
    }
    if shared.control.is_some() {
        let date = shared.api.store().now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            response.headers_mut().entry(DATE).or_insert(date);
        }
    }
    progress.answered();
    if let Some((method, uri)) = logged {
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        let (peer, path, status) = (progress.peer, Printable(uri.path()), response.status().as_u16());
        match (status, reason(&response)) {
            (500, Some(reason)) => tracing::error!("{peer} {method} {path} {status} {milliseconds:.3} ms: {reason}"),
            (400.., Some(reason)) => tracing::info!("{peer} {method} {path} {status} {milliseconds:.3} ms: {reason}"),
            _ => tracing::info!("{peer} {method} {path} {status} {milliseconds:.3} ms"),
        }
    } else if response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && let Some(error) = response.extensions().get::<Error>()
    {
        tracing::error!("{} 500: {error}", progress.peer);
    }
    if let Some(recording) = &mut sending.recording {
        recording.status(response.status());
    }
    Ok(response.map(|body| sending.carry(body)))
}

/// The answer to a request; none where a fault drops the connection.
async fn answer(request: Request<Incoming>, shared: &Shared, sending: &mut Sending) -> Option<Response<Body>> {
    let (mut head, body) = request.into_parts();
    let is_ambiguous = sending.progress.is_ambiguous() && head.headers.contains_key(TRANSFER_ENCODING);
    if is_malformed(&head) || is_ambiguous {
        let mut response = done();
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().insert("status", HeaderValue::from_static("400 Bad Request"));
        let reason = "The target is no path or address, or the length of the body can be read in two ways";
        response.extensions_mut().insert(Reason(reason.to_owned()));
        return Some(closing(response));
    }
    let controls = shared.control.as_ref().filter(|_| Controller::owns(head.uri.path()));
    if controls.is_none() {
        sending.recording = shared.control.as_ref().map(|control| control.record(&head));
    }
    let cors = match shared.guard.judge(&head, &shared.api) {
        Verdict::Pass(cors) => cors,
        Verdict::Answer(response) if body.is_end_stream() => return Some(*response),
        // The body stays unread.
        Verdict::Answer(response) => return Some(closing(*response)),
    };
    let max_body = match controls {
        Some(_) => Controller::max_body(head.uri.path()),
        None => Api::max_body(&head.method, head.uri.path(), shared.limits.max_body),
    };
    let guest = Arc::clone(&sending.progress) as Arc<dyn Guest>;
    let (is_admitted, asked) = match controls {
        Some(control) => (control.admits(&head.headers), Asked::Control(control)),
        None => {
            let signed = shared.api.sign_in(&head.uri, &head.headers).await;
            if let Some(recording) = &mut sending.recording {
                recording.signed_in(signed.is_ok());
            }
            (signed.is_ok() || shared.api.is_for_strangers(&head.method, head.uri.path()), Asked::Api(signed))
        }
    };
    // The body of who is not admitted stays unread.
    let is_unread = !is_admitted && !body.is_end_stream();
    let upload = match asked {
        Asked::Api(_) if !is_unread && !body.is_end_stream() => Upload::begin(&shared.api, &head),
        _ => None,
    };
    let collected = match is_unread {
        true => Ok(Collected::default()),
        false => collect(body, &head.headers, max_body, shared, &guest, upload).await,
    };
    let mut response = match collected {
        // Its room is given back with the answer: what was made of it is as long.
        Ok(Collected { body, length, form, charge: _charge }) => {
            sending.progress.body_complete();
            if let Some(form) = form {
                head.extensions.insert(form);
            }
            let mut response = match asked {
                Asked::Control(control) => controlled(control, &head, body, &guest).await,
                Asked::Api(signed) => {
                    if let Some(recording) = &mut sending.recording {
                        recording.body(&head.headers, &body, length);
                    }
                    faulted(Request::from_parts(head, body), max_body, signed, shared, sending, &guest).await?
                }
            };
            if let Some(bytes) = response.body().uncounted() {
                let charge = Arc::new(shared.api.budget().enter(Some(guest)));
                charge.grow(bytes).await;
                response.body_mut().counted_by(charge);
            }
            if is_unread { closing(response) } else { response }
        }
        Err(unread) => {
            let (status, message, hint, begun) = match unread {
                Unread::TooLong(begun) => {
                    let hint = format!("Send at most {max_body} bytes");
                    (StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.", hint, begun)
                }
                Unread::Broken => {
                    let hint = "Send the whole body".to_owned();
                    (StatusCode::BAD_REQUEST, "The body could not be read.", hint, Bytes::new())
                }
            };
            closing(match controls {
                Some(_) => Controller::unreadable(status, message, &hint),
                None => shared.api.refused(&head, &begun, status, message, &hint),
            })
        }
    };
    if let Some(cors) = cors {
        cors.add_to(response.headers_mut());
    }
    Some(response)
}

/// What a request is for; of the API with who asks.
enum Asked<'a> {
    Control(&'a Arc<Controller>),
    Api(Signed),
}

/// The answer to a control call.
async fn controlled(control: &Arc<Controller>, head: &Parts, body: Bytes, guest: &Arc<dyn Guest>) -> Response<Body> {
    let most = control.answer_at_most(head);
    if most == 0 {
        return control.answer(head, body).await;
    }
    // Nothing of a long answer is held before there is room for it.
    let charge = Arc::new(control.budget().enter(Some(Arc::clone(guest))));
    charge.grow(most).await;
    let mut response = control.answer(head, body).await;
    if response.body().uncounted().is_some() {
        response.body_mut().counted_by(charge);
    }
    response
}

/// The API's answer, or what the faults make of it.
async fn faulted(
    request: Request<Bytes>,
    max_body: usize,
    signed: Signed,
    shared: &Shared,
    sending: &mut Sending,
    guest: &Arc<dyn Guest>,
) -> Option<Response<Body>> {
    let answer = |request| shared.api.answer(request, signed, max_body, Some(guest));
    let Some(control) = &shared.control else {
        return Some(answer(request).await);
    };
    let (head, body) = request.into_parts();
    let Some(effect) = control.fault(&head) else {
        return Some(answer(Request::from_parts(head, body)).await);
    };
    if let Some(recording) = &mut sending.recording {
        recording.fault(effect.name());
    }
    if let Some(delay) = effect.delay {
        tokio::time::sleep(delay).await;
    }
    if effect.drops == Some(Drops::Request) {
        return None;
    }
    let response = match effect.answer {
        Some(mut response) => {
            response.extensions_mut().insert(Reason("a fault of the control paths".to_owned()));
            response
        }
        None => answer(Request::from_parts(head, body)).await,
    };
    if effect.drops == Some(Drops::Answer) {
        return None;
    }
    sending.cut = effect.cut;
    Some(response)
}

/// What hyper lets pass: a target that is neither a path nor a whole address, and what other programs could read
/// as another length.
fn is_malformed(head: &Parts) -> bool {
    let is_target = head.method == Method::CONNECT || head.uri.authority().is_none() || head.uri.scheme().is_some();
    let only = |name, is_right: fn(&[u8]) -> bool| {
        let mut values = head.headers.get_all(name).iter();
        values.next().is_none_or(|value| is_right(value.as_bytes())) && values.next().is_none()
    };
    !is_target
        || !only(CONTENT_LENGTH, |value| value.iter().all(u8::is_ascii_digit))
        || !only(TRANSFER_ENCODING, |value| value.eq_ignore_ascii_case(b"chunked"))
}

fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

enum Unread {
    /// With what came of it first.
    TooLong(Bytes),
    Broken,
}

/// So much of a body is a part of what every connection may hold, in bytes, and not counted in the budget.
const SHORT: usize = 4 * 1024;
/// The blocks of memory in which a body comes, in bytes. All are of one length and stay where they are: a buffer that grows
/// would leave holes of all lengths behind, which add up to as much as the bodies.
const BLOCK: usize = 16 * 1024;

/// What came of a body.
#[derive(Default)]
struct Collected {
    /// The whole body; only its beginning where it was read as it came.
    body: Bytes,
    /// Of the whole body, in bytes.
    length: usize,
    /// What was read of it as it came.
    form: Option<Spooled>,
    /// What is counted for it: its bytes as they come, also those that go to a temporary file, and what it may become once it
    /// is decoded.
    charge: Option<Arc<Charge>>,
}

/// The whole body, in memory or, with an upload, read as it comes.
async fn collect(
    mut body: Incoming,
    headers: &HeaderMap,
    limit: usize,
    shared: &Shared,
    guest: &Arc<dyn Guest>,
    mut upload: Option<Upload>,
) -> std::result::Result<Collected, Unread> {
    // Refused before it is waited for, the program is not told to go on.
    if body.size_hint().lower() > limit as u64 {
        return Err(Unread::TooLong(Bytes::new()));
    }
    let enter = || Arc::new(shared.api.budget().enter(Some(Arc::clone(guest))));
    let mut charge: Option<Arc<Charge>> = None;
    let mut first = Bytes::new();
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut came = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        came += data.len();
        if came > limit {
            let begun = std::iter::once(first).chain(blocks.into_iter().map(Bytes::from)).chain([data]);
            return Err(Unread::TooLong(begun.into_iter().find(|part| !part.is_empty()).unwrap_or_default()));
        }
        if came > SHORT {
            // What came before was not counted yet, where this is what makes it long.
            let more = if charge.is_some() { data.len() } else { came };
            charge.get_or_insert_with(enter).grow(more).await;
        }
        if let Some(upload) = &mut upload {
            upload.take(&data);
            continue;
        }
        if came == data.len() {
            first = data;
            continue;
        }
        for mut part in [std::mem::take(&mut first), data] {
            while !part.is_empty() {
                if blocks.last().is_none_or(|block| block.len() == BLOCK) {
                    blocks.push(Vec::with_capacity(BLOCK));
                }
                let Some(block) = blocks.last_mut() else { break };
                let fits = part.split_to(part.len().min(BLOCK - block.len()));
                block.extend_from_slice(&fits);
            }
        }
    }
    if let Some(upload) = upload {
        let (body, length, form) = upload.end();
        return Ok(Collected { body, length, form: Some(form), charge });
    }
    let body = if blocks.is_empty() { first } else { joined(blocks, came).into() };
    if is_encoded(headers) && !body.is_empty() {
        charge.get_or_insert_with(enter).grow(limit).await;
    }
    Ok(Collected { body, length: came, form: None, charge })
}

/// The blocks' bytes in one piece of memory; each block is let go once it was copied.
fn joined(blocks: Vec<Vec<u8>>, length: usize) -> Vec<u8> {
    let mut whole = Vec::with_capacity(length);
    blocks.into_iter().for_each(|block| whole.extend_from_slice(&block));
    whole
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
