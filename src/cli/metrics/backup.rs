//! The numbers of a backup.

use super::{Gauges, seconds};
use crate::backup::BackupReport;
use crate::check::RetentionState;
use crate::cli::exit_code::ExitCode;
use crate::model::Timestamp;
use crate::repository::format::IncompleteKind;

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// When it began and ended.
    pub started: Timestamp,
    /// See `started`.
    pub finished: Timestamp,
    /// Its exit code.
    pub code: ExitCode,
    /// When the newest snapshot that holds all it should was taken, by this run or before.
    pub last_success: Option<Timestamp>,
    /// Its report, if it came to one.
    pub report: Option<&'a BackupReport>,
    /// What was not saved a moment later.
    pub retention: Option<&'a RetentionState>,
}

/// As text.
pub fn text(ended: &Ended<'_>) -> String {
    let mut gauges = Gauges::default();
    gauges.set("ktape_backup_timestamp_seconds", "When the last backup ended", seconds(ended.finished));
    gauges.set("ktape_backup_exit_code", "Exit code of the last backup", f64::from(ended.code.number()));
    let took = ended.finished.0.saturating_sub(ended.started.0).max(0) as f64 / 1_000.0;
    gauges.set("ktape_backup_duration_seconds", "How long the last backup took", took);
    let help = "When the newest whole snapshot was taken";
    gauges.set_if("ktape_backup_last_success_timestamp_seconds", help, ended.last_success.map(seconds));
    if let Some(report) = ended.report {
        figures(&mut gauges, report);
    }
    if let Some(retention) = ended.retention {
        gauges.retention("ktape_backup", retention);
    }
    gauges.text()
}

fn figures(gauges: &mut Gauges, report: &BackupReport) {
    let totals = &report.totals;
    for (name, help, value) in [
        ("ktape_backup_fetched_bytes", "Bytes of batches that the last backup fetched", report.fetched_bytes),
        ("ktape_backup_new_bytes", "Bytes that the snapshot before does not have", totals.new_bytes),
        ("ktape_backup_new_records", "Records that the snapshot before does not have", totals.new_records),
        ("ktape_backup_bytes", "Bytes of batches in the snapshot", totals.bytes),
        ("ktape_backup_topics", "Topics in the snapshot", totals.topics),
        ("ktape_backup_partitions", "Partitions in the snapshot", totals.partitions),
        ("ktape_backup_groups", "Groups in the snapshot", totals.groups),
    ] {
        gauges.set(name, help, value as f64);
    }
    let gaps = report.incomplete.iter().filter(|loss| loss.kind == IncompleteKind::Gap).count();
    gauges.set("ktape_backup_gaps", "Gaps: retention took offsets while they were read", gaps as f64);
    let losses = report.incomplete.iter().filter(|loss| !loss.accepted).count();
    gauges.set("ktape_backup_losses", "What the snapshot lacks, accepted gaps not counted", losses as f64);
    let expired = report.expired.len();
    gauges.set("ktape_backup_expired", "Ranges that retention took between two backups", expired as f64);
}
