fn main() {
    // `sqlx::migrate!` embeds the files; without this a new migration is not noticed.
    println!("cargo:rerun-if-changed=migrations");
}
