//! What the target takes, refuses, and does not show.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol_tests::fake::{Fake, FakeSpec, key};

use super::apply::apply_within;
use super::compare::{self, Item};
use super::plan::WidePlan;
use super::report::{SettingsReport, Standing};
use crate::cluster::{Cluster, ClusterOptions, ConfigScope};
use crate::model::{Acl, AclOperation, GroupId, PatternType, Permission, ResourceType};
use crate::repository::format::{ConfigEntry, SettingsKind};

fn acl(resource_type: ResourceType, name: &str) -> Acl {
    Acl {
        permission: Permission::ALLOW,
        principal: "User:alice".to_owned(),
        operation: AclOperation::READ,
        resource_type,
        resource_name: name.to_owned(),
        pattern_type: PatternType::LITERAL,
        host: "*".to_owned(),
    }
}

fn target() -> Fake {
    let fake = FakeSpec::new(1).start().unwrap();
    fake.with(|state| state.acls = Some(Vec::new()));
    fake
}

/// Applies them, if they are to be shown within so many milliseconds.
async fn applied(fake: &Fake, items: Vec<Item>, within: u64) -> SettingsReport {
    let cluster = Cluster::connect(ClusterOptions::new([fake.bootstrap()])).await.unwrap();
    let mut plan = WidePlan::default();
    plan.items = items;
    let done = apply_within(&cluster, plan, Duration::from_millis(within));
    tokio::time::timeout(Duration::from_secs(8), done).await.expect("it ends")
}

fn standings(report: &SettingsReport) -> Vec<Standing> {
    report.settings.iter().map(|line| line.standing).collect()
}

#[tokio::test]
async fn what_is_taken_and_never_shown_has_failed() {
    let fake = target();
    fake.on_request_in(|exchange, state| {
        if exchange.api == key::DESCRIBE_ACLS {
            state.acls = Some(Vec::new());
        }
        None
    });
    let report = applied(&fake, compare::acls(vec![acl(ResourceType::TOPIC, "orders")], &[]), 300).await;
    assert_eq!(standings(&report), [Standing::Failed], "{report:?}");
    assert!(report.settings[0].detail.contains("did not show it") && !report.is_complete());
}

#[tokio::test]
async fn what_is_shown_late_is_waited_for() {
    let fake = target();
    let (mut looks, mut hidden) = (0, None);
    fake.on_request_in(move |exchange, state| {
        looks += i32::from(exchange.api == key::DESCRIBE_ACLS);
        match (exchange.api, looks) {
            (key::DESCRIBE_ACLS, 1) => hidden = state.acls.replace(Vec::new()),
            (key::DESCRIBE_ACLS, 2) => state.acls = hidden.take(),
            _ => {}
        }
        None
    });
    let report = applied(&fake, compare::acls(vec![acl(ResourceType::TOPIC, "orders")], &[]), 5_000).await;
    assert_eq!(standings(&report), [Standing::Added], "{report:?}");
}

#[tokio::test]
async fn a_refusal_is_told_of_what_was_refused() {
    let fake = target();
    fake.with(|state| state.forbidden.insert((3, 11)));
    let wanted = vec![acl(ResourceType::TOPIC, "orders"), acl(ResourceType::CLUSTER, "another")];
    let mut items = compare::acls(wanted, &[]);
    let entry = [ConfigEntry { name: "interval.ms".to_owned(), value: Some("60000".to_owned()) }];
    let scopes = [
        (SettingsKind::GroupConfigs, ConfigScope::Group(GroupId::new("billing".to_owned()))),
        (SettingsKind::ClientMetrics, ConfigScope::ClientMetrics("all".to_owned())),
        (SettingsKind::ClusterConfigs, ConfigScope::AllBrokers),
    ];
    items.extend(scopes.iter().flat_map(|(kind, scope)| compare::configs(*kind, scope, &entry, &[])));
    let report = applied(&fake, items, 1_000).await;
    let (added, failed) = (Standing::Added, Standing::Failed);
    assert_eq!(standings(&report), [added, failed, failed, added, added], "{report:?}");
    for refused in [&report.settings[1], &report.settings[2]] {
        assert!(!refused.detail.contains("did not show it"), "{refused:?}");
    }
    let set = BTreeMap::from([("interval.ms".to_owned(), "60000".to_owned())]);
    fake.with(|state| {
        assert_eq!(state.own_configs.get(&(16, "all".to_owned())), Some(&set));
        assert_eq!(state.broker_configs.get(""), Some(&set));
    });
}
