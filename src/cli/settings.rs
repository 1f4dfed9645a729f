//! What the raw flags and `KTAPE_*` variables come to.

use super::args::GlobalArgs;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What holds for every verb.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The result on standard output is JSON.
    pub json: bool,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Number of `-v`.
    pub verbose: u8,
    /// No progress, errors only.
    pub quiet: bool,
}

impl From<&GlobalArgs> for Settings {
    fn from(args: &GlobalArgs) -> Self {
        Self { json: args.json, log_format: args.log_format, verbose: args.verbose, quiet: args.quiet }
    }
}
