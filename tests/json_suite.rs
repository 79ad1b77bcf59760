//! What a parser of JSON must accept and must refuse (the cases of JSONTestSuite, written anew), through the API;
//! and hostile bodies, whose cost is bounded.

mod api;
mod common;

use api::{Service, answer};
use http::Request;

/// Values that are JSON.
const ACCEPTED: &[&str] = &[
    "[[]   ]",
    "[\"\"]",
    "[]",
    "[\"a\"]",
    "[false]",
    "[null, 1, \"1\", {}]",
    "[null]",
    "[1\n]",
    " [1]",
    "[1,null,null,null,2]",
    "[2] ",
    "[123e65]",
    "[0e+1]",
    "[0e1]",
    "[ 4]",
    "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
    "[20e1]",
    "[-0]",
    "[-123]",
    "[-1]",
    "[1E22]",
    "[1E-2]",
    "[1E+2]",
    "[123e45]",
    "[123.456e78]",
    "[1e-2]",
    "[1e+2]",
    "[123]",
    "[123.456789]",
    "[1e400]",
    "[-1e-400]",
    "[100000000000000000000000]",
    r#"{"asd":"sdf", "dfg":"fgh"}"#,
    r#"{"asd":"sdf"}"#,
    r#"{"a":"b","a":"c"}"#,
    r#"{"a":"b","a":"b"}"#,
    "{}",
    r#"{"":0}"#,
    r#"{"foo\u0000bar": 42}"#,
    r#"{ "min": -1.0e+28, "max": 1.0e+28 }"#,
    r#"{"x":[{"id": "x"}], "id": "y"}"#,
    r#"{"a":[]}"#,
    "{\n\"a\": \"b\"\n}",
    r#"{"title":"\u041f\u043e"}"#,
    r#"["\u0060\u012a\u12AB"]"#,
    r#"["\uD801\udc37"]"#,
    r#"["\ud83d\ude39\ud83d\udc8d"]"#,
    r#"["\"\\\/\b\f\n\r\t"]"#,
    r#"["\\u0000"]"#,
    r#"["\""]"#,
    "[\"a/*b*/c/*d//e\"]",
    r#"["\\a"]"#,
    r#"["\\n"]"#,
    r#"["\u0012"]"#,
    r#"["\uFFFF"]"#,
    "[ \"asd\"]",
    "[\"\u{10FFFF}\"]",
    "[\"\u{FFFF}\"]",
    r#"["\u0000"]"#,
    r#"["\u002c"]"#,
    "[\"\u{3C0}\"]",
    "\" \"",
    r#"["\uD834\uDd1e"]"#,
    r#"["\u0821"]"#,
    r#"["\u0123"]"#,
    "[\"\u{2028}\"]",
    "[\"\u{2029}\"]",
    r#"["\u0061\u30af\u30EA\u30b9"]"#,
    "[\"new\u{A0}line\"]",
    "[\"\u{10FFFE}\"]",
    r#"["\uDBFF\uDFFE"]"#,
    r#"["\u200B"]"#,
    r#"["\u2064"]"#,
    r#"["\uFDD0"]"#,
    r#"["\uFFFE"]"#,
    r#"["\u0022"]"#,
    "[\"€𝄞\"]",
    "[\"a\u{7F}a\"]",
    "false",
    "42",
    "-0.1",
    "null",
    "\"asd\"",
    "true",
    "[true]",
    " [] ",
];

