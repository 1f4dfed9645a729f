//! `ktape show`.

use clap::Args;

use super::args::{RepositoryArgs, StateArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::KeyArgs;
use super::snapshot::{self, SnapshotArgs};
use super::{report, units};
use crate::model::{InvalidPattern, Patterns};
use crate::show::{self, ShowOptions, ShowReport};

/// Flags of `show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  What the newest snapshot holds:
    ktape show --repository /backup/kafka
  What was there on a morning:
    ktape show --repository /backup/kafka --snapshot 2026-11-22T06:00:00Z
  Partitions, offsets and settings of some topics:
    ktape show --repository /backup/kafka --topic 'orders-*'
  What one group had committed:
    ktape show --repository /backup/kafka --group order-service
  ACLs, quotas and other settings of the cluster:
    ktape show --repository /backup/kafka --settings")]
pub struct ShowArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// Show these topics with partitions and settings; a pattern; may be repeated
    #[arg(long, value_name = "PATTERN")]
    topic: Vec<String>,
    /// Show these groups with all they committed; a pattern; may be repeated
    #[arg(long, value_name = "PATTERN")]
    group: Vec<String>,
    /// Show the cluster's own settings: ACLs, quotas, cluster-wide configs, group configs, SCRAM users
    #[arg(long)]
    settings: bool,
    #[command(flatten)]
    state: StateArgs,
}

/// Shows one snapshot.
pub async fn run(args: ShowArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (topics, groups) = (patterns(&args.topic)?, patterns(&args.group)?);
    let detail = report::show::Detail {
        topics: !args.topic.is_empty(),
        groups: !args.group.is_empty(),
        settings: args.settings,
    };
    let shown = Context::blocking(move || -> Result<ShowReport, Failure> {
        let repository = args.keys.open_blocking(&args.repository.repository)?;
        let snapshot = snapshot::find(&repository, args.snapshot.snapshot)?;
        let states = args.state.states(&repository);
        Ok(show::show(&repository, &snapshot, &states, &ShowOptions { topics, groups })?)
    })
    .await??;
    if (detail.topics && shown.topics.is_empty()) || (detail.groups && shown.groups.is_empty()) {
        let held = (units::count(shown.totals.topics, "topic"), units::count(shown.totals.groups, "group"));
        let text = format!("nothing in snapshot {} matches; it holds {} and {}", shown.sequence, held.0, held.1);
        return Err(Failure::Usage(text));
    }
    context.report("show", ExitCode::Done, &shown, |out| report::show::snapshot(out, &shown, detail))
}

fn patterns(texts: &[String]) -> Result<Patterns, Failure> {
    Patterns::new(texts).map_err(|error: InvalidPattern| Failure::Usage(error.to_string()))
}
