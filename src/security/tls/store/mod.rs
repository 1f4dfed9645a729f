//! Certificates and keys out of files: PEM, PKCS #12 and JKS, told apart by their content.

mod der;
mod fault;
mod jks;
mod key;
mod kind;
mod material;
mod pem;
mod pkcs12;

pub use fault::StoreFault;

pub(super) use jks::{JksEntry, read as read_jks};
pub(super) use key::{complete as complete_key, from_pem as key_from_pem};
pub(super) use kind::{Content, content};
pub(super) use pem::{Section, sections};
pub(super) use pkcs12::{Pkcs12, read as read_pkcs12};
