//! Adds what the plan adds, and reads it back. Doing it twice changes nothing.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::compare::Change;
use super::plan::WidePlan;
use super::report::{SettingsReport, Standing};
use crate::cluster::{Cluster, ConfigScope, ScopedConfig};
use crate::model::{Acl, ClientQuota, QuotaEntity, describe};

/// How long a broker may take until it shows what the controller has.
const SHOWN_WITHIN: Duration = Duration::from_secs(15);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Why a change was refused, by its place in the plan.
type Refused = HashMap<usize, String>;

/// Rules come first, those that deny before the others: at no moment is more allowed than in the end.
pub(crate) async fn apply(cluster: &Cluster, plan: WidePlan) -> SettingsReport {
    apply_within(cluster, plan, SHOWN_WITHIN).await
}

/// The same, if all of it is to be shown within that time.
pub(super) async fn apply_within(cluster: &Cluster, mut plan: WidePlan, shown_within: Duration) -> SettingsReport {
    let changes = plan.changes();
    let mut refused = add_acls(cluster, &changes).await;
    refused.extend(add_quotas(cluster, &changes).await);
    refused.extend(add_configs(cluster, &changes).await);
    let mut unseen: Vec<(usize, Change)> =
        changes.iter().filter(|(at, _)| !refused.contains_key(at)).cloned().collect();
    let begun = Instant::now();
    while !unseen.is_empty() {
        let shown = look(cluster, &unseen).await;
        unseen.retain(|(_, change)| !shown.holds(change));
        if unseen.is_empty() || begun.elapsed() >= shown_within {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let unseen: HashSet<usize> = unseen.into_iter().map(|(at, _)| at).collect();
    for (at, _) in &changes {
        match refused.remove(at) {
            Some(why) => plan.set(*at, Standing::Failed, why),
            None if unseen.contains(at) => {
                let seconds = shown_within.as_secs();
                let why = format!("the target took it, but did not show it within {seconds} s");
                plan.set(*at, Standing::Failed, why);
            }
            None => plan.set(*at, Standing::Added, String::new()),
        }
    }
    plan.report()
}

async fn add_acls(cluster: &Cluster, changes: &[(usize, Change)]) -> Refused {
    let wanted: Vec<(usize, Acl)> = changes
        .iter()
        .filter_map(|(at, change)| match change {
            Change::Acl(acl) => Some((*at, acl.clone())),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return Refused::new();
    }
    let answers = cluster.create_acls(wanted.iter().map(|(_, acl)| acl.clone()).collect()).await;
    let mut refused = Refused::new();
    for (acl, answer) in answers {
        let Err(error) = answer else { continue };
        refused.extend(wanted.iter().filter(|(_, one)| *one == acl).map(|(at, _)| (*at, describe(&error))));
    }
    refused
}

async fn add_quotas(cluster: &Cluster, changes: &[(usize, Change)]) -> Refused {
    let wanted: Vec<(usize, ClientQuota)> = changes
        .iter()
        .filter_map(|(at, change)| match change {
            Change::Quota(quota) => Some((*at, quota.clone())),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return Refused::new();
    }
    let answers = cluster.alter_quotas(wanted.iter().map(|(_, quota)| quota.clone()).collect()).await;
    let failed: HashMap<QuotaEntity, String> =
        answers.into_iter().filter_map(|(entity, answer)| Some((entity, describe(&answer.err()?)))).collect();
    wanted.iter().filter_map(|(at, quota)| Some((*at, failed.get(&quota.entity)?.clone()))).collect()
}

async fn add_configs(cluster: &Cluster, changes: &[(usize, Change)]) -> Refused {
    let wanted: Vec<(usize, (ConfigScope, ScopedConfig))> = changes
        .iter()
        .filter_map(|(at, change)| match change {
            Change::Config(scope, config) => Some((*at, (scope.clone(), config.clone()))),
            _ => None,
        })
        .collect();
    if wanted.is_empty() {
        return Refused::new();
    }
    let answers = cluster.set_scoped_configs(wanted.iter().map(|(_, change)| change.clone()).collect()).await;
    let mut refused = Refused::new();
    for (change, answer) in answers {
        let Err(error) = answer else { continue };
        refused.extend(wanted.iter().filter(|(_, one)| *one == change).map(|(at, _)| (*at, describe(&error))));
    }
    refused
}

/// What the target shows now; what it does not tell is empty.
#[derive(Debug, Default)]
struct Shown {
    acls: Vec<Acl>,
    quotas: Vec<ClientQuota>,
    configs: HashMap<ConfigScope, Vec<ScopedConfig>>,
}

async fn look(cluster: &Cluster, unseen: &[(usize, Change)]) -> Shown {
    let mut shown = Shown::default();
    if unseen.iter().any(|(_, change)| matches!(change, Change::Acl(_))) {
        shown.acls = cluster.describe_acls().await.unwrap_or_default();
    }
    if unseen.iter().any(|(_, change)| matches!(change, Change::Quota(_))) {
        shown.quotas = cluster.describe_quotas().await.unwrap_or_default();
    }
    let mut scopes: Vec<ConfigScope> = unseen
        .iter()
        .filter_map(|(_, change)| match change {
            Change::Config(scope, _) => Some(scope.clone()),
            _ => None,
        })
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    if !scopes.is_empty() {
        let answers = cluster.describe_scopes(scopes).await;
        shown.configs = answers.into_iter().filter_map(|(scope, answer)| Some((scope, answer.ok()?))).collect();
    }
    shown
}

impl Shown {
    fn holds(&self, change: &Change) -> bool {
        match change {
            Change::Acl(acl) => self.acls.binary_search(acl).is_ok(),
            Change::Quota(quota) => self.quotas.contains(quota),
            Change::Config(scope, config) => self.configs.get(scope).is_some_and(|all| all.contains(config)),
        }
    }
}
