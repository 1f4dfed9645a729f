//! Standard error, shared by the progress bar, log lines and messages without one garbling the other.

use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;

use indicatif::{MultiProgress, ProgressBar};

static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Whether a person looks at standard error.
pub fn is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Puts a bar on the last line of the terminal.
pub fn add(bar: ProgressBar) -> ProgressBar {
    BARS.add(bar)
}

/// Writes to standard error, above the bar if there is one. Nobody can be told when standard error itself fails.
pub fn write(bytes: &[u8]) {
    BARS.suspend(|| {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(bytes);
        let _ = stderr.flush();
    });
}

/// Writes one line to standard error.
pub fn line(text: &str) {
    write(format!("{text}\n").as_bytes());
}
