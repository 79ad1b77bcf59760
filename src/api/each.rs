//! One API for many accounts: what each has for itself, and what they share.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use http::Response;
use http::request::Parts;

use super::lists::Lists;
use super::throttle::Throttle;
use super::{Api, Body, Inner, respond};
use crate::error::Error;
use crate::store::ClientStore;

/// What an account has for itself besides its store: the calls that were counted, and the person as whom all act. It stays
/// while the store is closed.
pub(crate) struct OfAccount {
    throttle: Arc<Throttle>,
    stand_in: Arc<AtomicI64>,
}

impl Api {
    /// What a further account has for itself.
    pub(crate) fn another(&self) -> OfAccount {
        let stand_in = Arc::new(AtomicI64::new(self.standing_in().unwrap_or(0)));
        OfAccount { throttle: Arc::default(), stand_in }
    }

    /// The same API over the store of an account. What bounds memory and work, it shares: the budget, the lanes, and the
    /// sign-ins that are remembered.
    pub(crate) fn of_account(&self, store: ClientStore, account: &OfAccount) -> Api {
        let mut inner = Inner { store, throttle: Arc::clone(&account.throttle), ..Inner::clone(&self.inner) };
        inner.gate.stand_in_with(&account.stand_in);
        // Another store's lists are none of this one's.
        inner.lists = Arc::new(Lists::counted_in(&self.inner.lists.budget));
        Api { inner: Arc::new(inner) }
    }

    /// The answer to a request for an account that cannot be opened.
    pub(crate) fn unopened(&self, head: &Parts, error: Error) -> Response<Body> {
        respond::error(error, self.format(&head.uri, &head.headers, b""))
    }

    /// Forgets the lists that are kept.
    pub(crate) fn forget_lists(&self) {
        self.inner.lists.forget();
    }
}
