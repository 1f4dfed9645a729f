//! The cluster's own settings come back: what Kafka's tools show of the source they show of the target afterwards.

use std::collections::BTreeSet;
use std::process::Output;
use std::sync::OnceLock;

use protocol_tests::secured::{Listener, Login};
use protocol_tests::tools::{ACLS, CONFIGS};
use protocol_tests::{Cluster, ClusterSpec};
use serde_json::Value;

use super::{client, cluster, rights};
use crate::kafka::{self, Repository};

/// One broker with an authorizer, over PLAINTEXT and with all rights.
fn node() -> Cluster {
    let authorizer = ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    let spec = ClusterSpec::new(1).property(authorizer.0, authorizer.1);
    spec.property("super.users", "User:ANONYMOUS").start().unwrap()
}

/// Rules and limits of every kind.
fn source() -> &'static Cluster {
    static SOURCE: OnceLock<Cluster> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let cluster = node();
        cluster.tools().load(&["topic:orders:1", "bulk:orders:1:10:100:none", "commit:billing:orders:0:5"]).unwrap();
        let acl = |rest: &[&'static str]| [&[ACLS, "--add", "--force"], rest].concat();
        let set = |value: &'static str, entity: &[&'static str]| {
            [&[CONFIGS, "--alter", "--add-config", value], entity].concat()
        };
        let both = ["--allow-principal", "User:alice", "--operation", "Read", "--operation", "Describe"];
        let commands = [
            acl(&[&both[..], &["--topic", "orders"]].concat()),
            acl(&[&both[..], &["--group", "bil", "--resource-pattern-type", "prefixed"]].concat()),
            acl(&["--deny-principal", "User:bob", "--deny-host", "10.1.2.3", "--operation", "All", "--topic", "*"]),
            acl(&["--allow-principal", "User:ci", "--operation", "Alter", "--cluster"]),
            acl(&["--allow-principal", "User:ci", "--operation", "Write", "--transactional-id", "tx-ü"]),
            set(
                "producer_byte_rate=1024,request_percentage=12.5",
                &["--entity-type", "users", "--entity-name", "alice"],
            ),
            set("consumer_byte_rate=2048", &["--entity-type", "users", "--entity-default"]),
            set(
                "consumer_byte_rate=4096",
                &["--entity-type", "users", "--entity-name", "alice", "--entity-type", "clients", "--entity-default"],
            ),
            set("producer_byte_rate=8192", &["--entity-type", "clients", "--entity-name", "app"]),
            set("connection_creation_rate=1000", &["--entity-type", "ips", "--entity-default"]),
            set("log.retention.ms=123456789,log.cleaner.threads=2", &["--entity-type", "brokers", "--entity-default"]),
            set("consumer.session.timeout.ms=50000", &["--entity-type", "groups", "--entity-name", "billing"]),
            set("interval.ms=60000", &["--entity-type", "client-metrics", "--entity-name", "all-clients"]),
            set(
                "SCRAM-SHA-512=[iterations=8192,password=hidden-word]",
                &["--entity-type", "users", "--entity-name", "carol"],
            ),
        ];
        let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
        cluster.tools().several(&commands).unwrap();
        cluster
    })
}

/// What Kafka's tools show, line by line, without users' SCRAM credentials.
fn shown(cluster: &Cluster) -> BTreeSet<String> {
    let describe = |entity: &[&'static str]| [&[CONFIGS, "--describe"], entity].concat();
    let commands = [
        vec![ACLS, "--list"],
        describe(&["--entity-type", "users"]),
        describe(&["--entity-type", "users", "--entity-type", "clients"]),
        describe(&["--entity-type", "clients"]),
        describe(&["--entity-type", "ips"]),
        describe(&["--entity-type", "brokers", "--entity-default"]),
        describe(&["--entity-type", "groups", "--entity-name", "billing"]),
        describe(&["--entity-type", "client-metrics", "--entity-name", "all-clients"]),
    ];
    let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
    let told = cluster.tools().several(&commands).unwrap();
    let mut lines = BTreeSet::new();
    for text in told {
        // Rules stand below the resource they are about, in an order of their own.
        let mut resource = "";
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with("Current ACLs for resource") {
                resource = line;
            } else if !line.contains("SCRAM-SHA") {
                lines.insert(format!("{resource}{line}"));
            }
        }
    }
    lines
}

