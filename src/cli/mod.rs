//! The command line: flags in, one verb run, a result printed, an exit code out. Only this module prints.

pub mod advice;
pub mod args;
pub mod backup;
pub mod check;
pub mod completions;
pub mod connection;
pub mod context;
pub mod copy;
pub mod drill;
pub mod elf;
pub mod exit_code;
pub mod export;
pub mod failure;
pub mod hooks;
pub mod init;
pub mod interrupt;
pub mod keys;
pub mod list;
pub mod logging;
pub mod man;
pub mod metrics;
pub mod offsets;
pub mod output;
pub mod progress;
pub mod prune;
pub mod recipients;
pub mod report;
pub mod restore;
pub mod settings;
pub mod show;
pub mod signing;
pub mod snapshot;
pub mod table;
pub mod terminal;
pub mod units;
pub mod verify;

use std::time::Duration;

use clap::Parser;

use args::{Cli, Command};
use context::Context;
use exit_code::ExitCode;
use failure::Failure;
use hooks::LastReport;
use settings::Settings;

use crate::cancel::Cancel;

/// How long threads that were left behind may take to end.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the command line of this process.
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error).into(),
    };
    let settings = Settings::from(&cli.global);
    logging::start(settings);
    let hooks = cli.command.hooks().filter(|hooks| hooks.is_wanted()).cloned();
    let last = hooks.as_ref().map(|_| LastReport::default());
    let ended = run(cli.command, settings, last.clone());
    let code = ended.unwrap_or_else(|failure| {
        if let Some(last) = &last {
            last.keep(output::failure_document(&failure));
        }
        output::failure(settings.json, &failure)
    });
    if let (Some(hooks), Some(last)) = (hooks, last) {
        hooks.run(code, last.take());
    }
    code.into()
}

/// Help and version are asked for, everything else is a mistake.
fn unparsed(error: &clap::Error) -> ExitCode {
    // A closed pipe behind `--help | head` is no failure.
    let _ = error.print();
    if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done }
}

fn run(command: Command, settings: Settings, last_report: Option<LastReport>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Start)?;
    let ended = runtime.block_on(async {
        let context = Context { settings, cancel: Cancel::new(), last_report };
        interrupt::watch(context.cancel.clone(), settings.quiet).map_err(Failure::Start)?;
        match command {
            Command::Init(args) => init::run(args, &context).await,
            Command::Backup(args) => backup::run(*args, &context).await,
            Command::Check(args) => check::run(*args, &context).await,
            Command::Restore(args) => restore::run(*args, &context).await,
            Command::Drill(args) => drill::run(*args, &context).await,
            Command::Verify(args) => verify::run(*args, &context).await,
            Command::Copy(args) => copy::run(args, &context).await,
            Command::Prune(args) => prune::run(args, &context).await,
            Command::List(args) => list::run(args, &context).await,
            Command::Show(args) => show::run(args, &context).await,
            Command::Offsets(args) => offsets::run(*args, &context).await,
            Command::Export(args) => export::run(*args, &context).await,
            Command::Recipients(args) => recipients::run(args, &context).await,
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        }
    });
    // A look-up of a name that nobody answers must not hold up the end.
    runtime.shutdown_timeout(SHUTDOWN_PATIENCE);
    ended
}
