//! Links the integration tests of this package at fixed addresses: each test is a process of its own, which spent a sixth of its
//! time on relocations.
use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-tests=-no-pie");
    }
}
