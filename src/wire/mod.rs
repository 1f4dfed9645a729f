//! Kafka's wire format, without sockets: frames, versions, error codes, and the checks that stand before any decoding.

mod api;
mod cursor;
mod error;
mod error_code;
mod exchanges;
pub mod fetch;
mod frame;
mod oldest;
pub mod produce;
pub mod request;
pub mod shape;
mod versions;

pub use api::{Api, Exchange, FETCH, PRODUCE};
pub use cursor::Cursor;
pub use error::WireError;
pub use error_code::ErrorCode;
pub use frame::Prefix;
pub use versions::BrokerVersions;

#[cfg(test)]
mod tests;
