//! `ktape backup`.

use std::time::Duration;

use clap::Args;

use super::args::{ClusterArgs, RepositoryArgs, SelectionArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{report, units};
use crate::backup::{self, BackupOptions, BackupReport, StopReason};
use crate::repository::Repository;

/// Flags of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Everything but Kafka's internal topics:
    ktape backup --repository /backup/kafka --bootstrap-server broker-1:9092
  What would be fetched, and what it needs:
    ktape backup --repository /backup/kafka --bootstrap-server broker-1:9092 --dry-run
  Some topics and groups only:
    ktape backup -r /backup/kafka -b broker-1:9092 --topics 'orders-*' payments --exclude-topics '*-dlq' --groups 'shop-*'
  From inside a network where the advertised addresses do not answer:
    ktape backup -r /backup/kafka -b 127.0.0.1:9092 --broker-address 1=127.0.0.1:9092 --broker-address 2=127.0.0.1:9093
  At most until the morning, and go on tomorrow:
    ktape backup -r /backup/kafka -b broker-1:9092 --max-duration 5h

Every run after the first fetches only what is new. A run that was killed is continued by the same command.")]
pub struct BackupArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Begin a new segment at this size
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = segment_size)]
    segment_bytes: u64,
    /// Ask a broker for at most this much at once
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = fetch_size)]
    fetch_bytes: i32,
    /// Stop cleanly after this long, with what is there by then; the next run goes on
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    max_duration: Option<Duration>,
    /// Do not call it incomplete when a broker did not list its consumer groups
    #[arg(long)]
    accept_partial_view: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// Kafka's own limit: positions within a segment are 31-bit numbers.
fn segment_size(text: &str) -> Result<u64, String> {
    let size = units::parse_size(text)?;
    if (1 << 20..1 << 31).contains(&size) { Ok(size) } else { Err("1MiB to 2047MiB is possible".to_owned()) }
}

fn fetch_size(text: &str) -> Result<i32, String> {
    let size = units::parse_size(text)?;
    if (1 << 10..=1 << 30).contains(&size) { Ok(size as i32) } else { Err("1KiB to 1GiB is possible".to_owned()) }
}

/// Backs up, or shows what a backup would do.
pub async fn run(args: BackupArgs, context: &Context) -> Result<ExitCode, Failure> {
    let place = args.repository.repository;
    let repository = Context::blocking(move || Repository::open(&place)).await??;
    let cluster = context.connect(&args.cluster).await?;
    let options = BackupOptions {
        selection: args.selection.into(),
        segment_bytes: args.segment_bytes,
        fetch_bytes: args.fetch_bytes,
        max_duration: args.max_duration,
        accept_partial_view: args.accept_partial_view,
        ..BackupOptions::default()
    };
    let progress = context.progress("backup");
    let work = backup::Context {
        cluster: &cluster,
        repository: &repository,
        options: &options,
        progress: progress.as_ref(),
        cancel: &context.cancel,
    };
    if args.dry_run {
        let plan = backup::dry_run(work).await?;
        drop(progress);
        let code = if plan.incomplete.is_empty() { ExitCode::Done } else { ExitCode::Incomplete };
        return context.report("backup-plan", code, &plan, |out| report::backup::plan(out, &plan));
    }
    let done = backup::backup(work).await?;
    drop(progress);
    context.report("backup", exit_code(&done), &done, |out| report::backup::snapshot(out, &done))
}

fn exit_code(report: &BackupReport) -> ExitCode {
    match report.stopped {
        Some(StopReason::Interrupted) => ExitCode::Interrupted,
        _ if report.is_complete() => ExitCode::Done,
        _ => ExitCode::Incomplete,
    }
}
