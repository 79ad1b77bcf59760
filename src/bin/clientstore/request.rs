//! `clientstore request`: one API request without a server.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clientstore::Api;

use crate::account::AccountArguments;
use crate::log::say;
use crate::{Dialect, Format, Opening, Outcome, open};

/// Answer one API request, without a server
///
/// Prints the status line, the headers and the body. The exit status is 0 for an answer of 2xx, and 1 for any other
/// answer or if the store cannot be used.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore request books.db GET /clients
  clientstore request books.db GET /clients --format json
  clientstore request books.db POST /clients --body client.xml
  clientstore request books.db PUT /clients/1 --body - < client.xml
  clientstore request books.db GET /account/who_am_i --company 'Muster & Co' --dialect live")]
pub(crate) struct Request {
    /// The store's file
    file: PathBuf,
    /// The HTTP method: GET, POST, PUT, DELETE
    method: String,
    /// The path with its query, like /invoices?status=unpaid
    path: String,
    /// The request's body: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// The format of the answer; by default that of the path's suffix, or else of the body
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// How documents in XML are written
    #[arg(long, value_enum, default_value = "documented")]
    dialect: Dialect,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    account: AccountArguments,
}

impl Request {
    pub(crate) fn run(self) -> Outcome {
        let mut body = Vec::new();
        match self.body.as_deref() {
            None => {}
            Some(path) if path.as_os_str() == "-" => drop(std::io::stdin().read_to_end(&mut body)?),
            Some(path) => {
                body = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            }
        }
        let method = http::Method::from_bytes(self.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| format!("{:?} is no HTTP method; use GET, POST, PUT or DELETE", self.method))?;
        let path = if self.path.starts_with('/') { self.path } else { format!("/{}", self.path) };
        let only_reads = method.is_safe();
        let mut request = http::Request::builder().method(method).uri(path.as_str());
        if let Some(format) = self.format {
            request = request.header(
                http::header::ACCEPT,
                match format {
                    Format::Xml => "application/xml",
                    Format::Json => "application/json",
                },
            );
        }
        let request = request
            .body(body)
            .map_err(|error| format!("{path:?} is no path of a request ({error}); percent-encode it"))?;
        let builder = self.opening.builder().account(self.account.account()?);
        let store = match open(&self.file, builder.clone().create(false)) {
            Err(clientstore::Error::ReadOnly { .. }) if only_reads => builder.read_only(true).open(&self.file)?,
            opened => opened?,
        };
        let response = Api::new(store).dialect(self.dialect.into()).handle(request);

        let status = response.status();
        if status.is_server_error()
            && let Some(error) = response.extensions().get::<clientstore::Error>()
        {
            say!("clientstore: {error}");
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "HTTP/1.1 {status}")?;
        for (name, value) in response.headers() {
            writeln!(out, "{}: {}", title_case(name.as_str()), String::from_utf8_lossy(value.as_bytes()))?;
        }
        writeln!(out)?;
        out.write_all(&response.into_body().into_bytes()?)?;
        out.flush()?;
        Ok(if status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A header's name as the server writes it.
fn title_case(name: &str) -> String {
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    parts.collect::<Vec<_>>().join("-")
}
