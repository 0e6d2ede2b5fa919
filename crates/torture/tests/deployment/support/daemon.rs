use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};

use super::until;

/// A server process with its descendants. Dropping it ends them all, also those that a test has stopped.
pub struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts in the background, in a process group of its own. The kernel ends the process with the test's thread.
    pub fn start(mut command: Command, log: &File) -> Self {
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap()).process_group(0);
        Self::of(command)
    }

    /// The same, with streams as the command says.
    pub fn of(mut command: Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child }
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal to the main process alone.
    pub fn signal(&self, signal: Signal) {
        _ = kill(Pid::from_raw(self.pid()), signal);
    }

    /// Stops all its processes without ending them: nothing answers any more, and nothing is closed.
    pub fn freeze(&self) {
        freeze(self.pid());
    }

    pub fn thaw(&self) {
        signal_all(self.pid(), Signal::SIGCONT);
    }

    /// Kills all its processes at once, as the loss of the machine does.
    pub fn kill(&mut self) {
        if self.is_running() {
            kill_tree(self.pid());
        }
        _ = self.child.wait();
    }

    /// Asks the main process to stop, and waits until it has.
    pub fn stop(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        let mut status = None;
        until("a server stops", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Stops a process and its descendants.
pub fn freeze(pid: i32) {
    // A stopped parent has no more children.
    let mut frozen = Vec::new();
    loop {
        let fresh: Vec<_> = tree(pid).into_iter().filter(|pid| !frozen.contains(pid)).collect();
        if fresh.is_empty() {
            return;
        }
        for pid in fresh {
            _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
            frozen.push(pid);
        }
    }
}

/// Kills a process and its descendants.
pub fn kill_tree(pid: i32) {
    freeze(pid);
    let all = tree(pid);
    for pid in &all {
        _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    // Orphans of the process are not ours to wait for; they hold ports and files until they are gone.
    for _ in 0..500 {
        if all.iter().all(|pid| has_ended(*pid)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

pub fn signal_all(pid: i32, signal: Signal) {
    for pid in tree(pid) {
        _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Whether it is gone, or only its parent's knowledge of it is left.
fn has_ended(pid: i32) -> bool {
    stat(pid).is_none_or(|(state, _)| state == 'Z' || state == 'X')
}

/// State and parent of a process.
fn stat(pid: i32) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses and may contain anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// A process and all its descendants, parents first.
fn tree(root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok())
            && let Some((_, parent)) = stat(pid)
        {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// The path of a program; Debian keeps servers off a normal user's PATH.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = places.map(|place| place.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("there is no {name}: scripts/setup.sh with SETUP_FOR_LONG_TESTS=1 installs it"))
}

/// A command for the user that runs PostgreSQL, which refuses root; it ends with the thread that starts it.
pub fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some(user) = other_user() {
        let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
        command.args(["--reuid", &uid, "--regid", &gid, "--init-groups"]);
    }
    // Nothing of a developer's own settings: libpq reads variables, too.
    command.arg(program).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LC_ALL", "C");
    command.current_dir("/tmp");
    command
}

fn other_user() -> Option<User> {
    let find = || User::from_name("postgres").unwrap().expect("a user `postgres`");
    geteuid().is_root().then(find)
}

pub fn give_to_postgres(path: &Path) {
    if let Some(user) = other_user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
    }
}
