//! `ktape init`.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::args::RepositoryArgs;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::StorageArgs;
use crate::repository::Repository;
use crate::repository::format::Compression;

/// Flags of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape init --repository /backup/kafka
  KTAPE_REPOSITORY=/backup/kafka ktape init
  Compressed, and encrypted to a key whose private half no backup host needs:
    age-keygen -o key.txt       (keep key.txt elsewhere: whoever loses it loses the backups)
    ktape init --repository /backup/kafka --compression zstd --recipient age1...

The folder is made; one that holds something already is refused. `ktape backup` never makes a repository by itself:
a disk that is not mounted must not become a new, full backup.")]
pub struct InitArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    storage: StorageArgs,
}

#[derive(Serialize)]
struct Report {
    repository: String,
    repository_id: String,
    compression: Option<Compression>,
    recipients: Vec<String>,
}

/// Makes a repository.
pub async fn run(args: InitArgs, context: &Context) -> Result<ExitCode, Failure> {
    let options = args.storage.options()?;
    let place = args.repository.repository;
    let repository = Context::blocking(move || Repository::init_with(&place, &options)).await??;
    let report = Report {
        repository: repository.location().to_owned(),
        repository_id: repository.document().repository_id.clone(),
        compression: repository.document().compression,
        recipients: repository.in_force().map(|keys| keys.recipients.recipients.clone()).unwrap_or_default(),
    };
    context.report("init", ExitCode::Done, &report, |out| {
        out.line(format!("made repository {} at {}", report.repository_id, report.repository));
        for recipient in &report.recipients {
            out.line(format!("encrypted to {recipient}"));
        }
    })
}
