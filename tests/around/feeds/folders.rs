//! Files in folders.
use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    freight::{each, with},
    until,
};
use serde_json::json;

use super::{feeding, file, flights, made, rows, run_now, runs_of, summary};

/// Writes a file that has not been changed for this many seconds.
fn put(directory: &Path, name: &str, content: &str, seconds: u64) {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    let then = SystemTime::now() - Duration::from_secs(seconds);
    File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let files = entries.map(Result::unwrap).filter(|entry| entry.metadata().unwrap().is_file());
    let mut names: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_are_read_one_by_one_and_moved_away() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("ai");
    fs::create_dir(&folder).unwrap();
    let world = World::with(feeding().set("feeds.folder", root.path().to_str().unwrap())).await;
    let admin = world.admin().await;
    put(&folder, "first.csv", &file(&rows(&world, 2)), 300);
    put(&folder, "second.csv", "<html>", 200);
    put(&folder, ".hidden", &file(&rows(&world, 9)), 400);
    put(&folder, "growing.csv", &file(&rows(&world, 9)), 0);
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    for _ in 0..2 {
        world.clock.advance(TimeDelta::seconds(31));
        let before = admin.get(&runs_of(&feed)).await.expect(200).as_array().unwrap().len();
        until("a file was read", async || {
            let runs = admin.get(&runs_of(&feed)).await.expect(200);
            runs.as_array().unwrap().len() > before && runs[0]["status"] != "RUNNING"
        })
        .await;
    }
    until("the files are moved", async || names(&folder).len() == 2).await;
    assert_eq!(names(&folder), [".hidden", "growing.csv"]);
    assert_eq!(names(&folder.join("done")), ["first.csv"]);
    assert_eq!(names(&folder.join("failed")), ["second.csv"]);
    let runs = admin.get(&runs_of(&feed)).await.expect(200);
    assert_eq!(each(&runs, "file_name"), ["second.csv", "first.csv"]);
    assert_eq!(summary(&runs[1]), "APPLIED 2 0 0 0 0 0 0");
    let nothing = run_now(&admin, &feed).await;
    assert_eq!(nothing["status"], "UNCHANGED");
    assert_eq!(nothing["because"], "The folder has no file that has not been changed for 10 seconds.");
    put(&folder, "first.csv", &file(&rows(&world, 2)), 300);
    assert_eq!(run_now(&admin, &feed).await["status"], "UNCHANGED");
    until("it is moved beside the first", async || names(&folder.join("done")).len() == 2).await;
}

#[tokio::test]
async fn a_file_over_256_mib_is_moved_to_failed_and_the_next_one_is_read() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("ai");
    fs::create_dir(&folder).unwrap();
    let world = World::with(feeding().set("feeds.folder", root.path().to_str().unwrap())).await;
    let admin = world.admin().await;
    put(&folder, "vast.csv", "", 300);
    let vast = File::options().write(true).open(folder.join("vast.csv")).unwrap();
    // It occupies no blocks of the disk.
    vast.set_len(256 * 1024 * 1024 + 1).unwrap();
    vast.set_modified(SystemTime::now() - Duration::from_secs(300)).unwrap();
    put(&folder, "next.csv", &file(&rows(&world, 2)), 200);
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    let failed = run_now(&admin, &feed).await;
    assert_eq!((&failed["status"], &failed["file_name"]), (&json!("FAILED"), &json!("vast.csv")), "{failed}");
    assert_eq!(failed["because"], "The file vast.csv is larger than 256 MiB; have it sent in parts.");
    until("it is moved away", async || names(&folder.join("failed")) == ["vast.csv"]).await;
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 2 0 0 0 0 0 0");
    until("the next one is moved, too", async || names(&folder.join("done")) == ["next.csv"]).await;
}

#[tokio::test]
async fn a_link_that_leads_outside_is_not_followed() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), root.path().join("ai")).unwrap();
    let world = World::with(feeding().set("feeds.folder", root.path().to_str().unwrap())).await;
    let admin = world.admin().await;
    put(outside.path(), "first.csv", &file(&rows(&world, 2)), 300);
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    let failed = run_now(&admin, &feed).await;
    assert_eq!(failed["because"], "The folder ai leads outside `feeds.folder`; make it a directory inside.");
    assert_eq!(names(outside.path()), ["first.csv"]);
}
