//! `clientstore serve`: the addresses that it listens on, and the signals that stop it.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use tokio::net::{TcpListener, TcpSocket};

/// At most this many connections wait to be accepted. The usual 128 fill quickly, and then a new client waits for a
/// second.
const BACKLOG: u32 = 4096;

/// The address that an argument names. Of a host's addresses it is the first of IPv4, which most programs try, or else
/// the first of all.
pub(crate) fn address(argument: &str) -> Result<SocketAddr, String> {
    let found = argument.to_socket_addrs().map(Vec::from_iter).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => EXPECTED.to_owned(),
        _ => format!("the host is not found ({error}); {EXPECTED}"),
    })?;
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    address.ok_or_else(|| format!("the host has no address; {EXPECTED}"))
}

const EXPECTED: &str = "give a host and a port, like 127.0.0.1:8080, [::1]:8080 or localhost:8080";

/// Listens on all of the addresses.
///
/// # Errors
///
/// The address that cannot be listened on, and what to do about it.
pub(crate) fn listeners(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, String> {
    let listen = |address: &SocketAddr| {
        // The unspecified address of IPv6 also takes connections of IPv4, unless those are listened on separately.
        let is_twin = |other: &SocketAddr| {
            other.is_ipv4() && other.port() == address.port() && other.ip().is_unspecified() && address.port() != 0
        };
        let only_v6 = address.is_ipv6() && address.ip().is_unspecified() && addresses.iter().any(is_twin);
        listener(*address, only_v6).map_err(|error| refused(*address, &error))
    };
    addresses.iter().map(listen).collect()
}

fn listener(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a server that has just stopped would block the address. On Windows the option would share it
    // instead.
    socket.set_reuseaddr(cfg!(unix))?;
    #[cfg(unix)]
    if only_v6 {
        rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
    }
    #[cfg(not(unix))]
    let _ = only_v6; // The default there.
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn refused(address: SocketAddr, error: &io::Error) -> String {
    let free = SocketAddr::new(address.ip(), 0);
    let hint = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program has the port; choose another one with --listen, or --listen {free} for one that is free"
        ),
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address; give one that it has with --listen".to_owned()
        }
        ErrorKind::PermissionDenied => {
            format!("choose a port from 1024 with --listen, or --listen {free} for a free one")
        }
        _ => "choose another address with --listen".to_owned(),
    };
    format!("cannot listen on {address}: {error}; {hint}")
}

/// Waits for SIGINT, and on Unix also for SIGTERM. Both are caught from now on.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    #[cfg(unix)]
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        tracing::info!("stopping");
    })
}
