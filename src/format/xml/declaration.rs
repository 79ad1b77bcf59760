//! What stands between `<?` and `?>`: the XML declaration, and instructions to others.

use quick_xml::events::{BytesDecl, BytesPI};

use super::fault::Fault;
use super::names::{attribute, is_name, legal};
use crate::value::quoted;

pub(super) fn check_instruction(instruction: &BytesPI<'_>) -> Result<(), Fault> {
    let target = instruction.target();
    if !is_name(target) || target.eq_ignore_ascii_case("xml") {
        return Err("a processing instruction has no legal target".into());
    }
    legal(instruction.content())
}

/// `version`, then perhaps `encoding`, then perhaps `standalone`; UTF-8 and its subset only.
pub(super) fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    let mut rest = &declaration["xml".len()..];
    let mut seen = 0;
    while let Some((name, value, after)) = attribute(rest)? {
        let order = match name {
            "version" => {
                let minor = value.strip_prefix("1.").unwrap_or_default();
                if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err("the XML declaration names a version other than 1.0".into());
                }
                1
            }
            "encoding" => {
                if !is_utf8_name(value) {
                    return Err(format!("the document says its encoding is {}; send UTF-8", quoted(value)).into());
                }
                2
            }
            "standalone" if value == "yes" || value == "no" => 3,
            _ => return Err("the XML declaration is malformed".into()),
        };
        if order <= seen || (seen == 0 && order != 1) {
            return Err("the XML declaration is malformed".into());
        }
        seen = order;
        rest = after;
    }
    if seen == 0 { Err("the XML declaration has no version".into()) } else { Ok(()) }
}

/// Whether the name of an encoding is one that UTF-8 contains.
pub(crate) fn is_utf8_name(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|name| name.eq_ignore_ascii_case(encoding))
}
