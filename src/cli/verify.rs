//! `ktape verify`.

use clap::Args;

use super::args::{ClusterArgs, REACH, RepositoryArgs, SelectionArgs, StateArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::keys::KeyArgs;
use super::{report, signing, snapshot};
use crate::compare::{self, CompareOptions, CompareReport, Verdict};
use crate::repository::SnapshotChoice;
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
  Prove that a snapshot is the one whose id was kept elsewhere, every byte of it:
    ktape verify --repository /backup/kafka --snapshot 42 --expect 21fe52ec9f155f38882868f2a051590931054a59b8aa585e314ca2463d6bbf41
  Prove that all were made by who has the secret key:
    ktape verify --repository /backup/kafka --signed-by /etc/ktape/minisign.pub
  Read a cluster back, and compare every record and every group with the snapshot, after a restore into it:
    ktape verify --repository /backup/kafka --against-cluster --bootstrap-server new-broker:9092
  The same with the cluster that was backed up, for some topics:
    ktape verify -r /backup/kafka --against-cluster -b broker-1:9092 --topics 'orders-*' --exclude-groups '*'

Damage is exit code 4. What runs that were killed left behind is named, and is no damage.
A cluster that does not hold what the snapshot holds is exit code 7; if nothing differs but not everything could be
compared it is 3. What retention, compaction and consumers have changed since is told, and is no difference.",
    mut_group(REACH, |group| group.required(false)))]
pub struct VerifyArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// Check one snapshot only: its number, `latest`, or a time
    #[arg(long, value_name = "N|latest|TIME", value_parser = snapshot::parse)]
    snapshot: Option<SnapshotChoice>,
    /// Look at documents and at sizes of files, and read no segment
    #[arg(long, conflicts_with = "part")]
    fast: bool,
    /// Read only this part of the segments; the same I/N is the same part every time
    #[arg(long, value_name = "I/N")]
    part: Option<Part>,
    /// A snapshot with this id must be there, in full; may be repeated
    #[arg(long, value_name = "ID", value_parser = signing::snapshot_id)]
    expect: Vec<String>,
    /// Every snapshot looked at must be signed by this public key of minisign, a file or its text; may be repeated
    #[arg(long, env = "KTAPE_SIGNED_BY", hide_env_values = true, value_name = "KEY")]
    signed_by: Vec<String>,
    /// Compare the snapshot with what a cluster holds: its source, or the target of a restore
    #[arg(long, requires = REACH, conflicts_with_all = ["fast", "part", "expect"])]
    against_cluster: bool,
    #[command(flatten)]
    state: StateArgs,
    /// Which restore into the cluster is meant, by its folder as the restore reported it; without it the newest one
    #[arg(long, value_name = "PATH", requires = "against_cluster")]
    restore: Option<String>,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// Checks the repository, or compares it with a cluster.
pub async fn run(args: VerifyArgs, context: &Context) -> Result<ExitCode, Failure> {
    if args.against_cluster {
        return against_cluster(args, context).await;
    }
    let SelectionArgs { topics, exclude_topics, groups, exclude_groups } = &args.selection;
    if [topics, exclude_topics, groups, exclude_groups].iter().any(|patterns| !patterns.is_empty()) {
        let text =
            "topics and groups can only be selected with --against-cluster; the repository is checked as a whole";
        return Err(Failure::Usage(text.to_owned()));
    }
    check(args, context).await
}

async fn check(args: VerifyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let progress = context.progress("verify");
    let cancel = context.cancel.clone();
    let found = Context::blocking(move || -> Result<VerifyReport, Failure> {
        let repository = args.keys.open_blocking(&args.repository.repository)?;
        let chosen = args.snapshot.map(|choice| snapshot::find(&repository, choice)).transpose()?;
        let snapshot = chosen.map(|snapshot| snapshot.head.sequence);
        let options = VerifyOptions {
            snapshot,
            fast: args.fast,
            part: args.part,
            expect: args.expect,
            signed_by: args.signed_by.iter().map(|key| signing::public_key(key)).collect::<Result<_, _>>()?,
            ..VerifyOptions::default()
        };
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

async fn against_cluster(args: VerifyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let repository = args.keys.open(&args.repository).await?;
    let cluster = context.connect(&args.cluster).await?;
    let options = CompareOptions {
        snapshot: args.snapshot.unwrap_or(SnapshotChoice::Latest),
        selection: args.selection.into(),
        state: args.state.state,
        restore: args.restore,
        ..CompareOptions::default()
    };
    let progress = context.progress("verify");
    let found = compare::compare(compare::Context {
        cluster: &cluster,
        repository: &repository,
        options: &options,
        progress: progress.as_ref(),
        cancel: &context.cancel,
    })
    .await?;
    drop(progress);
    context.report("verify-against-cluster", exit_code(&found), &found, |out| report::compare::found(out, &found))
}

/// A difference counts more than that not everything was looked at.
pub fn exit_code(report: &CompareReport) -> ExitCode {
    match report.verdict() {
        Verdict::Equal => ExitCode::Done,
        Verdict::Different => ExitCode::Different,
        Verdict::Incomplete => ExitCode::Incomplete,
        Verdict::Stopped => ExitCode::Interrupted,
    }
}
