//! `ktape offsets`.

use clap::{Args, Subcommand};

use super::args::{ClusterArgs, RepositoryArgs, SelectionArgs, StateArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::KeyArgs;
use super::restore::OutOfRangeArg;
use super::{output, report, snapshot};
use crate::offsets::{self, CommitOptions, CommitReport, ShowOptions, UndoOptions};
use crate::repository::{Repository, SnapshotChoice};

/// Flags of `offsets`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape offsets show   --repository /backup/kafka --groups 'shop-*'
  ktape offsets commit --repository /backup/kafka --bootstrap-server new-broker:9092
  ktape offsets undo   --repository /backup/kafka --bootstrap-server new-broker:9092")]
pub struct OffsetsArgs {
    #[command(subcommand)]
    command: OffsetsCommand,
}

#[derive(Debug, Subcommand)]
enum OffsetsCommand {
    /// Show committed offsets of a snapshot, beside those of a restore of it
    Show(ShowArgs),
    /// Commit them to the target of a restore, now or again
    Commit(CommitArgs),
    /// Put back what groups had committed before the newest commit
    Undo(UndoArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  What groups had committed, and where that lies in the newest restore of the snapshot:
    ktape offsets show --repository /backup/kafka --groups 'shop-*'
  The same for Kafka's own tool; with several groups name each of them, or --all-groups:
    ktape offsets show -r /backup/kafka --groups shop --csv > shop.csv
    kafka-consumer-groups.sh --bootstrap-server new-broker:9092 --group shop --reset-offsets --from-file shop.csv --execute")]
struct ShowArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Which snapshot: its number, `latest`, or a time; by default that of --restore, or the newest
    #[arg(long, value_name = "N|latest|TIME", value_parser = snapshot::parse)]
    snapshot: Option<SnapshotChoice>,
    /// Id of the restore whose offset map translates; by default the newest finished one of the snapshot
    #[arg(long, value_name = "ID")]
    restore: Option<String>,
    /// Print lines for kafka-consumer-groups --reset-offsets --from-file: translated offsets if a restore is known
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  What would be committed, then commit it:
    ktape offsets commit --repository /backup/kafka --bootstrap-server new-broker:9092 --dry-run
    ktape offsets commit --repository /backup/kafka --bootstrap-server new-broker:9092
  One group again, after a test run has moved it:
    ktape offsets commit -r /backup/kafka -b new-broker:9092 --groups shop

Groups with members are refused by name. What was there before is kept; `ktape offsets undo` puts it back.")]
struct CommitArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Id of the restore whose offset map translates; by default the newest finished one into this cluster
    #[arg(long, value_name = "ID")]
    restore: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// What becomes of a group's position that lies outside of what was restored
    #[arg(long, value_name = "HOW", default_value = "clamp")]
    out_of_range: OutOfRangeArg,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Take the newest commit back, of a restore or of `offsets commit`; run it again for the one before:
    ktape offsets undo --repository /backup/kafka --bootstrap-server new-broker:9092

Offsets that groups had before are committed again; others are deleted, if they still are what was committed.")]
struct UndoArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Only commits of this restore, or through its map
    #[arg(long, value_name = "ID")]
    restore: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Shows, commits, or undoes.
pub async fn run(args: OffsetsArgs, context: &Context) -> Result<ExitCode, Failure> {
    match args.command {
        OffsetsCommand::Show(args) => show(args, context).await,
        OffsetsCommand::Commit(args) => commit(args, context).await,
        OffsetsCommand::Undo(args) => undo(args, context).await,
    }
}

async fn show(args: ShowArgs, context: &Context) -> Result<ExitCode, Failure> {
    let options = ShowOptions { snapshot: args.snapshot, restore: args.restore, selection: args.selection.into() };
    let shown = Context::blocking(move || -> Result<_, Failure> {
        let repository = args.keys.open_blocking(&args.repository.repository)?;
        let states = args.state.states(&repository);
        Ok(offsets::show(&repository, &states, &options)?)
    });
    let shown = shown.await??;
    if args.csv {
        output::raw(report::offsets::csv(&shown).as_bytes())?;
        return Ok(ExitCode::Done);
    }
    context.report("offsets-show", ExitCode::Done, &shown, |out| report::offsets::show(out, &shown))
}

async fn commit(args: CommitArgs, context: &Context) -> Result<ExitCode, Failure> {
    let repository = args.keys.open(&args.repository).await?;
    let cluster = context.connect(&args.cluster).await?;
    let options = CommitOptions {
        restore: args.restore,
        selection: args.selection.into(),
        out_of_range: args.out_of_range.into(),
        dry_run: args.dry_run,
    };
    let done = offsets::commit(&cluster, &repository, &args.state.states(&repository), &options).await?;
    committed(context, &done)
}

/// Prints what a commit did.
pub fn committed(context: &Context, done: &CommitReport) -> Result<ExitCode, Failure> {
    let code = if done.is_complete() { ExitCode::Done } else { ExitCode::Incomplete };
    context.report("offsets-commit", code, done, |out| report::offsets::committed(out, done))
}

async fn undo(args: UndoArgs, context: &Context) -> Result<ExitCode, Failure> {
    let place = args.repository.repository;
    let repository = Context::blocking(move || Repository::open(&place)).await??;
    let cluster = context.connect(&args.cluster).await?;
    let options = UndoOptions { restore: args.restore, dry_run: args.dry_run };
    let done = offsets::undo(&cluster, &args.state.states(&repository), &options).await?;
    let code = if done.is_complete() { ExitCode::Done } else { ExitCode::Incomplete };
    context.report("offsets-undo", code, &done, |out| report::offsets::undone(out, &done))
}
