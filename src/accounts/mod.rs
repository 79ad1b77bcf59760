//! Many accounts: a store for each, in a file of a directory or in memory.

mod kept;
mod name;

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(crate) use self::kept::Kept;
pub use self::name::AccountName;
use crate::error::{Error, Result};
use crate::store::{Builder, ClientStore, Image, WeakStore};

/// The most accounts in memory: each takes about 900 KB, and what it holds.
const IN_MEMORY: usize = 1_000;

/// The domain of the service, below which its accounts had their hosts.
const DOMAIN: &str = "harvestapp.com";

/// The accounts of a directory, a file each, or accounts in memory; each is a [`ClientStore`] of its own.
///
/// It is cheap to clone, and every clone has the same accounts. Files are opened when they are asked for. At most
/// [`keep_open`](Self::keep_open) are kept open that nobody uses, and [`close_idle`](Self::close_idle) closes those that were
/// not used for a while; a store that was asked for stays open for as long as somebody has it. However often an account's
/// file is closed and opened, its clock goes on as it was set.
///
/// ```
/// use clientstore::{Accounts, ClientStore, NewClient};
///
/// let directory = tempfile::tempdir()?;
/// let accounts = Accounts::in_directory(directory.path(), ClientStore::builder());
/// let demo = accounts.create("demo")?; // in the file demo.db
/// demo.clients().create(&NewClient::named("SuprCorp"))?;
/// assert_eq!(accounts.get("Demo")?.clients().get(1)?.name, "SuprCorp");
/// for name in accounts.names()? {
///     println!("{name}: {} clients", accounts.get(&name)?.clients().list(&Default::default())?.count());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    place: Place,
    builder: Builder,
    settings: Settings,
    slots: Mutex<HashMap<AccountName, Arc<Slot>>>,
    kept: Kept<ClientStore>,
}

#[derive(Clone)]
struct Settings {
    domain: String,
    creates: bool,
    /// How many files are kept open.
    most: usize,
    /// How many accounts may be in memory.
    in_memory: usize,
}

/// Where the accounts are.
#[derive(Clone)]
enum Place {
    Directory(PathBuf),
    /// Each begins as a copy of this.
    Memory(Arc<Image>),
}

/// One account that was asked for.
struct Slot {
    /// How it is opened; its clock and its count of client keys go on when it is opened again.
    builder: Builder,
    /// Locked while it is opened, so that nobody opens it twice.
    open: Mutex<Open>,
}

#[derive(Default)]
enum Open {
    #[default]
    Never,
    /// While anybody has it.
    File(WeakStore),
    Memory(ClientStore),
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place: &dyn fmt::Debug = match &self.inner.place {
            Place::Directory(directory) => directory,
            Place::Memory(_) => &"memory",
        };
        f.debug_struct("Accounts").field("in", place).finish_non_exhaustive()
    }
}

impl Accounts {
    /// The accounts of a directory: `demo` is in its file `demo.db`, opened as the builder says. Nobody can declare such a
    /// file their own ([`Builder::exclusive`] is left out).
    ///
    /// Nothing is looked for yet.
    pub fn in_directory(directory: impl AsRef<Path>, builder: Builder) -> Self {
        let place = Place::Directory(directory.as_ref().to_owned());
        let settings = Settings { domain: DOMAIN.to_owned(), creates: false, most: 32, in_memory: IN_MEMORY };
        Self::of(place, builder.exclusive(false), settings)
    }

    /// Accounts in memory, at most 1,000. Each begins as a copy of the store as it is now, and is made when it is asked
    /// for.
    ///
    /// ```
    /// use clientstore::{Accounts, ClientStore, NewClient};
    ///
    /// let like = ClientStore::open_in_memory()?;
    /// like.clients().create(&NewClient::named("SuprCorp"))?;
    /// let accounts = Accounts::in_memory(&like)?;
    /// accounts.get("one")?.clients().delete(1)?;
    /// assert_eq!(accounts.get("two")?.clients().get(1)?.name, "SuprCorp");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where there is no memory for a copy of the store.
    pub fn in_memory(like: &ClientStore) -> Result<Self> {
        let place = Place::Memory(Arc::new(like.image()?));
        let settings = Settings { domain: DOMAIN.to_owned(), creates: true, most: IN_MEMORY, in_memory: IN_MEMORY };
        Ok(Self::of(place, like.builder_used().clone(), settings))
    }

    fn of(place: Place, builder: Builder, settings: Settings) -> Self {
        let kept = Kept::at_most(settings.most);
        Accounts { inner: Arc::new(Inner { place, builder, settings, slots: Mutex::default(), kept }) }
    }

