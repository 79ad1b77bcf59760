//! Records that belong to another, read and checked, and not written yet.

use crate::error::Error;

/// A length that does not fit into one byte follows in four.
const LONG: u8 = u8::MAX;

/// Rows of texts, in one piece of memory: a row of short texts takes one byte a text besides its texts, not a vector and an
/// allocation for each.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    bytes: Vec<u8>,
    /// Why the rows may not be written, where it is not for how they are written.
    pub(crate) refused: Option<Error>,
}

impl Parts {
    /// Adds a text to the last row; who reads knows how many a row has.
    pub(crate) fn push(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) if length < LONG => self.bytes.push(length),
            _ => {
                self.bytes.push(LONG);
                // A text is no longer than a body, which is shorter than that.
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                self.bytes.extend_from_slice(&length.to_le_bytes());
            }
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The texts, row after row.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (&first, after) = rest.split_first()?;
            let (length, after) = match first {
                LONG => {
                    let (length, after) = after.split_first_chunk()?;
                    (u32::from_le_bytes(*length) as usize, after)
                }
                length => (length.into(), after),
            };
            let (text, after) = after.split_at_checked(length)?;
            rest = after;
            std::str::from_utf8(text).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_every_length_come_back_in_their_order() {
        let texts =
            [0, 1, 253, 254, 255, 256, 70_000, 3].map(|length| "\u{e9}".repeat(length / 2) + &"a".repeat(length % 2));
        let mut parts = Parts::default();
        texts.iter().for_each(|text| parts.push(text));
        assert!(parts.texts().eq(texts.iter().map(String::as_str)));
    }
}
