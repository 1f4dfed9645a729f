//! `ktape backup`.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::{ClusterArgs, RepositoryArgs, SelectionArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::metrics::backup::Ended;
use super::signing::SignArgs;
use super::{metrics, report, units};
use crate::backup::{self, BackupOptions, BackupReport, FenceAt, StopReason};
use crate::check::{self, RetentionState};
use crate::cluster::Cluster;
use crate::model::{Selection, Timestamp};
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
  The cluster was restored from this repository and has a new id; once, then without the flag:
    ktape backup -r /backup/kafka -b new-broker:9092 --adopt-cluster
  A transaction hangs and holds everything behind it back:
    ktape backup -r /backup/kafka -b broker-1:9092 --fence high-watermark
  Signed, so that `ktape verify --signed-by minisign.pub` proves that nothing was changed since:
    ktape backup -r /backup/kafka -b broker-1:9092 --sign-key /etc/ktape/minisign.key
  At most until the morning, and go on tomorrow:
    ktape backup -r /backup/kafka -b broker-1:9092 --max-duration 5h

  With a word to somebody when it went wrong; the report is on the command's standard input:
    ktape backup -r /backup/kafka -b broker-1:9092 --on-failure 'mail -s backup-failed ops@shop.example'

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
    /// Bytes of what brokers send that may be in memory at a time; a batch that is larger comes alone
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::parse_memory)]
    memory: usize,
    /// Fetch at most this much a second from all brokers together, as in 50MiB
    #[arg(long, value_name = "SIZE", value_parser = units::parse_rate)]
    rate: Option<NonZeroU64>,
    /// Stop cleanly after this long, with what is there by then; the next run goes on
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    max_duration: Option<Duration>,
    /// Exit with 0 although some topics or groups may be hidden; the snapshot records it all the same
    #[arg(long)]
    accept_partial_view: bool,
    /// Exit with 0 although this was lost; the snapshot records it all the same
    #[arg(long, value_name = "LOSS", num_args = 1..)]
    accept: Vec<Loss>,
    /// Where the data of each partition ends: below the first open transaction, or where all replicas have it
    #[arg(long, value_name = "END", default_value = "last-stable")]
    fence: Fence,
    /// Report a transaction that has been open for longer: what lies behind it is not in the snapshot
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = units::parse_duration)]
    hanging_after: Duration,
    /// Give up a partition whose leader has been asked in vain for this long
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = units::parse_duration)]
    give_up_after: Duration,
    /// Go on in the same repository with a cluster that was restored from it, and so has another id
    #[arg(long)]
    adopt_cluster: bool,
    /// Write the numbers here too, for the textfile collector of Prometheus' node exporter
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    metrics_file: Option<PathBuf>,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// A loss that may be accepted beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Loss {
    /// Retention deleted offsets while the backup ran, before they were read.
    Gaps,
    /// Settings of the cluster (ACLs, quotas, ...) could not be read.
    Settings,
}

/// Where the data of a partition ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fence {
    /// The last stable offset: every transaction below it has ended.
    LastStable,
    /// The high watermark; a restore drops what belongs to transactions that are open there.
    HighWatermark,
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
    let file = args.metrics_file.clone();
    metrics::check_folder(file.as_deref())?;
    let place = args.repository.repository.clone();
    let repository = Context::blocking(move || Repository::open(&place)).await??;
    let started = Timestamp::now();
    let ended = run_in(args, &repository, context, started, file.as_deref()).await;
    if let Err(failure) = &ended {
        let (finished, code) = (Timestamp::now(), failure.exit_code());
        let last_success = last_success(&repository);
        let ended = Ended { started, finished, code, last_success, report: None, retention: None };
        metrics::write(file.as_deref(), code, || metrics::backup::text(&ended));
    }
    ended
}

async fn run_in(
    args: BackupArgs,
    repository: &Repository,
    context: &Context,
    started: Timestamp,
    metrics_file: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let sign = args.sign;
    let sign_key = Context::blocking(move || sign.key()).await??;
    let cluster = context.connect(&args.cluster).await?;
    let options = BackupOptions {
        selection: args.selection.into(),
        segment_bytes: args.segment_bytes,
        fetch_bytes: args.fetch_bytes,
        memory_bytes: args.memory,
        rate: args.rate,
        max_duration: args.max_duration,
        stall_timeout: args.give_up_after,
        accept_partial_view: args.accept_partial_view,
        accept_gaps: args.accept.contains(&Loss::Gaps),
        accept_settings: args.accept.contains(&Loss::Settings),
        fence: match args.fence {
            Fence::LastStable => FenceAt::LastStable,
            Fence::HighWatermark => FenceAt::HighWatermark,
        },
        hanging_after: args.hanging_after,
        sign_key,
        adopt_cluster: args.adopt_cluster,
    };
    let progress = context.progress("backup");
    let work = backup::Context {
        cluster: &cluster,
        repository,
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
    let mut code = exit_code(&done);
    if metrics_file.is_some() {
        let retention = time_left(&cluster, repository, &options.selection).await;
        let (finished, last_success) = (Timestamp::now(), last_success(repository));
        let (report, retention) = (Some(&done), retention.as_ref());
        let ended = Ended { started, finished, code, last_success, report, retention };
        code = metrics::write(metrics_file, code, || metrics::backup::text(&ended));
    }
    context.report("backup", code, &done, |out| report::backup::snapshot(out, &done))
}

/// What a backup left is no part of its result: where it cannot be found out, its numbers are lacking.
async fn time_left(cluster: &Cluster, repository: &Repository, selection: &Selection) -> Option<RetentionState> {
    match check::time_left(cluster, repository, selection).await {
        Ok(state) => Some(state),
        Err(error) => {
            tracing::warn!(%error, "how long the cluster keeps what is not saved is not known");
            None
        }
    }
}

fn last_success(repository: &Repository) -> Option<Timestamp> {
    check::last_success(repository).unwrap_or_else(|error| {
        tracing::warn!(%error, "when the last whole snapshot was taken is not known");
        None
    })
}

fn exit_code(report: &BackupReport) -> ExitCode {
    match report.stopped {
        Some(StopReason::Interrupted) => ExitCode::Interrupted,
        _ if report.is_complete() => ExitCode::Done,
        _ => ExitCode::Incomplete,
    }
}
