//! What comes before the first request over HTTPS: the handshake, and perhaps a request for a tunnel.
//!
//! A program with `https://` addresses may use the port as a proxy. Then it asks for a tunnel to its host with CONNECT,
//! and gets one that ends here.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::sleep_until;
use tokio_rustls::rustls::{self, AlertDescription};
use tokio_rustls::server::TlsStream;

use super::Shared;
use super::connection::{self, refuse};
use super::progress::Progress;
use super::tls::Tls;
use super::wire::Wire;

/// The first byte of every TLS connection: the type of the handshake's records.
const HANDSHAKE: u8 = 22;

/// At most this many bytes wait for encryption, and as many encrypted ones for the socket.
const BUFFER: usize = 16 * 1024;

const CONNECT: &[u8] = b"CONNECT ";
const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection Established\r\n\r\n";

/// Serves a connection from its handshake on. The handshake and the first request's head share one time limit.
pub(super) async fn serve(stream: TcpStream, tls: Tls, shared: Arc<Shared>, progress: Arc<Progress>) {
    let encrypted = {
        let mut stop = pin!(shared.stop.notified());
        stop.as_mut().enable();
        if shared.is_stopping() {
            return;
        }
        let deadline = progress.deadline(&shared.limits, false).unwrap_or(u64::MAX);
        tokio::select! {
            biased;
            () = stop => return,
            encrypted = encrypt(stream, &tls, &shared, &progress) => encrypted,
            () = sleep_until(progress.instant(deadline).into()) => {
                tracing::debug!("gave up waiting for a TLS handshake");
                return;
            }
        }
    };
    if let Some(stream) = encrypted {
        connection::serve(stream, shared, progress).await;
    }
}

/// The encrypted connection; `None` if the handshake fails, which is logged.
async fn encrypt(
    mut stream: TcpStream,
    tls: &Tls,
    shared: &Shared,
    progress: &Arc<Progress>,
) -> Option<TlsStream<Noted>> {
    let peer = progress.peer;
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first != [HANDSHAKE] {
        match tunnel(&mut stream, shared).await {
            Ok(()) => {}
            Err(Untunneled::Broken(error)) => {
                tracing::debug!("no TLS connection with {peer}: {error}");
                return None;
            }
            Err(Untunneled::Refused { status, reason }) => {
                tracing::warn!("{peer} got {}: {reason}", status.as_u16());
                let mut wire = Wire::new(stream, Arc::clone(progress), shared.limits.max_discard);
                refuse(&mut wire, &refusal(status, reason), &shared.limits).await;
                return None;
            }
        }
    }
    let stream = Noted { stream, progress: Arc::clone(progress) };
    match tls.acceptor.accept_with(stream, |session| session.set_buffer_limit(Some(BUFFER))).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            match error.get_ref().and_then(|source| source.downcast_ref()) {
                Some(error) => tracing::warn!("no TLS connection with {peer}: {}", explained(error)),
                None => tracing::debug!("no TLS connection with {peer}: {error}"),
            }
            None
        }
    }
}

/// Why there is no tunnel.
enum Untunneled {
    Broken(io::Error),
    Refused { status: StatusCode, reason: &'static str },
}

impl From<io::Error> for Untunneled {
    fn from(error: io::Error) -> Self {
        Untunneled::Broken(error)
    }
}

/// Reads a request for a tunnel, and grants it if it is for a host that the server answers to.
async fn tunnel(stream: &mut TcpStream, shared: &Shared) -> Result<(), Untunneled> {
    let refused = |status, reason| Err(Untunneled::Refused { status, reason });
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > shared.limits.max_head {
            return refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Send a shorter head");
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let begun = head.len().min(CONNECT.len());
        if head[..begun] != CONNECT[..begun] {
            return refused(StatusCode::BAD_REQUEST, "Use https:// here, as this port speaks TLS");
        }
    }
    let rest = &head[CONNECT.len()..];
    let target = rest.split(|byte| *byte == b' ').next().and_then(|target| std::str::from_utf8(target).ok());
    if !target.is_some_and(|target| shared.guard.answers_to(target)) {
        let reason = "Ask for a tunnel to a host below harvestapp.com, or start the server with --allow-host HOST";
        return refused(StatusCode::FORBIDDEN, reason);
    }
    Ok(stream.write_all(ESTABLISHED).await?)
}

/// An answer without TLS.
fn refusal(status: StatusCode, reason: &str) -> Vec<u8> {
    let length = reason.len() + 2;
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\nHint: {reason}\r\n\
         Content-Length: {length}\r\n\r\n{reason}.\n"
    )
    .into_bytes()
}

/// The meaning of a failed handshake, for the log.
fn explained(error: &rustls::Error) -> String {
    use AlertDescription::{BadCertificate, CertificateUnknown, ProtocolVersion, UnknownCA};
    match error {
        rustls::Error::AlertReceived(BadCertificate | CertificateUnknown | UnknownCA) => {
            "the program does not trust the certificate; have it trust the authority".to_owned()
        }
        rustls::Error::PeerIncompatible(_) | rustls::Error::AlertReceived(ProtocolVersion) => {
            format!("the program must speak TLS 1.2 or 1.3 with current ciphers ({error})")
        }
        error => error.to_string(),
    }
}

/// A socket that notes when bytes pass, since under TLS a slow request or answer shows only in its encrypted bytes.
struct Noted {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Noted {
    fn noted(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(1..)) => self.progress.moved_on(),
            Poll::Pending => self.progress.awaits_room(),
            Poll::Ready(_) => {}
        }
        written
    }
}

impl AsyncRead for Noted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.progress.received();
        }
        read
    }
}

impl AsyncWrite for Noted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.noted(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
