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
use super::sites::{Site, Sites};
use crate::accounts::AccountName;
use crate::api::{Api, Body, Charge, Guest, Reason, Signed, Upload, done, is_encoded, reason};
use crate::control::{Controller, Drops, Recording};
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
            let account = Prefix(sending.account.as_ref());
            tracing::info!("{} {account}{method} {} dropped", progress.peer, Printable(uri.path()));
        }
        return Err(Unanswered::Dropped);
    };
    if version == Version::HTTP_10 && response.body().size_hint().exact().is_none() {
        // The end of the connection tells the end of the list.
        *response.version_mut() = Version::HTTP_10;
    }
    if shared.has_control {
        date(&mut response, &shared.api);
    }
    progress.answered();
    if let Some((method, uri)) = logged {
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        let (path, status) = (Printable(uri.path()), response.status().as_u16());
        let peer = format_args!("{} {}", progress.peer, Prefix(sending.account.as_ref()));
        match (status, reason(&response)) {
            (500, Some(reason)) => tracing::error!("{peer}{method} {path} {status} {milliseconds:.3} ms: {reason}"),
            (400.., Some(reason)) => tracing::info!("{peer}{method} {path} {status} {milliseconds:.3} ms: {reason}"),
            _ => tracing::info!("{peer}{method} {path} {status} {milliseconds:.3} ms"),
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

/// Says when the answer was made, by the store's clock.
fn date(response: &mut Response<Body>, api: &Api) {
    let date = api.store().now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::try_from(date) {
        response.headers_mut().entry(DATE).or_insert(date);
    }
}

/// The answer to a request; none where a fault drops the connection.
async fn answer(request: Request<Incoming>, shared: &Shared, sending: &mut Sending) -> Option<Response<Body>> {
    let (head, body) = request.into_parts();
    let is_ambiguous = sending.progress.is_ambiguous() && head.headers.contains_key(TRANSFER_ENCODING);
    if is_malformed(&head) || is_ambiguous {
        let mut response = done();
        *response.status_mut() = StatusCode::BAD_REQUEST;
        response.headers_mut().insert("status", HeaderValue::from_static("400 Bad Request"));
        let reason = "The target is no path or address, or the length of the body can be read in two ways";
        response.extensions_mut().insert(Reason(reason.to_owned()));
        return Some(closing(response));
    }
    if let Sites::One(site) = &shared.sites {
        // Also what is refused next.
        sending.recording = recording(site, &head);
    }
    let is_whole = body.is_end_stream();
    // The body stays unread.
    let unread = |response| if is_whole { response } else { closing(response) };
    let cors = match shared.guard.judge(&head, &shared.api) {
        Verdict::Pass(cors) => cors,
        Verdict::Answer(response) => return Some(unread(*response)),
    };
    let mut response = match site(&head, shared, sending).await {
        Ok(site) => answer_of(site, head, body, shared, sending).await?,
        Err(response) => unread(response),
    };
    if let Some(cors) = cors {
        cors.add_to(response.headers_mut());
    }
    Some(response)
}

/// Where a request leads to, or the answer to one that leads nowhere.
async fn site(head: &Parts, shared: &Shared, sending: &mut Sending) -> Result<Arc<Site>, Response<Body>> {
    let sites = match &shared.sites {
        Sites::One(site) => return Ok(Arc::clone(site)),
        Sites::Accounts(sites) => sites,
    };
    let name = match shared.guard.account(head, &shared.api) {
        Ok(name) => name,
        Err(_) if shared.has_control && Controller::is_health(head.uri.path()) => return Err(Controller::health()),
        Err(response) => return Err(*response),
    };
    let site = sites.find(&name).await.map_err(|error| shared.api.unopened(head, error))?;
    sending.recording = recording(&site, head);
    sending.account = Some(name);
    Ok(site)
}

/// Begins to record a request, unless it is a control call.
fn recording(site: &Site, head: &Parts) -> Option<Recording> {
    site.control.as_ref().filter(|_| !Controller::owns(head.uri.path())).map(|control| control.record(head))
}

/// The answer of the site that a request leads to.
async fn answer_of(
    site: Arc<Site>,
    mut head: Parts,
    body: Incoming,
    shared: &Shared,
    sending: &mut Sending,
) -> Option<Response<Body>> {
    let is_control = site.control.is_some() && Controller::owns(head.uri.path());
    let max_body = match is_control {
        true => Controller::max_body(head.uri.path()),
        false => Api::max_body(&head.method, head.uri.path(), shared.limits.max_body),
    };
    let guest = Arc::clone(&sending.progress) as Arc<dyn Guest>;
    let (is_admitted, asked) = match site.control.as_ref().filter(|_| is_control) {
        Some(control) => (control.admits(&head.headers), Asked::Control),
        None => {
            let signed = site.api.sign_in(&head.uri, &head.headers).await;
            if let Some(recording) = &mut sending.recording {
                recording.signed_in(signed.is_ok());
            }
            (signed.is_ok() || site.api.is_for_strangers(&head.method, head.uri.path()), Asked::Api(signed))
        }
    };
    // The body of who is not admitted stays unread.
    let is_unread = !is_admitted && !body.is_end_stream();
    let upload = match asked {
        Asked::Api(_) if !is_unread && !body.is_end_stream() => Upload::begin(&site.api, &head),
        _ => None,
    };
    // A body may take long to come; meanwhile, an account need not be open.
    let held = (body.is_end_stream() || sending.account.is_none()).then_some(site);
    let collected = match is_unread {
        true => Ok(Collected::default()),
        false => collect(body, &head.headers, max_body, shared, &guest, upload).await,
    };
    let site = match (held, &shared.sites, &sending.account) {
        (Some(site), ..) => site,
        (None, Sites::Accounts(sites), Some(name)) => match sites.find(name).await {
            Ok(site) => site,
            Err(error) => return Some(closing(shared.api.unopened(&head, error))),
        },
        (None, Sites::One(site), _) => Arc::clone(site),
        (None, Sites::Accounts(_), None) => return None,
    };
    let mut response = match collected {
        // Its room is given back with the answer: what was made of it is as long.
        Ok(Collected { body, length, form, charge: _charge }) => {
            sending.progress.body_complete();
            if let Some(form) = form {
                head.extensions.insert(form);
            }
            let mut response = match asked {
                Asked::Control => controlled(site.control.as_ref()?, &head, body, &guest).await,
                Asked::Api(signed) => {
                    if let Some(recording) = &mut sending.recording {
                        recording.body(&head.headers, &body, length);
                    }
                    faulted(Request::from_parts(head, body), max_body, signed, &site, sending, &guest).await?
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
            closing(match is_control {
                true => Controller::unreadable(status, message, &hint),
                false => shared.api.refused(&head, &begun, status, message, &hint),
            })
        }
    };
    if site.control.is_some() {
        date(&mut response, &site.api);
    }
    Some(response)
}

/// What a request is for; of the API with who asks.
enum Asked {
    Control,
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
    site: &Site,
    sending: &mut Sending,
    guest: &Arc<dyn Guest>,
) -> Option<Response<Body>> {
    let answer = |request| site.api.answer(request, signed, max_body, Some(guest));
    let Some(control) = &site.control else {
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

/// The account's name before a line of the log, where there is one.
struct Prefix<'a>(Option<&'a AccountName>);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "{name} "))
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
