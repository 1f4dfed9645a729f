//! `ktape drill`.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{ClusterArgs, RepositoryArgs, SelectionArgs, StateArgs};
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::hooks::HookArgs;
use super::keys::KeyArgs;
use super::report::{self, Text};
use super::snapshot::SnapshotArgs;
use super::{advice, output};
use crate::drill::{self, DrillOptions, DrillReport, DrillResult};
use crate::model::Timestamp;

/// Flags of `drill`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Restore the newest snapshot into a cluster under other names, compare everything, and remove it again:
    ktape drill --repository /backup/kafka --bootstrap-server test-broker:9092
  Every month, into a test cluster with one broker, with a report to keep:
    ktape drill -r /backup/kafka -b test-broker:9092 --replication-factor 1 --report-dir /var/log/ktape
  Some topics of an older snapshot, and leave them there to look at:
    ktape drill -r /backup/kafka -b test-broker:9092 --snapshot 41 --topics 'orders-*' --keep

Nothing is deleted but what a drill has created. What a drill that was killed left is removed by the next one.
Exit code 0 says that it is proven, 7 that something differs, 3 that not everything was restored, compared and removed.")]
pub struct DrillArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// Text before the names of scratch topics and groups; the date and time follow it
    #[arg(long, value_name = "TEXT", default_value = "ktape-drill-", value_parser = prefix)]
    prefix: String,
    /// Replicas of every scratch topic, instead of what each had
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// Write the report here too, as a text and a JSON file with the date in their names
    #[arg(long, value_name = "DIR")]
    report_dir: Option<PathBuf>,
    /// Leave the scratch topics and groups where they are
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    pub(super) hooks: HookArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    selection: SelectionArgs,
}

fn prefix(text: &str) -> Result<String, String> {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if text.is_empty() || !text.chars().all(legal) {
        return Err("some of a-z, A-Z, 0-9, '.', '_', '-' are expected".to_owned());
    }
    Ok(text.to_owned())
}

/// Rehearses a restore.
pub async fn run(args: DrillArgs, context: &Context) -> Result<ExitCode, Failure> {
    if let Some(folder) = args.report_dir.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(Failure::Usage(format!("--report-dir {} is not a folder", folder.display())));
    }
    let repository = args.keys.open(&args.repository).await?;
    let cluster = context.connect(&args.cluster).await?;
    let options = DrillOptions {
        snapshot: args.snapshot.snapshot,
        selection: args.selection.into(),
        prefix: DrillOptions::dated_prefix(&args.prefix, Timestamp::now()),
        replication_factor: args.replication_factor,
        state: args.state.state,
        keep: args.keep,
    };
    let progress = context.progress("drill");
    let mut report = drill::drill(drill::Context {
        cluster: &cluster,
        repository: &repository,
        options: &options,
        progress: progress.as_ref(),
        cancel: &context.cancel,
    })
    .await?;
    drop(progress);
    let failure = report.error.take().map(Failure::from);
    let code = exit_code(report.result, failure.as_ref());
    let human = |out: &mut Text| {
        report::drill::done(out, &report);
        if let Some(hint) = failure.as_ref().and_then(Failure::hint) {
            out.line(format!("hint: {hint}"));
        }
    };
    if let Some(folder) = &args.report_dir {
        write(folder, &report, code, human)?;
    }
    context.report("drill", code, &report, human)
}

fn exit_code(result: DrillResult, failure: Option<&Failure>) -> ExitCode {
    match result {
        DrillResult::Proven => ExitCode::Done,
        DrillResult::Different => ExitCode::Different,
        DrillResult::Incomplete => ExitCode::Incomplete,
        DrillResult::Interrupted => ExitCode::Interrupted,
        DrillResult::Failed => failure.map_or(advice::bug().0, Failure::exit_code),
    }
}

/// Writes both files; neither replaces one that is there.
fn write(folder: &Path, report: &DrillReport, code: ExitCode, human: impl FnOnce(&mut Text)) -> Result<(), Failure> {
    let mut text = Text::default();
    human(&mut text);
    let json = output::document("drill", code, report)?;
    for (ending, content) in [("txt", text.as_str().as_bytes()), ("json", &json)] {
        let path = folder.join(format!("{}.{ending}", report.file_name()));
        let failed = |source: io::Error| Failure::Write { what: path.display().to_string(), source };
        let mut file = File::create_new(&path).map_err(failed)?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_part_of_a_name() {
        assert_eq!(prefix("drill."), Ok("drill.".to_owned()));
        for bad in ["", "a b", "a*", "ü"] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }
}
