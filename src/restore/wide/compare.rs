//! Settings of the snapshot beside those of the target.

use std::collections::HashMap;

use super::report::{SettingLine, Standing};
use crate::cluster::{ConfigScope, ScopedConfig};
use crate::model::{Acl, ClientQuota, PatternType, ResourceType, ScramUser, TopicName};
use crate::repository::format::{ConfigEntry, SettingsKind};
use crate::restore::rename::Renames;

/// What to add to the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// A rule.
    Acl(Acl),
    /// A limit.
    Quota(ClientQuota),
    /// A config.
    Config(ConfigScope, ScopedConfig),
}

/// One setting, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub line: SettingLine,
    pub change: Option<Change>,
}

fn item(kind: SettingsKind, setting: String, standing: Standing, detail: String, change: Option<Change>) -> Item {
    Item { line: SettingLine { kind, setting, standing, detail }, change }
}

/// Rules of the snapshot under the names of the target.
pub(super) fn renamed(acl: &Acl, renames: &Renames) -> Acl {
    let literal = acl.resource_type == ResourceType::TOPIC && acl.pattern_type == PatternType::LITERAL;
    let target = || renames.target(&TopicName::new(&acl.resource_name).ok()?).ok();
    match literal.then(target).flatten() {
        Some(target) => Acl { resource_name: target.to_string(), ..acl.clone() },
        None => acl.clone(),
    }
}

/// Rules are there or not. Both lists ascend.
pub(super) fn acls(wanted: Vec<Acl>, there: &[Acl]) -> Vec<Item> {
    let compare = |acl: Acl| {
        let text = acl.to_string();
        match there.binary_search(&acl) {
            Ok(_) => item(SettingsKind::Acls, text, Standing::There, String::new(), None),
            Err(_) => item(SettingsKind::Acls, text, Standing::Add, String::new(), Some(Change::Acl(acl))),
        }
    };
    wanted.into_iter().map(compare).collect()
}

/// Limits are the same, others, or not there.
pub(super) fn quotas(wanted: &[ClientQuota], there: &[ClientQuota]) -> Vec<Item> {
    let there: HashMap<_, _> = there.iter().map(|one| ((&one.entity, one.name.as_str()), one)).collect();
    let compare = |quota: &ClientQuota| {
        let found = there.get(&(&quota.entity, quota.name.as_str()));
        let (standing, detail) = match found {
            None => (Standing::Add, String::new()),
            Some(found) if found.value == quota.value => (Standing::There, String::new()),
            Some(found) => (Standing::Differs, format!("the target has {}, which stays", found.value)),
        };
        let change = (standing == Standing::Add).then(|| Change::Quota(quota.clone()));
        item(SettingsKind::Quotas, quota.to_string(), standing, detail, change)
    };
    wanted.iter().map(compare).collect()
}

/// Configs of one scope.
pub(super) fn configs(
    kind: SettingsKind,
    scope: &ConfigScope,
    wanted: &[ConfigEntry],
    there: &[ScopedConfig],
) -> Vec<Item> {
    let compare = |entry: &ConfigEntry| {
        let found = there.iter().find(|one| one.name == entry.name);
        let value = entry.value.as_deref().unwrap_or("(hidden)");
        let text = match scope {
            ConfigScope::AllBrokers => format!("{}={value}", entry.name),
            other => format!("{other}: {}={value}", entry.name),
        };
        let (standing, detail) = match (found, &entry.value) {
            (Some(found), Some(_)) if found.value == entry.value => (Standing::There, String::new()),
            (Some(ScopedConfig { value: Some(found), .. }), Some(_)) => {
                (Standing::Differs, format!("the target has {found}, which stays"))
            }
            (Some(_), _) => (Standing::Differs, "the target has a value of its own, which stays".to_owned()),
            (None, None) => (Standing::ByHand, "the source's brokers hid its value: set it by hand".to_owned()),
            (None, Some(_)) => (Standing::Add, String::new()),
        };
        let config = || ScopedConfig { name: entry.name.clone(), value: entry.value.clone() };
        let change = (standing == Standing::Add).then(|| Change::Config(scope.clone(), config()));
        item(kind, text, standing, detail, change)
    };
    wanted.iter().map(compare).collect()
}

/// Users cannot be made without their passwords. `there` is `None` where the target does not tell.
pub(super) fn users(wanted: &[ScramUser], there: Option<&[ScramUser]>) -> Vec<Item> {
    let compare = |user: &ScramUser| {
        let found = there.and_then(|there| there.iter().find(|one| one.name == user.name));
        let lacking = user.credentials.iter().filter(|wanted| {
            !found.is_some_and(|found| found.credentials.iter().any(|one| one.mechanism == wanted.mechanism))
        });
        // The tools take one mechanism a call.
        let calls: Vec<String> = lacking
            .map(|one| {
                format!(
                    "kafka-configs.sh --alter --entity-type users --entity-name '{}' --add-config '{}=[iterations={},password=...]'",
                    user.name, one.mechanism, one.iterations
                )
            })
            .collect();
        let (standing, detail) = if calls.is_empty() {
            (Standing::There, String::new())
        } else {
            (Standing::ByHand, format!("no broker tells its secret; make it with {}", calls.join(" and ")))
        };
        item(SettingsKind::ScramUsers, user.to_string(), standing, detail, None)
    };
    wanted.iter().map(compare).collect()
}

