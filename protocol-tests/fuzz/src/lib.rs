//! The bodies of `tests/hostile`, for libFuzzer.

#![allow(clippy::all, missing_docs, reason = "the same files are checked as a part of the tests")]

#[path = "../../../tests/hostile/targets/mod.rs"]
pub mod targets;
