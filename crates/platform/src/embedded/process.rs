//! Child processes: started in isolation, recognised again after a crash of this process.
use std::{fs, path::Path};

use nix::{sys::signal::kill, unistd::Pid};
use tokio::process::Command;

use super::home::Owner;

/// Builds a server's command, run by `owner` if this process is root.
pub fn command(program: &Path, cwd: &Path, owner: Option<&Owner>) -> Command {
    let mut command = Command::new(program);
    // An inherited PGDATA or PGPORT must not reach the server; nor must a Ctrl-C in the terminal.
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.current_dir(cwd).process_group(0);
    if let Some(owner) = owner {
        command.uid(owner.uid()).gid(owner.gid()); // drops root's other groups as well
    }
    command
}

/// Returns whether the process runs; a zombie does not.
pub fn is_alive(pid: Pid) -> bool {
    kill(pid, None) != Err(nix::errno::Errno::ESRCH) && stat_field(pid, 0).is_none_or(|state| state != "Z")
}

/// Returns the start time of the process in kernel ticks; with the pid it identifies one process for good. `None` where
/// there is no /proc. The arguments would not suffice: an ending process loses them well before it is gone.
pub fn began(pid: Pid) -> Option<String> {
    stat_field(pid, 19)
}

/// Returns a field of `/proc/<pid>/stat`, counted from the one after the program's name, which is the state.
fn stat_field(pid: Pid, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(index).map(str::to_owned)
}

/// Returns the living children of this process.
pub fn children(parent: Pid) -> Vec<Pid> {
    let number = parent.as_raw().to_string();
    let Ok(entries) = fs::read_dir("/proc/self").and_then(|_| fs::read_dir("/proc")) else {
        return listed_children(&number);
    };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Pid::from_raw));
    pids.filter(|pid| stat_field(*pid, 1).is_some_and(|of| of == number)).collect()
}

/// Returns the children where there is no /proc.
fn listed_children(parent: &str) -> Vec<Pid> {
    let Ok(listed) = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&listed.stdout);
    let pairs = text.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    pairs.filter(|(_, of)| of.trim() == parent).filter_map(|(pid, _)| pid.parse().ok().map(Pid::from_raw)).collect()
}

/// Returns whether the process was started with `word` among its arguments. Its `cwd` link would be no help: without
/// `CAP_SYS_PTRACE` even root may not read another user's links.
pub fn has_argument(pid: Pid, word: &Path) -> bool {
    if let Ok(words) = fs::read_to_string(format!("/proc/{pid}/cmdline")) {
        return words.split('\0').any(|each| Path::new(each) == word);
    }
    // Where there is no /proc.
    let listed = std::process::Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    listed.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(&*word.to_string_lossy()))
}
