//! `ktape restore`.

use std::num::NonZeroU64;

use clap::Args;

use super::args::{ClusterArgs, RepositoryArgs, SelectionArgs, StateArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::keys::KeyArgs;
use super::snapshot::{self, SnapshotArgs, time};
use super::{report, signing, units};
use crate::cluster::Cluster;
use crate::model::Timestamp;
use crate::offsets::{self, OnlyOptions};
use crate::repository::{Repository, RestoreStates, SnapshotChoice};
use crate::restore::{
    self, OutOfRange, Rename, Renames, RestoreCut, RestoreOptions, SettingsChoice, TopicConfigOverride,
};

/// Flags of `restore`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(after_help = "\
Examples:
  Everything, into an empty cluster; first what would be done, then do it:
    ktape restore --repository /backup/kafka --bootstrap-server new-broker:9092 --dry-run
    ktape restore --repository /backup/kafka --bootstrap-server new-broker:9092
  One topic beside the original, from an older snapshot:
    ktape restore -r /backup/kafka -b broker-1:9092 --snapshot 41 --topics orders --rename orders=orders-restored
  Some partitions of it; the others are made and stay empty:
    ktape restore -r /backup/kafka -b broker-1:9092 --topics orders:0-3,7
  As the cluster was on a morning, into a test cluster with one broker:
    ktape restore -r /backup/kafka -b test:9092 --snapshot 2026-11-22T06:00:00Z --replication-factor 1
  The records up to a moment, by their own times; groups are moved to the cut where they were beyond it:
    ktape restore -r /backup/kafka -b broker-1:9092 --topics orders --rename orders=orders-0559 --until 2026-11-22T05:59:00Z
  From a repository that cannot be written to:
    ktape restore -r /mnt/vault/kafka -b new-broker:9092 --state /var/lib/ktape
  With every record at the offset that it had, on new topics; first what that takes:
    ktape restore -r /backup/kafka -b new-broker:9092 --preserve-offsets --dry-run
  A family of topics under other names, kept for ever:
    ktape restore -r /backup/kafka -b broker-1:9092 --topics 'orders-*' --rename 'orders-*=old-orders-*' --topic-config retention.ms=-1

  Afterwards: let the retention work again that was held so that it would not delete restored data:
    ktape restore -r /backup/kafka -b broker-1:9092 --release
  Groups only, onto a cluster that has the data already; `ktape offsets undo` takes it back:
    ktape restore -r /backup/kafka -b broker-1:9092 --offsets-only --groups 'shop-*' --dry-run

  ACLs and quotas too; first how they differ from the target's:
    ktape restore -r /backup/kafka -b new-broker:9092 --acls --quotas --dry-run
  ACLs and quotas alone, of a cluster that has its data:
    ktape restore -r /backup/kafka -b new-broker:9092 --settings-only --acls --quotas

A restore that was cut off is continued by the same command; one that is done says so and changes nothing.
Topics that hold data are never appended to, and groups with members are refused by name.")]
pub struct RestoreArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// The snapshot must have this id, in full; `verify --expect` proves its data too
    #[arg(long, value_name = "ID", value_parser = signing::snapshot_id, conflicts_with = "release")]
    expect: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Restore nothing; give topics the retention that earlier restores have held back (all, or those of --topics)
    #[arg(long, conflicts_with_all = ["rename", "replication_factor", "topic_config", "exclude_topics", "groups", "exclude_groups"])]
    release: bool,
    /// Restore topics under another name; one * on both sides stands for the same text; may be repeated
    #[arg(long, value_name = "FROM=TO")]
    rename: Vec<Rename>,
    /// Replicas of every restored topic, instead of what each had
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting that wins over the snapshot's, for all topics or for one by its new name; may be repeated
    #[arg(long, value_name = "[TOPIC:]KEY=VALUE", value_parser = topic_config)]
    topic_config: Vec<TopicConfigOverride>,
    /// Give every record the offset that it had, on topics that the restore creates; --dry-run tells what that takes
    #[arg(long)]
    preserve_offsets: bool,
    /// What becomes of a group's position that lies outside of what is restored
    #[arg(long, value_name = "HOW", default_value = "clamp")]
    out_of_range: OutOfRangeArg,
    #[command(flatten)]
    state: StateArgs,
    /// Bytes of batches that may be on their way at a time
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::parse_memory)]
    memory: usize,
    /// Send at most this much a second to all brokers together, as in 50MiB
    #[arg(long, value_name = "SIZE", value_parser = units::parse_rate)]
    rate: Option<NonZeroU64>,
    /// Restore no data: commit the groups' offsets for topics that the cluster has already
    #[arg(long, conflicts_with_all = ["release", "preserve_offsets", "replication_factor", "topic_config", "until", "from", "until_observed"])]
    offsets_only: bool,
    #[command(flatten)]
    cut: CutArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// Which of the cluster's own settings.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(next_help_heading = "Settings of the cluster")]
