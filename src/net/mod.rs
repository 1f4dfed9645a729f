//! One socket to one broker.

mod connection;
mod dial;
mod error;
mod reader;
mod sasl;
mod sasl_error;
mod session;
mod task;
mod tls;
mod transport;

pub use connection::{Connection, Opening};
pub use dial::check as check_address;
pub use error::{ConnectionError, DialError, Poison};
pub use sasl_error::AuthenticationError;
pub use task::Answer;

#[cfg(test)]
mod sasl_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
