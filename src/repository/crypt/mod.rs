//! How the plain log and parts become stored bytes and back: `log -> zstd frames -> age`, each step only where the
//! repository has it. Nothing above this folder knows that stored bytes may differ from plain ones.

mod form;
mod frames;
mod header;
mod keyring;
mod keys;
mod log_writer;
mod part;
mod source;

pub use form::Form;
pub use keyring::Secrets;
pub use keys::{InForce, InitOptions};
pub use log_writer::{LogWriter, Stored};
pub use part::AdoptError;
pub use source::{WholeSegment, read_failed};

pub(super) use keyring::Keyring;
pub(super) use keys::read_in_force;

#[cfg(test)]
mod tests;
