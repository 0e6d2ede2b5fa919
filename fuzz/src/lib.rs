//! What is fuzzed: each reader of bytes from outside, with the properties it must have.
pub mod readers;
