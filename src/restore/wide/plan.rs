//! What will be added to the target, and what not. Asks the target, changes nothing.

use std::collections::HashSet;

use super::SettingsChoice;
use super::compare::{self, Change, Item};
use super::report::{SettingsReport, Standing};
use crate::cluster::{Cluster, ClusterError, ConfigScope, ErrorCode, Operation, ScopedConfig};
use crate::model::{GroupId, Patterns, Selection, describe};
use crate::repository::Repository;
use crate::repository::format::{ConfigEntry, NotCapturedReason, OwnConfigs, SettingsKind, SettingsPart, SnapshotHead};
use crate::restore::error::RestoreError;
use crate::restore::rename::Renames;

/// What is wanted.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub choice: SettingsChoice,
    /// Topics get other names, and so do the rules about them.
    pub renames: &'a Renames,
    /// Groups that are restored, and the text before their ids; `None` where none are.
    pub groups: Option<(&'a Selection, &'a str)>,
}

/// Everything that is decided before a setting is changed.
#[derive(Debug, Default)]
pub struct WidePlan {
    pub(super) choice: SettingsChoice,
    pub(super) items: Vec<Item>,
    only_in_target: usize,
    incomplete: Vec<String>,
    notes: Vec<String>,
}

impl WidePlan {
    /// As it can be told.
    pub fn report(&self) -> SettingsReport {
        SettingsReport {
            choice: self.choice,
            settings: self.items.iter().map(|item| item.line.clone()).collect(),
            only_in_target: self.only_in_target,
            incomplete: self.incomplete.clone(),
            notes: self.notes.clone(),
        }
    }

    /// Broker defaults that the target will have afterwards, and had not before.
    pub(crate) fn new_defaults(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter_map(|item| match &item.change {
            Some(Change::Config(ConfigScope::AllBrokers, config)) => {
                Some((config.name.as_str(), config.value.as_deref()?))
            }
            _ => None,
        })
    }

    fn adds(&self, kinds: &[SettingsKind]) -> bool {
        self.items.iter().any(|item| item.change.is_some() && kinds.contains(&item.line.kind))
    }
}

/// Compares what the snapshot holds with what the target has.
pub(crate) async fn plan(
    cluster: &Cluster,
    repository: &Repository,
    head: &SnapshotHead,
    wanted: &Wanted<'_>,
) -> Result<WidePlan, RestoreError> {
    let mut plan = WidePlan { choice: wanted.choice, ..WidePlan::default() };
    let Some(digest) = &head.settings else {
        let none = RestoreError::NoSettings { snapshot: head.sequence };
        return if wanted.choice.is_empty() { Ok(plan) } else { Err(none) };
    };
    let part: SettingsPart = match repository.private_part(digest) {
        // Data that can be restored is not kept back for settings that nobody asked for.
        Err(error) if error.is_damage() && wanted.choice.is_empty() => {
            plan.incomplete.push(format!("configs of groups are not restored: {}", describe(&error)));
            return Ok(plan);
        }
        part => part?,
    };
    let choice = wanted.choice;
    if choice.acls {
        acls(cluster, &part, wanted.renames, &mut plan).await?;
    }
    if choice.quotas {
        quotas(cluster, &part, &mut plan).await?;
    }
    if choice.cluster_configs {
        cluster_configs(cluster, &part, &mut plan).await?;
    }
    if let Some((selection, prefix)) = wanted.groups {
        group_configs(cluster, &part, selection, prefix, &mut plan).await?;
    }
    if choice.acls || choice.quotas {
        told(&part, SettingsKind::ScramUsers, &mut plan);
        let there = if part.scram_users.is_empty() { None } else { cluster.describe_scram_users().await.ok() };
        plan.items.extend(compare::users(&part.scram_users, there.as_deref()));
    }
    may_change(cluster, &plan).await?;
    Ok(plan)
}

/// Says what the snapshot lacks of a kind.
fn told(part: &SettingsPart, kind: SettingsKind, plan: &mut WidePlan) {
    let Some(missed) = part.not_captured(kind) else { return };
    let text = format!("{kind} are not in the snapshot: {}", missed.detail);
    match missed.reason {
        NotCapturedReason::NoAuthorizer | NotCapturedReason::Unsupported => plan.notes.push(text),
        _ => plan.incomplete.push(format!("{text} when it was taken")),
    }
}

async fn acls(
    cluster: &Cluster,
    part: &SettingsPart,
    renames: &Renames,
    plan: &mut WidePlan,
) -> Result<(), RestoreError> {
    told(part, SettingsKind::Acls, plan);
    if part.acls.is_empty() {
        return Ok(());
    }
    let there = cluster.describe_acls().await.map_err(|error| cannot(SettingsKind::Acls, &error))?;
    let mut wanted: Vec<_> = part.acls.iter().map(|acl| compare::renamed(acl, renames)).collect();
    if wanted != part.acls {
        let note = "ACLs of renamed topics are about their new names; those with a prefix, and for *, stay as they are";
        plan.notes.push(note.to_owned());
    }
    wanted.sort_unstable();
    wanted.dedup();
    plan.only_in_target += there.iter().filter(|acl| wanted.binary_search(acl).is_err()).count();
    plan.items.extend(compare::acls(wanted, &there));
    Ok(())
}

async fn quotas(cluster: &Cluster, part: &SettingsPart, plan: &mut WidePlan) -> Result<(), RestoreError> {
    told(part, SettingsKind::Quotas, plan);
    if part.quotas.is_empty() {
        return Ok(());
    }
    let there = cluster.describe_quotas().await.map_err(|error| cannot(SettingsKind::Quotas, &error))?;
    let wanted: HashSet<_> = part.quotas.iter().map(|one| (&one.entity, &one.name)).collect();
    plan.only_in_target += there.iter().filter(|one| !wanted.contains(&(&one.entity, &one.name))).count();
    plan.items.extend(compare::quotas(&part.quotas, &there));
    Ok(())
}

