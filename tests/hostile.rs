//! Documents made to do harm: typed errors, and never a panic.

mod common;

use std::io::Read;

use clientstore::{Client, ClientStore, Error, NewClient, xml};
use common::malformed;

fn read(document: &[u8]) -> Result<NewClient, Error> {
    xml::read_new::<Client>(document)
}

#[test]
fn a_billion_laughs_are_refused_at_the_doctype() {
    let entities: String = (1..10)
        .map(|level| format!("<!ENTITY lol{level} \"{}\">\n", format!("&lol{};", level - 1).repeat(10)))
        .collect();
    let bomb = format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY lol0 \"lol\">\n{entities}]>\n<client><name>&lol9;</name></client>"
    );
    let (line, reason) = malformed(read(bomb.as_bytes()));
    assert_eq!(line, 2);
    assert!(reason.contains("DOCTYPE"), "{reason}");
    let outside = b"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><client><name>&x;</name></client>";
    assert!(malformed(read(outside)).1.contains("DOCTYPE"));
}

#[test]
fn ten_megabytes_of_open_elements_are_refused_at_the_limit() {
    for start in ["", "<client>", "<client><name>"] {
        let deep = format!("{start}{}", "<a>".repeat(10_000_000 / 3));
        let (line, reason) = malformed(read(deep.as_bytes()));
        assert_eq!(line, 1);
        assert!(reason.contains(if start.is_empty() { "root" } else { "32" }), "{reason}");
    }
}

#[test]
fn a_million_attributes_are_refused_at_the_limit() {
    let attributes: String = (0..1_000_000).map(|number| format!(" a{number}=\"\"")).collect();
    let wide = format!("<client{attributes}></client>");
    assert!(malformed(read(wide.as_bytes())).1.contains("64"));
    let same = format!("<client>\n<name{}>x</name></client>", " a=''".repeat(1_000_000));
    let (line, reason) = malformed(read(same.as_bytes()));
    assert_eq!(line, 2);
    assert!(reason.contains("twice"), "{reason}");
}

#[test]
fn large_pieces_that_go_on_without_end_are_refused() {
    let long = "x".repeat(5_000_000);
    for piece in [
        "<",
        "<client ",
        "<client a='",
        "<!--",
        "<?x ",
        "<![CDATA[",
        "<client><name>",
        "<client><!--",
        "&",
        "<client>&",
    ] {
        malformed(read(format!("{piece}{long}").as_bytes()));
    }
    for references in ["&amp;", "&#65;", "<![CDATA[]]>", "<!---->", "<?x?>", "<a/>"] {
        let many = format!("<client><name>{}</name></client>", references.repeat(200_000));
        assert!(read(many.as_bytes()).is_ok(), "{references} is no harm");
    }
    malformed(read(format!("<client><name>{}</name></client>", "&a;".repeat(1_000_000)).as_bytes()));
}

