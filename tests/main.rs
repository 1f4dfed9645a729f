//! ktape from outside.

mod cli;
mod golden;
mod layering;
mod sources;
mod store_contract;
mod tidy;
