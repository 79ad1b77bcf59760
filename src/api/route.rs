//! Which call a method and a path mean; the routes are drawn from the registry of resources.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::resources::RESOURCES;
use crate::store::{Action, Resource};

/// What a path and a method lead to.
pub(super) enum Route {
    Found(&'static dyn Resource, Call),
    /// `/account/who_am_i`.
    Account,
    /// The path exists, the method does not; the ones that do.
    WrongMethod(&'static str),
    Unknown,
}

/// A call on a resource.
#[derive(Clone, Copy)]
pub(super) enum Call {
    List,
    Create,
    Get(i64),
    Update(i64),
    Delete(i64),
    Act(i64, &'static Action),
}

/// Finds the route. A path may end in a slash or in the format suffix `.xml` (`wire.md`).
pub(super) fn find(method: &Method, path: &str) -> Route {
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return Route::Unknown;
    };
    let path = path.strip_prefix('/').unwrap_or(&path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let path = path.strip_suffix(".xml").unwrap_or(path);
    let mut segments = path.split('/');
    let (first, second, third) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    if segments.next().is_some() {
        return Route::Unknown;
    }
    if let ("account", Some("who_am_i"), None) = (first, second, third) {
        return if is_get(method) { Route::Account } else { wrong("GET, HEAD") };
    }
    let Some(resource) = RESOURCES.iter().copied().find(|resource| resource.table().name == first) else {
        return Route::Unknown;
    };
    let call = match (second.map(id), third) {
        (None, _) if is_get(method) => Call::List,
        (None, _) if method == Method::POST => Call::Create,
        (None, _) => return wrong("GET, HEAD, POST"),
        (Some(None), _) => return Route::Unknown,
        (Some(Some(id)), None) if is_get(method) => Call::Get(id),
        (Some(Some(id)), None) if method == Method::PUT => Call::Update(id),
        (Some(Some(id)), None) if method == Method::DELETE => Call::Delete(id),
        (Some(Some(_)), None) => return wrong("GET, HEAD, PUT, DELETE"),
        (Some(Some(id)), Some(name)) => match resource.actions().iter().find(|action| action.name == name) {
            Some(action) if method == Method::POST || method == Method::PUT => Call::Act(id, action),
            Some(_) => return wrong("POST, PUT"),
            None => return Route::Unknown,
        },
    };
    Route::Found(resource, call)
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn wrong(allowed: &'static str) -> Route {
    Route::WrongMethod(allowed)
}

/// An id of a path; no record has one that is no number.
fn id(segment: &str) -> Option<i64> {
    segment.bytes().all(|byte| byte.is_ascii_digit()).then(|| segment.parse().ok()).flatten()
}