    fn with(self, set: impl FnOnce(&mut Settings)) -> Self {
        let Inner { place, builder, settings, .. } = &*self.inner;
        let mut settings = settings.clone();
        set(&mut settings);
        Self::of(place.clone(), builder.clone(), settings)
    }

    /// Whether an account that is not there is made when it is asked for; false by default for those of a directory.
    /// Call it before the accounts are used.
    #[must_use]
    pub fn create_on_demand(self, creates: bool) -> Self {
        self.with(|settings| settings.creates = creates)
    }

    /// How many files are kept open that nobody uses, at least one; 32 by default. Call it before the accounts are used.
    #[must_use]
    pub fn keep_open(self, most: usize) -> Self {
        self.with(|settings| settings.most = most)
    }

    /// The domain below which the accounts are, as `/account/who_am_i` tells it; `harvestapp.com` by default. Call it before
    /// the accounts are used.
    #[must_use]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        let domain = domain.into();
        self.with(|settings| settings.domain = domain)
    }

    /// The store of an account.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where this can be no account's name, [`Error::NoAccount`] where there is no such account and none is
    /// [made on demand](Self::create_on_demand), [`Error::TooManyAccounts`] where there is no place for one more in memory,
    /// and as [`ClientStore::open`].
    pub fn get<N>(&self, name: N) -> Result<ClientStore>
    where
        N: TryInto<AccountName>,
        Error: From<N::Error>,
    {
        let name = name.try_into()?;
        if let Some(store) = self.inner.kept.get(&name) {
            return Ok(store);
        }
        let store = self.find(&name)?;
        if let Place::Directory(_) = &self.inner.place {
            drop(self.inner.kept.put(name, store.clone()));
        }
        Ok(store)
    }

    /// Makes an account that is not there.
    ///
    /// # Errors
    ///
    /// [`Error::AccountExists`] where it is, and as [`get`](Self::get).
    pub fn create<N>(&self, name: N) -> Result<ClientStore>
    where
        N: TryInto<AccountName>,
        Error: From<N::Error>,
    {
        let name = name.try_into()?;
        let store = self.slot(&name, |slot| match slot.is_there(&self.inner, &name) {
            true => Err(Error::AccountExists { name: name.to_string() }),
            false => slot.open(&self.inner, &name, true),
        })?;
        if let Place::Directory(_) = &self.inner.place {
            drop(self.inner.kept.put(name, store.clone()));
        }
        Ok(store)
    }

    /// The names of all accounts, in order.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where the directory cannot be read.
    pub fn names(&self) -> Result<Vec<AccountName>> {
        let mut names: Vec<AccountName> = match &self.inner.place {
            Place::Directory(directory) => {
                let unreadable = |error| Error::storage("reading the directory of the accounts", error);
                let entries = std::fs::read_dir(directory).map_err(unreadable)?;
                let names = entries.filter_map(|entry| match entry {
                    Ok(entry) => Some(Ok(AccountName::of_file(entry.file_name().to_str()?)?)),
                    Err(error) => Some(Err(unreadable(error))),
                });
                names.collect::<Result<_>>()?
            }
            Place::Memory(_) => self.inner.slots().keys().cloned().collect(),
        };
        names.sort();
        Ok(names)
    }

    /// Closes the files that were not used for this long.
    pub fn close_idle(&self, idle: Duration) {
        drop(self.inner.kept.take_idle(idle));
    }

    /// The store of an account, which is kept open for nobody but the caller.
    pub(crate) fn find(&self, name: &AccountName) -> Result<ClientStore> {
        self.slot(name, |slot| slot.open(&self.inner, name, self.inner.settings.creates))
    }

    /// Does something with an account's slot; a slot in which nothing was opened does not stay.
    fn slot<T>(&self, name: &AccountName, run: impl FnOnce(&mut SlotGuard<'_>) -> Result<T>) -> Result<T> {
        loop {
            let slot = self.inner.slot(name)?;
            let mut guard = SlotGuard { builder: &slot.builder, open: lock(&slot.open) };
            let is_it = |slots: &HashMap<_, _>| slots.get(name).is_some_and(|other| Arc::ptr_eq(other, &slot));
            if !is_it(&self.inner.slots()) {
                // Somebody who had it first has opened nothing in it.
                continue;
            }
            let result = run(&mut guard);
            if let Open::Never = *guard.open {
                self.inner.slots().remove(name);
            }
            return result;
        }
    }
}

#[cfg(feature = "server")]
impl Accounts {
    /// How many files may be kept open.
    pub(crate) fn most_open(&self) -> usize {
        self.inner.settings.most
    }

