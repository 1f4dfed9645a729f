//! Keys that snapshots are signed with, and those that signatures are checked with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use crate::model::Secret;
use crate::repository::{KeyFault, PublicKey, SigningKey};

/// Variable that holds the password of the secret key.
pub const PASSWORD: &str = "KTAPE_SIGN_PASSWORD";

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// What is in it.
    #[error(transparent)]
    Fault(#[from] KeyFault),
}

/// Who signs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Signature")]
pub struct SignArgs {
    /// Sign the snapshot with this secret key of minisign; its password is looked for in `KTAPE_SIGN_PASSWORD`
    #[arg(long, env = "KTAPE_SIGN_KEY", hide_env_values = true, value_name = "FILE")]
    sign_key: Option<PathBuf>,
    /// File with the password of that key, on its first line
    #[arg(long, env = "KTAPE_SIGN_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", requires = "sign_key")]
    sign_password_file: Option<PathBuf>,
}

impl SignArgs {
    /// Reads the key, before anything is done that it should sign. Blocks.
    pub fn key(&self) -> Result<Option<SigningKey>, Failure> {
        let Some(path) = &self.sign_key else { return Ok(None) };
        let failed = |path: &Path, source: KeyError| Failure::Key { what: path.display().to_string(), source };
        let password = match &self.sign_password_file {
            Some(file) => Some(first_line(file).map_err(|error| failed(file, error.into()))?),
            None => std::env::var(PASSWORD).ok().filter(|text| !text.is_empty()).map(Secret::new),
        };
        let text = fs::read_to_string(path).map(Secret::new).map_err(|error| failed(path, error.into()))?;
        let key = SigningKey::parse(text.expose(), password.as_ref());
        key.map(Some).map_err(|fault| failed(path, fault.into()))
    }
}

fn first_line(path: &Path) -> io::Result<Secret> {
    let text = fs::read_to_string(path).map(Secret::new)?;
    Ok(Secret::new(text.expose().lines().next().unwrap_or_default()))
}

/// A public key: its file, or its base64. Blocks.
pub fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let failed = |source: KeyError| Failure::Key { what: text.to_owned(), source };
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let file = fs::read_to_string(text).map_err(|error| failed(error.into()))?;
    PublicKey::parse(&file).map_err(|fault| failed(fault.into()))
}

/// A snapshot's id, in full: a beginning of it proves little.
pub fn snapshot_id(text: &str) -> Result<String, String> {
    let id = text.trim().to_ascii_lowercase();
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(id);
    }
    Err(format!(
        "{text:?} is no id of a snapshot: 64 hexadecimal digits, as `ktape list --json` prints it, are expected"
    ))
}
