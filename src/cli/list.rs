//! `ktape list`.

use clap::Args;

use super::args::RepositoryArgs;
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::report;
use crate::list::{self, ListReport};
use crate::repository::Repository;

/// Flags of `list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape list --repository /backup/kafka
  ktape list --repository /backup/kafka --json

A snapshot is one point that can be restored. Snapshots share segments: NEW is what each added.")]
pub struct ListArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
}

/// Lists the snapshots.
pub async fn run(args: ListArgs, context: &Context) -> Result<ExitCode, Failure> {
    let found = Context::blocking(move || -> Result<ListReport, Failure> {
        Ok(list::list(&Repository::open(&args.repository.repository)?)?)
    })
    .await??;
    let code = if found.unreadable.is_empty() { ExitCode::Done } else { ExitCode::Damaged };
    context.report("list", code, &found, |out| report::list::snapshots(out, &found))
}
