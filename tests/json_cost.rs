//! What hostile JSON costs the reader, in memory and in work. The allocator counts for the whole process, so this
//! file has one test, which does one thing after the other.

use std::hint::black_box;
use std::time::Duration;

use clientstore::{Client, Invoice, Result, json};
use peak_alloc::PeakAlloc;
use serde::de::IgnoredAny;

#[path = "common/mod.rs"]
mod common;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// How long each body is, in bytes. Work in a debug build takes many times as long.
const LONG: usize = if cfg!(debug_assertions) { 50_000 } else { 10_000_000 };
/// What reading a body of 10 MB may allocate at most at any moment, in bytes; a shorter one less in proportion.
const MEMORY: usize = 16 * 1024 * 1024 * LONG / 10_000_000;
/// How many times as long as the parser alone takes to pass over the same bytes, or over as many bytes of ordinary members
/// where that is longer. A look at each column for each member, or a second walk over them all, takes longer.
const WORK: u32 = if cfg!(debug_assertions) { 40 } else { 12 };
/// The number of attempts. Other work on the machine disturbs some of them, but not each.
const ATTEMPTS: usize = 20;

/// A body, and whether it is read as a client.
type Hostile = (&'static str, Vec<u8>, bool);

fn repeated(part: &str, length: usize) -> String {
    part.repeat(length / part.len())
}

fn hostile() -> Vec<Hostile> {
    let digits = "7".repeat(LONG);
    let names: String = (0..LONG / 12).map(|number| format!("\"{number:07}\":1,")).collect();
    let text = |content: &str| format!("{{\"client\":{{\"name\":\"{content}\"}}}}");
    let bodies = [
        ("deep lists", "[".repeat(LONG), false),
        ("deep objects", repeated("{\"a\":", LONG), false),
        ("deep objects in a client", format!("{{\"client\":{}", repeated("{\"name\":", LONG)), false),
        (
            "lists in a list, no deeper than may be",
            format!("{{\"name\":\"A\",\"x\":[{}[]]}}", repeated("[[[]]],", LONG)),
            true,
        ),
        ("objects without members", format!("{{\"name\":\"A\",\"x\":[{}{{}}]}}", repeated("{},", LONG)), true),
        ("a long number in a field", format!("{{\"name\":\"A\",\"highrise_id\":{digits}}}"), false),
        ("a long number elsewhere", format!("{{\"name\":\"A\",\"x\":{}}}", digits), true),
        ("a long fraction and exponent", format!("{{\"name\":\"A\",\"x\":1.{0}e{0}}}", &digits[..LONG / 2]), true),
        ("a long number as a name", format!("{{\"name\":{digits}}}"), true),
        ("many numbers", format!("{{\"name\":\"A\",\"x\":[{}1]}}", repeated("-1.5e3,", LONG)), true),
        ("members with names of their own", format!("{{{names}\"name\":\"A\"}}"), true),
        ("members of one name", format!("{{{}\"name\":\"A\"}}", repeated("\"a\":1,", LONG)), true),
        ("members without a name", format!("{{{}\"name\":\"A\"}}", repeated("\"\":1,", LONG)), true),
        ("names with escapes", format!("{{{}\"name\":\"A\"}}", repeated("\"\\u0061\":1,", LONG)), true),
        ("wrappers", format!("{{{}\"client\":{{\"name\":\"A\"}}}}", repeated("\"client\":{},", LONG)), true),
        ("one field again and again", format!("{{{}\"name\":\"A\"}}", repeated("\"name\":\"B\",", LONG)), true),
        (
            "another edition's field again and again",
            format!("{{{}\"name\":\"A\"}}", repeated("\"address\":\"B\",", LONG)),
            true,
        ),
        ("null again and again", format!("{{{}\"name\":\"A\"}}", repeated("\"highrise_id\":null,", LONG)), true),
        ("halves of pairs", text(&repeated("\\uD800", LONG)), false),
        ("the last half of a pair", text(&format!("{}\\uD800", repeated("\\uD83D\\uDE00", LONG))), false),
        ("whole pairs", text(&repeated("\\uD83D\\uDE00", LONG)), true),
        ("characters that XML cannot carry", text(&repeated("\\u0000", LONG)), false),
        ("a text", text(&"a".repeat(LONG)), true),
        ("a text that begins with an escape", text(&format!("\\n{}", "a".repeat(LONG))), true),
        ("a text of escapes", text(&repeated("\\n", LONG)), true),
        ("a text of long escapes", text(&repeated("\\u00e9", LONG)), true),
        (
            "two long texts",
            format!("{{\"name\":\"A\",\"details\":\"\\n{0}\",\"details\":\"\\n{0}\"}}", "a".repeat(LONG / 2)),
            true,
        ),
        ("a long name", format!("{{\"{}\":1,\"name\":\"A\"}}", "a".repeat(LONG)), true),
        ("a long name of escapes", format!("{{\"{}\":1,\"name\":\"A\"}}", repeated("\\n", LONG)), true),
        ("a long name that begins with an escape", format!("{{\"\\n{}\":{{\"name\":\"A\"}}}}", "a".repeat(LONG)), true),
        ("two long names", format!("{{\"\\n{0}\":1,\"\\n{0}\":2,\"name\":\"A\"}}", "a".repeat(LONG / 2)), true),
        ("no end of a text", format!("{{\"name\":\"{}", "a".repeat(LONG)), false),
        ("no end of a list", format!("{{\"name\":[{}", repeated("1,", LONG)), false),
        ("a fault at the end", format!("{{\"name\":\"A\"{}\"\"", repeated(",\n\"a\":1", LONG)), false),
        (
            "a value at the end that does not fit",
            format!("{{\"a\":1{},\"active\":7}}", repeated(",\n\"a\":1", LONG)),
            false,
        ),
        ("blanks", " ".repeat(LONG), false),
        ("lines", "\n".repeat(LONG), false),
        ("quotes", "\"".repeat(LONG), false),
        ("backslashes", format!("\"{}", "\\".repeat(LONG)), false),
        ("a list of empty clients", format!("[{}{{}}]", repeated("{\"client\":{}},", LONG)), false),
    ];
    let mut bodies: Vec<Hostile> =
        bodies.into_iter().map(|(name, body, read)| (name, body.into_bytes(), read)).collect();
    bodies.push(("bytes that are not UTF-8", [b"{\"name\":\"".as_slice(), &[0xFF; LONG]].concat(), false));
    bodies.push(("a last byte that is not UTF-8", [text(&"é".repeat(LONG / 2)).as_bytes(), b"\xC3"].concat(), false));
    bodies
}

/// How much processor time something takes, which other programs change little.
fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = now();
    black_box(run());
    now() - start
}

