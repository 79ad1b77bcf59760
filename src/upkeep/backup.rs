//! A verified copy of a store.

use std::path::Path;

use super::{Problem, Progress, Report};
use crate::error::{Error, Result};
use crate::store::{ClientStore, Reads, absolute, copy};

impl ClientStore {
    /// Copies the store, as it is at this moment, to a new file, and checks the copy.
    ///
    /// Others may write meanwhile; the copy of a store on disk blocks nobody. The copy gets its name once it is whole,
    /// checked and on the disk, with the permissions of the original. It is a store like any other: open it, or put it
    /// in the original's place. The report is that of [`check`](Self::check). Findings about records or the schema hold
    /// for the original as well. `progress` is called at each step.
    ///
    /// ```
    /// use clientstore::{ClientStore, NewClient};
    ///
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("backup.db");
    /// let store = ClientStore::open_in_memory()?;
    /// store.clients().create(&NewClient::named("SuprCorp"))?;
    /// let report = store.backup(&path, |_| {})?;
    /// assert!(report.is_clean());
    /// assert_eq!(ClientStore::open(&path)?.clients().get(1)?.name, "SuprCorp");
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] where there is a file already, which is never written over;
    /// [`Error::Unopened`] where the copy cannot be made there, [`Error::Busy`], and
    /// [`Error::Storage`], also where pages of the copy turn out damaged. Then nothing is left.
    pub fn backup(&self, to: impl AsRef<Path>, mut progress: impl FnMut(Progress)) -> Result<Report> {
        let to = absolute(to.as_ref())?;
        let progress = std::cell::RefCell::new(&mut progress);
        let mut copying = |done, total| progress.borrow_mut()(Progress { doing: "copying the pages", done, total });
        let verify = |copy: &Path| {
            let report = Self::check_file(copy, |checked| progress.borrow_mut()(checked))?;
            match report.findings().first() {
                Some(first) if report.count_of(Problem::Damage) > 0 => {
                    let reason = format!("the copy is damaged ({first}); check the store, which may be damaged too");
                    Err(Error::storage("verifying the backup", reason))
                }
                _ => Ok(report),
            }
        };
        self.snapshot()?.read(|connection| copy(connection, self.path(), &to, &mut copying, verify))
    }
}
