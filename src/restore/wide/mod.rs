//! The cluster's own settings: ACLs, quotas and cluster-wide configs where they are asked for, configs of groups with
//! their groups. Only what the target lacks is added; nothing that is there is changed or removed.

mod apply;
#[cfg(test)]
mod apply_tests;
mod compare;
mod plan;
mod report;

pub use report::{SettingLine, SettingsReport, Standing};

pub(super) use apply::apply;
pub(super) use plan::{Wanted, WidePlan, plan};

use serde::{Deserialize, Serialize};

use super::Context;
use super::error::RestoreError;
use crate::repository::Snapshot;

/// Which of the cluster's own settings are restored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsChoice {
    /// Rules of the authorizer.
    pub acls: bool,
    /// Client quotas.
    pub quotas: bool,
    /// Dynamic settings of all brokers, and client metrics subscriptions.
    pub cluster_configs: bool,
}

impl SettingsChoice {
    /// Whether none is.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The flags that are in this one and not in `other`.
    fn beyond(self, other: Self) -> Vec<&'static str> {
        let both = [
            (self.acls && !other.acls, "--acls"),
            (self.quotas && !other.quotas, "--quotas"),
            (self.cluster_configs && !other.cluster_configs, "--cluster-configs"),
        ];
        both.into_iter().filter(|(more, _)| *more).map(|(_, flag)| flag).collect()
    }
}

/// A restore that is done does nothing more: settings that it was not asked for are another matter.
pub(super) fn covered(done: &SettingsReport, asked: SettingsChoice) -> Result<(), RestoreError> {
    match asked.beyond(done.choice) {
        more if more.is_empty() => Ok(()),
        more => Err(RestoreError::SettingsNotPart { flags: more.join(" ") }),
    }
}

/// What a restore of settings alone did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct SettingsOnlyReport {
    /// Snapshot that they come from.
    pub snapshot: u64,
    /// Its id.
    pub snapshot_id: String,
    /// Cluster they come from and cluster they go to.
    pub source_cluster_id: String,
    /// See `source_cluster_id`.
    pub target_cluster_id: String,
    /// Nothing was changed.
    pub dry_run: bool,
    /// The settings.
    pub settings: SettingsReport,
}

/// Restores no topics and no groups, only the chosen settings.
pub async fn settings_only(context: Context<'_>, dry_run: bool) -> Result<SettingsOnlyReport, RestoreError> {
    let Context { cluster, repository, options, .. } = context;
    let missing = || RestoreError::NoSnapshot("that fits".to_owned());
    let snapshot: Snapshot = repository.choose(options.snapshot)?.ok_or_else(missing)?;
    let wanted = Wanted { choice: options.settings, renames: &options.renames, groups: None };
    let plan = plan(cluster, repository, &snapshot.head, &wanted).await?;
    let settings = if dry_run { plan.report() } else { apply(cluster, plan).await };
    Ok(SettingsOnlyReport {
        snapshot: snapshot.head.sequence,
        snapshot_id: snapshot.id,
        source_cluster_id: snapshot.head.cluster_id,
        target_cluster_id: cluster.cluster_id(),
        dry_run,
        settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_chosen_only_where_no_flag_is() {
        let none = SettingsChoice::default();
        assert!(none.is_empty());
        for one in [
            SettingsChoice { acls: true, ..none },
            SettingsChoice { quotas: true, ..none },
            SettingsChoice { cluster_configs: true, ..none },
        ] {
            assert!(!one.is_empty(), "{one:?}");
        }
    }

    #[test]
    fn a_restore_that_is_done_covers_what_it_was_asked_for() {
        let both = SettingsChoice { acls: true, quotas: true, ..SettingsChoice::default() };
        let done = SettingsReport { choice: both, ..SettingsReport::default() };
        for asked in [SettingsChoice::default(), SettingsChoice { quotas: false, ..both }, both] {
            covered(&done, asked).unwrap();
        }
        let more = covered(&SettingsReport::default(), SettingsChoice { cluster_configs: true, ..both }).unwrap_err();
        let text = "this restore is done, and it was run without --acls --quotas --cluster-configs";
        assert_eq!(more.to_string(), text);
    }
}
