//! The report of a drill.

use std::time::Duration;

use super::{Text, compare, short};
use crate::cli::units::{self, count};
use crate::drill::{DrillReport, Removed};

/// What was rehearsed, and what that proves.
pub fn done(out: &mut Text, report: &DrillReport) {
    out.line(format!("drill of {}", report.started));
    out.line(format!("snapshot {} ({}), its data ends {}", report.snapshot, short(&report.snapshot_id), report.taken));
    out.line(format!("  from cluster {} into cluster {}", report.source_cluster_id, report.cluster_id));
    out.line(format!("  under the prefix {}", report.prefix));
    for former in &report.former {
        out.line(format!("an earlier drill, of {}, had been cut off: {}", former.started, removed(&former.removed)));
        left(out, &former.removed);
    }
    if let Some(restored) = &report.restored {
        let data = (count(restored.topics, "topic"), count(restored.partitions, "partition"));
        let sums = (count(restored.records, "record"), count(restored.groups, "group"));
        out.line(format!("restored: {}, {}, {}, {} in {}", data.0, data.1, sums.0, sums.1, took(report.restore_ms)));
        out.section("RESTORED INCOMPLETELY", &restored.incomplete);
    }
    if let Some(found) = &report.comparison {
        out.line(format!("compared in {}:", took(report.compare_ms)));
        compare::body(out, found);
    }
    if report.kept {
        out.line("the scratch topics and groups were left, as asked for");
    } else {
        out.line(format!("{} in {}", removed(&report.removed), took(report.remove_ms)));
        left(out, &report.removed);
    }
    if let Some(failure) = &report.failure {
        out.line(format!("FAILED: {failure}"));
    }
    out.line(&report.sentence);
}

fn took(milliseconds: u64) -> String {
    units::duration(Duration::from_millis(milliseconds))
}

fn removed(removed: &Removed) -> String {
    let (topics, groups) = (removed.topics.len() as u64, removed.groups.len() as u64);
    format!("removed {} and {}", count(topics, "scratch topic"), count(groups, "scratch group"))
}

fn left(out: &mut Text, removed: &Removed) {
    out.section("NOT REMOVED", removed.left.iter().map(|one| format!("{}: {}", one.subject, one.reason)));
}
