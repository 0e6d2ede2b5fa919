//! What the benches share: servers of their own, a network of flights, and a client that costs little.
#![allow(dead_code, reason = "no bench needs all of it")]
pub mod bare;
pub mod load;
pub mod network;
pub mod processes;
pub mod site;

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
