//! Takes the receiver in Rust from the page, so that what readers copy is what is compiled.
use std::{error::Error, fs, path::Path};

const PAGE: &str = "../../docs/webhooks.md";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE)?;
    let (_, rest) = page.split_once("\n```rust\n").ok_or("the page has no block in Rust")?;
    let (receiver, _) = rest.split_once("\n```\n").ok_or("the block in Rust has no end")?;
    fs::write(Path::new(&std::env::var("OUT_DIR")?).join("receiver.rs"), receiver)?;
    Ok(())
}