/// A kind that is not restored although the snapshot holds it.
pub(super) fn left_out(kind: SettingsKind, scope: &ConfigScope, wanted: &[ConfigEntry], reason: &str) -> Vec<Item> {
    let mut items = configs(kind, scope, wanted, &[]);
    for item in &mut items {
        item.line.standing = Standing::LeftOut;
        reason.clone_into(&mut item.line.detail);
        item.change = None;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AclOperation, Permission, QuotaEntity, QuotaPart, QuotaValue, ScramCredential};

    fn acl(name: &str, pattern_type: PatternType) -> Acl {
        Acl {
            permission: Permission::ALLOW,
            principal: "User:alice".to_owned(),
            operation: AclOperation::READ,
            resource_type: ResourceType::TOPIC,
            resource_name: name.to_owned(),
            pattern_type,
            host: "*".to_owned(),
        }
    }

    fn quota(user: &str, value: f64) -> ClientQuota {
        let entity = QuotaEntity(vec![QuotaPart { kind: "user".to_owned(), name: Some(user.to_owned()) }]);
        ClientQuota { entity, name: "producer_byte_rate".to_owned(), value: QuotaValue(value) }
    }

    fn standings(items: &[Item]) -> Vec<Standing> {
        items.iter().map(|item| item.line.standing).collect()
    }

    #[test]
    fn only_literal_rules_follow_their_topics() {
        let renames = Renames::new(vec!["orders*=old.orders*".parse().unwrap()]);
        let name = |acl: &Acl| renamed(acl, &renames).resource_name;
        assert_eq!(name(&acl("orders", PatternType::LITERAL)), "old.orders");
        assert_eq!(name(&acl("orders", PatternType::PREFIXED)), "orders");
        assert_eq!(name(&acl("*", PatternType::LITERAL)), "*");
        let group = Acl { resource_type: ResourceType::GROUP, ..acl("orders", PatternType::LITERAL) };
        assert_eq!(name(&group), "orders");
    }

    #[test]
    fn what_is_there_stays_and_what_is_missing_is_added() {
        let (a, b) = (acl("a", PatternType::LITERAL), acl("b", PatternType::LITERAL));
        let items = acls(vec![a.clone(), b.clone()], std::slice::from_ref(&a));
        assert_eq!(standings(&items), [Standing::There, Standing::Add]);
        assert_eq!(items[1].change, Some(Change::Acl(b)));

        let items = quotas(&[quota("a", 1.0), quota("b", 1.0), quota("c", 1.0)], &[quota("a", 1.0), quota("b", 2.0)]);
        assert_eq!(standings(&items), [Standing::There, Standing::Differs, Standing::Add]);
        assert_eq!(items[1].line.detail, "the target has 2, which stays");
        assert_eq!(items.iter().filter(|item| item.change.is_some()).count(), 1);

        let entry =
            |name: &str, value: Option<&str>| ConfigEntry { name: name.into(), value: value.map(str::to_owned) };
        let wanted = [entry("a", Some("1")), entry("b", Some("1")), entry("c", Some("1")), entry("d", None)];
        let there = [("a", "1"), ("b", "2")]
            .map(|(name, value)| ScopedConfig { name: name.to_owned(), value: Some(value.to_owned()) });
        let items = configs(SettingsKind::ClusterConfigs, &ConfigScope::AllBrokers, &wanted, &there);
        assert_eq!(standings(&items), [Standing::There, Standing::Differs, Standing::Add, Standing::ByHand]);
    }

    #[test]
    fn every_setting_that_is_left_out_is_named_with_the_reason() {
        let entry = |name: &str| ConfigEntry { name: name.to_owned(), value: Some("1".to_owned()) };
        let scope = ConfigScope::ClientMetrics("all".to_owned());
        let items = left_out(SettingsKind::ClientMetrics, &scope, &[entry("a"), entry("b")], "no right");
        assert_eq!(standings(&items), [Standing::LeftOut, Standing::LeftOut]);
        assert!(items.iter().all(|item| item.line.detail == "no right" && item.change.is_none()), "{items:?}");
    }

    #[test]
    fn a_user_is_made_by_hand_one_call_a_mechanism() {
        let credential = |mechanism: &str| ScramCredential { mechanism: mechanism.to_owned(), iterations: 8192 };
        let both = vec![credential("SCRAM-SHA-256"), credential("SCRAM-SHA-512")];
        let wanted = ScramUser { name: "carol".to_owned(), credentials: both.clone() };
        let there = ScramUser { credentials: both[..1].to_vec(), ..wanted.clone() };
        let detail = |there: Option<&[ScramUser]>| users(std::slice::from_ref(&wanted), there).remove(0).line.detail;
        assert_eq!(detail(None).matches("kafka-configs.sh").count(), 2);
        assert!(detail(Some(&[there])).contains("'SCRAM-SHA-512=[iterations=8192,password=...]'"));
        assert_eq!(
            standings(&users(std::slice::from_ref(&wanted), Some(std::slice::from_ref(&wanted)))),
            [Standing::There]
        );
    }
}
