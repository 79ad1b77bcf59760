//! What a document's members hold, whatever they are.

use super::read::{Text, members, unescaped};
use crate::error::Result;
use crate::format::xml::Leaf;

/// The members of a body, each with its text, wrapped and bare alike: the paths of what stands in a lone
/// object leave that out, as those of XML leave out the root.
pub(crate) fn leaves(body: &[u8]) -> Result<Vec<Leaf>> {
    let text = Text::new(body)?;
    let whole = text.parse()?;
    let mut leaves = Vec::new();
    let mut only = None;
    let mut count = 0;
    if whole.starts_with('{') {
        members(whole, &mut |_, value| {
            count += 1;
            only = Some(value);
            Ok(())
        })?;
    }
    match only.filter(|value| count == 1 && value.starts_with('{')) {
        Some(wrapped) => collect(wrapped, "", &mut leaves)?,
        None if count > 0 => collect(whole, "", &mut leaves)?,
        None => {}
    }
    Ok(leaves)
}

/// The depth is bounded: a text deeper than 32 levels was refused.
fn collect(object: &str, before: &str, leaves: &mut Vec<Leaf>) -> Result<()> {
    members(object, &mut |name, value| {
        let path = format!("{before}{}", name.replace('_', "-"));
        let text = match value.as_bytes().first() {
            Some(b'"') => unescaped(value).into_owned(),
            Some(b'{' | b'[' | b'n') => String::new(),
            _ => value.to_owned(),
        };
        leaves.push(Leaf { path: path.clone(), text, nil: value == "null" });
        if value.starts_with('{') {
            collect(value, &format!("{path}/"), leaves)?;
        }
        Ok(())
    })
}
