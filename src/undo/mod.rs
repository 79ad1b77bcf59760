//! Undo and redo.

mod replay;

use std::ops::Deref;

use self::replay::replay;
use crate::error::Result;
use crate::store::{ClientStore, Way};

/// A store whose writes can be undone.
///
/// Made by [`ClientStore::undo_session`]. It is used as the store is; what is written through it, or through a clone of the
/// store in it, it remembers. Each call is a step of its own, and so is each
/// [`transaction`](ClientStore::transaction).
#[derive(Debug)]
pub struct UndoSession {
    store: ClientStore,
}

impl Deref for UndoSession {
    type Target = ClientStore;

    fn deref(&self) -> &ClientStore {
        &self.store
    }
}

impl ClientStore {
    /// Begins a session whose last writes, at most `steps` of them, can be undone.
    ///
    /// A program has one session for each thing that its user takes for one, such as a window. A session does not undo what
    /// others have written, and notices where they have changed the same records. What it remembers, the rows before and
    /// after each step, is kept in memory, so load large documents through the store itself. Requests that an `Api` answers
    /// are not remembered.
    ///
    /// A write through a session costs some more than one through the store. While there is none, nobody pays anything.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient, NewProject};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let session = store.undo_session(100);
    /// let id = session.clients().create(&NewClient::named("SuprCorp"))?;
    /// session.transaction(|tx| {
    ///     tx.projects().create(&NewProject::of(id, "Website"))?;
    ///     tx.projects().create(&NewProject::of(id, "Shop")).map(drop)
    /// })?;
    ///
    /// assert!(session.undo()?);
    /// assert_eq!(store.projects().list(&Default::default())?.count(), 0);
    /// assert!(session.redo()?);
    /// assert_eq!(store.projects().get(2)?.name, "Shop");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn undo_session(&self, steps: usize) -> UndoSession {
        UndoSession { store: self.with_history(steps) }
    }
}

impl UndoSession {
    /// Undoes the last step, with all that it entailed; false where there is none.
    ///
    /// The records are to the byte what they were before the step, ids and times included, so a list of what was updated
    /// since some moment does not show them. Where nobody else has created records since, the next new record gets the id
    /// that it would have got then. What follows from other records, such as the kind of a client's newest invoice, is right
    /// for those that are there now.
    ///
    /// The rules on what the store may hold apply. Those on a change alone do not: a project is again without tasks once
    /// its first is undone, and time that a step has locked is unlocked.
    ///
    /// # Errors
    ///
    /// [`Error::ChangedSince`](crate::Error::ChangedSince) where a record of the step, or one that belongs to it, was
    /// changed since otherwise than through this session, [`Error::Refused`](crate::Error::Refused) where a rule
    /// forbids it, [`Error::Busy`](crate::Error::Busy) and [`Error::Storage`](crate::Error::Storage). Then nothing
    /// was changed, and the step stays the last one.
    pub fn undo(&self) -> Result<bool> {
        self.store.step(Way::Back, |connection, step, recording| replay(connection, step, Way::Back, recording))
    }

    /// Does the step again that was undone last; false where there is none. A new write through the session makes it
    /// forget what was undone.
    ///
    /// # Errors
    ///
    /// As [`undo`](Self::undo).
    pub fn redo(&self) -> Result<bool> {
        self.store.step(Way::Forth, |connection, step, recording| replay(connection, step, Way::Forth, recording))
    }

    /// Whether there is a step to undo.
    pub fn can_undo(&self) -> bool {
        self.store.can_step(Way::Back)
    }

    /// Whether there is a step to do again.
    pub fn can_redo(&self) -> bool {
        self.store.can_step(Way::Forth)
    }
}
