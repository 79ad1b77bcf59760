//! `clientstore serve` over HTTPS.

#![cfg(feature = "cli")]

mod served;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use served::Served;
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, crypto,
};

/// Long enough for anything that is to come, on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that trusts one authority.
struct Program {
    authority: CertificateDer<'static>,
    versions: Vec<&'static SupportedProtocolVersion>,
    protocols: Vec<&'static str>,
}

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

impl Program {
    fn trusting(authority: &Path) -> Self {
        let authority = CertificateDer::from_pem_file(authority).unwrap();
        Program { authority, versions: vec![&TLS12, &TLS13], protocols: Vec::new() }
    }

    /// Does the handshake over this connection, with a server of this name.
    fn encrypt(&self, mut stream: TcpStream, name: &str) -> std::io::Result<Encrypted> {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut stream) {
                // The alert that says why.
                while connection.wants_write() {
                    connection.write_tls(&mut stream)?;
                }
                drop(stream.read_to_end(&mut Vec::new()));
                return Err(error);
            }
        }
        Ok(StreamOwned::new(connection, stream))
    }

    /// The answer to a request on a connection of its own, whole.
    fn ask(&self, served: &Served, request: &str) -> String {
        let mut stream = self.encrypt(connect(served), "localhost").unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        rest(&mut stream)
    }
}

