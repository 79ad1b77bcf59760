//! `clientstore serve` over HTTPS: its arguments, and the authority's file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use clientstore::server::Tls;

use crate::whole;

/// The beginning of an authority's file; no other file is overwritten.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[derive(Args)]
#[command(next_help_heading = "HTTPS")]
pub(crate) struct TlsArguments {
    /// Serve HTTPS instead of HTTP, with a certificate made at the start: for localhost, 127.0.0.1, ::1,
    /// *.harvestapp.com, the account's domain, the addresses of --listen, and the hosts of --allow-host
    #[arg(long)]
    tls: bool,
    /// The file that --tls writes the authority to, which programs must trust; it is a new one at each start
    #[arg(long, value_name = "FILE", default_value = "clientstore-authority.pem", conflicts_with = "tls_cert")]
    tls_authority: PathBuf,
    /// Serve HTTPS with this certificate, in PEM, followed by the intermediate certificates
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, in PEM, not encrypted
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl TlsArguments {
    /// The certificate to serve with, if any. A certificate that is made is valid for these names too.
    pub(crate) fn tls<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Tls>, Box<dyn std::error::Error>> {
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            return Ok(Some(Tls::from_pem_files(certificate, key)?));
        }
        if !self.tls {
            return Ok(None);
        }
        let tls = Tls::generate(names)?;
        if let Some(authority) = tls.authority() {
            write(&self.tls_authority, authority)?;
            let path = std::path::absolute(&self.tls_authority)?;
            tracing::info!("programs must trust the authority in {}", path.display());
        }
        Ok(Some(tls))
    }
}

/// Writes the authority's file in one step, since a program may be reading the former one.
fn write(path: &Path, authority: &str) -> Result<(), String> {
    let mut begin = Vec::new();
    let opened = fs::File::open(path);
    let is_there = opened.is_ok_and(|file| file.take(BEGIN.len() as u64).read_to_end(&mut begin).is_ok());
    if is_there && begin != BEGIN {
        return Err(format!("{} is there already, and is no certificate; name another file", path.display()));
    }
    whole::write(path, authority)
}
