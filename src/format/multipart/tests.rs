use super::*;

const TYPE: &str = "multipart/form-data; boundary=B";

fn read(body: &str) -> Result<Option<FilePart>> {
    file(body.as_bytes(), TYPE, "expense[receipt]")
}

/// The file of a form that comes in pieces, and its bytes as they came.
fn read_in_pieces(body: &[u8], mut length: impl FnMut() -> usize) -> Result<Option<(FilePart, Vec<u8>)>> {
    let mut reader = Reader::new(TYPE, "expense[receipt]")?;
    let mut bytes = Vec::new();
    let mut sink = |piece: Piece<'_>| {
        match piece {
            Piece::Begins => bytes.clear(),
            Piece::Bytes(more) => bytes.extend_from_slice(more),
        }
        Ok(())
    };
    let mut rest = body;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(length().clamp(1, rest.len()));
        reader.read(piece, &mut sink)?;
        assert!(reader.held.len() <= HEADER + piece.len(), "{} bytes are held", reader.held.len());
        rest = after;
    }
    let found = reader.finish(&mut sink)?;
    Ok(found.map(|found| (found, bytes)))
}

fn part(bytes: &str) -> String {
    format!("--B\r\nContent-Disposition: form-data; name=\"expense[receipt]\"; filename=\"a.gif\"\r\n\r\n{bytes}")
}

#[test]
fn the_file_is_what_stands_between_the_headers_and_the_next_boundary() {
    for bytes in ["GIF89a", "", "\r\n", "--A\r", "a\r\n--\r\nb\n", "\n"] {
        let ends = ["\r\n--B--\r\n", "\r\n--B--", "\r\n--B", "\r\n--B\r\n", "\r\n--B--\r\nafter"];
        for end in ends {
            let body = format!("before\r\n{}{end}", part(bytes));
            let read = read(&body).unwrap().unwrap();
            assert_eq!((read.file_name.as_str(), &body[read.place]), ("a.gif", bytes), "{body:?}");
        }
    }
    let body = part("no final boundary");
    assert_eq!(&body[read(&body).unwrap().unwrap().place], "no final boundary");
}

#[test]
fn names_are_read_as_programs_quoted_them() {
    for (header, name) in [
        ("name=\"expense[receipt]\"; filename=\"a.gif\"", "a.gif"),
        ("filename=a.gif; name=expense[receipt]", "a.gif"),
        ("NAME=\"expense[receipt]\";FileName=\"a;=\\\"b.gif\"", "a;=\"b.gif"),
        ("name=\"expense[receipt]\"; filename=\"C:\\scans\\a.gif\"", "a.gif"),
        ("name=\"expense[receipt]\"; filename=\"/tmp/\u{e9}.gif\"", "\u{e9}.gif"),
    ] {
        let body = format!("--B\nContent-Disposition: form-data; {header}\nContent-Type: IMAGE/Gif; a=b\n\nx\n--B--");
        let read = read(&body).unwrap().unwrap();
        assert_eq!((read.file_name.as_str(), &body[read.place.clone()]), (name, "x"), "{header}");
        assert_eq!(read.content_type.as_deref(), Some("image/gif"));
    }
    for other in ["name=\"expense[receipt]\"", "name=other; filename=a", "name=\"expense[receipt]\"; filename=\"\""] {
        let body = format!("--B\r\nContent-Disposition: form-data; {other}\r\n\r\nx\r\n--B--");
        assert_eq!(read(&body).unwrap(), None, "{other}");
    }
}

#[test]
fn what_is_no_form_in_parts_is_refused_at_once() {
    let header = |line: &str| format!("--B\r\n{line}\r\n\r\nx\r\n--B--");
    let many = |text: &str, times: usize| text.repeat(times);
    for body in [
        String::new(),
        "x".repeat(1 << 20),
        "--".to_owned(),
        "--B\r\n".to_owned() + &many("A: b\r\n", 10_000) + "\r\nx\r\n--B--",
        many("--B\r\n\r\n\r\n", 10_000),
        header(&many("a", 10_000)),
        header("no colon"),
        header("Content-Length: 2"),
        header("Content-Length: many"),
        "--Bsomething\r\n\r\nx\r\n--B--".to_owned(),
        "--B\r\nContent-Type: image/gif\r\n".to_owned(),
    ] {
        assert!(matches!(read(&body), Err(Error::Form { .. })), "{:?}", quoted(&body));
    }
    for kind in ["", "text/xml", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=B"]
    {
        assert!(file(part("x").as_bytes(), kind, "a").is_err(), "{kind}");
    }
    let long = format!("multipart/form-data; boundary={}", "b".repeat(71));
    assert!(file(b"", &long, "a").is_err());
}

#[test]
fn a_form_is_read_the_same_in_one_piece_and_in_many_and_no_bytes_make_the_reader_panic() {
    // A linear congruential generator: the same bodies each time.
    let mut state: u64 = 7;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let pieces = [
        "--B",
        "--B--",
        "\r\n",
        "\n",
        "\r",
        "--",
        "B",
        ":",
        ";",
        "\"",
        "\\",
        "=",
        "Content-Disposition: form-data; ",
        "name=\"expense[receipt]\"",
        "filename=\"a\"",
        "Content-Length: 1",
        "Content-Type: a/b",
        "x",
        "\u{e9}",
        "\0",
    ];
    let mut files = 0;
    for _ in 0..20_000 {
        let whole = part("x\r\n--B--");
        let mut body: Vec<u8> = if below(2) == 0 { whole.into_bytes() } else { Vec::new() };
        for _ in 0..below(12) {
            let piece = pieces[below(pieces.len())].as_bytes();
            let at = below(body.len() + 1);
            body.splice(at..at, piece.iter().copied());
        }
        if below(4) == 0 && !body.is_empty() {
            body.truncate(below(body.len()));
        }
        let whole = file(&body, TYPE, "expense[receipt]");
        files += usize::from(matches!(whole, Ok(Some(_))));
        let whole = whole.map(|found| found.map(|found| (body[found.place.clone()].to_vec(), found)));
        let longest = 1 + below(40);
        let pieces =
            read_in_pieces(&body, || 1 + below(longest)).map(|found| found.map(|(found, bytes)| (bytes, found)));
        assert_eq!(format!("{pieces:?}"), format!("{whole:?}"), "{:?}", String::from_utf8_lossy(&body));
    }
    assert!(files > 500, "{files}");
}
