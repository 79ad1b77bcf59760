//! Which call a method and a path mean; the routes are drawn from the registry of resources.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::resources::RESOURCES;
use crate::store::{Action, Resource};

/// What a path and a method lead to.
pub(super) enum Route {
    Found(Target),
    /// `/account/who_am_i`.
    Account,
    /// `/account/rate_limit_status`.
    RateLimit,
    /// The path exists, the method does not; the ones that do.
    WrongMethod(&'static str),
    Unknown,
}

/// A call, and on what.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) resource: &'static dyn Resource,
    /// The record whose part of the path stands before.
    pub(super) parent: Option<i64>,
    pub(super) call: Call,
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
    let path = path.trim_matches('/');
    // The suffix belongs to a name; alone it is none.
    let path = path.strip_suffix(".xml").filter(|rest| !rest.is_empty() && !rest.ends_with('/')).unwrap_or(path);
    // A run of slashes counts as one.
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let account = match segments[..] {
        ["account", "who_am_i"] => Some(Route::Account),
        ["account", "rate_limit_status"] => Some(Route::RateLimit),
        _ => None,
    };
    if let Some(route) = account {
        return if is_get(method) { route } else { Route::WrongMethod("GET, HEAD") };
    }
    for resource in RESOURCES.iter().copied() {
        let Some((parent, rest)) = under(resource, &segments) else {
            continue;
        };
        let found = match *rest {
            [] => collection(method),
            [name] => match id(name) {
                Some(id) => record(method, id, resource.updates()),
                None => continue,
            },
            [first, name] => match (id(first), action(resource, None, name)) {
                (Some(id), Some(action)) => act(method, id, action),
                _ => continue,
            },
            _ => continue,
        };
        return finish(found, resource, parent);
    }
    deep_action(method, &segments)
}

/// What the path of a route looks like, such as `/clients/{id}/toggle`; none where there is no route.
#[cfg(feature = "server")]
pub(crate) fn pattern(method: &Method, path: &str) -> Option<String> {
    let Target { resource, parent, call } = match find(method, path) {
        Route::Found(target) => target,
        Route::Account => return Some("/account/who_am_i".to_owned()),
        Route::RateLimit => return Some("/account/rate_limit_status".to_owned()),
        Route::WrongMethod(_) | Route::Unknown => return None,
    };
    let own = |resource: &dyn Resource| resource.paths().first().copied().unwrap_or_default();
    let mut pattern = match resource.parent() {
        Some(named) if parent.is_some() => format!("/{}/{{{}}}", own(named.resource), named.column),
        _ => String::new(),
    };
    pattern.push_str(&format!("/{}", own(resource)));
    match call {
        Call::List | Call::Create => {}
        Call::Get(_) | Call::Update(_) | Call::Delete(_) => pattern.push_str("/{id}"),
        Call::Act(_, Action { under: None, name, .. }) => pattern.push_str(&format!("/{{id}}/{name}")),
        Call::Act(_, Action { under: Some(under), name, .. }) => {
            pattern.push_str(&format!("/{{id}}/{}/{name}", own(*under)));
        }
    }
    Some(pattern)
}

/// An action on a record that stands under the path of its children, like `mark_as_sent`.
fn deep_action(method: &Method, segments: &[&str]) -> Route {
    for resource in RESOURCES.iter().copied() {
        if let Some((parent, [first, under, name])) = self::under(resource, segments)
            && let (Some(id), Some(action)) = (id(first), action(resource, Some(under), name))
        {
            return finish(act(method, id, action), resource, parent);
        }
    }
    Route::Unknown
}

/// The id of the resource's parent in a path, and what follows the resource's own part.
fn under<'a, 'b>(resource: &dyn Resource, segments: &'a [&'b str]) -> Option<(Option<i64>, &'a [&'b str])> {
    let (parent, own) = match resource.parent() {
        None => (None, segments),
        Some(parent) => {
            let [first, second, own @ ..] = segments else { return None };
            if !parent.resource.paths().contains(first) && !parent.also.contains(first) {
                return None;
            }
            (Some(id(second)?), own)
        }
    };
    let (name, rest) = own.split_first()?;
    resource.paths().contains(name).then_some((parent, rest))
}

fn action(resource: &dyn Resource, under: Option<&str>, name: &str) -> Option<&'static Action> {
    resource.actions().iter().find(|action| {
        let stands_under = match (action.under, under) {
            (None, None) => true,
            (Some(resource), Some(part)) => resource.paths().contains(&part),
            _ => false,
        };
        stands_under && action.name == name
    })
}

fn collection(method: &Method) -> Result<Call, &'static str> {
    match *method {
        _ if is_get(method) => Ok(Call::List),
        Method::POST => Ok(Call::Create),
        _ => Err("GET, HEAD, POST"),
    }
}

fn record(method: &Method, id: i64, updates: bool) -> Result<Call, &'static str> {
    match *method {
        _ if is_get(method) => Ok(Call::Get(id)),
        Method::PUT if updates => Ok(Call::Update(id)),
        Method::DELETE => Ok(Call::Delete(id)),
        _ if updates => Err("GET, HEAD, PUT, DELETE"),
        _ => Err("GET, HEAD, DELETE"),
    }
}

fn act(method: &Method, id: i64, action: &'static Action) -> Result<Call, &'static str> {
    if method == Method::POST || method == Method::PUT { Ok(Call::Act(id, action)) } else { Err("POST, PUT") }
}

fn finish(found: Result<Call, &'static str>, resource: &'static dyn Resource, parent: Option<i64>) -> Route {
    match found {
        Ok(call) => Route::Found(Target { resource, parent, call }),
        Err(allowed) => Route::WrongMethod(allowed),
    }
}

fn is_get(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// An id of a path; no record has one that is no number.
fn id(segment: &str) -> Option<i64> {
    segment.bytes().all(|byte| byte.is_ascii_digit()).then(|| segment.parse().ok()).flatten()
}
