//! `--metrics-file`: the numbers of a run for the textfile collector of Prometheus' node exporter. OPERATIONS.md lists them.
//!
//! Names of `backup` and of `check` differ, so that both files may lie in the collector's folder.

pub mod backup;
pub mod check;
mod file;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::exit_code::ExitCode;
use super::failure::Failure;
use crate::check::RetentionState;

type Labels = Vec<(&'static str, String)>;

/// Gauges as they are gathered.
#[derive(Debug, Default)]
struct Gauges(Registry);

impl Gauges {
    fn set(&mut self, name: &str, help: &str, value: f64) {
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    fn set_if(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.set(name, help, value);
        }
    }

    /// One value for each value of a label; nothing where there is none.
    fn each(&mut self, name: &str, help: &str, label: &'static str, values: BTreeMap<String, f64>) {
        if values.is_empty() {
            return;
        }
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (key, value) in values {
            family.get_or_create(&vec![(label, key)]).set(value);
        }
        self.0.register(name, help, family);
    }

    /// What is not saved, and how long it stays; `prefix` keeps the verbs apart.
    fn retention(&mut self, prefix: &str, state: &RetentionState) {
        let name = |rest: &str| format!("{prefix}_{rest}");
        // Where retention takes nothing, all time is left.
        let left = state.left_seconds.map_or(f64::INFINITY, |seconds| seconds as f64);
        self.set(&name("retention_left_seconds"), "Time until retention takes something that is not saved", left);
        let topics =
            state.topics.iter().filter_map(|topic| Some((topic.topic.to_string(), topic.left_seconds? as f64)));
        let help = "The same for each topic of which retention will take something";
        self.each(&name("topic_retention_left_seconds"), help, "topic", topics.collect());
        let lost = state.topics.iter().flat_map(|topic| topic.lost.values());
        let lost: u64 = lost.map(|range| u64::try_from(range.next.saturating_sub(range.base)).unwrap_or(0)).sum();
        self.set(&name("overtaken_offsets"), "Offsets that retention took before they were saved", lost as f64);
        self.set(&name("unsaved_offsets"), "Offsets that are not saved yet", state.unsaved_offsets as f64);
        let help = "Offsets between last stable offsets and high watermarks";
        self.set(&name("lso_lag_offsets"), help, state.held_back_offsets as f64);
        let help = "Bytes that the next backup needs, estimated";
        self.set_if(&name("needed_bytes"), help, state.needed_bytes.map(|bytes| bytes as f64));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0);
        text
    }
}

/// Seconds since 1970.
fn seconds(time: crate::model::Timestamp) -> f64 {
    time.0 as f64 / 1_000.0
}

/// A folder that is not there is told before the work begins.
pub fn check_folder(file: Option<&Path>) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.file_name().is_some() && folder.is_dir() {
        return Ok(());
    }
    Err(Failure::Usage(format!("--metrics-file {}: {} is not a folder", file.display(), folder.display())))
}

/// Writes the file if one is wanted. The result of the run stands; that its numbers could not be written makes a run that
/// went well fail, so that nobody relies on old ones.
pub fn write(file: Option<&Path>, code: ExitCode, text: impl FnOnce() -> String) -> ExitCode {
    let Some(file) = file else { return code };
    match file::replace(file, text().as_bytes()) {
        Ok(()) => code,
        Err(error) => {
            tracing::error!(file = %file.display(), %error, "the metrics could not be written");
            if code == ExitCode::Done { ExitCode::Failed } else { code }
        }
    }
}
