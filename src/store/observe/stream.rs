//! An observation as a stream.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::observation::{Observation, Observing};
use crate::error::Result;
use crate::store::Stored;

/// The values of an [`Observation`], as a stream that needs no runtime of its own.
///
/// Made by [`Observation::into_stream`]. It never ends.
pub struct ObservationStream<R> {
    slot: Arc<Mutex<Slot<R>>>,
    _observing: Observing,
}

/// The newest value that was not taken yet, and who waits for one.
struct Slot<R> {
    value: Option<Result<Arc<Vec<R>>>>,
    waker: Option<Waker>,
}

impl<R: Stored + Send + Sync> Observation<R> {
    /// Makes it a stream. The lists are read on a thread of its own, so that no executor is blocked; a task that takes
    /// long gets the newest value only.
    ///
    /// ```
    /// use std::pin::{Pin, pin};
    /// use clientstore::{Client, ClientFilter, ClientStore, NewClient};
    /// use futures_core::Stream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> clientstore::Result<()> {
    /// let store = ClientStore::open_in_memory()?;
    /// let mut clients = pin!(store.observe::<Client>(&ClientFilter::new())?.into_stream()?);
    /// let first = std::future::poll_fn(|context| clients.as_mut().poll_next(context)).await;
    /// assert_eq!(first.unwrap()?.len(), 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Storage`](crate::Error::Storage) where the system has no thread for it.
    #[cfg_attr(docsrs, doc(cfg(feature = "stream")))]
    pub fn into_stream(self) -> Result<ObservationStream<R>> {
        let slot = Arc::new(Mutex::new(Slot { value: None, waker: None }));
        let its = Arc::clone(&slot);
        let observing = self.on_change(move |value| {
            let waker = {
                let mut slot = lock(&its);
                slot.value = Some(value);
                slot.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        })?;
        Ok(ObservationStream { slot, _observing: observing })
    }
}

impl<R> futures_core::Stream for ObservationStream<R> {
    type Item = Result<Arc<Vec<R>>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = lock(&self.slot);
        match slot.value.take() {
            Some(value) => Poll::Ready(Some(value)),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<R> std::fmt::Debug for ObservationStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObservationStream").finish_non_exhaustive()
    }
}

fn lock<R>(slot: &Mutex<Slot<R>>) -> MutexGuard<'_, Slot<R>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
