//! What a server answers for: one store, or the accounts whose hosts it has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::accounts::{AccountName, Accounts, Kept};
use crate::api::{Api, OfAccount};
use crate::control::{Arranged, Controller, Shared};
use crate::error::{Error, Result};

/// The number of accounts that are opened at the same time.
const OPENINGS: usize = 8;

/// A store and all that answers for it.
pub(super) struct Site {
    pub(super) api: Api,
    pub(super) control: Option<Arc<Controller>>,
}

/// The sites of a server.
pub(super) enum Sites {
    One(Arc<Site>),
    Accounts(Box<AccountSites>),
}

/// The accounts, each opened when it is asked for.
pub(super) struct AccountSites {
    accounts: Accounts,
    /// What each account's API is like.
    front: Api,
    control: Option<Arc<Shared>>,
    places: Mutex<HashMap<AccountName, Arc<Place>>>,
    kept: Arc<Kept<Arc<Site>>>,
    openings: Semaphore,
}

/// What an account has whether it is open or not.
struct Place {
    account: OfAccount,
    arranged: Option<Arc<Arranged>>,
    /// Held while it is opened, so that no more than one task opens it.
    opening: tokio::sync::Mutex<()>,
}

impl Sites {
    /// Forgets the lists that are kept, so that requests which wait for room can have theirs.
    pub(super) fn forget_lists(&self) {
        match self {
            Sites::One(site) => site.api.forget_lists(),
            Sites::Accounts(sites) => sites.kept.all().iter().for_each(|site| site.api.forget_lists()),
        }
    }

    /// Lets nobody wait for an entry of a journal any longer.
    pub(super) fn stop(&self) {
        match self {
            Sites::One(site) => site.control.iter().for_each(|control| control.stop()),
            Sites::Accounts(sites) => {
                sites
                    .places()
                    .values()
                    .filter_map(|place| place.arranged.as_ref())
                    .for_each(|arranged| arranged.stop());
            }
        }
    }

    /// Closes accounts that were not asked for in this time, again and again; never ends.
    pub(super) async fn close_idle(&self, idle: Duration) {
        let Sites::Accounts(sites) = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(idle / 4).await;
            let kept = Arc::clone(&sites.kept);
            // To close a file may write it.
            drop(tokio::task::spawn_blocking(move || drop(kept.take_idle(idle))).await);
        }
    }
}

impl AccountSites {
    pub(super) fn new(accounts: Accounts, front: Api, control: Option<Arc<Shared>>) -> Self {
        let kept = Arc::new(Kept::at_most(accounts.most_open()));
        let (places, openings) = (Mutex::default(), Semaphore::new(OPENINGS));
        AccountSites { accounts, front, control, places, kept, openings }
    }

    /// The site of an account, opened if it is not open.
    ///
    /// # Errors
    ///
    /// As [`Accounts::get`].
    pub(super) async fn find(&self, name: &AccountName) -> Result<Arc<Site>> {
        if let Some(site) = self.kept.get(name) {
            return Ok(site);
        }
        let place = self.place(name);
        let result = {
            let _opening = place.opening.lock().await;
            match self.kept.get(name) {
                Some(site) => return Ok(site),
                None => self.open(name, &place).await,
            }
        };
        if result.is_err() {
            let mut places = self.places();
            // Names that lead nowhere leave nothing behind; that of an account whose file cannot be opened does.
            if let Err(Error::NoAccount { .. } | Error::TooManyAccounts { .. }) = &result
                && Arc::strong_count(&place) == 2
            {
                places.remove(name);
            }
        }
        result
    }

    async fn open(&self, name: &AccountName, place: &Arc<Place>) -> Result<Arc<Site>> {
        let _turn = self.openings.acquire().await;
        let (accounts, front, control) = (self.accounts.clone(), self.front.clone(), self.control.clone());
        let (name, place, kept) = (name.clone(), Arc::clone(place), Arc::clone(&self.kept));
        let open = move || {
            let store = accounts.find(&name)?;
            if let Some(upgrade) = store.upgrade() {
                tracing::warn!("{name}.db was {upgrade}");
            }
            let api = front.of_account(store, &place.account);
            let control = control.zip(place.arranged.clone());
            let control = control.map(|(shared, arranged)| Arc::new(Controller::of(api.clone(), shared, arranged)));
            let site = Arc::new(Site { api, control });
            drop(kept.put(name, Arc::clone(&site)));
            Ok(site)
        };
        tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| Err(Error::storage("opening an account", error)))
    }

    fn place(&self, name: &AccountName) -> Arc<Place> {
        let mut places = self.places();
        let place = places.entry(name.clone()).or_insert_with(|| {
            let arranged = self.control.as_ref().map(|control| control.arranged(self.accounts.start()));
            Arc::new(Place { account: self.front.another(), arranged, opening: tokio::sync::Mutex::default() })
        });
        Arc::clone(place)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<AccountName, Arc<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