#[cfg(unix)]
fn now() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

#[cfg(not(unix))]
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

type Reader = fn(&[u8]) -> Result<()>;

#[test]
fn hostile_json_is_read_or_refused_in_little_memory_and_with_work_in_proportion_to_its_length() {
    let control = format!("{{{}\"name\":\"A\"}}", repeated("\"address\":\"B\",", LONG)).into_bytes();
    let pass_over = || time(|| serde_json::from_slice::<IgnoredAny>(&control).unwrap());
    let (mut most, mut longest) = ((0, ""), (Duration::ZERO, ""));
    for (name, body, is_read) in hostile() {
        let readers: [(&str, Reader); 4] = [
            ("a create", |body| json::read_new::<Client>(body).map(drop)),
            ("an update", |body| json::read_changes::<Client>(body).map(drop)),
            ("an invoice", |body| json::read::<Invoice>(body).map(drop)),
            ("an error", |body| json::read_error(body).map(drop)),
        ];
        for (reader, read) in readers {
            ALLOCATOR.reset_peak_usage();
            let before = ALLOCATOR.current_usage();
            let result = read(&body);
            let peak = ALLOCATOR.peak_usage() - before;
            if reader == "a create" {
                assert_eq!(result.is_ok(), is_read, "{name}: {result:?}");
            }
            assert!(peak <= MEMORY, "{name}, read as {reader}, takes {peak} bytes, of at most {MEMORY}");
            most = most.max((peak, name));
        }
        let (mut least, mut parser) = (Duration::MAX, Duration::MAX);
        let within = (0..ATTEMPTS).any(|_| {
            let took = time(|| json::read_new::<Client>(&body));
            let same = time(|| serde_json::from_slice::<IgnoredAny>(&body).is_ok());
            least = least.min(took);
            parser = parser.min(same.max(pass_over()));
            took <= same.max(pass_over()) * WORK
        });
        assert!(within, "{name} takes {least:?}, the parser {parser:?}");
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        println!("{name}: {:.1} ms, the parser {:.1} ms", milliseconds(least), milliseconds(parser));
        longest = longest.max((least, name));
    }
    common::tell(format_args!(
        "hostile JSON of {LONG} bytes: at most {} bytes allocated ({}), at most {:.1} ms ({}); the parser alone {:.1} ms",
        most.0,
        most.1,
        longest.0.as_secs_f64() * 1000.0,
        longest.1,
        pass_over().as_secs_f64() * 1000.0,
    ));
}
