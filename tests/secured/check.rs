//! `ktape check`: what is missing is named exactly, what is soon lost is told with its time, and nothing is changed.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol_tests::secured::{Listener, Login};
use serde_json::Value;

use super::{client, cluster};
use crate::kafka::{Repository, ktape};

/// A user of its own, by a client certificate.
const USER: &str = "checker";
/// Fixed time of the records that the harness writes (`Kafka.TIME`).
const TIME: i64 = 1_700_000_000_000;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn admin() -> String {
    cluster().bootstrap(Listener::Plaintext)
}

/// Runs `ktape check` and gives its exit code and report.
fn check(flags: &[&str]) -> (Option<i32>, Value) {
    let output = ktape(&[&["check", "--json"], flags].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let mut document: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), document["report"].take())
}

fn problems(report: &Value) -> Vec<String> {
    let one = |one: &Value| format!("{}: {}", one["subject"].as_str().unwrap(), one["detail"].as_str().unwrap());
    report["problems"].as_array().unwrap().iter().map(one).collect()
}

/// `backup topic check-orders Read` for every right that is missing.
fn missing(report: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for rights in report["rights"].as_array().unwrap() {
        for right in rights["missing"].as_array().unwrap() {
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let words = [&rights["for"], &right["on"], &right["name"], &right["operation"]].map(word);
            all.push(words.join(" "));
        }
    }
    all
}

