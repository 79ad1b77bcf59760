//! Bodies in JSON and as forms by chance.

use crate::common::Random;

/// Values that fit some fields and offend others, as JSON writes them.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-3",
    "7.25",
    "100.000001",
    "999999999999.999999",
    "1e9",
    "1E-2",
    "-0",
    "9223372036854775807",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "\"\"",
    "\" \"",
    "\"1\"",
    "\"true\"",
    "\"12.00\"",
    "\"2011-03-31\"",
    "\"2011-03-31T10:00:00Z\"",
    "\"NET 30\"",
    "\"TASKS\"",
    "\"free-form\"",
    "\"all\"",
    "\"detailed\"",
    "\"Euro - EUR\"",
    "\"Gr\\u00F6\\u00dfe \\ud83d\\ude00 & <more>\\r\\n\\t\\/\"",
    "\"\u{FFFD}\u{85}\u{7F}\u{2028}\"",
    "\"\\u0000\"",
    "\"\\uFFFE\"",
    "\"\\uD83D\"",
    "\"\\q\"",
    "\"a\nb\"",
    "[]",
    "[1,[2,[3]],{\"name\":\"x\"}]",
    "{}",
    "{\"name\":\"x\"}",
    "01",
    "+1",
    "NaN",
    "'x'",
    "",
];

pub const SHARDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"\\",
    b"\\u",
    b"\\uD83D",
    b"null",
    b"{}",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\"name\":",
    b"\"client\":{",
    b"//",
    b"e9",
    b"\xEF\xBB\xBF",
    b"\xED\xA0\x80",
    b"\0",
];

impl Random {
    /// A record in JSON, wrapped or bare: the required fields with values that fit, and any of the others.
    pub fn json(&mut self, root: &str, fields: &[&str], required: &[(&str, String)], lines: Option<&str>) -> Vec<u8> {
        let mut members = Vec::new();
        for (name, value) in required {
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let value = if is_number && self.percent(50) { value.clone() } else { format!("\"{value}\"") };
            members.push((self.name(name), value));
        }
        members.extend(lines.map(|lines| (self.name("csv-line-items"), serde_json::to_string(lines).unwrap())));
        while self.percent(45) {
            let name = self.of(fields);
            members.push((self.name(name), self.of(VALUES).to_owned()));
        }
        let space = self.of(&["", "", " ", "\n\t"]);
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
        let record = format!("{{{space}{}}}", members.join(","));
        let wrapper = root.replace('-', "_");
        match self.below(10) {
            0..4 => record,
            4 => format!("{{\"id\":1,\"{wrapper}\":{record}}}"),
            5 => format!("{{\"whatever\":{record}}}"),
            6 if self.percent(20) => format!("[{record}]"),
            _ => format!("{{{space}\"{wrapper}\":{record}}}\n"),
        }
        .into_bytes()
    }

    /// A record as a form, nested or flat.
    pub fn form(&mut self, root: &str, fields: &[&str], required: &[(&str, String)], lines: Option<&str>) -> Vec<u8> {
        let wrapper = root.replace('-', "_");
        let is_nested = self.percent(60);
        let mut form = form_urlencoded::Serializer::new(String::new());
        let mut add = |name: String, value: &str| {
            let name = if is_nested { format!("{wrapper}[{name}]") } else { name };
            form.append_pair(&name, value);
        };
        for (name, value) in required {
            add(self.name(name), value);
        }
        if let Some(lines) = lines {
            add(self.name("csv-line-items"), lines);
        }
        while self.percent(45) {
            let name = self.of(fields);
            add(self.name(name), self.of(VALUES).trim_matches('"'));
        }
        form.finish().into_bytes()
    }

    /// A name with underscores, or with dashes.
    fn name(&mut self, name: &str) -> String {
        if self.percent(80) { name.replace('-', "_") } else { name.to_owned() }
    }
}
