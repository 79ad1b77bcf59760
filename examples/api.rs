//! The API in process: requests in, responses out, no socket.
//!
//! `cargo run --example api`

use clientstore::{Api, ClientStore};
use http::Request;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = Api::new(ClientStore::open_in_memory()?);
    let requests = [
        ("POST", "/clients", "<client><name>SuprCorp</name></client>"),
        ("POST", "/projects", "<project><name>Website</name><client-id>1</client-id></project>"),
        ("POST", "/clients/1/toggle", ""),
        ("GET", "/clients", ""),
    ];
    for (method, path, body) in requests {
        let response = api.handle(Request::builder().method(method).uri(path).body(body)?);
        println!("{method} {path}: {}", response.status());
        for name in ["location", "hint"] {
            if let Some(value) = response.headers().get(name) {
                println!("  {name}: {}", value.to_str()?);
            }
        }
        print!("{}", String::from_utf8_lossy(&response.into_body().into_bytes()?));
    }
    // What the requests did is in the store.
    println!("{} is in the store", api.store().clients().get(1)?.name);
    Ok(())
}
