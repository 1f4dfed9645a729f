//! One socket to one broker.

mod connection;
mod dial;
mod error;
mod reader;
mod task;
mod tls;
mod transport;

pub use connection::{Connection, Opening};
pub use dial::check as check_address;
pub use error::{ConnectionError, DialError, Poison};

#[cfg(test)]
mod tests;