#[test]
fn a_stream_that_goes_on_without_end_is_refused() {
    let store = ClientStore::open_in_memory().unwrap();
    for (start, expected) in [
        ("<", "16 MiB"),
        ("<clients a='", "16 MiB"),
        ("<!--", "16 MiB"),
        ("<?x ", "16 MiB"),
        ("<!DOCTYPE ", "a DOCTYPE is not accepted"),
        ("<clients>", "16 MiB"),
        ("<clients>&", "16 MiB"),
        ("<clients></", "16 MiB"),
        ("<clients><client>\n<name>", "line 2: name is longer than 16 MiB"),
        ("<clients><client>\n<name><![CDATA[", "line 2: name is longer than 16 MiB"),
    ] {
        let endless = std::io::BufReader::new(start.as_bytes().chain(std::io::repeat(b'x')));
        let error = store.load([("endless.xml", endless)], |_| {}).unwrap_err().to_string();
        assert!(error.contains(expected), "{start}: {error}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused_where_it_stands() {
    for bad in
        [&b"\xFF"[..], b"\xC3", b"\xC3\x28", b"\xED\xA0\x80", b"\xF8\x88\x80\x80\x80", b"\xC0\x80", b"\xF4\x90\x80\x80"]
    {
        for (before, after) in [
            ("<client>\n<name>", "</name></client>"),
            ("<client>\n<name a='", "'>x</name></client>"),
            ("<client>\n<na", ">x</name></client>"),
            ("<client>\n<!-- ", " --></client>"),
            ("<client>\n<![CDATA[ ", " ]]></client>"),
        ] {
            let document = [before.as_bytes(), bad, after.as_bytes()].concat();
            assert!(matches!(malformed(read(&document)).0, 1 | 2), "{document:?}");
        }
    }
    assert!(malformed(read(b"<client><name>\xE9</name></client>")).1.contains("UTF-8"));
}

#[test]
fn utf_16_is_refused() {
    let text = "<client><name>x</name></client>";
    for start in ["", "\u{FEFF}", "<?xml version=\"1.0\" encoding=\"UTF-16\"?>"] {
        let units = || format!("{start}{text}").encode_utf16().collect::<Vec<u16>>();
        malformed(read(&units().into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()));
        malformed(read(&units().into_iter().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()));
    }
}

#[test]
fn a_document_cut_short_anywhere_is_refused() {
    let documents: [&[u8]; 3] = [
        include_bytes!("fixtures/client-get.xml"),
        include_bytes!("fixtures/client-live.xml"),
        "<?xml version='1.0'?>\n<!-- c --><client><name>&amp;<![CDATA[é🦀]]></name><?p i?><x a='&lt;'/></client >\n"
            .as_bytes(),
    ];
    for document in documents {
        assert!(read(document).is_ok());
        let whole = document.trim_ascii_end().len();
        for end in 0..whole {
            match read(&document[..end]) {
                Err(Error::Xml { line, reason }) => {
                    let lines = document[..end].split(|byte| *byte == b'\n').count() as u64;
                    assert!((1..=lines).contains(&line), "{line} of {lines}: {reason}");
                    assert!(!reason.is_empty());
                }
                other => panic!("cut at {end}: {other:?}"),
            }
        }
        assert!(read(&document[..whole]).is_ok(), "without the final newline it is whole");
    }
    let list = include_bytes!("fixtures/clients-live.xml");
    for end in 0..list.trim_ascii_end().len() {
        malformed(xml::read_list::<Client>(&list[..end]));
    }
}

#[test]
fn a_document_with_any_byte_changed_makes_no_panic() {
    let document = include_bytes!("fixtures/client-live.xml");
    let mut refused = 0;
    for at in 0..document.len() {
        for byte in [0, b'<', b'>', b'&', b'"', b'\'', b'/', b'!', b'?', b'=', b' ', b';', 0x80, 0xFF] {
            let mut changed = document.to_vec();
            changed[at] = byte;
            match xml::read::<Client>(&changed) {
                Ok(_) => {}
                Err(Error::Xml { .. } | Error::Invalid { line: Some(_), .. }) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(refused > document.len(), "most changes are refused");
}

#[test]
fn a_refused_body_changes_nothing_and_the_error_is_short() {
    let store = ClientStore::open_in_memory().unwrap();
    let long = "9".repeat(1_000_000);
    let project = format!("<project><client-id>{long}</client-id></project>");
    let error = xml::read_new::<clientstore::Project>(project.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 300, "a message does not repeat a megabyte of input");
    let root = format!("<{long}></{long}>").replace('9', "a");
    let error = read(root.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 300, "{} bytes of message", error.len());
    let attribute = format!("<client {0}='' {0}=''/>", "a".repeat(1_000_000));
    let error = read(attribute.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 300, "{} bytes of message", error.len());
    let end = format!("<client></{}>", "a".repeat(1_000_000));
    let error = read(end.as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 300, "{} bytes of message", error.len());
    assert_eq!(store.clients().list(&Default::default()).unwrap().count(), 0);
}
