//! `clientstore health`: does a server answer?

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::uri::Scheme;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::Outcome;

/// Ask a server whether it answers
///
/// For health checks of containers and service managers, which then need no curl. It asks for the control path
/// `health`. A server without --control has no such path, and one with --auth asks for credentials; any such answer
/// counts as healthy.
///
/// Prints the address and the answer's status. The exit status is 0 if the server answers. It is 1 if it does not
/// answer in time or answers with a status of 500 or more, and standard error says why.
#[derive(Args)]
#[command(after_help = "Examples:
  clientstore health http://127.0.0.1:7557
  clientstore health https://localhost:7557 --tls-authority clientstore-authority.pem
  until clientstore health http://127.0.0.1:7557 2>/dev/null; do sleep 1; done")]
pub(crate) struct Health {
    /// The server's address, like http://127.0.0.1:7557
    #[arg(value_name = "URL", value_parser = address)]
    address: Uri,
    /// How long to wait for the answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// For https, the authority that must have signed the server's certificate: the file that serve --tls wrote
    #[arg(long, value_name = "FILE", default_value = "clientstore-authority.pem")]
    tls_authority: PathBuf,
}

/// An address without a path.
fn address(argument: &str) -> Result<Uri, String> {
    let address = argument.parse::<Uri>().ok().filter(|uri| {
        let is_known = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
        is_known && uri.host().is_some_and(|host| !host.is_empty()) && uri.path() == "/" && uri.query().is_none()
    });
    address.ok_or_else(|| "give http:// or https://, a host and a port, like http://127.0.0.1:7557".to_owned())
}

impl Health {
    pub(crate) fn run(self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let asked =
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(self.timeout), self.ask()).await });
        let address = self.address.to_string();
        let address = address.trim_end_matches('/');
        match asked {
            Err(_) => Err(format!("{address} did not answer in {} s", self.timeout).into()),
            Ok(Err(error)) => Err(format!("{address} does not answer: {error}").into()),
            Ok(Ok(status)) if status.is_server_error() => Err(format!("{address} answers {status}").into()),
            Ok(Ok(status)) => {
                println!("{address} answers {status}");
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    async fn ask(&self) -> Result<StatusCode, Box<dyn std::error::Error>> {
        let is_tls = self.address.scheme() == Some(&Scheme::HTTPS);
        // Brackets around an address of IPv6 belong to the URL.
        let host = self.address.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.address.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let connection = TcpStream::connect((host, port)).await?;
        if !is_tls {
            return self.exchange(connection).await;
        }
        let name = ServerName::try_from(host.to_owned())?;
        self.exchange(connector(&self.tls_authority)?.connect(name, connection).await?).await
    }

    async fn exchange<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        connection: T,
    ) -> Result<StatusCode, Box<dyn std::error::Error>> {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
        let connection = tokio::spawn(connection);
        let authority = self.address.authority().map_or("", |authority| authority.as_str());
        let request = Request::get("/_clientstore/health").header(header::HOST, authority);
        let answer = sender.send_request(request.body(Empty::<&[u8]>::new())?).await?;
        connection.abort();
        Ok(answer.status())
    }
}

/// Trusts this authority alone.
fn connector(authority: &Path) -> Result<TlsConnector, Box<dyn std::error::Error>> {
    let unreadable = |error| format!("cannot read {}: {error}", authority.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority).map_err(unreadable)? {
        roots.add(certificate.map_err(unreadable)?)?;
    }
    if roots.is_empty() {
        let said = format!("{} has no certificate", authority.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, said).into());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
