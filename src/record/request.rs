//! What a create and an update set.

use std::fmt;

use super::{Describe, Field, Fields, Record};

/// What a request sets: a wrapper around [`Fields`].
macro_rules! request {
    ($(#[$doc:meta])* $request:ident) => {
        $(#[$doc])*
        pub struct $request<R> {
            pub(crate) fields: Fields<R>,
        }

        impl<R: Describe> $request<R> {
            /// No field set.
            pub fn new() -> Self {
                Fields::new().into()
            }

            pub(crate) fn with(self, position: usize, value: &impl Field) -> Self {
                self.fields.with(position, value).into()
            }

            /// The fields that are set, to be read.
            pub fn fields(&self) -> &Fields<R> {
                &self.fields
            }
        }

        impl<R: Describe> Default for $request<R> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<R> Clone for $request<R> {
            fn clone(&self) -> Self {
                $request { fields: self.fields.clone() }
            }
        }

        impl<R> PartialEq for $request<R> {
            fn eq(&self, other: &Self) -> bool {
                self.fields == other.fields
            }
        }

        impl<R> Eq for $request<R> {}

        impl<R: Describe> fmt::Debug for $request<R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.fields.fmt(f)
            }
        }

        impl<R> AsRef<Fields<R>> for $request<R> {
            fn as_ref(&self) -> &Fields<R> {
                &self.fields
            }
        }

        /// Of the fields of a record or a document, those count that the request may set.
        impl<R> From<Fields<R>> for $request<R> {
            fn from(fields: Fields<R>) -> Self {
                $request { fields }
            }
        }

        impl<R> From<$request<R>> for Fields<R> {
            fn from(request: $request<R>) -> Self {
                request.fields
            }
        }

        impl<R: Record> From<&R> for $request<R> {
            fn from(record: &R) -> Self {
                record.fields().into()
            }
        }
    };
}

request! {
    /// What a record is created from: a setter stands for every field that a create may set, and a field that is not set
    /// gets its default. [`NewClient`](crate::NewClient) is this type, and so are its like.
    ///
    /// ```
    /// use clientstore::NewClient;
    ///
    /// let new = NewClient::named("SuprCorp").details("12 Side St.\nBoston");
    /// assert_eq!(new.fields().name()?.as_deref(), Some("SuprCorp"));
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    NewRecord
}

request! {
    /// What an update sets: a setter stands for every field that an update may set, and a field that is not set stays as
    /// it is. [`ClientChanges`](crate::ClientChanges) is this type, and so are its like.
    ///
    /// ```
    /// use clientstore::ClientChanges;
    ///
    /// let changes = ClientChanges::new().details("12 Side St.\nBoston").highrise_id(7);
    /// assert_ne!(changes, ClientChanges::new());
    /// ```
    ///
    /// What only a create may set has no setter here:
    ///
    /// ```compile_fail,E0599
    /// # use clientstore::{Payment, RecordChanges};
    /// RecordChanges::<Payment>::new().amount(5);
    /// ```
    RecordChanges
}