/// Texts that are no JSON.
const REFUSED: &[&str] = &[
    "[1 true]",
    "[\"\": 1]",
    "[\"\"],",
    "[,1]",
    "[1,,2]",
    "[\"x\",,]",
    "[\"x\"]]",
    "[\"\",]",
    "[\"x\"",
    "[x",
    "[3[4]]",
    "[1:2]",
    "[,]",
    "[-]",
    "[   , \"\"]",
    "[\"a\",\n4\n,1,",
    "[1,]",
    "[1,,]",
    "[\"\u{B}a\"\\f]",
    "[*]",
    "[\"\"",
    "[1,",
    "[1,\n1\n,1",
    "[{}",
    "[fals]",
    "[nul]",
    "[tru]",
    "[++1234]",
    "[+1]",
    "[+Inf]",
    "[-01]",
    "[-1.0.]",
    "[-2.]",
    "[-NaN]",
    "[.-1]",
    "[.2e-3]",
    "[0.1.2]",
    "[0.3e+]",
    "[0.3e]",
    "[0.e1]",
    "[0e+]",
    "[0e]",
    "[0E]",
    "[0E+]",
    "[1.0e+]",
    "[1.0e-]",
    "[1.0e]",
    "[1 000.0]",
    "[1eE2]",
    "[2.e+3]",
    "[2.e-3]",
    "[2.e3]",
    "[9.e+]",
    "[Inf]",
    "[NaN]",
    "[\u{FF11}]",
    "[1+2]",
    "[0x1]",
    "[0x42]",
    "[Infinity]",
    "[0e+-1]",
    "[-123.123foo]",
    "[-Infinity]",
    "[-foo]",
    "[- 1]",
    "[-012]",
    "[-.123]",
    "[-1x]",
    "[1ea]",
    "[1.]",
    "[.123]",
    "[1.2a-3]",
    "[1.8011670033376514H-308]",
    "[012]",
    "[\"x\", truth]",
    "{[: \"x\"}\n",
    r#"{"x", null}"#,
    r#"{"x"::"b"}"#,
    "{🇨🇭}",
    r#"{"a":"a" 123}"#,
    "{key: 'value'}",
    r#"{"a" b}"#,
    r#"{:"b"}"#,
    r#"{"a" "b"}"#,
    r#"{"a":"#,
    r#"{"a""#,
    "{1:1}",
    "{9999E9999:1}",
    "{null:null,null:null}",
    r#"{"id":0,,,,,}"#,
    "{'a':0}",
    r#"{"id":0,}"#,
    r#"{"a":"b"}/**/"#,
    r#"{"a":"b"}/**//"#,
    r#"{"a":"b"}//"#,
    r#"{"a":"b"}/"#,
    r#"{"a":"b",,"c":"d"}"#,
    r#"{a: "b"}"#,
    r#"{"a":"a"#,
    r#"{ "foo" : "bar", "a" }"#,
    r#"{"a":"b"}#"#,
    "[\" ",
    r#"["\uD800\"]"#,
    r#"["\uD800\u"]"#,
    r#"["\uD800\u1"]"#,
    r#"["\uD800\u1x"]"#,
    "[é]",
    r#"["\x00"]"#,
    r#"["\\\"]"#,
    "[\"\\\t\"]",
    "[\"\\🌀\"]",
    r#"["\"]"#,
    r#"["\u00A"]"#,
    r#"["\uD834\uDd"]"#,
    r#"["\uD800\uD800\x"]"#,
    r#"["\a"]"#,
    r#"["\uqqqq"]"#,
    "[\\u0020\"asd\"]",
    "[\\n]",
    "\"",
    "['single quote']",
    "abc",
    "[\"\\",
    "[\"new\nline\"]",
    "[\"\t\"]",
    "\"\\UA66D\"",
    "\"\"x",
    "[\u{2060}]",
    "<.>",
    "[<null>]",
    "[1]x",
    "[1]]",
    "[\"asd]",
    "aå",
    "[True]",
    "1]",
    "{\"x\": true,",
    "[][]",
    "]",
    "\u{FEFF}",
    "å",
    "[",
    "",
    "2@",
    "{}}",
    "{\"\":",
    "{\"a\":/*comment*/\"b\"}",
    "{\"a\": true} \"x\"",
    "['",
    "[,",
    "[{",
    "[\"a",
    "[\"a\"",
    "{",
    "{]",
    "{,",
    "{[",
    "{\"a",
    "{'a'",
    "[\"\\{[\"\\{[\"\\{[\"\\{",
    "*",
    "{\"a\":\"b\"}#{}",
    "[\\u000A\"\"]",
    "[1",
    "[ false, nul",
    "[ true, fals",
    "[ false, tru",
    "{\"asd\":\"asd\"",
    "\u{2060}",
    "[\u{C}]",
    "[\"a\u{0}a\"]",
    "[\u{B}]",
    "[\u{0}]",
    "[\u{A0}]",
    // Halves of surrogate pairs, which the suite leaves open.
    r#"["\uD800"]"#,
    r#"["\uDFAA"]"#,
    r#"["\uD888\u1234"]"#,
    r#"["\uD800\n"]"#,
    r#"["\uD800abc"]"#,
    r#"["\uDd1e\uD834"]"#,
    r#"["\uD800\uD800\n"]"#,
];

