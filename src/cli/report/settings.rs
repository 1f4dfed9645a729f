//! The cluster's own settings as a snapshot holds them.

use super::Text;
use crate::cli::units::count;
use crate::repository::format::{ConfigEntry, OwnConfigs, SettingsPart};

/// How many there are of each kind.
pub(super) fn sums(out: &mut Text, part: &SettingsPart) {
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
pub(super) fn all(out: &mut Text, part: Option<&SettingsPart>) {
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
