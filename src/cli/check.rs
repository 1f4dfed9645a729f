//! `ktape check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::{ClusterArgs, REACH, SelectionArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::{metrics, report, units};
use crate::check::{self, CheckOptions, CheckReport, Ends, Problem, ProblemKind, Use};
use crate::cluster::Cluster;
use crate::repository::Repository;

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(mut_group(REACH, |group| group.required(false)), after_help = "\
Examples:
  Before the first backup: are the brokers reached, and which rights are missing?
    ktape check --bootstrap-server broker-1:9092
  For monitoring: is there a snapshot of the last night, and how long does the cluster keep what came since?
    ktape check -r /backup/kafka -b broker-1:9092 --max-age 26h --min-time-left 6h
  The same for Prometheus' node exporter:
    ktape check -r /backup/kafka -b broker-1:9092 --metrics-file /var/lib/node_exporter/ktape-check.prom
  Without the cluster, only how old the newest snapshot is:
    ktape check -r /backup/kafka --max-age 26h
  Whether a restore would be allowed there:
    ktape check -r /backup/kafka -b new-broker:9092 --for restore

Nothing is changed. Exit code 0 says that all is well, 1 that the cluster or the repository cannot be reached, 3 that
a person has to look after something; the report says what.")]
pub struct CheckArgs {
    /// Folder that holds the repository; without it only the cluster is looked at
    #[arg(short, long, env = "KTAPE_REPOSITORY", hide_env_values = true, value_name = "PATH")]
    repository: Option<String>,
    /// Call it a problem if the newest snapshot is older
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    max_age: Option<Duration>,
    /// Call it a problem if retention takes something that is not saved within this time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = units::parse_duration)]
    min_time_left: Duration,
    /// Call it a problem if a right is missing for this; what is missing for the others is shown
    #[arg(long = "for", value_name = "USE", num_args = 1.., default_value = "backup")]
    uses: Vec<UseArg>,
    /// Write the numbers here too, for the textfile collector of Prometheus' node exporter
    #[arg(long, value_name = "FILE")]
    metrics_file: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// What is to be done with the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UseArg {
    /// `ktape backup`.
    Backup,
    /// `ktape restore`.
    Restore,
    /// `ktape restore --preserve-offsets`.
    PreserveOffsets,
    /// `ktape restore --acls --quotas --cluster-configs`.
    Settings,
}

impl From<UseArg> for Use {
    fn from(arg: UseArg) -> Self {
        match arg {
            UseArg::Backup => Self::Backup,
            UseArg::Restore => Self::Restore,
            UseArg::PreserveOffsets => Self::PreserveOffsets,
            UseArg::Settings => Self::Settings,
        }
    }
}

/// How long what a broker does not answer is asked again: whoever watches wants to know now.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks at the cluster, the repository, or both. What is not reached does not keep the rest from being looked at.
pub async fn run(args: CheckArgs, context: &Context) -> Result<ExitCode, Failure> {
    let wants_cluster = !args.cluster.bootstrap_server.is_empty() || args.cluster.command_config.is_some();
    if args.repository.is_none() && !wants_cluster {
        return Err(Failure::Usage("--repository or --bootstrap-server is needed, or both".to_owned()));
    }
    metrics::check_folder(args.metrics_file.as_deref())?;
    let mut failures = Vec::new();
    let repository = match args.repository {
        None => None,
        Some(place) => kept(open(place).await, "repository", &mut failures)?,
    };
    let cluster = if wants_cluster {
        kept(context.connect_within(&args.cluster, PATIENCE).await, "cluster", &mut failures)?
    } else {
        None
    };
    let options = CheckOptions {
        selection: args.selection.into(),
        max_age: args.max_age,
        min_time_left: args.min_time_left,
        uses: args.uses.into_iter().map(Use::from).collect(),
    };
    let mut found = look(context, cluster.as_ref(), repository.as_ref(), &options, &mut failures).await?;
    let code = exit_code(&failures, &found);
    found.problems.splice(0..0, failures.iter().map(|(subject, failure)| unreachable_problem(subject, failure)));
    let file = args.metrics_file.as_deref();
    let code = metrics::write(file, code, || metrics::check::text(&found, wants_cluster, code));
    context.report("check", code, &found, |out| report::check::found(out, &found))
}

async fn open(place: String) -> Result<Repository, Failure> {
    Ok(Context::blocking(move || Repository::open(&place)).await??)
}

/// A cluster that stops answering in the middle, and a repository that turns out to be damaged, leave the other to be looked at.
async fn look(
    context: &Context,
    cluster: Option<&Cluster>,
    repository: Option<&Repository>,
    options: &CheckOptions,
    failures: &mut Vec<(&'static str, Failure)>,
) -> Result<CheckReport, Failure> {
    let progress = context.progress("check");
    let mut ends = Ends { cluster, repository };
    loop {
        let looked = tokio::select! {
            looked = check::check(ends, options, progress.as_ref()) => looked.map_err(Failure::from),
            () = context.cancel.cancelled() => return Err(Failure::Interrupted),
        };
        match looked {
            Err(failure @ Failure::Cluster(_)) if ends.cluster.take().is_some() => failures.push(("cluster", failure)),
            Err(failure @ Failure::Repository(_)) if ends.repository.take().is_some() => {
                failures.push(("repository", failure));
            }
            looked => return looked,
        }
    }
}

/// Keeps a failure to reach one end for the report; nobody wants a report of what was interrupted or made no sense.
fn kept<T>(
    end: Result<T, Failure>,
    subject: &'static str,
    failures: &mut Vec<(&'static str, Failure)>,
) -> Result<Option<T>, Failure> {
    match end {
        Ok(end) => Ok(Some(end)),
        Err(failure @ (Failure::Cluster(_) | Failure::Repository(_))) => {
            failures.push((subject, failure));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn unreachable_problem(subject: &str, failure: &Failure) -> Problem {
    Problem {
        kind: ProblemKind::NotReachable,
        subject: subject.to_owned(),
        detail: failure.chain(),
        remedy: failure.hint().unwrap_or_default().into_owned(),
    }
}

fn exit_code(failures: &[(&'static str, Failure)], report: &CheckReport) -> ExitCode {
    match failures.first() {
        Some((_, failure)) => failure.exit_code(),
        None if report.problems.is_empty() => ExitCode::Done,
        None => ExitCode::Incomplete,
    }
}