/// Bytes that are not UTF-8.
const NOT_UTF8: &[&[u8]] = &[
    b"[\"\xE5\"]",
    b"[\"\xFF\"]",
    b"[\xE5]",
    b"[1\xE5]",
    b"[1e1\xE5]",
    b"[0\xE5]",
    b"{\"\xB9\":\"0\",}",
    b"[\"\xED\xA0\x80\"]",
    b"[\"\xC0\xAF\"]",
    b"[\"\xFC\x83\xBF\xBF\xBF\xBF\"]",
    b"[\"\xF4\xBF\xBF\xBF\"]",
    b"\xFE\xFF\x00[",
    b"\xFF\xFE[\x00",
    b"\xEF\xBB{}",
    b"[\"\x81\"]",
    b"[\"\xE0\xFF\"]",
];

#[track_caller]
fn post(service: &Service, body: &[u8]) -> u16 {
    service.clock.forward(60);
    let request = Request::post("/clients").header("Content-Type", "application/json").body(body).unwrap();
    service.send(request).status
}

/// The value beside a name, which is enough for a client.
fn beside(value: &[u8]) -> Vec<u8> {
    [b"{\"client\":{\"name\":\"A\"},\"other\":", value, b"}"].concat()
}

#[test]
fn what_is_json_is_read_and_ignored_with_all_it_contains() {
    let service = Service::new();
    for value in ACCEPTED {
        assert_eq!(post(&service, &beside(value.as_bytes())), 201, "{value}");
        assert_ne!(post(&service, value.as_bytes()), 500, "{value}");
    }
}

#[test]
fn what_is_no_json_is_refused_alone_and_within() {
    let service = Service::new();
    for text in REFUSED.iter().map(|text| text.as_bytes()).chain(NOT_UTF8.iter().copied()) {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(post(&service, text), 400, "{shown}");
        assert_eq!(post(&service, &beside(text)), 400, "{shown}");
    }
    assert_eq!(service.get("/clients.json").body, "[]\n");
}

#[test]
fn thirty_two_levels_are_read_and_one_more_is_not() {
    let service = Service::new();
    let nested = |levels: usize| beside(format!("{}{}", "[".repeat(levels), "]".repeat(levels)).as_bytes());
    assert_eq!((post(&service, &nested(31)), post(&service, &nested(32))), (201, 400));
    let brackets = beside(format!("\"{}\"", "[{".repeat(100)).as_bytes());
    assert_eq!(post(&service, &brackets), 201, "brackets in a text are no levels");
}

#[test]
fn hostile_bodies_are_answered_once_and_for_all() {
    // Work in a debug build takes ten times as long.
    const LONG: usize = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
    let service = Service::new();
    let digits = "7".repeat(LONG);
    let members: String = (0..LONG / 10).map(|number| format!("\"{number:05}\":1,")).collect();
    for (name, body, status) in [
        ("deep lists", "[".repeat(LONG), 400),
        ("deep objects", "{\"a\":".repeat(LONG / 5), 400),
        ("deep objects in a client", format!("{{\"client\":{}", "{\"name\":".repeat(LONG / 8)), 400),
        ("a long number in a field", format!("{{\"name\":\"A\",\"highrise_id\":{digits}}}"), 400),
        ("a long number elsewhere", format!("{{\"name\":\"A\",\"x\":{digits}.{digits}e{digits}}}"), 201),
        ("many members", format!("{{{members}\"name\":\"A\"}}"), 201),
        ("many wrappers", format!("{{{}\"client\":{{\"name\":\"A\"}}}}", "\"client\":{},".repeat(LONG / 12)), 201),
        ("many fields", format!("{{{}\"name\":\"A\"}}", "\"name\":\"B\",".repeat(LONG / 11)), 201),
        ("halves of pairs", format!("{{\"name\":\"{}\"}}", "\\uD800".repeat(LONG / 6)), 400),
        ("escapes", format!("{{\"name\":\"{}\"}}", "\\u0000".repeat(LONG / 6)), 400),
        ("no end of a string", format!("{{\"name\":\"{}", "a".repeat(LONG)), 400),
        ("blanks", " ".repeat(LONG), 400),
        ("a long name", format!("{{\"{}\":1}}", "\\n".repeat(LONG / 2)), 400),
    ] {
        assert_eq!(post(&service, body.as_bytes()), status, "{name}");
    }
}

#[test]
fn a_refusal_says_the_place_of_the_first_fault() {
    let service = Service::new();
    let request = Request::post("/clients").body("{\n \"client\":\n  {\"name\": x}}").unwrap();
    let refused = answer(service.api.handle(request));
    assert!(refused.hint().unwrap().starts_with("line 3, column 12: this is not JSON"), "{refused:?}");
}
