//! ktape from outside.

mod cli;
mod layering;
mod sources;
mod tidy;
