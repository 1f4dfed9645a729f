//! The cluster's own settings: ACLs, quotas, cluster-wide configs, those of groups, client metrics, SCRAM users. What
//! cannot be read is named; a backup never fails for it.

use super::report::Note;
use super::selection::Chooser;
use super::view::View;
use crate::cluster::{Cluster, ClusterError, ConfigScope, ErrorCode, ScopedConfig};
use crate::model::{GroupId, ScramUser, describe};
use crate::repository::format::{
    ConfigEntry, Incomplete, IncompleteKind, NotCaptured, NotCapturedReason, OwnConfigs, SettingsKind, SettingsPart,
};

/// Names shown before "and n more".
const SHOWN_MAX: usize = 5;

/// The settings as they were read.
#[derive(Debug, Default)]
pub struct Settings {
    /// What the snapshot will hold.
    pub part: SettingsPart,
    /// Settings that are there and could not be read, or that the last snapshot had.
    pub incomplete: Vec<Incomplete>,
    /// Settings that are not there any more.
    pub changes: Vec<Note>,
}

/// Reads everything at the same time. `before` is what the last snapshot holds.
pub(super) async fn capture(
    cluster: &Cluster,
    chooser: &Chooser,
    groups: &[GroupId],
    before: Option<&SettingsPart>,
    view: View,
    accept: bool,
) -> Settings {
    let mut part = SettingsPart::default();
    let (acls, quotas, brokers, own, users) = tokio::join!(
        cluster.describe_acls(),
        cluster.describe_quotas(),
        cluster.describe_scopes(vec![ConfigScope::AllBrokers]),
        own_configs(cluster, chooser, groups),
        scram_users(cluster, view),
    );
    let missed = &mut part.not_captured;
    let brokers = brokers.into_iter().next().map_or_else(|| Ok(Vec::new()), |(_, configs)| configs);
    part.acls = kept(missed, SettingsKind::Acls, acls);
    part.quotas = kept(missed, SettingsKind::Quotas, quotas);
    part.cluster_configs = entries(kept(missed, SettingsKind::ClusterConfigs, brokers));
    match users {
        Some(users) => part.scram_users = kept(missed, SettingsKind::ScramUsers, users),
        None => missed.push(not_allowed(SettingsKind::ScramUsers)),
    }
    part.group_configs = own.groups.configs;
    part.client_metrics = own.metrics.configs;
    let known = own.groups_are_known;
    part.not_captured.extend(own.groups.missed.into_iter().chain(own.metrics.missed));
    judge(part, before, known, accept)
}

/// Says what of all that could not be read is a loss. Where brokers do not list the groups that have configs, nobody knows
/// whether those that may not be read exist.
fn judge(part: SettingsPart, before: Option<&SettingsPart>, groups_are_known: bool, accept: bool) -> Settings {
    let mut settings = Settings::default();
    for one in &part.not_captured {
        let had = before.map_or(0, |before| before.count(one.kind));
        let before = format!("; the last snapshot has {had} of them");
        let detail = format!("{}{}", one.detail, if had > 0 { &before } else { "" });
        match one.reason {
            NotCapturedReason::NoAuthorizer if had > 0 => {
                settings.changes.push(Note { subject: one.kind.to_string(), detail });
            }
            NotCapturedReason::NoAuthorizer => {}
            NotCapturedReason::Unsupported if had == 0 => {}
            NotCapturedReason::NotAllowed
                if had == 0 && one.kind == SettingsKind::GroupConfigs && !groups_are_known => {}
            _ => {
                let loss = Incomplete::new(IncompleteKind::Settings, one.kind.to_string(), detail);
                settings.incomplete.push(Incomplete { accepted: accept, ..loss });
            }
        }
    }
    settings.part = part;
    settings
}

fn kept<T>(missed: &mut Vec<NotCaptured>, kind: SettingsKind, answer: Result<Vec<T>, ClusterError>) -> Vec<T> {
    answer.unwrap_or_else(|error| {
        missed.push(not_captured(kind, &error));
        Vec::new()
    })
}

fn entries(configs: Vec<ScopedConfig>) -> Vec<ConfigEntry> {
    configs.into_iter().map(|config| ConfigEntry { name: config.name, value: config.value }).collect()
}

fn not_captured(kind: SettingsKind, error: &ClusterError) -> NotCaptured {
    if error.code() == Some(ErrorCode::SECURITY_DISABLED) {
        let detail = "the cluster has no authorizer".to_owned();
        return NotCaptured { kind, reason: NotCapturedReason::NoAuthorizer, detail };
    }
    if error.is_unsupported() || error.code() == Some(ErrorCode::INVALID_REQUEST) {
        let detail = "the brokers do not offer them".to_owned();
        return NotCaptured { kind, reason: NotCapturedReason::Unsupported, detail };
    }
    if error.is_not_allowed() {
        return not_allowed(kind);
    }
    NotCaptured { kind, reason: NotCapturedReason::Failed, detail: format!("could not be read: {}", describe(error)) }
}

fn not_allowed(kind: SettingsKind) -> NotCaptured {
    let detail = format!("could not be read: this client lacks {}", right(kind));
    NotCaptured { kind, reason: NotCapturedReason::NotAllowed, detail }
}

