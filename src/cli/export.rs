//! `ktape export`.

use std::io::{self, BufWriter, IsTerminal};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::args::RepositoryArgs;
use super::context::Context;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::keys::KeyArgs;
use super::snapshot::{self, SnapshotArgs};
use super::{report, terminal};
use crate::export::{self, Encoding, ExportError, ExportOptions, ExportReport};
use crate::model::{OffsetRange, Timestamp, TopicName};
use crate::progress::{Progress, Silent};

/// Flags of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  All committed records of a topic, one JSON object a line:
    ktape export --repository /backup/kafka --topic orders > orders.jsonl
  A range of one partition; --to is the first offset that is not wanted:
    ktape export -r /backup/kafka --topic orders --partition 3 --from 5000 --to 6000
  What a restore until then would write:
    ktape export -r /backup/kafka --topic orders --until 2026-11-22T05:59:00Z
  From an older snapshot, every key and value in base64:
    ktape export -r /backup/kafka --topic orders --snapshot 41 --encoding base64

It shows what a restore would write. A summary goes to standard error.")]
pub struct ExportArgs {
    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    keys: KeyArgs,
    /// The topic
    #[arg(long, value_name = "TOPIC", value_parser = topic)]
    topic: TopicName,
    /// A partition of it; all if none is named; may be repeated
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Vec<i32>,
    /// First offset wanted, in each partition
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: i64,
    /// First offset not wanted any more
    #[arg(long, value_name = "OFFSET")]
    to: Option<i64>,
    /// Begin each partition at its first record that is not earlier than this
    #[arg(long, value_name = "TIME", value_parser = snapshot::time)]
    from_time: Option<Timestamp>,
    /// End each partition before its first record that is later than this, as `restore --until` does
    #[arg(long, value_name = "TIME", value_parser = snapshot::time)]
    until: Option<Timestamp>,
    #[command(flatten)]
    snapshot: SnapshotArgs,
    /// How keys, values and headers, which are bytes, are written
    #[arg(long, value_name = "HOW", default_value = "auto")]
    encoding: EncodingArg,
    /// Write records of aborted and undecided transactions too
    #[arg(long)]
    uncommitted: bool,
}

/// `--encoding`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum EncodingArg {
    /// As a string where it is UTF-8, else as an object with one field, base64
    Auto,
    /// As base64
    Base64,
    /// As hexadecimal digits
    Hex,
}

impl From<EncodingArg> for Encoding {
    fn from(arg: EncodingArg) -> Self {
        match arg {
            EncodingArg::Auto => Self::Auto,
            EncodingArg::Base64 => Self::Base64,
            EncodingArg::Hex => Self::Hex,
        }
    }
}

fn topic(name: &str) -> Result<TopicName, String> {
    TopicName::new(name).map_err(|error| error.to_string())
}

/// Writes records to standard output.
pub async fn run(args: ExportArgs, context: &Context) -> Result<ExitCode, Failure> {
    // A bar on the terminal that the records go to would be in their way.
    let progress: Arc<dyn Progress> =
        if io::stdout().is_terminal() { Arc::new(Silent) } else { context.progress("export") };
    let cancel = context.cancel.clone();
    let options = ExportOptions {
        topic: args.topic,
        partitions: args.partition,
        offsets: OffsetRange { base: args.from, next: args.to.unwrap_or(i64::MAX) },
        from_time: args.from_time,
        until: args.until,
        encoding: args.encoding.into(),
        uncommitted: args.uncommitted,
    };
    let done = Context::blocking(move || -> Result<ExportReport, Failure> {
        let repository = args.keys.open_blocking(&args.repository.repository)?;
        let snapshot = snapshot::find(&repository, args.snapshot.snapshot)?;
        let plan = export::plan(&repository, &snapshot, &options)?;
        let work = export::Context {
            repository: &repository,
            options: &options,
            progress: progress.as_ref(),
            cancel: &cancel,
        };
        Ok(export::execute(work, &plan, &mut BufWriter::with_capacity(1 << 16, io::stdout().lock()))?)
    })
    .await?;
    let done = match done {
        // A reader that has seen enough.
        Err(Failure::Export(ExportError::Write(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(ExitCode::Done);
        }
        done => done?,
    };
    if !context.settings.quiet {
        terminal::line(&report::export::summary(&done));
    }
    Ok(match (done.cancelled, done.is_complete()) {
        (true, _) => ExitCode::Interrupted,
        (false, true) => ExitCode::Done,
        (false, false) => ExitCode::Incomplete,
    })
}
