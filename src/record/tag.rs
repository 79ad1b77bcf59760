//! Tags laid out at compile time, so that writing an element is copying bytes.

/// The deepest indentation of a field: inside a record, a list, and the dump.
const INDENT: usize = 6;
const CAPACITY: usize = 128;

/// The bytes of an element's tag; one that may start a line carries [`INDENT`] spaces before it.
#[derive(Clone, Copy)]
pub struct Tag {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

impl Tag {
    /// An opening tag on a line of its own.
    pub(crate) const fn open_line(element: &str) -> Self {
        Tag::open(element, None, false).push("\n")
    }

    /// A closing tag on a line of its own.
    pub(crate) const fn close_line(element: &str) -> Self {
        Tag { bytes: [b' '; CAPACITY], length: INDENT }.then_close(element)
    }

    pub(crate) const fn open(element: &str, type_name: Option<&str>, nil: bool) -> Self {
        let mut tag = Tag { bytes: [b' '; CAPACITY], length: INDENT }.push("<").push(element);
        if let Some(type_name) = type_name {
            tag = tag.push(" type=\"").push(type_name).push("\"");
        }
        if nil {
            tag = tag.push(" nil=\"true\"");
        }
        tag.push(">")
    }

    pub(crate) const fn close(element: &str) -> Self {
        Tag { bytes: [b' '; CAPACITY], length: 0 }.then_close(element)
    }

    pub(crate) const fn then_close(self, element: &str) -> Self {
        self.push("</").push(element).push(">\n")
    }

    const fn push(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.length] = text[at];
            self.length += 1;
            at += 1;
        }
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// A tag that carries indentation, behind `indent` spaces.
    pub(crate) fn indented(&self, indent: usize) -> &[u8] {
        &self.bytes[INDENT - indent..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_shown_as_it_is_written() {
        assert_eq!(format!("{:?}", Tag::close("id")), "\"</id>\\n\"");
    }
}
