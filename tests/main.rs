//! ktape from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test that cannot go on fails, and nobody links against tests"
)]

mod campaign;
mod cli;
mod conformance;
mod fake;
mod faults;
mod golden;
mod golden_frames;
mod hostile;
mod kafka;
mod layering;
mod matrix;
mod not_run;
mod object_stores;
mod reader;
mod secured;
mod sources;
mod static_binary;
mod store_contract;
mod tidy;
