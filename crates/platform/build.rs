//! `sqlx::migrate!` embeds the files: without this a new migration is not noticed.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
