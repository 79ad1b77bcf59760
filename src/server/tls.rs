//! The certificate that the server shows over HTTPS.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// Names that a made certificate always has: the ways to this machine, and the service's own hosts.
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "::1", "*.harvestapp.com"];

/// For how many days a made certificate is good; some systems trust none that is good for longer.
const DAYS: i64 = 825;

/// The certificate and the key that a [`Server`](super::Server) shows itself with over HTTPS.
///
/// It speaks TLS 1.2 and 1.3, and HTTP/1.1 over them.
///
/// ```
/// use clientstore::server::Tls;
///
/// let tls = Tls::generate(["harvest.test"])?;
/// let authority = tls.authority().unwrap(); // what programs must trust
/// assert!(authority.starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Tls {
    pub(super) acceptor: TlsAcceptor,
    authority: Option<Arc<str>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl Tls {
    /// Makes a certificate for `localhost`, `127.0.0.1`, `::1`, the names below `harvestapp.com`, and these names or IP
    /// addresses. It is signed by an authority made for it, whose key is thrown away at once. A program that trusts the
    /// [`authority`](Self::authority) therefore trusts this certificate and no other one.
    ///
    /// Both are good for 825 days, and are new each time.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) where a name can stand in no certificate.
    pub fn generate<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> io::Result<Self> {
        let mut alternatives = Vec::new();
        let names: Vec<N> = names.into_iter().collect();
        for name in NAMES.into_iter().chain(names.iter().map(AsRef::as_ref)) {
            let alternative = alternative(name)?;
            if !alternatives.contains(&alternative) {
                alternatives.push(alternative);
            }
        }
        let (key, chain, authority) = sign(alternatives).map_err(io::Error::other)?;
        let key = PrivateKeyDer::try_from(key).map_err(io::Error::other)?;
        let config = config(chain, key).map_err(io::Error::other)?;
        Ok(Tls { acceptor: config.into(), authority: Some(authority.into()) })
    }

    /// Reads a certificate, with those between it and its authority after it, and its private key from PEM files.
    ///
    /// Where other accounts may read the key's file, that is logged as a warning.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read, has no certificate or no key that is not encrypted, or where the key is not the
    /// certificate's ([`InvalidData`](io::ErrorKind::InvalidData)); the error says which file it is.
    pub fn from_pem_files(certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> io::Result<Self> {
        let (certificate, key) = (certificate.as_ref(), key.as_ref());
        let unreadable = |path: &Path, error, nothing: &str| match error {
            pem::Error::Io(error) => io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())),
            pem::Error::NoItemsFound => invalid(format!("{} has no {nothing}", path.display())),
            error => invalid(format!("{} is no PEM file: {error}", path.display())),
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .and_then(|chain: Vec<_>| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
            .map_err(|error| {
                unreadable(certificate, error, "certificate; give a PEM file with BEGIN CERTIFICATE in it")
            })?;
        let none = "private key that is not encrypted; give a PEM file with BEGIN PRIVATE KEY in it, \
                    as `openssl pkey -in OLD -out NEW` writes one";
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error, none))?;
        warn_if_shared(key);
        let config = config(chain, secret).map_err(|error| {
            invalid(match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("the key in {} is not that of the certificate in {}", key.display(), certificate.display())
                }
                error => format!("cannot use {} with {}: {error}", certificate.display(), key.display()),
            })
        })?;
        Ok(Tls { acceptor: config.into(), authority: None })
    }

    /// The certificate that a program must trust, in PEM; none where the certificate was read from a file.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A name as a certificate has it; `.harvest.test` stands for `*.harvest.test`.
fn alternative(name: &str) -> io::Result<SanType> {
    if let Ok(address) = name.parse() {
        return Ok(SanType::IpAddress(address));
    }
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..64).contains(&label.len()) && label.bytes().all(is_letter)
    };
    let below = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
    let domain = below.unwrap_or(name);
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let text = format!("{}{domain}", if below.is_some() { "*." } else { "" });
    match text.try_into() {
        Ok(text) if domain.split('.').all(is_label) => Ok(SanType::DnsName(text)),
        _ => {
            let message = format!("{name:?} cannot stand in a certificate; give a host name or an IP address");
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

/// A key, its certificate, and the authority that signed it.
fn sign(names: Vec<SanType>) -> Result<(Vec<u8>, Vec<CertificateDer<'static>>, String), rcgen::Error> {
    let now = Utc::now();
    let of = |common_name: String| {
        let day = |moment: DateTime<Utc>| date_time_ymd(moment.year(), moment.month() as u8, moment.day() as u8);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        // Clocks differ.
        params.not_before = day(now - TimeDelta::days(1));
        params.not_after = day(now + TimeDelta::days(DAYS - 1));
        params
    };
    let mut authority = of(format!("clientstore authority of {}", now.format("%Y-%m-%dT%H:%M:%S%.3fZ")));
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut params = of("localhost".to_owned());
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok((key.serialize_der(), vec![certificate.der().clone()], authority_certificate.pem()))
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(unix)]
fn warn_if_shared(key: &Path) {
    use std::os::unix::fs::PermissionsExt;

    if std::fs::metadata(key).is_ok_and(|file| file.permissions().mode() & 0o044 != 0) {
        let key = key.display();
        tracing::warn!("other accounts can read the private key {key}; `chmod 600 {key}` keeps them from it");
    }
}

#[cfg(not(unix))]
fn warn_if_shared(_: &Path) {}