async fn cluster_configs(cluster: &Cluster, part: &SettingsPart, plan: &mut WidePlan) -> Result<(), RestoreError> {
    told(part, SettingsKind::ClusterConfigs, plan);
    told(part, SettingsKind::ClientMetrics, plan);
    let mut wanted = Vec::new();
    if !part.cluster_configs.is_empty() {
        wanted.push((SettingsKind::ClusterConfigs, ConfigScope::AllBrokers, part.cluster_configs.as_slice()));
    }
    wanted.extend(part.client_metrics.iter().map(|one| {
        (SettingsKind::ClientMetrics, ConfigScope::ClientMetrics(one.name.clone()), one.configs.as_slice())
    }));
    for (kind, scope, entries) in wanted {
        let there = described(cluster, &scope).await.map_err(|error| cannot(kind, &error))?;
        plan.items.extend(compare::configs(kind, &scope, entries, &there));
    }
    Ok(())
}

async fn described(cluster: &Cluster, scope: &ConfigScope) -> Result<Vec<ScopedConfig>, ClusterError> {
    match cluster.describe_scopes(vec![scope.clone()]).await.pop() {
        Some((_, answer)) => answer,
        None => Ok(Vec::new()),
    }
}

/// Those of groups come without being asked for, so a target that does not take them is no reason to refuse.
async fn group_configs(
    cluster: &Cluster,
    part: &SettingsPart,
    selection: &Selection,
    prefix: &str,
    plan: &mut WidePlan,
) -> Result<(), RestoreError> {
    let (include, exclude) = (Patterns::new(&selection.groups)?, Patterns::new(&selection.exclude_groups)?);
    let takes = |id: &str| (include.texts().is_empty() || include.matches(id)) && !exclude.matches(id);
    let wanted: Vec<(ConfigScope, &[ConfigEntry])> = part
        .group_configs
        .iter()
        .filter(|one| takes(&one.name))
        .map(|OwnConfigs { name, configs }| {
            (ConfigScope::Group(GroupId::new(format!("{prefix}{name}"))), configs.as_slice())
        })
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let kind = SettingsKind::GroupConfigs;
    let scopes = wanted.iter().map(|(scope, _)| scope.clone()).collect();
    let mut answers = cluster.describe_scopes(scopes).await;
    for (scope, entries) in wanted {
        let answer = answers.iter().position(|(found, _)| *found == scope).map(|at| answers.swap_remove(at).1);
        match answer {
            Some(Ok(there)) => plan.items.extend(compare::configs(kind, &scope, entries, &there)),
            Some(Err(error)) => {
                let reason = reason(kind, &error);
                plan.items.extend(compare::left_out(kind, &scope, entries, &reason));
                plan.incomplete.push(format!("{scope}: its configs are not restored: {reason}"));
            }
            None => {}
        }
    }
    Ok(())
}

fn cannot(kind: SettingsKind, error: &ClusterError) -> RestoreError {
    RestoreError::CannotSet { what: kind.to_string(), reason: reason(kind, error) }
}

fn reason(kind: SettingsKind, error: &ClusterError) -> String {
    if error.code() == Some(ErrorCode::SECURITY_DISABLED) {
        return "the target has no authorizer (authorizer.class.name)".to_owned();
    }
    if error.is_unsupported() || error.code() == Some(ErrorCode::INVALID_REQUEST) {
        return "the target's brokers do not offer them".to_owned();
    }
    if error.is_not_allowed() {
        let right = match kind {
            SettingsKind::Acls => "Describe and Alter on the cluster",
            SettingsKind::GroupConfigs => "DescribeConfigs and AlterConfigs on the group",
            _ => "DescribeConfigs and AlterConfigs on the cluster",
        };
        return format!("this client may not see them in the target: it takes {right}");
    }
    describe(error)
}

/// Refuses before the first change what the target would refuse after it (Kafka classes `AclApis`, `ControllerApis`).
async fn may_change(cluster: &Cluster, plan: &WidePlan) -> Result<(), RestoreError> {
    let needs = [
        (&[SettingsKind::Acls][..], Operation::Alter, "Alter"),
        (
            &[SettingsKind::Quotas, SettingsKind::ClusterConfigs, SettingsKind::ClientMetrics],
            Operation::AlterConfigs,
            "AlterConfigs",
        ),
    ];
    if !needs.iter().any(|(kinds, ..)| plan.adds(kinds)) {
        return Ok(());
    }
    // Who may not describe the cluster is shown no operation at all.
    let told = cluster.cluster_operations().await?.filter(|told| told.allow(Operation::Describe));
    let Some(told) = told else { return Ok(()) };
    for (kinds, operation, right) in needs {
        let kind = kinds.iter().find(|kind| plan.adds(&[**kind]));
        if let Some(kind) = kind.filter(|_| !told.allow(operation)) {
            let reason = format!("this client lacks {right} on the cluster");
            return Err(RestoreError::CannotSet { what: kind.to_string(), reason });
        }
    }
    Ok(())
}

impl WidePlan {
    /// What is there to do.
    pub(super) fn changes(&self) -> Vec<(usize, Change)> {
        let numbered = self.items.iter().enumerate();
        numbered.filter_map(|(at, item)| Some((at, item.change.clone()?))).collect()
    }

    /// What became of one change.
    pub(super) fn set(&mut self, at: usize, standing: Standing, detail: String) {
        if let Some(item) = self.items.get_mut(at) {
            item.line.standing = standing;
            item.line.detail = detail;
        }
    }
}
