//! `ktape init`.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::args::RepositoryArgs;
use super::context::Context;
use super::elf;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::StorageArgs;
use crate::repository::format::Compression;
use crate::repository::{ContentDigest, InitOptions, Repository, RepositoryError};

/// This program, as Linux shows it.
const ITSELF: &str = "/proc/self/exe";

/// Flags of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape init --repository /backup/kafka
  KTAPE_REPOSITORY=/backup/kafka ktape init
  Compressed, and encrypted to a key whose private half no backup host needs:
    age-keygen -o key.txt       (keep key.txt elsewhere: whoever loses it loses the backups)
    ktape init --repository /backup/kafka --compression zstd --recipient age1...
  With this program in it, for a day on which there is nothing but the repository:
    ktape init --repository /backup/kafka --with-tool

The folder is made; one that holds something already is refused. `ktape backup` never makes a repository by itself:
a disk that is not mounted must not become a new, full backup. With --with-tool a repository that is there already is
given the program of this version, if it has it not yet.")]
pub struct InitArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    storage: StorageArgs,
    /// Store this program in the repository too, with FORMAT.md and checksums; or another static one: --with-tool=FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = ITSELF)]
    with_tool: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    repository: String,
    repository_id: String,
    compression: Option<Compression>,
    recipients: Vec<String>,
    digest: ContentDigest,
    /// False where it was there already.
    made: bool,
    /// Folder of the program, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<String>,
}

/// Makes a repository.
pub async fn run(args: InitArgs, context: &Context) -> Result<ExitCode, Failure> {
    let options = args.storage.options()?;
    let report = Context::blocking(move || make(&args, &options)).await??;
    context.report("init", ExitCode::Done, &report, |out| {
        if report.made {
            out.line(format!("made repository {} at {}", report.repository_id, report.repository));
            for recipient in &report.recipients {
                out.line(format!("encrypted to {recipient}"));
            }
        }
        if let Some(folder) = &report.tool {
            out.line(format!("the program is in {folder} of {}", report.repository));
        }
    })
}

fn make(args: &InitArgs, options: &InitOptions) -> Result<Report, Failure> {
    let place = &args.repository.repository;
    // Before anything is made.
    let program = args.with_tool.as_deref().map(program).transpose()?;
    let (repository, made) = match Repository::init_with(place, options) {
        Err(RepositoryError::AlreadyARepository { .. }) if program.is_some() => (Repository::open(place)?, false),
        made => (made?, true),
    };
    let stored = program.map(|(mut file, machine)| repository.store_tool(&machine, &mut file)).transpose()?;
    Ok(Report {
        repository: repository.location().to_owned(),
        repository_id: repository.document().repository_id.clone(),
        compression: repository.document().compression,
        recipients: repository.in_force().map(|keys| keys.recipients.recipients.clone()).unwrap_or_default(),
        digest: repository.document().digest,
        made,
        tool: stored.map(|folder| folder.to_string()),
    })
}

/// The program and the kind of machine that it runs on.
fn program(path: &Path) -> Result<(File, String), Failure> {
    let refused = |why: String| Failure::Usage(format!("--with-tool: {} {why}", path.display()));
    let mut file =
        File::open(path).map_err(|error| refused(format!("cannot be read: {error}; name it: --with-tool=FILE")))?;
    let machine = elf::static_machine(&mut file).map_err(|fault| refused(fault.to_string()))?;
    Ok((file, machine))
}