#[test]
fn exactly_the_missing_rights_are_named() {
    let desk = cluster().desk();
    for step in ["topic:check-orders:2", "topic:check-secret:1", "commit:check-shop:check-orders:0:0"] {
        desk.step(step).unwrap();
    }
    let repository = Repository::init();
    let place = repository.path().display().to_string();
    let chosen = ["--topics", "check-orders", "check-secret", "--groups", "check-shop"];
    let done = repository.run("backup", &[&["--bootstrap-server", &admin()][..], &chosen].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");

    let file = client(Listener::Ssl, &Login::Certificate(USER)).display().to_string();
    let common = [&["--command-config", &file, "--repository", &place][..], &chosen].concat();
    let backup = [
        "READ,TOPIC,PREFIXED,check-",
        "DESCRIBE_CONFIGS,TOPIC,PREFIXED,check-",
        "DESCRIBE,GROUP,LITERAL,check-shop",
        "DESCRIBE_CONFIGS,GROUP,LITERAL,check-shop",
        "DESCRIBE,CLUSTER,LITERAL,kafka-cluster",
        "DESCRIBE_CONFIGS,CLUSTER,LITERAL,kafka-cluster",
    ];
    cluster().set_acls(USER, &backup).unwrap();
    let (code, report) = check(&common);
    assert_eq!((code, problems(&report)), (Some(0), Vec::new()), "{report:#}");
    assert!(missing(&report).iter().all(|one| !one.starts_with("backup")), "{report:#}");
    let restore: Vec<String> = missing(&report).into_iter().filter(|one| one.starts_with("restore ")).collect();
    let of =
        |operation: &str| ["check-orders", "check-secret"].map(|topic| format!("restore topic {topic} {operation}"));
    let expected = [of("Create"), of("Write"), of("AlterConfigs")].concat();
    let expected =
        [expected, ["Read", "AlterConfigs"].map(|it| format!("restore group check-shop {it}")).into()].concat();
    assert_eq!(restore, expected);
    let (code, _) = check(&[&common[..], &["--for", "restore"]].concat());
    assert_eq!(code, Some(3));

    // One right after the other is taken away, and is the one that is named.
    let without = |at: usize| {
        let entries: Vec<&str> = (0..backup.len()).filter(|one| *one != at).map(|one| backup[one]).collect();
        cluster().set_acls(USER, &entries).unwrap();
        let (code, report) = check(&common);
        assert_eq!(code, Some(3), "{report:#}");
        missing(&report).into_iter().filter(|one| one.starts_with("backup")).collect::<Vec<_>>()
    };
    let both =
        |operation: &str| ["check-orders", "check-secret"].map(|topic| format!("backup topic {topic} {operation}"));
    assert_eq!(without(0), both("Read"));
    assert_eq!(without(1), both("DescribeConfigs"));
    assert_eq!(without(2), ["backup group check-shop Describe"]);
    assert_eq!(without(3), ["backup group check-shop DescribeConfigs"]);
    assert_eq!(without(4), ["backup cluster kafka-cluster Describe"]);
    assert_eq!(without(5), ["backup cluster kafka-cluster DescribeConfigs"]);

    // All that a restore with the same offsets wants.
    let all = [
        "ALL,TOPIC,PREFIXED,check-",
        "READ,GROUP,LITERAL,check-shop",
        "ALTER_CONFIGS,GROUP,LITERAL,check-shop",
        "ALTER_CONFIGS,CLUSTER,LITERAL,kafka-cluster",
        "ALTER,CLUSTER,LITERAL,kafka-cluster",
    ];
    cluster().set_acls(USER, &all).unwrap();
    let (code, report) =
        check(&[&common[..], &["--for", "backup", "restore", "preserve-offsets", "settings"]].concat());
    assert_eq!((code, missing(&report)), (Some(0), Vec::new()), "{report:#}");
    cluster().set_acls(USER, &[]).unwrap();
}

#[test]
fn what_retention_will_take_is_told_with_its_time() {
    let desk = cluster().desk();
    let retention = now() - TIME;
    // Retention takes the first record in 41 minutes and a half, the second an hour later.
    let soon = retention + 41 * 60_000 + 30_000;
    for step in [
        &format!("topic:check-soon:4:retention.ms={soon}"),
        &format!("topic:check-calm:1:retention.ms={}", retention + 86_400_000 * 3),
        "topic:check-kept:1:retention.ms=-1",
        "topic:check-squeezed:1:retention.ms=-1:retention.bytes=2000000000",
    ] {
        desk.step(step).unwrap();
    }
    let repository = Repository::init();
    let place = repository.path().display().to_string();
    let address = admin();
    let common =
        ["--repository", &place, "--bootstrap-server", &address, "--topics", "check-[sck]*", "--exclude-topics"];
    let common = [&common[..], &["check-secret", "--groups", "check-no*"]].concat();
    let (code, report) = check(&common);
    assert_eq!(code, Some(3));
    assert!(problems(&report)[0].ends_with("there is no snapshot of it yet"), "{report:#}");

    let backed_up = ktape(&[&["backup"], &common[..common.len() - 2]].concat());
    assert_eq!(backed_up.status.code(), Some(0), "{backed_up:?}");
    let common = &common[..common.len() - 2];
    let (code, report) = check(&[common, &["--max-age", "1h"]].concat());
    assert_eq!((code, problems(&report)), (Some(0), Vec::new()), "{report:#}");
    assert_eq!(
        (&report["retention"]["unsaved_offsets"], &report["retention"]["left_seconds"]),
        (&0.into(), &Value::Null)
    );

    for step in
        ["times:check-soon:3:0,3600000", "times:check-soon:1:7200000", "times:check-calm:0:0", "times:check-kept:0:0"]
    {
        desk.step(step).unwrap();
    }
    let metrics = repository.path().with_file_name("check.prom").display().to_string();
    let (code, report) = check(&[common, &["--metrics-file", &metrics]].concat());
    assert_eq!(code, Some(3), "{report:#}");
    let [problem] = &problems(&report)[..] else { panic!("{report:#}") };
    let expected =
        [41, 40].map(|minutes| format!("check-soon-3: loses unsaved data in {minutes} min by its retention.ms"));
    assert!(expected.contains(problem), "{problem}");
    let text = ktape(&[&["check"], common].concat());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(
        text.contains("\n  check-soon-3 loses unsaved data in 4") && text.contains("min (retention.ms)\n"),
        "{text}"
    );
    let topics = report["retention"]["topics"].as_array().unwrap();
    let left: Vec<_> =
        topics.iter().map(|one| (one["topic"].as_str().unwrap(), one["left_seconds"].as_u64())).collect();
    assert_eq!((left[0].0, left[1], left[2].0), ("check-calm", ("check-kept", None), "check-soon"), "{left:?}");
    assert!((255_000..259_200).contains(&left[0].1.unwrap()), "{left:?}");
    assert_eq!(report["retention"]["unsaved_offsets"], 5);
    numbers(Path::new(&metrics));

    // Less to worry about with another threshold, or once it is saved.
    let (code, _) = check(&[common, &["--min-time-left", "30m"]].concat());
    assert_eq!(code, Some(0));
    let metrics = repository.path().with_file_name("backup.prom").display().to_string();
    let saved = ktape(&[&["backup"], common, &["--metrics-file", &metrics]].concat());
    assert_eq!(saved.status.code(), Some(0), "{saved:?}");
    let text = std::fs::read_to_string(&metrics).unwrap();
    for line in
        ["ktape_backup_exit_code 0.0", "ktape_backup_new_records 5.0", "ktape_backup_retention_left_seconds inf"]
    {
        assert!(text.lines().any(|one| one.eq_ignore_ascii_case(line)), "{line}: {text}");
    }
    let (code, report) = check(common);
    assert_eq!((code, problems(&report)), (Some(0), Vec::new()), "{report:#}");

    // What was lost is told afterwards too.
    for step in ["times:check-soon:3:7200000,7200001,7200002", "trim:check-soon:3:4"] {
        desk.step(step).unwrap();
    }
    let (code, report) = check(&[common, &["--min-time-left", "1m"]].concat());
    assert_eq!(code, Some(3));
    assert_eq!(problems(&report), ["check-soon-3: retention deleted offsets 2 to 3 before they were backed up"]);
}

/// As Prometheus reads them: each value once, with help and type.
fn numbers(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = lines.next().unwrap_or_else(|| panic!("{name}: {text}")).parse::<f64>().unwrap();
        assert!(lines.next().is_none(), "{name} is there twice: {text}");
        value
    };
    assert!((2_300.0..2_490.0).contains(&value("ktape_check_retention_left_seconds")), "{text}");
    assert!((2_300.0..2_490.0).contains(&value("ktape_check_topic_retention_left_seconds{topic=\"check-soon\"}")));
    assert_eq!((value("ktape_check_exit_code"), value("ktape_check_problems")), (3.0, 1.0));
    assert_eq!((value("ktape_check_cluster_up"), value("ktape_check_unsaved_offsets")), (1.0, 5.0));
    assert!(value("ktape_check_missing_rights{for=\"backup\"}").abs() < f64::EPSILON, "{text}");
    assert!(text.contains("# TYPE ktape_check_free_bytes gauge"), "{text}");
    assert!((value("ktape_check_snapshot_timestamp_seconds") - now() as f64 / 1_000.0).abs() < 600.0, "{text}");
}

