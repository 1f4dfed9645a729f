//! `ktape copy`.

use clap::Args;

use super::args::RepositoryArgs;
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::keys::KeyArgs;
use super::signing::SignArgs;
use super::{report, snapshot};
use crate::copy::{self, CopyOptions, CopyPlan, CopyReport};
use crate::repository::{Repository, SnapshotChoice};

/// Flags of `copy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  All snapshots that the other repository lacks; run it again and only what is new is copied:
    ktape init --repository s3://backups/kafka
    ktape copy --repository /backup/kafka --to s3://backups/kafka
  The newest alone, onto a disk that goes off site:
    ktape copy --repository /backup/kafka --to /mnt/disk/kafka --snapshot latest
  To another key, or compressed: as the other repository stores; only then a key of this one is needed:
    ktape init --repository /mnt/disk/kafka --compression zstd --recipient age1...
    ktape copy --repository /backup/kafka --to /mnt/disk/kafka --identity-file key.txt
  What would be copied:
    ktape copy --repository /backup/kafka --to /mnt/disk/kafka --dry-run

A copy keeps the number of its original where that is free. Every byte is compared with its digest on the way, and
read back. What is damaged is named, and no snapshot that needs it is copied (exit code 4). A copy that was cut off
goes on where it stopped when the same command is run again.")]
pub struct CopyArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[arg(
        long,
        env = "KTAPE_TO",
        hide_env_values = true,
        value_name = "PLACE",
        help = "Repository to copy into: a folder, s3://BUCKET/PREFIX or az://CONTAINER/PREFIX that `ktape init` made one"
    )]
    to: String,
    #[command(flatten)]
    keys: KeyArgs,
    /// Copy one snapshot only: its number, `latest`, or a time; without it all that are lacking
    #[arg(long, value_name = "N|latest|TIME", value_parser = snapshot::parse)]
    snapshot: Option<SnapshotChoice>,
    /// Show what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
}

/// What came of it.
enum Ended {
    Planned(CopyPlan),
    Copied(CopyReport),
}

/// Copies, or says what would be copied.
pub async fn run(args: CopyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let progress = context.progress("copy");
    let cancel = context.cancel.clone();
    let ended = Context::blocking(move || -> Result<Ended, Failure> {
        let source = args.keys.open_blocking(&args.repository.repository)?;
        let target = Repository::open(&args.to)?;
        let options = CopyOptions { snapshot: args.snapshot, sign_key: args.sign.key()?, ..CopyOptions::default() };
        let work = copy::Context {
            source: &source,
            target: &target,
            options: &options,
            progress: progress.as_ref(),
            cancel: &cancel,
        };
        Ok(if args.dry_run { Ended::Planned(copy::dry_run(work)?) } else { Ended::Copied(copy::copy(work)?) })
    })
    .await??;
    match ended {
        Ended::Planned(plan) => {
            context.report("copy-plan", ExitCode::Done, &plan, |out| report::copy::planned(out, &plan))
        }
        Ended::Copied(done) => context.report("copy", exit_code(&done), &done, |out| report::copy::done(out, &done)),
    }
}

fn exit_code(report: &CopyReport) -> ExitCode {
    match (report.found_damage(), report.complete) {
        (true, _) => ExitCode::Damaged,
        (false, false) => ExitCode::Interrupted,
        (false, true) => ExitCode::Done,
    }
}