    /// What each account is at its start, where they are in memory.
    pub(crate) fn start(&self) -> Option<Arc<Image>> {
        match &self.inner.place {
            Place::Directory(_) => None,
            Place::Memory(start) => Some(Arc::clone(start)),
        }
    }

    /// An empty store in memory that is no account's, with their clock.
    ///
    /// # Errors
    ///
    /// [`Error::Storage`] where SQLite has no memory for it.
    pub(crate) fn nobodys(&self) -> Result<ClientStore> {
        self.inner.builder.clone().read_only(false).open_in_memory()
    }
}

impl Inner {
    fn slots(&self) -> MutexGuard<'_, HashMap<AccountName, Arc<Slot>>> {
        lock(&self.slots)
    }

    /// The slot of an account, or a new one.
    fn slot(&self, name: &AccountName) -> Result<Arc<Slot>> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(name) {
            return Ok(Arc::clone(slot));
        }
        let most = self.settings.in_memory;
        if slots.len() >= most && matches!(self.place, Place::Memory(_)) {
            return Err(Error::TooManyAccounts { most });
        }
        let slot = Arc::new(Slot { builder: self.builder_of(name), open: Mutex::default() });
        slots.insert(name.clone(), Arc::clone(&slot));
        Ok(slot)
    }

    /// How the account is opened: with a clock and a count of client keys of its own.
    fn builder_of(&self, name: &AccountName) -> Builder {
        let mut builder = self.builder.clone().that_goes_on();
        builder.account.domain = format!("{name}.{}", self.settings.domain);
        builder.account.base_uri = None;
        builder
    }
}

/// A slot that nobody else opens meanwhile.
struct SlotGuard<'a> {
    builder: &'a Builder,
    open: MutexGuard<'a, Open>,
}

impl SlotGuard<'_> {
    fn is_there(&self, accounts: &Inner, name: &AccountName) -> bool {
        match &accounts.place {
            Place::Directory(directory) => std::fs::symlink_metadata(directory.join(name.file())).is_ok(),
            Place::Memory(_) => matches!(*self.open, Open::Memory(_)),
        }
    }

    fn open(&mut self, accounts: &Inner, name: &AccountName, creates: bool) -> Result<ClientStore> {
        let found = match &*self.open {
            Open::Never => None,
            Open::File(store) => store.upgrade(),
            Open::Memory(store) => Some(store.clone()),
        };
        if let Some(store) = found {
            return Ok(store);
        }
        let unknown = || Error::NoAccount { name: name.to_string() };
        if !creates && !self.is_there(accounts, name) {
            // To try to open it would leave traces for a moment.
            return Err(unknown());
        }
        let store = match &accounts.place {
            Place::Directory(directory) => {
                let builder = self.builder.going_on().create(creates);
                let opened = builder.open(directory.join(name.file()));
                opened.map_err(|error| if let Error::Missing { .. } = error { unknown() } else { error })?
            }
            Place::Memory(start) => ClientStore::copy_of(start, self.builder.going_on())?,
        };
        *self.open = match &accounts.place {
            Place::Directory(_) => Open::File(store.downgrade()),
            Place::Memory(_) => Open::Memory(store.clone()),
        };
        Ok(store)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_most_a_number_of_accounts_in_memory() {
        let like = ClientStore::open_in_memory().unwrap();
        let accounts = Accounts::in_memory(&like).unwrap().with(|settings| settings.in_memory = 2);
        for name in ["one", "two", "one"] {
            accounts.get(name).unwrap();
        }
        assert!(matches!(accounts.get("three"), Err(Error::TooManyAccounts { most: 2 })));
        assert_eq!(accounts.names().unwrap().len(), 2);
        accounts.get("two").unwrap();
    }

    #[test]
    fn what_is_not_there_leaves_no_slot_behind_and_is_opened_once_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = Accounts::in_directory(directory.path(), ClientStore::builder());
        std::thread::scope(|scope| {
            for number in 0..8 {
                let accounts = &accounts;
                scope.spawn(move || match number {
                    0 => drop(accounts.create("demo").unwrap()),
                    _ => match accounts.get("demo") {
                        Ok(_) | Err(Error::NoAccount { .. }) => {}
                        Err(error) => panic!("{error}"),
                    },
                });
            }
        });
        drop(accounts.get("demo").unwrap());
        assert!(accounts.get("other").is_err());
        assert_eq!(accounts.inner.slots().keys().map(AccountName::as_str).collect::<Vec<_>>(), ["demo"]);
    }
}
