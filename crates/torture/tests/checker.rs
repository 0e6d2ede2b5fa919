//! The checker, as an operator runs it. Servers that are broken on purpose, which only development builds can be, show that
//! it finds faults.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of these tests belong to the tests"
)]
#![allow(clippy::print_stdout, reason = "the summary is worth seeing when all is well, too")]
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

/// Whether the long tests are wanted (`./test --long`).
fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// A directory that the private servers' user can reach, gone after the test.
fn directory() -> TempDir {
    let dir = tempfile::Builder::new().prefix("lm-").tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// The checker. A build of the whole workspace puts the server binary beside it.
const CHECKER: &str = env!("CARGO_BIN_EXE_loadmaster-torture");

fn server_binary() -> PathBuf {
    let path = Path::new(CHECKER).with_file_name("loadmaster");
    assert!(path.exists(), "there is no {}: run `cargo build`, or the tests by ./test", path.display());
    path
}

/// A running command. Dropping it asks the command to stop, and so to stop its servers.
struct Loadmaster(Child);

impl Loadmaster {
    /// With nothing in its environment but a path, and a directory for what it makes.
    fn command(binary: &Path, arguments: &[&str], dir: &Path, environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("TMPDIR", dir).envs(environment.iter().copied()).current_dir(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn begin(binary: &Path, arguments: &[&str], dir: &Path) -> Self {
        Self(Self::command(binary, arguments, dir, &[]).spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        _ = kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal);
    }

    /// A server: what it logs goes to a file, so that nobody need read it.
    fn serve(dir: &Path) -> Self {
        let arguments = ["serve", "--set", "server.port=0", "--set", "rate_limit.enabled=false"];
        let mut command = Self::command(&server_binary(), &arguments, dir, &[]);
        Self(command.stderr(fs::File::create(dir.join("server.log")).unwrap()).spawn().unwrap())
    }

    /// What it said to the end: exit code, stdout and stderr.
    fn end(mut self) -> (i32, String, String) {
        drop(self.0.stdin.take());
        let mut stderr = self.0.stderr.take().unwrap();
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut stdout = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.0.wait().unwrap().code().unwrap();
        (code, stdout, complaints.join().unwrap())
    }

    /// The first line of stdout or stderr that has these words.
    fn line(stream: impl Read, words: &str) -> String {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line.contains(words)).unwrap_or_else(|| panic!("it never says {words:?}"))
    }
}

impl Drop for Loadmaster {
    fn drop(&mut self) {
        self.signal(Signal::SIGTERM);
        _ = self.0.wait();
    }
}

fn torture(arguments: &[&str], dir: &Path, environment: &[(&str, &str)]) -> (i32, String, String) {
    Loadmaster(Loadmaster::command(Path::new(CHECKER), arguments, dir, environment).spawn().unwrap()).end()
}

/// The lines of a history.
fn history(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

/// One run with these faults, in the long tests. Takes half a minute: each fault lasts up to three seconds, and service has to
/// come back before the next one.
fn every_promise_is_kept(faults: &str) {
    if !is_long() {
        return;
    }
    let dir = directory();
    let (code, summary, progress) = torture(&["--seconds", "1", "--clients", "6", "--faults", faults], dir.path(), &[]);
    println!("{summary}");
    assert_eq!(code, 0, "{progress}{summary}");
    for fault in faults.split(',') {
        // Redis may not be installed, and only root may mount a file system.
        let needs =
            fault.starts_with("redis-") || fault == "disk-full" || (fault == "clock-jump" && !cfg!(debug_assertions));
        let is_left_out = needs && summary.contains(&format!("caveat      {fault} was left out"));
        assert!(is_left_out || summary.contains(&format!("\n  {fault} ")), "{fault}: {summary}");
    }
    assert!(summary.contains("responses   0 times 500"), "{summary}");
    assert!(summary.contains(" messages have arrived at 4 webhooks by "), "{summary}");
    assert!(summary.contains("  together    ") && !summary.contains("  together    0 consolidations"), "{summary}");
    assert!(summary.contains("lost        nothing") && summary.contains("audit       run"), "{summary}");
    assert!(is_empty(dir.path()), "it left something behind");
}

const FAULTS: [&str; 5] = [
    "kill-app,kill-postgres,stop-postgres",
    "suspend-app,redis-pause,clock-jump",
    "redis-stop,redis-flush,redis-full,redis-starved",
    "pool,drain,black-hole",
    "read-only,disk-full",
];

#[test]
fn every_promise_is_kept_while_processes_die() {
    every_promise_is_kept(FAULTS[0]);
}

#[test]
fn every_promise_is_kept_while_processes_stand_still() {
    every_promise_is_kept(FAULTS[1]);
}

#[test]
fn every_promise_is_kept_while_redis_is_ill() {
    every_promise_is_kept(FAULTS[2]);
}

#[test]
fn every_promise_is_kept_while_connections_fail() {
    every_promise_is_kept(FAULTS[3]);
}

#[test]
fn every_promise_is_kept_while_nothing_can_be_written() {
    every_promise_is_kept(FAULTS[4]);
}

#[test]
fn every_fault_is_one_of_those() {
    let (code, _, complaint) = torture(&["--faults", "flood"], directory().path(), &[]);
    assert_eq!(code, 2);
    let (_, choices) = complaint.split_once("the choices are all, none, ").expect("the choices");
    let mut choices: Vec<&str> = choices.lines().next().unwrap().split(", ").collect();
    let mut tested: Vec<&str> = FAULTS.iter().flat_map(|faults| faults.split(',')).collect();
    choices.sort_unstable();
    tested.sort_unstable();
    assert_eq!(choices, tested);
}

#[test]
fn a_staging_system_is_checked_from_outside_and_every_call_is_in_the_history() {
    let dir = directory();
    let mut server = Loadmaster::serve(dir.path());
    let ready = Loadmaster::line(server.0.stdout.as_mut().unwrap(), "Loadmaster is ready at ");
    let base = ready.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let password = "a password of forty characters or so";
    let with_password = |binary: &Path, arguments: &[&str]| {
        let mut command = Loadmaster::begin(binary, arguments, dir.path());
        writeln!(command.0.stdin.as_mut().unwrap(), "{password}").unwrap();
        command.end()
    };
    let email = ["--email", "boss@example.com", "--password-stdin"];
    let (code, _, complaint) =
        with_password(&server_binary(), &[&["user", "create", "--role", "admin"][..], &email].concat());
    assert_eq!(code, 0, "{complaint}");

    let arguments = ["--url", base, "--seconds", "2", "--clients", "3", "--history", "calls.jsonl", "--json"];
    let (code, document, complaint) = with_password(Path::new(CHECKER), &[&arguments[..], &email].concat());
    assert_eq!(code, 0, "{complaint}{document}");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["outcome"], &document["lost"]), (&"clean".into(), &0.into()), "{document}");
    assert!(document["checked"]["bookings"].as_u64() > Some(0), "{document}");
    assert_eq!(document["faults"], Value::Array(Vec::new()));

    let lines = history(&dir.path().join("calls.jsonl"));
    let calls = |events: &[&str]| {
        let lines = lines.iter().filter(|line| line["event"].as_str().is_some_and(|event| events.contains(&event)));
        let mut calls: Vec<_> = lines.map(|line| line["call"].as_u64().unwrap()).collect();
        calls.sort_unstable();
        calls
    };
    let (begun, ended) = (calls(&["invoke"]), calls(&["ok", "fail", "unknown"]));
    assert!(begun == ended && begun.len() > 10, "{} calls began, {} ended", begun.len(), ended.len());
}

#[test]
fn a_run_that_is_stopped_leaves_nothing_behind_and_is_not_clean() {
    let dir = directory();
    let mut torture = Loadmaster::begin(Path::new(CHECKER), &["--minutes", "5", "--clients", "2"], dir.path());
    Loadmaster::line(torture.0.stderr.as_mut().unwrap(), "recovered in");
    torture.signal(Signal::SIGTERM);
    let (stdout, code) = (torture.0.stdout.take(), torture.0.wait().unwrap().code());
    assert_eq!(code, Some(2));
    assert_eq!(std::io::read_to_string(stdout.unwrap()).unwrap(), "");
    assert!(is_empty(dir.path()), "it left something behind");
}

#[test]
fn a_run_that_cannot_start_is_no_breach() {
    let dir = directory();
    let url = ["--url", "http://127.0.0.1:9", "--email", "boss@example.com"];
    for (arguments, words) in [
        (&["--faults", "flood"][..], "is not a fault"),
        (&["--email", "boss@example.com"][..], "--url"),
        (&url[..], "--password-stdin"),
        (&["--server", "/nowhere/loadmaster"][..], "the server binary /nowhere/loadmaster does not exist"),
    ] {
        let (code, _, complaint) = torture(arguments, dir.path(), &[]);
        assert_eq!(code, 2, "{complaint}");
        assert!(complaint.contains(words), "{complaint}");
    }
    assert!(is_empty(dir.path()));
}

/// A checker that was never seen failing proves nothing.
#[cfg(debug_assertions)]
mod controls {
    use super::{Value, directory, fs, is_long, torture};

    /// The breaches that are reported of servers that are broken so, as (invariant, words).
    fn breaches(sabotage: &str, arguments: &[&str]) -> Vec<(Option<u64>, String)> {
        let dir = directory();
        let (code, document, progress) =
            torture(&[arguments, &["--json"]].concat(), dir.path(), &[("LOADMASTER_SABOTAGE", sabotage)]);
        assert_eq!(code, 1, "{sabotage} was not found: {progress}{document}");
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["outcome"], "breach");
        let history = document["history"].as_str().expect("the history is kept after a breach");
        assert!(fs::metadata(history).unwrap().len() > 0);
        let breaches = document["breaches"].as_array().unwrap().iter();
        let reported =
            breaches.map(|breach| (breach["invariant"].as_u64(), breach["what"].as_str().unwrap().to_owned()));
        reported.collect()
    }

    #[test]
    fn an_oversold_flight_is_found() {
        let found = breaches("oversell", &["--seconds", "10", "--faults", "none"]);
        assert!(found.iter().any(|(invariant, _)| *invariant == Some(1)), "{found:#?}");
    }

    /// After a breach the checker waits for what is still open: over a minute.
    #[test]
    fn a_forgotten_ledger_entry_is_found() {
        if !is_long() {
            return;
        }
        let found = breaches("forget_ledger", &["--seconds", "5", "--clients", "6", "--faults", "none"]);
        assert!(found.iter().any(|(invariant, _)| matches!(invariant, Some(2 | 3))), "{found:#?}");
    }

    /// Over a minute, too.
    #[test]
    fn space_that_is_still_held_after_a_commit_is_found() {
        if !is_long() {
            return;
        }
        let found = breaches("keep_held", &["--seconds", "8", "--clients", "6", "--faults", "none"]);
        let held =
            |(invariant, what): &(Option<u64>, String)| *invariant == Some(2) && what.contains("open holds keep");
        assert!(found.iter().any(held), "{found:#?}");
    }

    /// Over a minute, too.
    #[test]
    fn a_write_that_was_acknowledged_too_early_and_lost_is_found() {
        if !is_long() {
            return;
        }
        let found = breaches("early_answer", &["--seconds", "20", "--faults", "kill-app,kill-postgres"]);
        let lost = |(invariant, what): &(Option<u64>, String)| *invariant == Some(6) && what.starts_with("lost: ");
        assert!(found.iter().any(lost), "{found:#?}");
    }

    /// What is missing is waited for: a minute.
    #[test]
    fn messages_that_are_lost_with_the_process_that_was_to_queue_them_are_found() {
        if !is_long() {
            return;
        }
        let found = breaches("place_first", &["--seconds", "15", "--faults", "kill-app"]);
        let lost = |(_, what): &(Option<u64>, String)| what.contains("was committed and has not arrived (0 attempts)");
        assert!(found.iter().any(lost), "{found:#?}");
    }
}
