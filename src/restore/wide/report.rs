//! What a plan or a report tells about settings.

use serde::{Deserialize, Serialize};

use super::SettingsChoice;
use crate::repository::format::SettingsKind;

/// The cluster's own settings in a plan or a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsReport {
    /// What was asked for.
    pub choice: SettingsChoice,
    /// Every setting of the snapshot that is about to be restored, in order.
    pub settings: Vec<SettingLine>,
    /// ACLs and quota limits that only the target has: they stay.
    pub only_in_target: usize,
    /// What the snapshot or the target lacks: it makes the restore less than it should be.
    pub incomplete: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl SettingsReport {
    /// Settings that stand like this.
    pub fn count(&self, standing: Standing) -> usize {
        self.settings.iter().filter(|one| one.standing == standing).count()
    }

    /// Whether everything that was asked for is in the target, or differs there and was left alone.
    pub fn is_complete(&self) -> bool {
        self.incomplete.is_empty() && self.count(Standing::Failed) == 0
    }
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingLine {
    /// Which kind.
    pub kind: SettingsKind,
    /// What it says.
    pub setting: String,
    /// How the target stands to it.
    pub standing: Standing,
    /// More about that; empty where there is nothing to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How the target stands to a setting of the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It lacks it: it will be added.
    Add,
    /// It lacked it: it was added, and read back.
    Added,
    /// It has the same.
    There,
    /// It has another value, which stays.
    Differs,
    /// It lacks it, and only a person can make it.
    ByHand,
    /// It lacks it, and it is not restored.
    LeftOut,
    /// It refused it.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_or_is_missing_makes_it_incomplete() {
        let line = |standing| SettingLine {
            kind: SettingsKind::Acls,
            setting: "allow".to_owned(),
            standing,
            detail: String::new(),
        };
        let with = |standings: &[Standing], incomplete: &[&str]| SettingsReport {
            settings: standings.iter().copied().map(line).collect(),
            incomplete: incomplete.iter().map(|one| (*one).to_owned()).collect(),
            ..SettingsReport::default()
        };
        assert!(with(&[Standing::Added, Standing::Differs, Standing::ByHand], &[]).is_complete());
        assert!(!with(&[Standing::Added, Standing::Failed], &[]).is_complete());
        assert!(!with(&[Standing::Added], &["quotas are not in the snapshot"]).is_complete());
    }
}
