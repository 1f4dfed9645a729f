//! Cold backups of Kafka topics and consumer groups over the wire protocol. See ARCHITECTURE.md.

pub mod cancel;
pub mod cli;
pub mod model;
pub mod progress;
pub mod repository;
