//! `ktape recipients`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Context;
use super::args::RepositoryArgs;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::recipients_in;
use super::report;
use crate::repository::Repository;

/// Flags of `recipients`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape recipients --repository /backup/kafka
  A new key, in place of the old one, for everything that is written from now on:
    ktape recipients --repository /backup/kafka --add age1new... --remove age1old...

Keep old private keys as long as snapshots from their time are kept: what is stored is not encrypted again.")]
pub struct RecipientsArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Encrypt to this public key too; may be repeated
    #[arg(long, value_name = "KEY")]
    add: Vec<String>,
    /// Encrypt to the public keys in this file too, one a line
    #[arg(long, value_name = "FILE")]
    recipients_file: Option<PathBuf>,
    /// Encrypt to this public key no more; may be repeated
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,
}

/// To whom is encrypted.
#[derive(Debug, Serialize)]
pub struct RecipientsReport {
    /// Whether that was changed just now.
    pub changed: bool,
    /// Number of the document that says it; 0 for what `init` wrote.
    pub number: u64,
    /// Public keys; none where nothing is encrypted.
    pub recipients: Vec<String>,
    /// Files with private keys that a passphrase opens.
    pub passphrases: Vec<String>,
}

/// Shows the recipients, or changes them.
pub async fn run(args: RecipientsArgs, context: &Context) -> Result<ExitCode, Failure> {
    let found = Context::blocking(move || work(args)).await??;
    context.report("recipients", ExitCode::Done, &found, |out| report::recipients::found(out, &found))
}

fn work(args: RecipientsArgs) -> Result<RecipientsReport, Failure> {
    let place = args.repository.repository;
    let mut repository = Repository::open(&place)?;
    let mut add = args.add;
    if let Some(path) = &args.recipients_file {
        add.extend(recipients_in(path)?);
    }
    let before = repository.in_force().map(|keys| keys.recipients.recipients.clone()).unwrap_or_default();
    let mut after: Vec<String> = before.iter().cloned().chain(add).collect();
    after.sort_unstable();
    after.dedup();
    if let Some(unknown) = args.remove.iter().find(|key| !after.contains(key)) {
        return Err(Failure::Usage(format!("--remove {unknown}: nothing is encrypted to it")));
    }
    after.retain(|key| !args.remove.contains(key));
    let changed = after != before;
    if changed {
        repository.change_recipients(after)?;
        repository = Repository::open(&place)?;
    }
    let (number, recipients) =
        repository.in_force().map(|keys| (keys.number, keys.recipients.clone())).unwrap_or_default();
    let passphrases = recipients.passphrases.into_iter().map(|key| key.object).collect();
    Ok(RecipientsReport { changed, number, recipients: recipients.recipients, passphrases })
}