#[test]
fn a_look_at_the_cluster_tells_brokers_features_and_clock() {
    let address = admin();
    let (code, report) = check(&["--bootstrap-server", &address, "--topics", "check-none*"]);
    assert_eq!(code, Some(0), "{report:#}");
    let state = &report["cluster"];
    assert_eq!(state["brokers"].as_array().unwrap().len(), 1);
    assert!(state["brokers"][0]["connected_ms"].is_u64() && state["features"]["transaction markers"] == true);
    // The broker runs on this machine.
    assert!(state["clock"]["ahead_ms"].as_i64().unwrap().abs() < 2_000, "{state:#}");
    assert!(report["repository"].is_null() && report["retention"].is_null());
    let text = ktape(&["check", "--bootstrap-server", &address, "--topics", "check-none*"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("clock: that of controller 1 is ") && text.ends_with("all is well\n"), "{text}");
}

#[test]
fn every_listener_and_login_is_checked_with_a_file_for_java() {
    let (id, hmac) = cluster().delegation_token("admin").unwrap();
    let logins = [
        Login::Plain("admin"),
        Login::Scram256("admin"),
        Login::Scram512("admin"),
        Login::OAuth("admin"),
        Login::Token(id, hmac),
    ];
    let mut cases = vec![(Listener::Ssl, Login::Certificate("admin"))];
    for listener in [Listener::SaslSsl, Listener::SaslPlaintext] {
        cases.extend(logins.iter().map(|login| (listener, login.clone())));
    }
    for (listener, login) in cases {
        let file = client(listener, &login).display().to_string();
        let (code, report) = check(&["--command-config", &file, "--topics", "check-none*", "--groups", "check-none*"]);
        assert_eq!((code, problems(&report)), (Some(0), Vec::new()), "{login:?}: {report:#}");
    }
}

#[test]
fn what_cannot_be_reached_is_exit_1_and_the_rest_is_looked_at_all_the_same() {
    let repository = Repository::init();
    let place = repository.path().display().to_string();
    let metrics = repository.path().with_file_name("down.prom").display().to_string();
    let flags = ["--repository", &place, "--bootstrap-server", "127.0.0.1:1", "--metrics-file", &metrics];
    let (code, report) = check(&flags);
    assert_eq!((code, report["problems"][0]["kind"].as_str()), (Some(1), Some("not-reachable")), "{report:#}");
    assert!(report["repository"]["free_bytes"].as_u64().unwrap() > 0, "{report:#}");
    assert!(std::fs::read_to_string(&metrics).unwrap().contains("ktape_check_cluster_up 0"));
    let failed = ktape(&[&["backup"], &flags[..]].concat());
    assert_eq!(failed.status.code(), Some(1));
    let text = std::fs::read_to_string(&metrics).unwrap();
    assert!(text.contains("ktape_backup_exit_code 1") && !text.contains("last_success"), "{text}");

    let damaged = repository.path().join("snapshots/0000000001.json");
    std::fs::create_dir_all(damaged.parent().unwrap()).unwrap();
    std::fs::write(&damaged, "{}").unwrap();
    let (code, report) = check(&["--repository", &place, "--bootstrap-server", &admin(), "--topics", "check-none*"]);
    assert_eq!((code, report["problems"][0]["subject"].as_str()), (Some(4), Some("repository")), "{report:#}");
    assert_eq!(report["cluster"]["brokers"][0]["node"], 1, "{report:#}");
    std::fs::remove_file(&damaged).unwrap();

    let neither = ktape(&["check"]);
    assert_eq!(neither.status.code(), Some(2));
    let (code, report) = check(&["--repository", &place, "--max-age", "26h"]);
    assert_eq!((code, problems(&report).len()), (Some(3), 1), "{report:#}");
    let nowhere = format!("{place}-nowhere");
    let (code, report) = check(&["--repository", &nowhere]);
    assert_eq!(code, Some(5), "{report:#}");
}
