//! The tables of OPERATIONS.md: what is available where, and what came back.

use std::collections::{BTreeMap, BTreeSet};

use protocol_tests::Cluster;

use crate::kafka::ktape;

/// One version of Kafka.
pub(super) struct Row {
    version: String,
    features: BTreeMap<String, bool>,
    /// Records that went to the newest version and came from it.
    pub(super) restored_to_newest: Option<usize>,
    pub(super) restored_from_newest: Option<usize>,
}

impl Row {
    /// What `ktape check` finds.
    pub(super) fn of(cluster: &Cluster) -> Self {
        let output = ktape(&["check", "--bootstrap-server", cluster.bootstrap(), "--json"]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let features = serde_json::from_value(document["report"]["cluster"]["features"].clone());
        Self {
            version: cluster.tools().jars().version().to_owned(),
            features: features.unwrap_or_else(|_| panic!("{document:#}")),
            restored_to_newest: None,
            restored_from_newest: None,
        }
    }
}

/// As Markdown, versions from old to new.
pub(super) fn printed(rows: &[Row]) -> String {
    let (newest, others) = rows.split_first().unwrap();
    let all: Vec<&Row> = others.iter().chain([newest]).collect();
    let mut text = line("", &all, |row| row.version.clone());
    text += &line("---", &all, |_| "---".to_owned());
    let count = |records: Option<usize>| records.map_or_else(|| "-".to_owned(), |records| records.to_string());
    let newest = &newest.version;
    text += &line(&format!("records restored to {newest}"), &all, |row| count(row.restored_to_newest));
    text += &line(&format!("records restored from {newest}"), &all, |row| count(row.restored_from_newest));
    let names: BTreeSet<&String> = all.iter().flat_map(|row| row.features.keys()).collect();
    for name in names {
        let has = |row: &Row| row.features.get(name) == Some(&true);
        text += &line(name, &all, |row| if has(row) { "yes".to_owned() } else { "no".to_owned() });
    }
    text
}

fn line(name: &str, rows: &[&Row], cell: impl Fn(&Row) -> String) -> String {
    let cells: Vec<String> = rows.iter().map(|row| cell(row)).collect();
    format!("| {name} | {} |\n", cells.join(" | "))
}
