//! `ktape completions`.

use clap::{Args, CommandFactory};

use super::args::Cli;
use super::exit_code::ExitCode;
use super::failure::Failure;
use super::output;

/// Flags of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktape completions bash > /etc/bash_completion.d/ktape
  ktape completions zsh  > ~/.zfunc/_ktape
  ktape completions fish > ~/.config/fish/completions/ktape.fish")]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Prints them.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ktape", &mut script);
    output::raw(&script)?;
    Ok(ExitCode::Done)
}
