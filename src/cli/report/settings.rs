//! The cluster's own settings: as a snapshot holds them, and beside those of a target.

use super::Text;
use crate::cli::units::count;
use crate::repository::format::{ConfigEntry, OwnConfigs, SettingsKind, SettingsPart};
use crate::restore::{SettingLine, SettingsOnlyReport, SettingsReport, Standing};

/// How many there are of each kind.
pub fn sums(out: &mut Text, part: &SettingsPart) {
    let kinds = [
        (part.acls.len(), "ACL"),
        (part.quotas.len(), "quota limit"),
        (part.cluster_configs.len(), "cluster-wide config"),
        (part.group_configs.len(), "configured group"),
        (part.client_metrics.len(), "client metrics subscription"),
        (part.scram_users.len(), "SCRAM user"),
    ];
    let held = kinds.iter().filter(|(number, _)| *number > 0);
    let held: Vec<String> = held.map(|(number, noun)| count(*number as u64, noun)).collect();
    if !held.is_empty() {
        out.line(format!("settings of the cluster (`--settings` shows them): {}", held.join(", ")));
    }
}

/// Everything.
pub fn all(out: &mut Text, part: Option<&SettingsPart>) {
    let Some(part) = part else {
        out.line("this snapshot is of a time before ktape took settings of the cluster");
        return;
    };
    out.section("ACLs", &part.acls);
    out.section("client quotas", &part.quotas);
    out.section("cluster-wide configs", part.cluster_configs.iter().map(entry));
    out.section("group configs", part.group_configs.iter().flat_map(own));
    out.section("client metrics", part.client_metrics.iter().flat_map(own));
    out.section("SCRAM users (their secrets cannot be read and are not in the snapshot)", &part.scram_users);
    out.section("not in the snapshot", part.not_captured.iter().map(|one| format!("{}: {}", one.kind, one.detail)));
    if *part == SettingsPart::default() {
        out.line("no setting of the cluster was there to be taken");
    }
}

fn own(one: &OwnConfigs) -> impl Iterator<Item = String> {
    one.configs.iter().map(|config| format!("{}: {}", one.name, entry(config)))
}

fn entry(entry: &ConfigEntry) -> String {
    format!("{}={}", entry.name, entry.value.as_deref().unwrap_or("(hidden by the broker)"))
}

/// What a restore of settings alone did, or would do.
pub fn restored(out: &mut Text, report: &SettingsOnlyReport) {
    let verb = if report.dry_run { "would be compared and added" } else { "compared and added" };
    let (source, target) = (&report.source_cluster_id, &report.target_cluster_id);
    let snapshot = format!("snapshot {} ({})", report.snapshot, super::short(&report.snapshot_id));
    out.line(format!("settings of {snapshot} of cluster {source} {verb} in cluster {target}"));
    difference(out, &report.settings);
    if report.settings.settings.is_empty() {
        out.line("the snapshot holds none of them");
    }
    out.section("INCOMPLETE", &report.settings.incomplete);
    out.section("to know", &report.settings.notes);
}

/// Each setting behind a sign: `+` the target lacks it, `=` has the same, `~` has another, `!` is for a person to do, `-`
/// is not restored.
pub fn difference(out: &mut Text, report: &SettingsReport) {
    let kinds = [
        SettingsKind::Acls,
        SettingsKind::Quotas,
        SettingsKind::ClusterConfigs,
        SettingsKind::ClientMetrics,
        SettingsKind::GroupConfigs,
        SettingsKind::ScramUsers,
    ];
    for kind in kinds {
        let all: Vec<&SettingLine> = report.settings.iter().filter(|one| one.kind == kind).collect();
        let sums: Vec<String> = [
            (Standing::Add, "to add"),
            (Standing::Added, "added"),
            (Standing::There, "there"),
            (Standing::Differs, "different and left alone"),
            (Standing::ByHand, "to make by hand"),
            (Standing::LeftOut, "left out"),
            (Standing::Failed, "FAILED"),
        ]
        .into_iter()
        .filter_map(|(standing, words)| {
            let number = all.iter().filter(|one| one.standing == standing).count();
            (number > 0).then(|| format!("{number} {words}"))
        })
        .collect();
        out.section(&format!("{kind}, {}", sums.join(", ")), all.into_iter().map(signed));
    }
    if report.only_in_target > 0 {
        let number = count(report.only_in_target as u64, "setting");
        out.line(format!("only in the target, and left there: {number}"));
    }
}

fn signed(line: &SettingLine) -> String {
    let sign = match line.standing {
        Standing::Add | Standing::Added => '+',
        Standing::There => '=',
        Standing::Differs => '~',
        Standing::ByHand => '!',
        Standing::LeftOut => '-',
        Standing::Failed => 'x',
    };
    let detail = if line.detail.is_empty() { String::new() } else { format!(" ({})", line.detail) };
    format!("{sign} {}{detail}", line.setting)
}
