//! Progress on standard error: a bar on a terminal, a plain line now and then elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::settings::{LogFormat, Settings};
use super::{logging, terminal, units};
use crate::progress::{Progress, Silent};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What fits the place that standard error leads to.
pub fn watch(verb: &'static str, settings: Settings) -> Arc<dyn Progress> {
    if settings.quiet {
        Arc::new(Silent)
    } else if settings.log_format == LogFormat::Text && terminal::is_terminal() {
        Arc::new(Bar::new(verb))
    } else {
        Arc::new(Lines::new(verb, settings.log_format))
    }
}

/// Numbers that both kinds show.
#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    partitions: AtomicU64,
    partitions_total: AtomicU64,
}

impl Counts {
    fn partitions(&self) -> String {
        let (done, total) = (self.partitions.load(Ordering::Relaxed), self.partitions_total.load(Ordering::Relaxed));
        format!("{done}/{} partitions", total.max(done))
    }

    fn line(&self, elapsed: Duration) -> String {
        let (bytes, total) = (self.bytes.load(Ordering::Relaxed), self.bytes_total.load(Ordering::Relaxed));
        let rate = bytes as f64 / elapsed.as_secs_f64().max(0.001);
        let mut text = units::size(bytes);
        if total > 0 {
            text = format!("{text} of {}", units::size(total.max(bytes)));
        }
        text = format!("{text}, {}/s, {}", units::size(rate as u64), self.partitions());
        if total > bytes && bytes > 0 {
            let left = Duration::from_secs_f64((total - bytes) as f64 / rate);
            text = format!("{text}, {} left", units::duration(left));
        }
        text
    }
}

/// A bar on the last line of a terminal.
struct Bar {
    bar: ProgressBar,
    counts: Counts,
}

impl Bar {
    fn new(verb: &'static str) -> Self {
        let bar = terminal::add(ProgressBar::new_spinner());
        bar.set_style(style("{prefix} {spinner} {bytes}  {binary_bytes_per_sec}  {msg}"));
        bar.set_prefix(verb);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, counts: Counts::default() }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

impl Progress for Bar {
    fn total(&self, bytes: u64, partitions: u64) {
        self.counts.partitions_total.store(partitions, Ordering::Relaxed);
        if bytes > 0 {
            let template = "{prefix} [{bar:24}] {bytes}/{total_bytes}  {binary_bytes_per_sec}  {msg}  {eta} left";
            self.bar.set_style(style(template));
            self.bar.set_length(bytes);
        }
        self.bar.set_message(self.counts.partitions());
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn partition_done(&self) {
        self.counts.partitions.fetch_add(1, Ordering::Relaxed);
        self.bar.set_message(self.counts.partitions());
    }

    fn note(&self, text: &str) {
        self.bar.println(text);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line every ten seconds, from a thread of its own so that a stall shows too.
struct Lines {
    verb: &'static str,
    format: LogFormat,
    counts: Arc<Counts>,
    /// Dropped to end the thread.
    _running: mpsc::Sender<()>,
}

impl Lines {
    fn new(verb: &'static str, format: LogFormat) -> Self {
        let (running, ended) = mpsc::channel::<()>();
        let counts = Arc::new(Counts::default());
        let (watched, started) = (Arc::clone(&counts), Instant::now());
        thread::spawn(move || {
            while ended.recv_timeout(LINE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
                say(verb, format, &watched.line(started.elapsed()));
            }
        });
        Self { verb, format, counts, _running: running }
    }
}

fn say(verb: &str, format: LogFormat, text: &str) {
    match format {
        LogFormat::Text => terminal::line(&format!("{verb}: {text}")),
        LogFormat::Json => tracing::info!(target: logging::PROGRESS, verb, "{text}"),
    }
}

impl Progress for Lines {
    fn total(&self, bytes: u64, partitions: u64) {
        self.counts.bytes_total.store(bytes, Ordering::Relaxed);
        self.counts.partitions_total.store(partitions, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64) {
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn partition_done(&self) {
        self.counts.partitions.fetch_add(1, Ordering::Relaxed);
    }

    fn note(&self, text: &str) {
        say(self.verb, self.format, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_bytes_rate_partitions_and_time_left() {
        let counts = Counts::default();
        counts.bytes_total.store(3 << 30, Ordering::Relaxed);
        counts.bytes.store(1 << 30, Ordering::Relaxed);
        counts.partitions_total.store(12, Ordering::Relaxed);
        counts.partitions.store(5, Ordering::Relaxed);
        let line = counts.line(Duration::from_secs(8));
        assert_eq!(line, "1.0 GiB of 3.0 GiB, 128.0 MiB/s, 5/12 partitions, 16s left");
    }
}
