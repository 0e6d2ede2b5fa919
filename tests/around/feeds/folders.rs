//! Files in folders.
use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    freight::{each, text, with},
    until,
};
use serde_json::{Value, json};

use super::{because, ended, feeding, file, flights, made, rows, run_now, runs_of, summary};

/// Writes a file that has not been changed for this many seconds.
fn put(directory: &Path, name: impl AsRef<Path>, content: &str, seconds: u64) {
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
    vast.set_modified(SystemTime::now() - Duration::from_mins(5)).unwrap();
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

/// A world with a folder `ai` for feeds.
async fn with_folder(root: &Path) -> (World, PathBuf) {
    let folder = root.join("ai");
    fs::create_dir(&folder).unwrap();
    (World::with(feeding().set("feeds.folder", root.to_str().unwrap())).await, folder)
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_its_run_and_the_next_one_is_read() {
    let root = tempfile::tempdir().unwrap();
    let (world, folder) = with_folder(root.path()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    let strange = OsStr::from_bytes(b"\xff.csv");
    put(&folder, strange, &file(&rows(&world, 9)), 300);
    put(&folder, "next.csv", &file(&rows(&world, 2)), 200);
    fs::create_dir(folder.join("older")).unwrap();
    let failed = run_now(&admin, &feed).await;
    assert_eq!((&failed["status"], &failed["file_name"]), (&json!("FAILED"), &json!("\u{fffd}.csv")), "{failed}");
    let text = "The name of the file \u{fffd}.csv is not UTF-8; put it there again under another name.";
    assert_eq!(failed["because"], text);
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 2 0 0 0 0 0 0");
    until("both are moved away", async || names(&folder).is_empty()).await;
    assert!(folder.join("failed").join(strange).exists());

    let locked = folder.join("locked.csv");
    put(&folder, "locked.csv", &file(&rows(&world, 2)), 300);
    put(&folder, "next.csv", &file(&rows(&world, 2)), 200);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is locked for root.
    let is_locked = fs::read(&locked).is_err();
    let (status, end) = if is_locked { ("FAILED", "failed") } else { ("UNCHANGED", "done") };
    let first = run_now(&admin, &feed).await;
    assert_eq!((&first["status"], &first["file_name"]), (&json!(status), &json!("locked.csv")), "{first}");
    if is_locked {
        assert!(because(&first).starts_with("The file locked.csv cannot be read (Permission denied"), "{first}");
    }
    let next = run_now(&admin, &feed).await;
    assert_eq!((summary(&next).as_str(), &next["file_name"]), ("UNCHANGED 0 0 2 0 0 0 0", &json!("next.csv")));
    until("both are moved away, too", async || names(&folder).is_empty()).await;
    assert!(names(&folder.join(end)).contains(&"locked.csv".to_owned()));
}

/// The files that are passed over.
const STUCK: &str = "select encode(name, 'escape') from feed_stuck_files order by name";

#[tokio::test]
async fn files_that_cannot_be_moved_away_are_read_once_and_then_a_run_says_so() {
    let root = tempfile::tempdir().unwrap();
    let (world, folder) = with_folder(root.path()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    // No directory can be made there.
    std::os::unix::fs::symlink("nowhere", folder.join("done")).unwrap();
    put(&folder, "first.csv", &file(&rows(&world, 2)), 300);
    put(&folder, "second.csv", &file(&rows(&world, 3)), 200);
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 2 0 0 0 0 0 0");
    let second = run_now(&admin, &feed).await;
    assert_eq!((summary(&second).as_str(), &second["file_name"]), ("APPLIED 1 0 2 0 0 0 0", &json!("second.csv")));
    let failed = run_now(&admin, &feed).await;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    assert!(
        because(&failed).contains(".csv was read and cannot be moved away: give the process the right"),
        "{failed}"
    );
    assert_eq!(names(&folder), ["first.csv", "second.csv"]);
    assert_eq!(world.texts(STUCK).await, ["first.csv", "second.csv"]);
    put(&folder, "third.csv", &file(&rows(&world, 4)), 100);
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 1 0 3 0 0 0 0");
}

/// When a file was changed last, in nanoseconds since 1970, and its length.
fn stamp(file: &Path) -> String {
    let about = fs::metadata(file).unwrap();
    let changed = about.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("{}, {}", changed.as_nanos(), about.len())
}

/// A run as the third process leaves it that its file has ended.
async fn broken_off(world: &World, feed: &Value, name: &str, stamp: &str) -> Value {
    let id = uuid::Uuid::now_v7();
    world
        .sql(&format!(
            "insert into feed_runs (id, feed_id, trigger, status, attempts, file_name, file_changed_ns, file_length, started_at)
             values ('{id}', '{}', 'SCHEDULE', 'RUNNING', 3, '{name}', {stamp}, '2026-11-20')",
            text(feed, "id")
        ))
        .await;
    world.sql("update feeds set due_at = '2026-11-20'").await;
    json!({"id": id, "feed_id": feed["id"]})
}

#[tokio::test]
async fn a_file_whose_run_breaks_off_three_times_is_moved_to_failed() {
    let root = tempfile::tempdir().unwrap();
    let (world, folder) = with_folder(root.path()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    put(&folder, "deadly.csv", &file(&rows(&world, 2)), 300);
    put(&folder, "next.csv", &file(&rows(&world, 2)), 200);
    let run = broken_off(&world, &feed, "deadly.csv", &stamp(&folder.join("deadly.csv"))).await;
    assert!(because(&ended(&admin, &run).await).starts_with("The run broke off three times"));
    until("it is moved away", async || names(&folder.join("failed")) == ["deadly.csv"]).await;
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 2 0 0 0 0 0 0");
}

#[tokio::test]
async fn a_file_that_takes_the_name_of_one_whose_run_broke_off_is_read() {
    let root = tempfile::tempdir().unwrap();
    let (world, folder) = with_folder(root.path()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    put(&folder, "daily.csv", &file(&rows(&world, 2)), 300);
    let before = stamp(&folder.join("daily.csv"));
    put(&folder, "daily.csv", &file(&rows(&world, 3)), 200);
    let run = broken_off(&world, &feed, "daily.csv", &before).await;
    assert!(because(&ended(&admin, &run).await).starts_with("The run broke off three times"));
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 3 0 0 0 0 0 0");
    until("it is moved away", async || names(&folder.join("done")) == ["daily.csv"]).await;
    assert_eq!(names(&folder.join("failed")), [""; 0]);
}

#[tokio::test]
async fn a_file_that_another_process_could_not_move_away_is_passed_over_until_it_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let (world, folder) = with_folder(root.path()).await;
    let admin = world.admin().await;
    let feed = made(&admin, with(flights(), json!({"folder": "ai"}))).await;
    let monday = folder.join("monday.csv");
    put(&folder, "monday.csv", &file(&rows(&world, 2)), 300);
    world
        .sql(&format!(
            "insert into feed_stuck_files (feed_id, name, changed_ns, length) values ('{}', 'monday.csv', {})",
            text(&feed, "id"),
            stamp(&monday)
        ))
        .await;
    let failed = run_now(&admin, &feed).await;
    assert!(because(&failed).starts_with("The file monday.csv was read and cannot be moved away"), "{failed}");
    put(&folder, "tuesday.csv", &file(&rows(&world, 3)), 200);
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 3 0 0 0 0 0 0");
    assert_eq!(world.texts(STUCK).await, ["monday.csv"]);
    fs::remove_file(&monday).unwrap();
    assert_eq!(run_now(&admin, &feed).await["status"], "UNCHANGED");
    assert_eq!(world.texts(STUCK).await, [""; 0]);
    put(&folder, "monday.csv", &file(&rows(&world, 4)), 300);
    assert_eq!(summary(&run_now(&admin, &feed).await), "APPLIED 1 0 3 0 0 0 0");
}
