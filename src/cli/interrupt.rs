//! Ctrl-C and SIGTERM: the first asks the verb to stop cleanly, the second ends the process at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::exit_code::ExitCode;
use super::terminal;
use crate::cancel::Cancel;

/// Watches for signals until the runtime ends. Must be called within one.
pub fn watch(cancel: Cancel, quiet: bool) -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if cancel.is_cancelled() {
                std::process::exit(i32::from(ExitCode::Interrupted.number()));
            }
            cancel.cancel();
            if !quiet {
                terminal::line("stopping: finishing what is in flight (once more to stop at once)");
            }
        }
    });
    Ok(())
}
