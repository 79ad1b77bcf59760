//! What a document's elements hold, whatever they are.

use super::read::{end, next};
use super::source::Slice;
use super::tokens::{Token, Tokens};
use crate::error::Result;

/// An element below the root.
pub(crate) struct Leaf {
    /// Its name after those of the elements it stands in, but the root, with slashes between; empty where that is
    /// longer than [`MAX_PATH`].
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) nil: bool,
}

/// The longest path that is told, in bytes.
const MAX_PATH: usize = 500;

/// The path of an element in another. A longer one is told to be too long: elements without number can stand in one
/// with a long name.
fn below(parent: &str, name: &str) -> String {
    match parent.len() + name.len() < MAX_PATH && !parent.is_empty() {
        true => format!("{parent}/{name}"),
        false => String::new(),
    }
}

/// The elements of a document, each with the text that stands in it directly.
pub(crate) fn leaves(document: &[u8]) -> Result<Vec<Leaf>> {
    let mut tokens = Tokens::new(Slice::new(document));
    let mut leaves: Vec<Leaf> = Vec::new();
    // The elements that are open: their place among the leaves, but the root's.
    let mut open: Vec<Option<usize>> = Vec::new();
    loop {
        match next!(tokens) {
            Token::Start { name, nil } => {
                let place = match open.last() {
                    None => None,
                    Some(parent) => {
                        let path = parent.map_or_else(|| name.to_string(), |at| below(&leaves[at].path, &name));
                        leaves.push(Leaf { path, text: String::new(), nil });
                        Some(leaves.len() - 1)
                    }
                };
                open.push(place);
            }
            Token::Text(text) => {
                if let Some(Some(at)) = open.last() {
                    leaves[*at].text.push_str(&text);
                }
            }
            Token::End => {
                open.pop();
                if open.is_empty() {
                    break;
                }
            }
            Token::Nothing | Token::Eof => {}
        }
    }
    end(&mut tokens)?;
    Ok(leaves)
}
