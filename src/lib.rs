//! Cold backups of Kafka topics and consumer groups over the wire protocol. See ARCHITECTURE.md.

pub mod backup;
pub mod batch;
pub mod cancel;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod compare;
pub mod copy;
pub mod drill;
pub mod export;
pub mod list;
pub mod model;
pub mod net;
pub mod offsets;
pub mod progress;
pub mod properties;
pub mod reader;
pub mod repository;
pub mod restore;
pub mod retry;
pub mod security;
pub mod show;
pub mod store;
pub mod verb;
pub mod verify;
pub mod wire;
