//! What a kind of record is to the store: its rules, and the filters of its lists.

#[expect(clippy::module_inception, reason = "the room is named after what it holds")]
mod entity;
mod files;
mod filter;
mod rule;

pub use entity::Stored;
pub(crate) use entity::{Archiving, Attached, Done, Entity, Invariant, Loading, Order, Parent, Signature};
pub(crate) use files::{Files, Kept, NewFile, is_media_type};
pub(crate) use filter::{By, Filter, Selection};
pub(crate) use rule::{Action, Change, On, Rule, actor_parameter};