/// `None` if they may not be read. Then they are not asked for: brokers fail over their own refusal and never answer
/// (4.2, Kafka class `DescribeUserScramCredentialsRequest`).
async fn scram_users(cluster: &Cluster, view: View) -> Option<Result<Vec<ScramUser>, ClusterError>> {
    if view.may_describe_cluster() { Some(cluster.describe_scram_users().await) } else { None }
}

/// The right that reading takes (Kafka classes `AclApis`, `ConfigHelper`, `KafkaApis`).
fn right(kind: SettingsKind) -> &'static str {
    match kind {
        SettingsKind::Acls | SettingsKind::ScramUsers => "Describe on the cluster",
        SettingsKind::GroupConfigs => "DescribeConfigs on the group",
        _ => "DescribeConfigs on the cluster",
    }
}

/// Settings of many things of one kind.
#[derive(Debug, Default)]
struct Own {
    configs: Vec<OwnConfigs>,
    missed: Option<NotCaptured>,
}

#[derive(Debug, Default)]
struct OwnOfBoth {
    groups: Own,
    /// Brokers listed those that have any.
    groups_are_known: bool,
    metrics: Own,
}

/// Those of groups and of client metrics: brokers of 4.1 and later list what has any, of others every group is asked.
async fn own_configs(cluster: &Cluster, chooser: &Chooser, groups: &[GroupId]) -> OwnOfBoth {
    let mut own = OwnOfBoth::default();
    let (with_configs, metrics) = match cluster.list_config_scopes().await {
        Ok(listed) => listed,
        Err(error) => {
            own.metrics.missed = Some(not_captured(SettingsKind::ClientMetrics, &error));
            (None, Vec::new())
        }
    };
    own.groups_are_known = with_configs.is_some();
    let every = || groups.iter().cloned().map(ConfigScope::Group).collect();
    let mut asked: Vec<ConfigScope> = with_configs.unwrap_or_else(every);
    asked.retain(|scope| !matches!(scope, ConfigScope::Group(id) if !chooser.takes_group(id.as_str())));
    let (of_groups, of_metrics) = tokio::join!(cluster.describe_scopes(asked), cluster.describe_scopes(metrics));
    own.groups.read(SettingsKind::GroupConfigs, of_groups);
    own.metrics.read(SettingsKind::ClientMetrics, of_metrics);
    own
}

impl Own {
    fn read(&mut self, kind: SettingsKind, answers: Vec<(ConfigScope, Result<Vec<ScopedConfig>, ClusterError>)>) {
        let mut refused: Vec<(String, NotCaptured)> = Vec::new();
        for (scope, answer) in answers {
            let name = match scope {
                ConfigScope::Group(id) => id.to_string(),
                ConfigScope::ClientMetrics(name) => name,
                ConfigScope::AllBrokers => continue,
            };
            match answer {
                Ok(configs) if configs.is_empty() => {}
                Ok(configs) => self.configs.push(OwnConfigs { name, configs: entries(configs) }),
                Err(error) => refused.push((name, not_captured(kind, &error))),
            }
        }
        self.configs.sort_by(|a, b| a.name.cmp(&b.name));
        refused.sort_by(|a, b| a.0.cmp(&b.0));
        let Some((_, first)) = refused.first() else { return };
        let mut missed = first.clone();
        if missed.reason != NotCapturedReason::Unsupported {
            let shown: Vec<&str> = refused.iter().take(SHOWN_MAX).map(|(name, _)| name.as_str()).collect();
            let more = refused.len().saturating_sub(SHOWN_MAX);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            missed.detail = format!("{} (those of {}{rest})", missed.detail, shown.join(", "));
        }
        self.missed.get_or_insert(missed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(reason: NotCapturedReason) -> SettingsPart {
        let missed = NotCaptured { kind: SettingsKind::ClusterConfigs, reason, detail: "why".to_owned() };
        SettingsPart { not_captured: vec![missed], ..SettingsPart::default() }
    }

    #[test]
    fn only_what_is_there_or_was_there_is_a_loss() {
        let entry = ConfigEntry { name: "log.retention.ms".to_owned(), value: Some("1".to_owned()) };
        let had = SettingsPart { cluster_configs: vec![entry], ..SettingsPart::default() };
        let losses = |reason, before| judge(part(reason), before, true, false).incomplete.len();
        assert_eq!(losses(NotCapturedReason::Unsupported, None), 0);
        assert_eq!(losses(NotCapturedReason::Unsupported, Some(&had)), 1);
        assert_eq!(losses(NotCapturedReason::NotAllowed, None), 1);
        assert_eq!(losses(NotCapturedReason::NoAuthorizer, Some(&had)), 0);
        assert_eq!(judge(part(NotCapturedReason::NoAuthorizer), Some(&had), true, false).changes.len(), 1);
        let accepted = judge(part(NotCapturedReason::Failed), Some(&had), true, true).incomplete.remove(0);
        assert!(accepted.accepted);
        assert_eq!(accepted.detail, "why; the last snapshot has 1 of them");
        let mut groups = part(NotCapturedReason::NotAllowed);
        groups.not_captured[0].kind = SettingsKind::GroupConfigs;
        let losses = |known| judge(groups.clone(), None, known, false).incomplete.len();
        assert_eq!((losses(true), losses(false)), (1, 0), "nobody knows whether there are any");
    }
}
