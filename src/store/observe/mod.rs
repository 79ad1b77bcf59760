//! Telling programs what commits have changed.

mod feed;
mod listeners;
mod observation;
mod seat;
#[cfg(feature = "stream")]
mod stream;
mod touched;

pub(crate) use feed::Feed;
pub use feed::{ChangeKind, ChangeVersion, Changes};
pub(crate) use listeners::Listeners;
pub use observation::{Observation, Observing};
pub(crate) use seat::Seat;
#[cfg(feature = "stream")]
pub use stream::ObservationStream;
pub(crate) use touched::Tables;
