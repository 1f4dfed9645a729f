//! Kafka's wire format, without sockets: frames, versions, error codes, and the checks that stand before any decoding.

mod error;
mod error_code;

pub use error::WireError;
pub use error_code::ErrorCode;
