//! `ktape prune`.

use std::time::Duration;

use clap::Args;

use super::args::RepositoryArgs;
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::{report, units};
use crate::prune::{self, Policy, PruneOptions, PruneReport};
use crate::repository::Repository;

/// Flags of `prune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  See what would go; nothing is changed without --confirm:
    ktape prune --repository /backup/kafka --keep-last 7
  A day of hours, a week of days, a year of months:
    ktape prune -r /backup/kafka --keep-hourly 24 --keep-daily 7 --keep-monthly 12 --confirm
  All of the last 30 days:
    ktape prune -r /backup/kafka --keep-within 30d --confirm
  Remove no snapshot, only merge small segments and remove what killed runs left:
    ktape prune -r /backup/kafka --confirm

What any rule keeps stays. Hours, days, weeks (from Monday) and months are UTC's; of each that has snapshots the newest
stays. The rules hold for each selection of each cluster apart, and its newest and its newest complete snapshot always stay.
What a backup, a copy or a restore under way needs stays as well.")]
pub struct PruneArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keep: KeepArgs,
    /// Do it; without this flag it is only shown
    #[arg(long)]
    confirm: bool,
    /// Leave what no snapshot names for this long after it was written
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = units::parse_duration)]
    grace: Duration,
    /// Merge neighbouring segments of a partition into objects of up to this size; 0 merges nothing
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = units::parse_size)]
    merge_below: u64,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
}

/// Which snapshots stay.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are the names of the flags")]
#[command(next_help_heading = "Rules")]
pub struct KeepArgs {
    /// Keep the newest N snapshots
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_last: u32,
    /// Keep the newest snapshot of each of the last N hours that have one
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_hourly: u32,
    /// The same for days
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_daily: u32,
    /// The same for weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_weekly: u32,
    /// The same for months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_monthly: u32,
    /// Keep all that are at most this much older than the newest: 36h, 30d, 8w
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    keep_within: Option<Duration>,
}

impl From<KeepArgs> for Policy {
    fn from(args: KeepArgs) -> Self {
        Self {
            last: args.keep_last,
            hourly: args.keep_hourly,
            daily: args.keep_daily,
            weekly: args.keep_weekly,
            monthly: args.keep_monthly,
            within: args.keep_within,
        }
    }
}

/// Shows what would go, or removes it.
pub async fn run(args: PruneArgs, context: &Context) -> Result<ExitCode, Failure> {
    let progress = context.progress("prune");
    let cancel = context.cancel.clone();
    let found = Context::blocking(move || -> Result<PruneReport, Failure> {
        let repository = Repository::open(&args.repository.repository)?;
        let (policy, grace, merge_below) = (args.keep.into(), args.grace, args.merge_below);
        let options = PruneOptions { policy, grace, merge_below, ..PruneOptions::default() };
        let run = if args.confirm { prune::prune } else { prune::dry_run };
        Ok(run(&repository, &options, progress.as_ref(), &cancel)?)
    })
    .await??;
    let code = match (found.complete, found.stuck_total) {
        (false, _) => ExitCode::Interrupted,
        (true, 0) => ExitCode::Done,
        (true, _) => ExitCode::Incomplete,
    };
    context.report("prune", code, &found, |out| report::prune::done(out, &found))
}
