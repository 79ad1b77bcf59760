//! `clientstore serve` as the child of another program: when it ends with that program, and how it tells its port.

use std::fmt::Write;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use clap::Args;
use tokio::sync::oneshot;

use crate::whole;

/// How often the parent is looked for, in milliseconds.
#[cfg(unix)]
const PARENT_IS_LOOKED_AT: u64 = 100;

/// The longest file of ports, in bytes.
const MAX_PORTS: u64 = 1024;

#[derive(Args)]
#[command(next_help_heading = "For programs that start it")]
pub(crate) struct ChildArguments {
    /// Stop when the program that started this server has ended, even if it was killed, so that no server outlives its
    /// test run
    #[cfg(unix)]
    #[arg(long)]
    exit_with_parent: bool,
    /// Stop when standard input ends, because the program at the other end of the pipe has ended or closed it
    #[arg(long)]
    exit_on_stdin_end: bool,
    /// Write the port to this file once the server accepts connections: a line for each --listen, written in one step.
    /// The file is removed when the server starts and when it stops, so that a program may wait for it
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

/// The things that end this process when they end.
pub(crate) struct Ties {
    #[cfg(unix)]
    parent: Option<u32>,
    input: Option<oneshot::Receiver<()>>,
}

impl ChildArguments {
    /// Begins to watch. Call it as early as possible, while the parent is still there.
    ///
    /// # Errors
    ///
    /// Where no thread can be started.
    pub(crate) fn ties(&self) -> io::Result<Ties> {
        Ok(Ties {
            #[cfg(unix)]
            parent: self.exit_with_parent.then(std::os::unix::process::parent_id),
            input: if self.exit_on_stdin_end { Some(end_of_input()?) } else { None },
        })
    }

    /// Removes the file of a server that ran before.
    ///
    /// # Errors
    ///
    /// Where it is another file, or cannot be removed.
    pub(crate) fn no_ports_yet(&self) -> Result<(), String> {
        match &self.port_file {
            Some(path) => remove_ports(path),
            None => Ok(()),
        }
    }

    /// Writes the ports that are listened on; the file is gone when what is returned is dropped.
    ///
    /// # Errors
    ///
    /// Where the file cannot be written.
    pub(crate) fn tell_ports(&self, addresses: &[SocketAddr]) -> Result<Option<PortFile>, String> {
        let Some(path) = &self.port_file else { return Ok(None) };
        let mut lines = String::new();
        for address in addresses {
            let _ = writeln!(lines, "{}", address.port());
        }
        whole::write(path, &lines)?;
        Ok(Some(PortFile(path.clone())))
    }
}

impl Ties {
    /// Waits until the first of them ends; for ever if there is none.
    pub(crate) async fn cut(self) {
        let input = async {
            match self.input {
                // The sender is dropped at the end, and never sends.
                Some(input) => drop(input.await),
                None => std::future::pending().await,
            }
        };
        #[cfg(unix)]
        tokio::select! {
            () = parent_gone(self.parent) => tracing::info!("stopping: the program that started this one has ended"),
            () = input => tracing::info!("stopping: standard input has ended"),
        }
        #[cfg(not(unix))]
        {
            input.await;
            tracing::info!("stopping: standard input has ended");
        }
    }
}

#[cfg(unix)]
async fn parent_gone(parent: Option<u32>) {
    let Some(parent) = parent else { return std::future::pending().await };
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(std::time::Duration::from_millis(PARENT_IS_LOOKED_AT)).await;
    }
}

/// Reads standard input on a thread of its own; the channel closes at its end.
fn end_of_input() -> io::Result<oneshot::Receiver<()>> {
    let (open, closed) = oneshot::channel();
    let read = move || {
        // An error ends it as well: nothing more will come.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        drop::<oneshot::Sender<()>>(open);
    };
    thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(closed)
}

/// The file of a server's ports; removed when it is dropped.
pub(crate) struct PortFile(PathBuf);

impl Drop for PortFile {
    fn drop(&mut self) {
        // If it cannot be removed now, the next start removes it or says why it cannot.
        drop(remove_ports(&self.0));
    }
}

/// Removes a file of ports, if there is one, and no other file.
fn remove_ports(path: &Path) -> Result<(), String> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
    };
    let mut text = Vec::new();
    file.take(MAX_PORTS + 1).read_to_end(&mut text).map_err(|error| format!("{}: {error}", path.display()))?;
    // An empty file was made by a program to reserve the name.
    let is_ports = text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'\n') && text.len() as u64 <= MAX_PORTS;
    if !is_ports {
        return Err(format!("{} is there already, and is no file of ports; name another", path.display()));
    }
    fs::remove_file(path).map_err(|error| format!("cannot remove {}: {error}", path.display()))
}
