//! Tells cargo what the crate embeds, and lists the rooms for `app::rooms`.
use std::{env, error::Error, fs, path::Path};

/// Declares the rooms, lowest first.
const ROOMS: &str = "src/features/mod.rs";

fn main() -> Result<(), Box<dyn Error>> {
    // `sqlx::migrate!` embeds the files; without this a new migration is not noticed.
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed={ROOMS}");
    let declared = fs::read_to_string(ROOMS)?;
    let rooms = declared.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let registrations: Vec<_> = rooms.map(|room| format!("crate::features::{room}::ROOM")).collect();
    let list = format!("&[{}]", registrations.join(", "));
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("rooms.rs"), list)?)
}
