//! `ktape man`: man pages for packagers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use super::args::Cli;
use super::exit_code::ExitCode;
use super::failure::Failure;

/// Flags of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder to write the pages to; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
}

/// Writes one page for ktape and one for each verb.
pub fn run(args: &ManArgs) -> Result<ExitCode, Failure> {
    let failed = |source| Failure::Write { what: args.output.display().to_string(), source };
    write_pages(&args.output).map_err(failed)?;
    Ok(ExitCode::Done)
}

fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
