//! The cluster's own settings as one snapshot holds them: what belongs to no topic.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::topic::ConfigEntry;
use crate::model::{Acl, ClientQuota, ScramUser};

/// Part of a snapshot: the cluster's own settings. Every list ascends, so that the part of a cluster that did not
/// change is the same one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsPart {
    /// Rules of the authorizer.
    pub acls: Vec<Acl>,
    /// Client quotas.
    pub quotas: Vec<ClientQuota>,
    /// Dynamic settings of all brokers.
    pub cluster_configs: Vec<ConfigEntry>,
    /// Settings of consumer groups.
    pub group_configs: Vec<OwnConfigs>,
    /// Client metrics subscriptions.
    pub client_metrics: Vec<OwnConfigs>,
    /// Users with SCRAM credentials; what those are made of no broker tells.
    pub scram_users: Vec<ScramUser>,
    /// What could not be read; its list above is empty or not whole.
    pub not_captured: Vec<NotCaptured>,
}

impl SettingsPart {
    /// How many settings of a kind are here.
    pub fn count(&self, kind: SettingsKind) -> usize {
        match kind {
            SettingsKind::Acls => self.acls.len(),
            SettingsKind::Quotas => self.quotas.len(),
            SettingsKind::ClusterConfigs => self.cluster_configs.len(),
            SettingsKind::GroupConfigs => self.group_configs.iter().map(|one| one.configs.len()).sum(),
            SettingsKind::ClientMetrics => self.client_metrics.len(),
            SettingsKind::ScramUsers => self.scram_users.len(),
            SettingsKind::Other => 0,
        }
    }

    /// Why settings of a kind are not all here; `None` where they are.
    pub fn not_captured(&self, kind: SettingsKind) -> Option<&NotCaptured> {
        self.not_captured.iter().find(|one| one.kind == kind)
    }
}

/// What is set for one group or one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnConfigs {
    /// Which one.
    pub name: String,
    /// What is set, ascending by name.
    pub configs: Vec<ConfigEntry>,
}

/// Kinds of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsKind {
    /// Rules of the authorizer.
    Acls,
    /// Client quotas.
    Quotas,
    /// Dynamic settings of all brokers.
    ClusterConfigs,
    /// Settings of consumer groups.
    GroupConfigs,
    /// Client metrics subscriptions.
    ClientMetrics,
    /// Users with SCRAM credentials.
    ScramUsers,
    /// From a newer ktape.
    #[serde(other)]
    Other,
}

impl fmt::Display for SettingsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acls => "ACLs",
            Self::Quotas => "client quotas",
            Self::ClusterConfigs => "cluster-wide configs",
            Self::GroupConfigs => "group configs",
            Self::ClientMetrics => "client metrics",
            Self::ScramUsers => "SCRAM users",
            Self::Other => "other settings",
        })
    }
}

/// Settings that a snapshot does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCaptured {
    /// Which.
    pub kind: SettingsKind,
    /// Why.
    pub reason: NotCapturedReason,
    /// One sentence.
    pub detail: String,
}

/// Why settings could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCapturedReason {
    /// The cluster has no authorizer, so there are no rules.
    NoAuthorizer,
    /// The brokers do not offer it.
    Unsupported,
    /// This client may not.
    NotAllowed,
    /// The brokers did not answer, or failed.
    Failed,
    /// From a newer ktape.
    #[serde(other)]
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_reason_why_it_is_lacking() {
        let missed = |kind, reason| NotCaptured { kind, reason, detail: String::new() };
        let acls = missed(SettingsKind::Acls, NotCapturedReason::NoAuthorizer);
        let quotas = missed(SettingsKind::Quotas, NotCapturedReason::NotAllowed);
        let part = SettingsPart { not_captured: vec![acls.clone(), quotas.clone()], ..SettingsPart::default() };
        let found =
            [SettingsKind::Quotas, SettingsKind::Acls, SettingsKind::ScramUsers].map(|kind| part.not_captured(kind));
        assert_eq!(found, [Some(&quotas), Some(&acls), None]);
    }
}
