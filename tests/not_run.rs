//! What could not run here: printed, and counted, with what it needs. Never silently green.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};

/// Says that something could not run here, even where the output of tests is captured.
pub fn not_run(what: &str, needs: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    // Not through the macros, whose output the test runner keeps to itself.
    let _ = writeln!(io::stderr(), "not run: {what} (needs {needs}); {count} not run so far");
}
