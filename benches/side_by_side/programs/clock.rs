//! What a stretch of a program takes: some programs read everything first, and only what follows counts.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Runs from its start.
pub(super) struct Stretch {
    begun: Instant,
    cpu: Duration,
}

impl Stretch {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), cpu: own_cpu() }
    }

    /// Seconds of both clocks since the start, as the harness reads them.
    pub(super) fn end(&self) -> Value {
        let wall = self.begun.elapsed();
        json!({ "wall_s": wall.as_secs_f64(), "cpu_s": own_cpu().saturating_sub(self.cpu).as_secs_f64() })
    }
}

/// User and system time of this process with all its threads.
fn own_cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}
