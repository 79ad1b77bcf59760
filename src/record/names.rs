//! The names that mean something in a record's documents.

use super::{Document, same_name};

/// A power of two, so that the remainder is cheap; a document has about thirty names.
const BUCKETS: usize = 64;

/// The names that mean something in a document. One is found without a look at all the others, since a hostile document
/// may have millions of members.
#[derive(Debug)]
pub(crate) struct Names {
    buckets: [Vec<Known>; BUCKETS],
}

/// A name that means something.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name with dashes.
    name: String,
    /// The positions of the columns that have it for one of their names.
    pub(crate) columns: Vec<usize>,
    /// Whether JSON may wrap a record in it.
    pub(crate) is_wrapper: bool,
    /// Whether a record has a field of the name.
    pub(crate) is_field: bool,
}

impl Names {
    pub(super) fn of(document: &Document) -> Self {
        let mut names = Names { buckets: [const { Vec::new() }; BUCKETS] };
        for (position, column) in document.table.columns.iter().enumerate() {
            for name in [Some(column.element), column.sent_as, column.also].into_iter().flatten() {
                let known = names.known(name);
                known.is_field |= column.also != Some(name);
                if known.columns.last() != Some(&position) {
                    known.columns.push(position);
                }
            }
        }
        for name in document.attached.iter().chain(document.asked) {
            names.known(name).is_field = true;
        }
        for name in document.unplaced {
            names.known(name);
        }
        let of_json = document
            .json
            .iter()
            .flat_map(|json| [json.one, json.item].into_iter().chain(json.accepted.iter().copied()));
        for name in std::iter::once(document.element).chain(document.aliases.iter().copied()).chain(of_json) {
            names.known(name).is_wrapper = true;
        }
        names
    }

    /// The name as it was sent, where it means something; dashes and underscores are the same.
    #[inline]
    pub(crate) fn find(&self, sent: &str) -> Option<&Known> {
        self.buckets[bucket(sent)].iter().find(|known| same_name(sent, &known.name))
    }

    /// The entry of a name, which is made where it is not there.
    fn known(&mut self, name: &str) -> &mut Known {
        let name = name.replace('_', "-");
        let bucket = &mut self.buckets[bucket(&name)];
        let at = bucket.iter().position(|known| known.name == name).unwrap_or_else(|| {
            bucket.push(Known { name, columns: Vec::new(), is_wrapper: false, is_field: false });
            bucket.len() - 1
        });
        &mut bucket[at]
    }
}

/// Where a name belongs: by its length and by its first and its last character, which are no dash and no underscore.
#[inline]
fn bucket(name: &str) -> usize {
    let [first, last] = [name.as_bytes().first(), name.as_bytes().last()].map(|byte| usize::from(*byte.unwrap_or(&0)));
    (name.len() + 7 * first + 3 * last) % BUCKETS
}