pub struct SettingsArgs {
    /// Add the ACLs that the target lacks
    #[arg(long, conflicts_with_all = ["release", "offsets_only"])]
    acls: bool,
    /// Add the client quotas that the target lacks
    #[arg(long, conflicts_with_all = ["release", "offsets_only"])]
    quotas: bool,
    /// Add the cluster-wide dynamic configs and client metrics subscriptions that the target lacks
    #[arg(long, conflicts_with_all = ["release", "offsets_only"])]
    cluster_configs: bool,
    /// Restore no topics and no groups: only the settings that the other flags name
    #[arg(long, conflicts_with_all = ["release", "offsets_only", "preserve_offsets", "replication_factor", "topic_config", "until", "from", "until_observed"])]
    settings_only: bool,
}

impl SettingsArgs {
    fn choice(&self) -> Result<SettingsChoice, Failure> {
        let choice = SettingsChoice { acls: self.acls, quotas: self.quotas, cluster_configs: self.cluster_configs };
        if self.settings_only && choice.is_empty() {
            let text = "--settings-only needs at least one of --acls, --quotas and --cluster-configs";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(choice)
    }
}

/// Which part of the data, by time.
#[derive(Debug, Args)]
#[command(next_help_heading = "Point in time")]
pub struct CutArgs {
    /// End each partition before its first record that is later than this
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Begin each partition at its first record that is not earlier than this
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// End each partition where what was fetched later begins, whatever times the records have
    #[arg(long, value_name = "TIME", value_parser = time)]
    until_observed: Option<Timestamp>,
    /// Cut even if more than 1 in 100 of a partition's records up to --until lie behind the cut
    #[arg(long, requires = "until")]
    force: bool,
}

impl CutArgs {
    fn cut(&self) -> Result<RestoreCut, Failure> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && from > until
        {
            return Err(Failure::Usage(format!("--from {from} is later than --until {until}")));
        }
        Ok(RestoreCut { from: self.from, until: self.until, until_observed: self.until_observed })
    }
}

/// `--out-of-range`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum OutOfRangeArg {
    /// Move it to the first restored record, or to the end
    Clamp,
    /// Do not commit it
    Omit,
    /// Refuse the restore
    Refuse,
}

impl From<OutOfRangeArg> for OutOfRange {
    fn from(arg: OutOfRangeArg) -> Self {
        match arg {
            OutOfRangeArg::Clamp => Self::Clamp,
            OutOfRangeArg::Omit => Self::Omit,
            OutOfRangeArg::Refuse => Self::Refuse,
        }
    }
}

/// A topic's name has no `=`, and a setting's name has no `:`.
fn topic_config(text: &str) -> Result<TopicConfigOverride, String> {
    let (key, value) = text.split_once('=').ok_or("KEY=VALUE or TOPIC:KEY=VALUE is expected, as in retention.ms=-1")?;
    let (topic, name) = match key.split_once(':') {
        Some((topic, name)) => (Some(topic.to_owned()), name),
        None => (None, key),
    };
    Ok(TopicConfigOverride { topic, name: name.to_owned(), value: value.to_owned() })
}

