//! `clientstore health`: does a server answer?

#![cfg(feature = "cli")]

mod served;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use served::Served;

/// The exit status, and what is said.
fn health(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_clientstore")).arg("health").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_server_that_answers_is_healthy_with_and_without_control_paths_and_credentials() {
    for (options, status) in [
        (&["--memory", "--control"][..], "200 OK"),
        (&["--memory"], "404 Not Found"),
        (&["--memory", "--control", "--auth", "me:secret"], "401 Unauthorized"),
    ] {
        let served = Served::start(options);
        let address = format!("http://{}", served.address());
        assert_eq!(health(&[&address]), (Some(0), format!("{address} answers {status}\n")));
    }
}

#[test]
fn over_https_it_trusts_the_authority_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let served = Served::start(&["--memory", "--tls", "--tls-authority", &file("authority.pem")]);
    let _other = Served::start(&["--memory", "--tls", "--tls-authority", &file("other.pem")]);
    let address = format!("https://{}", served.address());
    assert_eq!(health(&[&address, "--tls-authority", &file("authority.pem")]).0, Some(0));
    let (status, said) = health(&[&address, "--tls-authority", &file("other.pem")]);
    assert!(status == Some(1) && said.contains("does not answer: invalid peer certificate"), "{said}");
    let (status, said) = health(&[&address, "--tls-authority", &file("missing.pem")]);
    assert!(status == Some(1) && said.contains("missing.pem"), "{said}");
}

#[test]
fn a_server_that_is_gone_mute_or_broken_is_not_healthy() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (status, said) = health(&[&address, "--timeout", "1"]);
    assert!(status == Some(1) && said.ends_with(&format!("{address} did not answer in 1 s\n")), "{said}");

    let broken = std::thread::spawn(move || {
        // The first to be accepted is the one that gave up.
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let (status, said) = health(&[&address, "--timeout", "60"]);
    assert!(status == Some(1) && said.ends_with("answers 503 Service Unavailable\n"), "{said}");
    broken.join().unwrap();

    let (status, said) = health(&[&address]);
    assert!(status == Some(1) && said.contains("does not answer: ") && said.contains("refused"), "{said}");
}

#[test]
fn what_is_no_address_is_wrong_usage() {
    for address in ["127.0.0.1:7557", "ftp://localhost", "http://localhost/clients", "http://", "localhost"] {
        let (status, said) = health(&[address]);
        assert!(status == Some(2) && said.contains("like http://127.0.0.1:7557"), "{address}: {said}");
    }
}
