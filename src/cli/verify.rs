//! `ktape verify`.

use clap::Args;

use super::args::RepositoryArgs;
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{report, snapshot};
use crate::repository::{Repository, SnapshotChoice};
use crate::verify::{self, Part, VerifyOptions, VerifyReport};

/// Flags of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Everything: every digest, every batch's checksum, every offset range:
    ktape verify --repository /backup/kafka
  Documents and file sizes only, in seconds:
    ktape verify --repository /backup/kafka --fast
  A seventh a night; after a week every segment has been read:
    ktape verify --repository /backup/kafka --part $(date +%u)/7

Damage is exit code 4. What runs that were killed left behind is named, and is no damage.")]
pub struct VerifyArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Check one snapshot only: its number, `latest`, or a time
    #[arg(long, value_name = "N|latest|TIME", value_parser = snapshot::parse)]
    snapshot: Option<SnapshotChoice>,
    /// Look at documents and at sizes of files, and read no segment
    #[arg(long, conflicts_with = "part")]
    fast: bool,
    /// Read only this part of the segments; the same I/N is the same part every time
    #[arg(long, value_name = "I/N")]
    part: Option<Part>,
}

/// Checks the repository.
pub async fn run(args: VerifyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let progress = context.progress("verify");
    let cancel = context.cancel.clone();
    let found = Context::blocking(move || -> Result<VerifyReport, Failure> {
        let repository = Repository::open(&args.repository.repository)?;
        let chosen = args.snapshot.map(|choice| snapshot::find(&repository, choice)).transpose()?;
        let snapshot = chosen.map(|snapshot| snapshot.head.sequence);
        let options = VerifyOptions { snapshot, fast: args.fast, part: args.part, ..VerifyOptions::default() };
        Ok(verify::verify(&repository, &options, progress.as_ref(), &cancel)?)
    })
    .await??;
    let code = match (found.is_sound(), found.complete) {
        (false, _) => ExitCode::Damaged,
        (true, false) => ExitCode::Interrupted,
        (true, true) => ExitCode::Done,
    };
    context.report("verify", code, &found, |out| report::verify::found(out, &found))
}
