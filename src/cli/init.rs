//! `ktape init`.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::args::RepositoryArgs;
use super::exit_code::ExitCode;
use super::failure::Failure;
use crate::repository::Repository;

/// Flags of `init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape init --repository /backup/kafka
  KTAPE_REPOSITORY=/backup/kafka ktape init

The folder is made; one that holds something already is refused. `ktape backup` never makes a repository by itself:
a disk that is not mounted must not become a new, full backup.")]
pub struct InitArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
}

#[derive(Serialize)]
struct Report {
    repository: String,
    repository_id: String,
}

/// Makes a repository.
pub async fn run(args: InitArgs, context: &Context) -> Result<ExitCode, Failure> {
    let repository = Context::blocking(move || Repository::init(&args.repository.repository)).await??;
    let report = Report {
        repository: repository.location().to_owned(),
        repository_id: repository.document().repository_id.clone(),
    };
    context.report("init", ExitCode::Done, &report, |out| {
        out.line(format!("made repository {} at {}", report.repository_id, report.repository));
    })
}