fn back_up() -> &'static Repository {
    static REPOSITORY: OnceLock<Repository> = OnceLock::new();
    REPOSITORY.get_or_init(|| {
        let repository = Repository::init();
        let report = repository.back_up(source(), &[]);
        assert_eq!(report["settings"]["acls"], 7, "{}", report["settings"]);
        assert_eq!(report["settings"]["quotas"], 6);
        // Kafka itself sets min.insync.replicas there (KIP-966).
        assert_eq!(report["settings"]["cluster_configs"], 3);
        assert_eq!(report["settings"]["group_configs"], 1);
        assert_eq!(report["settings"]["client_metrics"], 1);
        assert_eq!(report["settings"]["scram_users"], 1);
        repository
    })
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn json(output: &Output) -> Value {
    let mut document: Value = serde_json::from_str(&text(output)).unwrap();
    document["report"].take()
}

#[test]
fn a_new_cluster_gets_the_settings_of_the_old_one() {
    let (repository, target) = (back_up(), node());
    let all = ["--bootstrap-server", target.bootstrap(), "--acls", "--quotas", "--cluster-configs"];
    let run = |flags: &[&str]| repository.run("restore", &[&all[..], flags].concat());

    let before = shown(&target);
    let plan = text(&run(&["--dry-run"]));
    for line in [
        "  + deny User:bob all on topic * from 10.1.2.3",
        "  + allow User:alice read on topic orders",
        "  + allow User:alice describe on groups that begin with bil",
        "  + allow User:ci alter on cluster",
        "  + user alice: producer_byte_rate=1024",
        "  + user alice: request_percentage=12.5",
        "  + every other user: consumer_byte_rate=2048",
        "  + every other client-id, user alice: consumer_byte_rate=4096",
        "  + every other ip: connection_creation_rate=1000",
        "  + log.cleaner.threads=2",
        "  + client metrics all-clients: interval.ms=60000",
        "  + group billing: consumer.session.timeout.ms=50000",
    ] {
        assert!(plan.lines().any(|one| one == line), "{line}\n{plan}");
    }
    let by_hand = "SCRAM-SHA-512=[iterations=8192,password=...]";
    assert!(plan.contains("  ! carol: SCRAM-SHA-512 with 8192 iterations") && plan.contains(by_hand), "{plan}");
    assert_eq!(shown(&target), before, "a plan changes nothing");

    let report = json(&run(&["--json"]));
    let standings: BTreeSet<&str> = report["settings"]["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["standing"].as_str().unwrap())
        .collect();
    assert_eq!(standings, ["added", "by-hand", "there"].into());
    assert_eq!(shown(&target), shown(source()));

    let again = json(&run(&["--json"]));
    assert_eq!(again["was_finished"], true);
    let alone = text(&run(&["--settings-only"]));
    assert!(alone.contains("ACLs, 7 there:") && alone.contains("client quotas, 6 there:"), "{alone}");
    what_the_target_has_stays(repository, &target);
}

/// What was changed there meanwhile is told and left alone; what was removed comes back.
fn what_the_target_has_stays(repository: &Repository, target: &Cluster) {
    let commands: [&[&str]; 4] = [
        &[ACLS, "--add", "--force", "--allow-principal", "User:own", "--operation", "Read", "--topic", "own"],
        &[ACLS, "--remove", "--force", "--allow-principal", "User:ci", "--operation", "Alter", "--cluster"],
        &[
            CONFIGS,
            "--alter",
            "--add-config",
            "producer_byte_rate=7",
            "--entity-type",
            "users",
            "--entity-name",
            "alice",
        ],
        &[CONFIGS, "--alter", "--add-config", "log.cleaner.threads=1", "--entity-type", "brokers", "--entity-default"],
    ];
    target.tools().several(&commands).unwrap();
    let before = shown(target);
    let alone =
        ["--bootstrap-server", target.bootstrap(), "--settings-only", "--acls", "--quotas", "--cluster-configs"];
    let said = text(&repository.run("restore", &[&alone[..], &["--rename", "orders=orders-2"]].concat()));
    for line in [
        "  + allow User:alice read on topic orders-2",
        "  + allow User:ci alter on cluster",
        "  ~ user alice: producer_byte_rate=1024 (the target has 7, which stays)",
        "  ~ log.cleaner.threads=2 (the target has 1, which stays)",
        "only in the target, and left there: 3 settings",
    ] {
        assert!(said.lines().any(|one| one == line), "{line}\n{said}");
    }
    let after = shown(target);
    assert!(after.is_superset(&before), "{:?}", before.difference(&after));
    let new: Vec<&String> = after.difference(&before).filter(|line| line.contains("(principal=")).collect();
    assert_eq!(new.len(), 3, "two for the new name, one that was removed: {new:?}");
}

#[test]
fn secrets_of_scram_users_are_nowhere() {
    let repository = back_up();
    let said = text(&repository.run("show", &["--settings"]));
    assert!(said.contains("  carol: SCRAM-SHA-512 with 8192 iterations"), "{said}");
    assert!(said.contains("secrets cannot be read") && !said.contains("hidden-word"), "{said}");
}

#[test]
fn settings_that_may_not_be_read_or_set_are_named() {
    cluster().desk().step("topic:settings-a:1").unwrap();
    let topic = ["READ", "DESCRIBE", "DESCRIBE_CONFIGS"].map(|right| format!("{right},TOPIC,PREFIXED,settings-"));
    let mut few: Vec<&str> = topic.iter().map(String::as_str).collect();
    few.push("DESCRIBE,CLUSTER,LITERAL,kafka-cluster");
    let _held = rights("nobody", &few);
    let login = client(Listener::SaslPlaintext, &Login::Scram256("nobody")).display().to_string();

    let repository = Repository::init();
    let some = ["--command-config", &login, "--topics", "settings-a", "--exclude-groups", "*"];
    let done = repository.run("backup", &some);
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    for kind in ["client quotas", "cluster-wide configs", "client metrics"] {
        let line = format!("  {kind}: could not be read: this client lacks DescribeConfigs on the cluster");
        assert!(said.lines().any(|one| one == line), "{line}\n{said}");
    }
    assert!(!said.contains("ACLs: could not") && !said.contains("SCRAM users: could not"), "{said}");
    text(&repository.run("backup", &[&some[..], &["--accept", "settings"]].concat()));

    let flags = ["--command-config", &login, "--settings-only", "--acls"];
    let refused = back_up().run("restore", &flags);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(said.contains("ACLs cannot be restored: this client lacks Alter on the cluster"), "{said}");
}

#[test]
fn a_cluster_without_an_authorizer_takes_no_acls() {
    let target = kafka::target();
    let repository = Repository::init();
    target.tools().load(&["topic:settings-none:1"]).unwrap();
    let report = repository.back_up(target, &["--topics", "settings-none", "--exclude-groups", "*"]);
    assert_eq!(report["settings"]["not_captured"][0]["reason"], "no-authorizer", "{}", report["settings"]);

    let refused = back_up().run("restore", &["--bootstrap-server", target.bootstrap(), "--settings-only", "--acls"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(said.contains("ACLs cannot be restored: the target has no authorizer (authorizer.class.name)"), "{said}");
}
