//! The methods that an endpoint takes.

/// Methods of HTTP. A GET that changes nothing brings HEAD along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Methods(u8);

impl Methods {
    pub(crate) const NONE: Methods = Methods(0);
    pub(super) const GET: Methods = Methods(1 | 16);
    /// A GET that changes something, of which there is one: the timer's.
    pub(super) const CHANGING_GET: Methods = Methods(1);
    pub(super) const POST: Methods = Methods(2);
    pub(super) const PUT: Methods = Methods(4);
    pub(super) const DELETE: Methods = Methods(8);

    pub(crate) const fn and(self, other: Methods) -> Methods {
        Methods(self.0 | other.0)
    }

    #[cfg(feature = "api")]
    pub(crate) fn has(self, method: &http::Method) -> bool {
        let bit = match *method {
            http::Method::GET => Methods::CHANGING_GET,
            http::Method::HEAD => Methods(16),
            http::Method::POST => Methods::POST,
            http::Method::PUT => Methods::PUT,
            http::Method::DELETE => Methods::DELETE,
            _ => return false,
        };
        self.0 & bit.0 != 0
    }

    /// The names, as `Allow` lists them.
    pub(crate) fn names(self) -> String {
        let names = [
            (Methods(1), "GET"),
            (Methods(16), "HEAD"),
            (Methods::POST, "POST"),
            (Methods::PUT, "PUT"),
            (Methods::DELETE, "DELETE"),
        ];
        let names: Vec<&str> = names.iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, name)| *name).collect();
        names.join(", ")
    }
}
