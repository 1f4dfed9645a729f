//! Log lines on standard error, as text or as one JSON object a line.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::settings::{LogFormat, Settings};
use super::terminal;

/// Target of the events that stand in for the progress bar in JSON logs.
pub const PROGRESS: &str = "ktape::progress";

/// Starts logging. Without `-v` only what a person must know is logged: warnings and errors.
pub fn start(settings: Settings) {
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter(settings)).with_writer(Stderr).with_target(false);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = match settings.log_format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(subscriber.with_ansi(terminal::is_terminal()).finish())
        }
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish()),
    };
}

fn filter(settings: Settings) -> EnvFilter {
    let level = match (settings.quiet, settings.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let progress = if settings.quiet { "off" } else { "info" };
    EnvFilter::new(format!("{level},{PROGRESS}={progress}"))
}

/// Standard error above the progress bar.
#[derive(Debug, Clone, Copy)]
struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        terminal::write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}
