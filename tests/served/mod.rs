//! The program `clientstore serve` on a free port, and a client of one request a connection.

#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// The status, the Location and the body of an answer.
pub type Answer = (u16, Option<String>, String);

pub struct Served {
    process: Mutex<Child>,
    out: Mutex<BufReader<std::process::ChildStdout>>,
    address: String,
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clientstore"));
    command.arg("serve").args(arguments).env_remove("RUST_LOG");
    command.env_remove("CLIENTSTORE_AUTH").env_remove("CLIENTSTORE_AUTH_TOKEN").env_remove("CLIENTSTORE_CONTROL_TOKEN");
    command
}

impl Served {
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_as(command(arguments))
    }

    /// Starts a command of one's own.
    pub fn start_as(mut command: Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on http://").or_else(|| line.strip_prefix("listening on https://"));
        let address = address.unwrap_or_else(|| panic!("{line:?}"));
        let address = address.strip_suffix('\n').unwrap().to_owned();
        Served { process: Mutex::new(process), out: Mutex::new(out), address }
    }

    /// The next line of its standard output.
    pub fn line(&self) -> String {
        let mut line = String::new();
        self.out.lock().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// The address it listens on, with the port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.process.lock().unwrap().id()
    }

    /// A number of what Linux tells of the process, such as `VmRSS:`, the kilobytes that are resident.
    pub fn status(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// A connection of one's own.
    pub fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(stream)
    }

    pub fn send(&self, method: &str, path: &str, body: &str) -> std::io::Result<Answer> {
        self.send_with(method, path, "", body)
    }

    pub fn send_with(&self, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<Answer> {
        let text = self.exchange(method, path, headers, body)?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let location = head.lines().find_map(|line| line.strip_prefix("Location: ")).map(str::to_owned);
        Ok((status.ok_or(std::io::ErrorKind::InvalidData)?, location, body.to_owned()))
    }

    /// The whole answer as it came.
    pub fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> std::io::Result<String> {
        let mut stream = self.connect()?;
        let (address, length) = (&self.address, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\
             {headers}\r\n{body}"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Its standard error. Nothing else reads it.
    pub fn log(&self) -> std::process::ChildStderr {
        self.process.lock().unwrap().stderr.take().unwrap()
    }

    /// Kills it, without a chance to tidy up.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Sends it a signal by name, and waits for its end.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) -> ExitStatus {
        let mut process = self.process.lock().unwrap();
        let sent = Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        process.wait().unwrap()
    }

    /// Ends it, where it has not ended yet, and gives what it wrote on standard output after the first line, and on
    /// standard error; where there are signals, that is all that it had to say.
    pub fn stop(&self) -> (String, String) {
        let has_ended = self.process.lock().unwrap().try_wait().unwrap().is_some();
        #[cfg(unix)]
        if !has_ended {
            self.signal("TERM");
        }
        #[cfg(not(unix))]
        if !has_ended {
            self.kill();
        }
        let (mut out, mut log) = (String::new(), String::new());
        self.out.lock().unwrap().read_to_string(&mut out).unwrap();
        self.process.lock().unwrap().stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (out, log)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}
