//! The servers of a deployment, one type each. All are started by the test itself and gone with it.
#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]
mod customer;
mod daemon;
mod installation;
mod nginx;
mod patroni;
mod pooler;
mod postgres;
mod proxy;
mod redis;
mod sandbox;
mod torture;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub use customer::{Booked, Customer, Probe, assert_all_there};
pub use daemon::{Daemon, as_postgres, program};
pub use installation::{Installation, Login, Server, binary};
pub use nginx::Nginx;
pub use patroni::{Etcd, Node};
pub use pooler::Pooler;
pub use postgres::{Postgres, bin};
pub use proxy::Proxy;
pub use redis::Redis;
pub use sandbox::Sandbox;
pub use torture::Torture;

/// Whether the long tests are wanted (`./test --long`).
pub fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// Tries until it is so; a condition that never becomes true fails by its name. Blocks its thread.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    until_within(Duration::from_mins(1), what, &mut condition);
}

pub fn until_within(patience: Duration, what: &str, condition: &mut dyn FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < patience, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Prints a measured time in the form in which `docs/backup.md` and `docs/database.md` quote it.
pub fn report(what: &str, time: Duration) {
    println!("{what}: {:.1} s", time.as_secs_f64());
}

/// A file or folder of `deploy`.
pub fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path).canonicalize().unwrap()
}

/// A file of `deploy` with these words replaced; each of them must be in it.
pub fn template(path: &str, changes: &[(&str, String)]) -> String {
    let mut text = fs::read_to_string(deployed(path)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{path} has no {from:?}");
        text = text.replace(from, to);
    }
    text
}