fn connect(served: &Served) -> TcpStream {
    let stream = TcpStream::connect(served.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All until the end.
fn rest(stream: &mut impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// A server over HTTPS, and a program that trusts it.
fn start(folder: &TempDir, arguments: &[&str]) -> (Served, Program) {
    let authority = folder.path().join("authority.pem");
    let always = ["--memory", "--tls", "--tls-authority", authority.to_str().unwrap()];
    let served = Served::start(&[&always, arguments].concat());
    (served, Program::trusting(&authority))
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What the server says where it does not start.
fn failed(arguments: &[&str]) -> String {
    let output = served::command(arguments).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A certificate for localhost that is its own authority, and its key, in files.
fn own_certificate(folder: &TempDir, name: &str) -> [String; 2] {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |end: &str, text: String| {
        let path = folder.path().join(format!("{name}-{end}.pem"));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    [write("cert", made.cert.pem()), write("key", made.signing_key.serialize_pem())]
}

#[test]
fn a_program_that_trusts_the_authority_is_served_by_every_name_of_the_certificate() {
    let folder = folder();
    let (served, mut program) = start(&folder, &["--allow-host", "harvest.test"]);
    for name in ["localhost", "127.0.0.1", "::1", "demo.harvestapp.com", "other.harvestapp.com", "harvest.test"] {
        let mut stream = program.encrypt(connect(&served), name).unwrap();
        stream.write_all(get("/clients").as_bytes()).unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"), "{name}");
    }
    for name in ["example.com", "a.b.harvestapp.com", "10.0.0.1"] {
        assert!(program.encrypt(connect(&served), name).is_err(), "{name}");
    }
    for version in [&TLS12, &TLS13] {
        program.versions = vec![version];
        assert!(program.ask(&served, &get("/clients")).starts_with("HTTP/1.1 200 OK\r\n"), "{version:?}");
    }
}

/// Linux has all of 127.0.0.0/8.
#[cfg(target_os = "linux")]
#[test]
fn the_certificate_is_for_every_address_that_is_listened_on() {
    let folder = folder();
    let (served, program) = start(&folder, &["--listen", "127.0.0.2:0", "--listen", "127.0.0.3:0"]);
    assert!(served.address().starts_with("127.0.0.2:"));
    let lines = [served.line(), served.line()];
    assert!(lines[0].starts_with("listening on https://127.0.0.3:"), "{lines:?}");
    assert!(lines[1].starts_with("listening on https://127.0.0.1:"), "{lines:?}");
    for name in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
        assert!(program.encrypt(connect(&served), name).is_ok(), "{name}");
    }
    assert!(program.encrypt(connect(&served), "127.0.0.4").is_err());
}

#[test]
fn a_connection_is_kept_and_speaks_http_1_1_alone() {
    let folder = folder();
    let (served, mut program) = start(&folder, &[]);
    program.protocols = vec!["h2", "http/1.1"];
    let mut stream = program.encrypt(connect(&served), "localhost").unwrap();
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let new = "<client><name>SuprCorp</name></client>";
    let length = new.len();
    write!(stream, "POST /clients HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{new}").unwrap();
    stream.write_all(get("/clients/1").as_bytes()).unwrap();
    let answers = rest(&mut stream);
    assert!(answers.starts_with("HTTP/1.1 201 Created\r\n"), "{answers}");
    assert!(answers.contains("<name>SuprCorp</name>"), "{answers}");

    program.protocols = vec!["h2"];
    assert!(program.encrypt(connect(&served), "localhost").is_err());
}

#[test]
fn long_bodies_and_long_lists_pass_whole_also_to_a_program_that_reads_late() {
    let folder = folder();
    let (served, program) = start(&folder, &[]);
    let details = "0123456789abcdef".repeat(32 * 1024);
    let new = format!("<client><name>A</name><details>{details}</details></client>");
    for _ in 0..8 {
        let length = new.len();
        let head = format!("Host: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n");
        let answer = program.ask(&served, &format!("POST /clients HTTP/1.1\r\n{head}\r\n{new}"));
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    }
    let mut stream = program.encrypt(connect(&served), "localhost").unwrap();
    stream.write_all(get("/clients").as_bytes()).unwrap();
    // The sockets' buffers are full by then, or soon after; either way nothing may be missing.
    std::thread::sleep(Duration::from_millis(200));
    let list = rest(&mut stream);
    assert!(list.starts_with("HTTP/1.1 200 OK\r\n"));
    // Where the list comes in chunks, lines between them may cut one.
    assert!(list.len() > 8 * details.len() && list.matches("0123456789abcdef").count() > 8 * 32 * 1024 - 1024);
    assert!(list.contains("</clients>"));
}

#[test]
fn plain_http_is_told_to_use_https() {
    let folder = folder();
    let (served, _) = start(&folder, &[]);
    let answer = served.exchange("GET", "/clients", "", "").unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(answer.contains("\r\nHint: Use https:// here"), "{answer}");
    let body = "x".repeat(1_000_000);
    assert_eq!(served.send("POST", "/clients", &body).unwrap().0, 400, "also where a body is still on its way");
    assert!(served.stop().1.contains("got 400: Use https:// here"));
}

#[cfg(unix)]
#[test]
fn a_program_that_does_not_trust_the_authority_is_named_in_the_log() {
    let (folder, other) = (folder(), folder());
    let (served, _) = start(&folder, &["--quiet"]);
    let (_, stranger) = start(&other, &["--quiet"]);
    let error = stranger.encrypt(connect(&served), "localhost").map(drop).unwrap_err().to_string();
    assert!(error.contains("invalid peer certificate"), "{error}");
    assert!(served.signal("TERM").success(), "what is being logged is logged first");
    let log = served.stop().1;
    assert!(log.contains("no TLS connection with 127.0.0.1:"), "{log}");
    assert!(log.contains("the program does not trust the certificate"), "{log}");
}

#[test]
fn a_handshake_that_stalls_is_dropped_while_others_are_served() {
    let folder = folder();
    let (served, program) = start(&folder, &["--head-timeout", "1"]);
    // A record of the handshake that never ends, and the beginning of a wish for a tunnel.
    let begun = [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01", b"CONNECT demo.harvestapp.com:443 HTTP/1.1\r\n"];
    let mut stalled = begun.map(|sent| {
        let mut stream = connect(&served);
        stream.write_all(sent).unwrap();
        stream
    });
    // A slow machine may need more than that second, and then another attempt.
    let attempt = || program.encrypt(connect(&served), "localhost");
    let begun = Instant::now();
    let mut silent = loop {
        match attempt() {
            Ok(stream) => break stream,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
    };
    for stream in &mut stalled {
        assert_eq!(rest(stream), "");
    }
    // Once there is TLS, the head that never comes has no more time either.
    let ended = silent.read_to_end(&mut Vec::new());
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof));
}

#[test]
fn a_handshake_that_stalls_gives_way_to_a_new_connection() {
    let folder = folder();
    let (served, program) = start(&folder, &["--max-connections", "2", "--head-timeout", "100000"]);
    let stalled = [(); 4].map(|()| connect(&served));
    assert!(program.ask(&served, &get("/clients")).starts_with("HTTP/1.1 200 OK\r\n"));
    drop(stalled);
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_amid_handshakes_and_idle_connections() {
    let folder = folder();
    let (served, program) = start(&folder, &["--head-timeout", "100000", "--idle-timeout", "100000"]);
    let mut stalled = connect(&served);
    stalled.write_all(b"\x16").unwrap();
    let mut idle = program.encrypt(connect(&served), "localhost").unwrap();
    idle.write_all(get("/clients").replace("close", "keep-alive").as_bytes()).unwrap();
    assert!(idle.read(&mut [0; 8]).unwrap() > 0);
    assert!(served.signal("TERM").success());
}

#[test]
fn a_tunnel_leads_to_the_hosts_that_the_server_answers_to_and_nowhere_else() {
    let folder = folder();
    let (served, program) = start(&folder, &["--allow-host", "harvest.test"]);
    let ask = |target: &str| {
        let mut stream = connect(&served);
        write!(stream, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (stream, String::from_utf8(head).unwrap())
    };
    for host in ["demo.harvestapp.com", "harvest.test"] {
        let (stream, head) = ask(&format!("{host}:443"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let mut stream = program.encrypt(stream, host).unwrap();
        stream.write_all(get("/clients").replace("localhost", host).as_bytes()).unwrap();
        assert!(rest(&mut stream).starts_with("HTTP/1.1 200 OK\r\n"), "{host}");
    }
    for target in ["example.com:443", "harvestapp.com.example.com:443", "", "a b", "\u{e9}:443"] {
        let (_, head) = ask(target);
        assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n") && head.contains("--allow-host"), "{target}: {head}");
    }
    let mut stream = connect(&served);
    let long = format!("CONNECT localhost:443 HTTP/1.1\r\nX: {}", "x".repeat(100_000));
    stream.write_all(long.as_bytes()).unwrap();
    assert!(rest(&mut stream).starts_with("HTTP/1.1 431 "));
}

#[test]
fn the_servers_own_pages_have_an_https_origin() {
    let folder = folder();
    let (served, program) = start(&folder, &[]);
    let from = |scheme: &str| {
        let address = served.address();
        let request = format!("Host: {address}\r\nOrigin: {scheme}://{address}\r\n");
        program.ask(&served, &get("/clients").replace("Host: localhost\r\n", &request))
    };
    assert!(from("https").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(from("http").starts_with("HTTP/1.1 403 Forbidden\r\n"));
}

#[test]
fn the_authority_is_new_at_each_start_and_overwrites_nothing_else() {
    let folder = folder();
    let (first, program) = start(&folder, &[]);
    drop(first);
    let (second, _) = start(&folder, &[]);
    assert!(program.encrypt(connect(&second), "localhost").is_err(), "the first one's key is gone");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["authority.pem"]);
    let path = folder.path().join("authority.pem");
    let log = second.stop().1;
    assert!(log.contains(&format!("programs must trust the authority in {}", path.display())), "{log}");
    assert!(!fs::read_to_string(&path).unwrap().contains("PRIVATE"));

    let books = folder.path().join("books.db");
    fs::write(&books, "a ledger").unwrap();
    let said = failed(&["--memory", "--tls", "--tls-authority", books.to_str().unwrap()]);
    assert!(said.contains("books.db is there already, and is no certificate; name another file"), "{said}");
    assert_eq!(fs::read_to_string(&books).unwrap(), "a ledger");
    let nowhere = folder.path().join("nowhere").join("authority.pem");
    let said = failed(&["--memory", "--tls", "--tls-authority", nowhere.to_str().unwrap()]);
    assert!(said.contains("there is no directory") && said.contains("make it first"), "{said}");
}

#[test]
fn a_certificate_and_a_key_of_ones_own_are_served() {
    let folder = folder();
    let [cert, key] = own_certificate(&folder, "own");
    let served = Served::start(&["--memory", "--tls-cert", &cert, "--tls-key", &key]);
    let answer = Program::trusting(Path::new(&cert)).encrypt(connect(&served), "localhost").map(|mut stream| {
        stream.write_all(get("/clients").as_bytes()).unwrap();
        rest(&mut stream)
    });
    assert!(answer.unwrap().starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn files_that_are_no_certificate_or_not_its_key_are_refused_at_the_start() {
    let folder = folder();
    let [cert, key] = own_certificate(&folder, "own");
    let [other_cert, other_key] = own_certificate(&folder, "other");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = file("empty.pem", "");
    let cut = file("cut.pem", fs::read_to_string(&cert).unwrap().split_at(60).0);
    let garbage = file("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let locked = file("locked.pem", locked);
    for (cert, key, said) in [
        (&cert, &other_key, ["own-cert.pem", "is not that of the certificate"]),
        (&other_cert, &key, ["other-cert.pem", "is not that of the certificate"]),
        (&"none.pem".to_owned(), &key, ["cannot read none.pem", "o such file"]),
        (&cert, &"none.pem".to_owned(), ["cannot read none.pem", "o such file"]),
        (&empty, &key, ["empty.pem has no certificate", "BEGIN CERTIFICATE"]),
        (&key, &key, ["own-key.pem has no certificate", "BEGIN CERTIFICATE"]),
        (&cut, &key, ["cut.pem", "PEM"]),
        (&garbage, &key, ["garbage.pem", "cannot use"]),
        (&cert, &empty, ["empty.pem has no private key", "BEGIN PRIVATE KEY"]),
        (&cert, &cert, ["own-cert.pem has no private key", "BEGIN PRIVATE KEY"]),
        (&cert, &locked, ["locked.pem has no private key that is not encrypted", "openssl pkey"]),
    ] {
        let error = failed(&["--memory", "--tls-cert", cert, "--tls-key", key]);
        assert!(said.iter().all(|part| error.contains(part)), "{said:?} in {error}");
    }
    assert!(failed(&["--memory", "--tls-cert", &cert]).contains("--tls-key"));
    assert!(failed(&["--memory", "--tls-key", &key]).contains("--tls-cert"));
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let [cert, key] = own_certificate(&folder, "own");
    for (mode, warned) in [(0o600, false), (0o400, false), (0o644, true), (0o640, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let served = Served::start(&["--memory", "--quiet", "--tls-cert", &cert, "--tls-key", &key]);
        let log = served.stop().1;
        let warning = format!("other accounts can read the private key {key}; `chmod 600 {key}`");
        assert_eq!(log.contains(&warning), warned, "{mode:o}: {log}");
    }
}
