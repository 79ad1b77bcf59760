//! `clientstore serve`: what a connection may take.

use std::time::Duration;

use clap::Args;
use clientstore::server::Limits;

#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArguments {
    /// The longest body of a request, in bytes; or in KiB, MiB or GiB with a K, M or G at the end
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = Limits::default().max_body)]
    max_body: usize,
    /// The longest head of a request, in bytes; or with a K, M or G like the body
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = Limits::default().max_head)]
    max_head: usize,
    /// How long a request's head may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().head_timeout.as_secs())]
    head_timeout: u64,
    /// How long a body or an answer may make no progress, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().progress_timeout.as_secs())]
    progress_timeout: u64,
    /// How long a connection may wait for its next request, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().idle_timeout.as_secs())]
    idle_timeout: u64,
    /// How many connections may be open
    #[arg(long, value_name = "COUNT", value_parser = count, default_value_t = Limits::default().max_connections)]
    max_connections: usize,
}

impl LimitArguments {
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.max_body = self.max_body;
        limits.max_head = self.max_head;
        limits.head_timeout = Duration::from_secs(self.head_timeout);
        limits.progress_timeout = Duration::from_secs(self.progress_timeout);
        limits.idle_timeout = Duration::from_secs(self.idle_timeout);
        limits.max_connections = self.max_connections;
        limits
    }
}

fn bytes(argument: &str) -> Result<usize, String> {
    let digits = argument.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: usize = match &*argument[digits.len()..].to_ascii_uppercase() {
        "" | "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        _ => 0,
    };
    let bytes = digits.parse().ok().and_then(|number: usize| number.checked_mul(unit)).filter(|_| unit > 0);
    bytes.ok_or_else(|| "give a whole number of bytes, or of K, M or G, like 65536, 64K or 1M".to_owned())
}

pub(crate) fn count(argument: &str) -> Result<usize, String> {
    argument.parse().ok().filter(|count| *count > 0).ok_or_else(|| "give a number from 1".to_owned())
}
