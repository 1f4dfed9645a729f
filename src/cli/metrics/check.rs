//! The numbers of a check.

use std::collections::BTreeMap;

use super::{Gauges, seconds};
use crate::check::{CheckReport, Level};
use crate::cli::exit_code::ExitCode;

/// As text. `cluster_asked` says whether the cluster was to be looked at.
pub fn text(report: &CheckReport, cluster_asked: bool, code: ExitCode) -> String {
    let mut gauges = Gauges::default();
    gauges.set("ktape_check_timestamp_seconds", "When it was checked", seconds(report.checked));
    gauges.set("ktape_check_exit_code", "Exit code of the check", f64::from(code.number()));
    let help = "Problems that a person has to look after";
    gauges.set("ktape_check_problems", help, report.problems.len() as f64);
    if cluster_asked {
        let up = if report.cluster.is_some() { 1.0 } else { 0.0 };
        gauges.set("ktape_check_cluster_up", "1 if the cluster answers, else 0", up);
    }
    if let Some(cluster) = &report.cluster {
        gauges.set("ktape_check_brokers", "Brokers of the cluster", cluster.brokers.len() as f64);
        let unreached = cluster.brokers.iter().filter(|broker| broker.error.is_some()).count();
        gauges.set("ktape_check_brokers_unreached", "Brokers that do not answer", unreached as f64);
        let ahead = cluster.clock.map(|clock| clock.ahead_ms as f64 / 1_000.0);
        gauges.set_if(
            "ktape_check_clock_ahead_seconds",
            "How far the controller's clock is ahead of this host's",
            ahead,
        );
    }
    let missing = report.rights.iter().filter(|rights| rights.counts).map(|rights| {
        let missing = rights.missing.iter().filter(|right| right.level == Level::Required).count();
        (rights.use_of.to_string(), missing as f64)
    });
    let missing: BTreeMap<String, f64> = missing.collect();
    gauges.each("ktape_check_missing_rights", "Rights that this client lacks", "for", missing);
    if let Some(repository) = &report.repository {
        gauges.set("ktape_check_snapshots", "Snapshots in the repository", repository.snapshots as f64);
        let writable = if repository.not_writable.is_none() { 1.0 } else { 0.0 };
        gauges.set("ktape_check_repository_writable", "1 if the repository can be written to, else 0", writable);
        let free = repository.free_bytes.map(|bytes| bytes as f64);
        gauges.set_if("ktape_check_free_bytes", "Bytes free where the repository lies", free);
        let success = repository.last_success.map(seconds);
        gauges.set_if(
            "ktape_check_last_success_timestamp_seconds",
            "When the newest whole snapshot was taken",
            success,
        );
        if let Some(newest) = &repository.newest {
            let taken = seconds(newest.fences_taken);
            gauges.set("ktape_check_snapshot_timestamp_seconds", "When the newest snapshot was taken", taken);
            let losses = newest.incomplete.iter().filter(|loss| !loss.accepted).count();
            gauges.set("ktape_check_snapshot_losses", "What the newest snapshot lacks", losses as f64);
        }
    }
    if let Some(retention) = &report.retention {
        gauges.retention("ktape_check", retention);
    }
    gauges.text()
}