/// Restores, or shows what a restore would do.
pub async fn run(args: RestoreArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (cut, settings) = (args.cut.cut()?, args.settings.choice()?);
    let repository = args.keys.open(&args.repository).await?;
    let snapshot = chosen(&repository, args.snapshot.snapshot, args.expect).await?;
    let cluster = context.connect(&args.cluster).await?;
    let states = args.state.states(&repository);
    if args.release {
        return release(&cluster, &states, &args.selection.topics, args.dry_run, context).await;
    }
    if args.offsets_only {
        let options = OnlyOptions {
            snapshot,
            selection: args.selection.into(),
            renames: Renames::new(args.rename),
            out_of_range: args.out_of_range.into(),
            dry_run: args.dry_run,
        };
        let done = offsets::commit_only(&cluster, &repository, &states, &options).await?;
        return super::offsets::committed(context, &done);
    }
    let options = RestoreOptions {
        snapshot,
        selection: args.selection.into(),
        renames: Renames::new(args.rename),
        replication_factor: args.replication_factor,
        topic_configs: args.topic_config,
        out_of_range: args.out_of_range.into(),
        settings,
        preserve_offsets: args.preserve_offsets,
        cut,
        force: args.cut.force,
        state: args.state.state,
        memory_bytes: args.memory,
        rate: args.rate,
        ..RestoreOptions::default()
    };
    let progress = context.progress("restore");
    let work = restore::Context {
        cluster: &cluster,
        repository: &repository,
        options: &options,
        progress: progress.as_ref(),
        cancel: &context.cancel,
    };
    if args.settings.settings_only {
        let done = restore::settings_only(work, args.dry_run).await?;
        drop(progress);
        let code = if done.settings.is_complete() { ExitCode::Done } else { ExitCode::Incomplete };
        return context.report("restore-settings", code, &done, |out| report::settings::restored(out, &done));
    }
    if args.dry_run {
        let plan = restore::dry_run(work).await?;
        drop(progress);
        return context.report("restore-plan", ExitCode::Done, &plan, |out| report::restore::plan(out, &plan));
    }
    let done = restore::restore(work).await?;
    drop(progress);
    let code = if done.is_complete() { ExitCode::Done } else { ExitCode::Incomplete };
    context.report("restore", code, &done, |out| report::restore::done(out, &done))
}

/// The snapshot that is meant; one that is expected is looked at, and from then on known by its number.
async fn chosen(
    repository: &Repository,
    choice: SnapshotChoice,
    expected: Option<String>,
) -> Result<SnapshotChoice, Failure> {
    let Some(expected) = expected else { return Ok(choice) };
    let repository = repository.clone();
    let found = Context::blocking(move || snapshot::find(&repository, choice)).await??;
    let sequence = found.head.sequence;
    if found.id == expected {
        return Ok(SnapshotChoice::Number(sequence));
    }
    Err(Failure::Unexpected { sequence, id: found.id, expected })
}

async fn release(
    cluster: &Cluster,
    states: &RestoreStates,
    topics: &[String],
    dry_run: bool,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let released = restore::release(cluster, states, topics, dry_run).await?;
    let code = if released.is_complete() { ExitCode::Done } else { ExitCode::Incomplete };
    context.report("restore-release", code, &released, |out| report::restore::released(out, &released))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_config_may_name_its_topic() {
        let all = topic_config("retention.ms=-1").unwrap();
        assert_eq!((all.topic, all.name.as_str(), all.value.as_str()), (None, "retention.ms", "-1"));
        let one = topic_config("orders:cleanup.policy=compact,delete").unwrap();
        assert_eq!((one.topic.as_deref(), one.value.as_str()), (Some("orders"), "compact,delete"));
        assert!(topic_config("retention.ms").is_err());
    }
}
