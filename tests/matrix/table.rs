//! The tables of OPERATIONS.md: what is available where, and what came back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

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
    let mut text = String::from("\n| |");
    all.iter().for_each(|row| write!(text, " {} |", row.version).unwrap());
    text += "\n|---|";
    all.iter().for_each(|_| text += "---|");
    let count = |records: Option<usize>| records.map_or_else(|| "-".to_owned(), |records| records.to_string());
    let mut line = |name: &str, cell: &dyn Fn(&Row) -> String| {
        write!(text, "\n| {name} |").unwrap();
        all.iter().for_each(|row| write!(text, " {} |", cell(row)).unwrap());
    };
    line(&format!("records restored to {}", newest.version), &|row| count(row.restored_to_newest));
    line(&format!("records restored from {}", newest.version), &|row| count(row.restored_from_newest));
    let names: BTreeSet<&String> = all.iter().flat_map(|row| row.features.keys()).collect();
    for name in names {
        line(name, &|row| if row.features.get(name) == Some(&true) { "yes".into() } else { "no".into() });
    }
    text
}
