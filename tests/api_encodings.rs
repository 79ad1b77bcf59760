//! Bodies that come compressed, in process.

use std::io::Write;

use clientstore::{Api, ClientStore};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::{Request, Response};

const NEW: &[u8] = b"<client><name>Company LLC</name></client>";

macro_rules! encoded {
    ($encoder:ident, $bytes:expr) => {{
        let mut encoder = $encoder::new(Vec::new(), Compression::default());
        encoder.write_all($bytes).unwrap();
        encoder.finish().unwrap()
    }};
}

fn post(encoding: &str, body: Vec<u8>) -> Response<clientstore::Body> {
    let api = Api::new(ClientStore::open_in_memory().unwrap());
    api.handle(Request::post("/clients").header("Content-Encoding", encoding).body(body).unwrap())
}

#[test]
fn identity_gzip_and_deflate_are_decoded() {
    let gzip = || encoded!(GzEncoder, NEW);
    let both = [encoded!(GzEncoder, &NEW[..9]), encoded!(GzEncoder, &NEW[9..])].concat();
    for (encoding, body) in [
        ("identity", NEW.to_vec()),
        ("gzip", gzip()),
        ("GZip, identity", gzip()),
        ("x-gzip", gzip()),
        ("gzip", both),
        ("deflate", encoded!(ZlibEncoder, NEW)),
        ("deflate", encoded!(DeflateEncoder, NEW)),
    ] {
        assert_eq!(post(encoding, body).status(), 201, "{encoding}");
    }
}

#[test]
fn any_other_encoding_is_415_and_named() {
    for encoding in ["br", "zstd", "gzip, br", "gzip, gzip", "compress"] {
        let response = post(encoding, NEW.to_vec());
        assert_eq!(response.status(), 415, "{encoding}");
        let hint = response.headers()["hint"].to_str().unwrap();
        assert!(hint.contains(encoding.rsplit(", ").next().unwrap()) && hint.contains("deflate"), "{hint}");
    }
}

#[test]
fn what_is_too_long_once_decoded_is_413_and_what_is_not_as_it_says_400() {
    let long = |length: usize| [NEW, &vec![b' '; length - NEW.len()]].concat();
    let limit = 1024 * 1024;
    assert_eq!(post("gzip", encoded!(GzEncoder, &long(limit))).status(), 201);
    assert_eq!(post("gzip", encoded!(GzEncoder, &long(limit + 1))).status(), 413);
    assert_eq!(post("deflate", encoded!(ZlibEncoder, &long(200 * limit))).status(), 413);
    let gzip = encoded!(GzEncoder, NEW);
    let cut = gzip[..gzip.len() - 5].to_vec();
    let mut wrong = gzip.clone();
    *wrong.last_mut().unwrap() ^= 1;
    for (encoding, body) in [("gzip", NEW.to_vec()), ("gzip", cut), ("gzip", wrong), ("deflate", b"<client/>".to_vec())]
    {
        let response = post(encoding, body);
        assert_eq!(response.status(), 400, "{encoding}");
        assert!(response.headers()["hint"].to_str().unwrap().contains(encoding));
    }
}

#[test]
fn where_no_body_is_read_its_encoding_is_none_of_anybodys_business() {
    let api = Api::new(ClientStore::open_in_memory().unwrap());
    let list = Request::get("/clients").header("Content-Encoding", "br").body("x").unwrap();
    assert_eq!(api.handle(list).status(), 200);
}
