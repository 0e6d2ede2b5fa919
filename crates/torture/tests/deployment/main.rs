//! Loadmaster deployed with real servers around it: a pooler, standbys, backups, an earlier version beside this one, a
//! proxy. Each test ends in a clean audit and prints its times. They run with `./test --long` only, on Linux with Debian's
//! programs (`scripts/setup.sh` installs them).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown,
    clippy::similar_names,
    reason = "the helpers of these tests belong to the tests, and programs have names of their own"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "times are worth seeing, and logs after a failure")]
mod backup;
mod edge;
mod failover;
mod pooler;
mod proxy;
mod replica;
mod smuggling;
mod streams;
mod support;
mod upgrade;
