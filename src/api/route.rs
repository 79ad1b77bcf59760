//! From a method and a path to an endpoint.

use std::borrow::Cow;
use std::sync::OnceLock;

use http::Method;
use matchit::Router;
use percent_encoding::percent_decode_str;

use crate::resources::{Endpoint, Methods, PathDay, Resource, endpoints, people};

/// What a path and a method lead to.
pub(super) enum Route {
    Found(Target),
    /// The path exists, but not with this method; the methods that it has.
    WrongMethod(String),
    Unknown,
}

/// An endpoint, and the ids of the path.
pub(super) struct Target {
    pub(super) resource: Option<&'static Resource>,
    pub(super) endpoint: &'static Endpoint,
    pub(super) id: Option<i64>,
    pub(super) parent: Option<i64>,
    pub(super) day: Option<PathDay>,
    pub(super) email: Option<Email>,
}

/// The e-mail address of a person that a path has in the place of an id.
pub(super) struct Email {
    pub(super) address: String,
    /// Whether it stands for the record's own id, not for its parent's.
    pub(super) is_id: bool,
}

/// The endpoints of one path.
type Endpoints = Vec<(Option<&'static Resource>, &'static Endpoint)>;

/// The paths of all endpoints. Static parts come before parameters.
fn router() -> &'static Router<Endpoints> {
    static ROUTER: OnceLock<Router<Endpoints>> = OnceLock::new();
    ROUTER.get_or_init(|| {
        let mut paths: Vec<(&'static str, Endpoints)> = Vec::new();
        for (resource, endpoint) in endpoints() {
            for path in std::iter::once(&endpoint.path).chain(endpoint.also) {
                match paths.iter_mut().find(|(known, _)| known == path) {
                    Some((_, of_path)) => of_path.push((resource, endpoint)),
                    None => paths.push((path, vec![(resource, endpoint)])),
                }
            }
        }
        let mut router = Router::new();
        for (path, of_path) in paths {
            // No path conflicts with another; a test inserts them all.
            let _ = router.insert(path, of_path);
        }
        router
    })
}

/// Whether a path's format suffix is `.json`; none where it has no suffix.
pub(super) fn suffix_is_json(path: &str) -> Option<bool> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let path = path.strip_suffix('/').unwrap_or(&path);
    [(".xml", false), (".json", true)].iter().find(|(suffix, _)| path.ends_with(suffix)).map(|(_, is_json)| *is_json)
}

/// Finds the endpoint. A path may end in a slash or in a format suffix: `.xml` or `.json` (`docs/spec/wire.md`).
pub(super) fn find(method: &Method, path: &str) -> Route {
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return Route::Unknown;
    };
    let path = path.trim_end_matches('/');
    // A suffix needs a name before it.
    let suffix = |suffix| path.strip_suffix(suffix).filter(|rest: &&str| !rest.is_empty() && !rest.ends_with('/'));
    let path = suffix(".xml").or_else(|| suffix(".json")).unwrap_or(path);
    // A run of slashes counts as one.
    let path =
        if path.contains("//") || !path.starts_with('/') { Cow::Owned(single_slashes(path)) } else { path.into() };
    let Ok(matched) = router().at(&path) else {
        return Route::Unknown;
    };
    let (mut id, mut parent, mut day, mut email) = (None, None, None::<PathDay>, None);
    for (at, (name, value)) in matched.params.iter().enumerate() {
        let is_id = name == "id";
        match number(value) {
            Some(number) => match name {
                "id" => id = Some(number),
                "day" => day.get_or_insert_default().day = number,
                "year" => day.get_or_insert_default().year = number,
                _ => parent = Some(number),
            },
            None if at == 0 && path.starts_with(people::PATH) => {
                email = Some(Email { address: value.to_owned(), is_id });
            }
            None => return Route::Unknown,
        }
    }
    match matched.value.iter().find(|(_, endpoint)| endpoint.methods.has(method)) {
        Some((resource, endpoint)) => Route::Found(Target { resource: *resource, endpoint, id, parent, day, email }),
        None => {
            let methods = matched.value.iter().fold(Methods::NONE, |all, (_, endpoint)| all.and(endpoint.methods));
            Route::WrongMethod(methods.names())
        }
    }
}

fn single_slashes(path: &str) -> String {
    path.split('/').filter(|segment| !segment.is_empty()).flat_map(|segment| ["/", segment]).collect()
}

/// What the path of a route looks like, such as `/clients/{id}/toggle`; none where there is no route.
#[cfg(feature = "server")]
pub(crate) fn pattern(method: &Method, path: &str) -> Option<&'static str> {
    match find(method, path) {
        Route::Found(target) => Some(target.endpoint.path),
        Route::WrongMethod(_) | Route::Unknown => None,
    }
}

/// An id of a path. Text that is no number becomes an id that no record has.
fn number(segment: &str) -> Option<i64> {
    segment.bytes().all(|byte| byte.is_ascii_digit()).then(|| segment.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_every_endpoint_leads_to_it() {
        for (_, endpoint) in endpoints() {
            for path in std::iter::once(&endpoint.path).chain(endpoint.also) {
                let path: Vec<&str> =
                    path.split('/').map(|segment| if segment.starts_with('{') { "7" } else { segment }).collect();
                let path = path.join("/");
                for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
                    match find(&method, &path) {
                        Route::Found(target) if endpoint.methods.has(&method) => {
                            assert_eq!(target.endpoint.path, endpoint.path, "{method} {path}");
                        }
                        Route::Found(_) | Route::WrongMethod(_) if !endpoint.methods.has(&method) => {}
                        _ => panic!("{method} {path} leads nowhere"),
                    }
                }
            }
        }
    }
}
