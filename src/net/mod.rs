//! One socket to one broker.

mod error;

pub use error::{ConnectionError, DialError, Poison};
