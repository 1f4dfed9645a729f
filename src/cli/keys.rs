//! Keys on the command line: files that hold them, never the keys themselves.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::Context;
use super::args::RepositoryArgs;
use super::failure::Failure;
use crate::model::Secret;
use crate::repository::format::Compression;
use crate::repository::{ContentDigest, InitOptions, Repository, Secrets};

/// The passphrase itself, where no file is named.
const PASSPHRASE: &str = "KTAPE_PASSPHRASE";
/// Largest file of keys, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// What opens an encrypted repository.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Encryption")]
pub struct KeyArgs {
    /// File with private keys of age, as age-keygen writes it; may be repeated
    #[arg(long, env = "KTAPE_IDENTITY_FILE", hide_env_values = true, value_name = "FILE", value_delimiter = ',')]
    pub identity_file: Vec<PathBuf>,
    /// File with the passphrase that `init` was given; without it `KTAPE_PASSPHRASE` is looked at
    #[arg(long, env = "KTAPE_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl KeyArgs {
    /// Opens the repository, and its content as far as there are keys.
    pub async fn open(self, repository: &RepositoryArgs) -> Result<Repository, Failure> {
        let place = repository.repository.clone();
        Context::blocking(move || self.open_blocking(&place)).await?
    }

    /// The same on a thread that may block.
    pub fn open_blocking(&self, place: &str) -> Result<Repository, Failure> {
        let repository = Repository::open(place)?;
        if repository.is_encrypted() {
            repository.unlock(&self.secrets()?)?;
        }
        Ok(repository)
    }

    fn secrets(&self) -> Result<Secrets, Failure> {
        let read = |path: &PathBuf| read("--identity-file", path);
        let identities = self.identity_file.iter().map(read).collect::<Result<_, _>>()?;
        // A key is enough: a passphrase that is set for other repositories must not get in the way.
        let passphrase = match &self.passphrase_file {
            None if !self.identity_file.is_empty() => None,
            file => passphrase(file.as_deref())?,
        };
        Ok(Secrets { identities, passphrase })
    }
}

/// How a new repository stores what it holds.
#[derive(Debug, Args)]
#[command(next_help_heading = "Storage")]
pub struct StorageArgs {
    /// Compress segments that producers did not compress: none, zstd or zstd:LEVEL
    #[arg(
        long,
        env = "KTAPE_COMPRESSION",
        hide_env_values = true,
        value_name = "CODEC",
        default_value = "none",
        value_parser = compression
    )]
    pub compression: CompressionArg,
    /// Encrypt to this public key of age (age1...); may be repeated, any one of the private keys reads everything
    #[arg(long, env = "KTAPE_RECIPIENT", hide_env_values = true, value_name = "KEY", value_delimiter = ',')]
    pub recipient: Vec<String>,
    /// File with public keys, one a line
    #[arg(long, env = "KTAPE_RECIPIENTS_FILE", hide_env_values = true, value_name = "FILE")]
    pub recipients_file: Option<PathBuf>,
    /// Encrypt with the passphrase in this file; without it `KTAPE_PASSPHRASE` is looked at
    #[arg(long, env = "KTAPE_PASSPHRASE_FILE", hide_env_values = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Digest of segments: blake3, or the cheaper xxh3-128, which finds damage but nothing done on purpose
    #[arg(
        long,
        env = "KTAPE_DIGEST",
        hide_env_values = true,
        value_name = "DIGEST",
        default_value = ContentDigest::Blake3.name(),
        value_parser = ContentDigest::named
    )]
    pub digest: ContentDigest,
}

impl StorageArgs {
    /// Reads the files.
    pub fn options(&self) -> Result<InitOptions, Failure> {
        let mut recipients = self.recipient.clone();
        if let Some(path) = &self.recipients_file {
            recipients.extend(recipients_in(path)?);
        }
        let passphrase = passphrase(self.passphrase_file.as_deref())?;
        Ok(InitOptions { compression: self.compression.0, recipients, passphrase, digest: self.digest })
    }
}

/// Public keys in a file: one a line, `#` begins a comment.
pub fn recipients_in(path: &Path) -> Result<Vec<String>, Failure> {
    let text = read("--recipients-file", path)?;
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let recipients: Vec<String> = lines.map(str::to_owned).collect();
    if recipients.is_empty() {
        return Err(Failure::Usage(format!("--recipients-file {} names no public key", path.display())));
    }
    // Somebody who mixed up the files must not see the private key in the error.
    if recipients.iter().any(|line| line.to_uppercase().contains("SECRET")) {
        return Err(Failure::Usage(format!(
            "--recipients-file {} holds a private key, not public ones",
            path.display()
        )));
    }
    Ok(recipients)
}

/// `none`, or what to compress with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressionArg(pub Option<Compression>);

fn compression(text: &str) -> Result<CompressionArg, String> {
    let level = match text.split_once(':') {
        None if text == "none" => return Ok(CompressionArg(None)),
        None if text == "zstd" => 3,
        Some(("zstd", level)) => i32::from_str(level).unwrap_or_default(),
        _ => return Err("none, zstd or zstd:LEVEL is possible".to_owned()),
    };
    if (1..=19).contains(&level) {
        Ok(CompressionArg(Some(Compression::Zstd { level })))
    } else {
        Err("zstd has levels from 1 to 19".to_owned())
    }
}

/// The first line of the file, or the environment's.
fn passphrase(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    let text = match file {
        Some(path) => read("--passphrase-file", path)?,
        None => match std::env::var(PASSPHRASE) {
            Ok(text) if !text.is_empty() => Secret::new(text),
            _ => return Ok(None),
        },
    };
    match text.expose().lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Some(Secret::new(line))),
        None => Err(Failure::Usage("the passphrase is empty".to_owned())),
    }
}

fn read(flag: &str, path: &Path) -> Result<Secret, Failure> {
    let failed = |reason: String| Failure::Usage(format!("{flag} {}: {reason}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > FILE_MAX {
        return Err(failed(format!("it has {size} bytes, which no file of keys has")));
    }
    std::fs::read_to_string(path).map(Secret::new).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_named_with_a_level() {
        assert_eq!(compression("none"), Ok(CompressionArg(None)));
        assert_eq!(compression("zstd"), Ok(CompressionArg(Some(Compression::Zstd { level: 3 }))));
        assert_eq!(compression("zstd:19"), Ok(CompressionArg(Some(Compression::Zstd { level: 19 }))));
        for bad in ["", "gzip", "zstd:", "zstd:0", "zstd:20", "zstd:x", "none:1"] {
            assert!(compression(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_private_key_among_the_public_ones_is_refused_without_showing_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# c\nage1abc\n\n age1def \n").unwrap();
        assert_eq!(recipients_in(file.path()).unwrap(), ["age1abc", "age1def"]);
        std::fs::write(file.path(), "AGE-SECRET-KEY-1ABC\n").unwrap();
        assert!(!recipients_in(file.path()).unwrap_err().to_string().contains("1ABC"));
    }
}
