//! The smallest sets of rights that OPERATIONS.md names, from both sides: with them everything works, and without any one
//! of them the tool names it.

use std::path::Path;
use std::process::Output;
use std::sync::OnceLock;

use protocol_tests::secured::{Listener, Login};
use protocol_tests::tools;
use serde_json::Value;

use super::{Rights, client, cluster, rights};
use crate::kafka::{Repository, ktape};

const BACKUP: [&str; 6] = [
    "READ,TOPIC,PREFIXED,rights-",
    "DESCRIBE_CONFIGS,TOPIC,PREFIXED,rights-",
    "DESCRIBE,GROUP,PREFIXED,rights-",
    "DESCRIBE_CONFIGS,GROUP,PREFIXED,rights-",
    "DESCRIBE,CLUSTER,LITERAL,kafka-cluster",
    "DESCRIBE_CONFIGS,CLUSTER,LITERAL,kafka-cluster",
];

/// Topics with a log start above 0, transactions, and a group; made once.
fn source() {
    static LOADED: OnceLock<()> = OnceLock::new();
    LOADED.get_or_init(|| {
        for step in [
            "topic:rights-plain:2",
            "times:rights-plain:0:1,2,3",
            "times:rights-plain:1:4",
            "topic:rights-holes:1",
            "transaction:rights-holes:5:abort",
            "transaction:rights-holes:5:commit",
            "trim:rights-holes:0:3",
            "topic:hush:1",
            "times:hush:0:1",
            "commit:rights-group:rights-plain:0:2",
            "commit:rights-group:hush:0:1",
        ] {
            cluster().desk().step(step).unwrap();
        }
        let config = ["--alter", "--add-config", "consumer.session.timeout.ms=50000"];
        let group = ["--entity-type", "groups", "--entity-name", "rights-group"];
        cluster().tools().admin(tools::CONFIGS, &[&group[..], &config].concat()).unwrap();
    });
}

fn backup(repository: &Repository, client: &Path, flags: &[&str]) -> Output {
    let file = client.display().to_string();
    let all = ["--command-config", &file, "--exclude-topics", "hush", "--groups", "rights-*", "--json"];
    repository.run("backup", &[&all[..], flags].concat())
}

fn without<'a>(all: &[&'a str], at: usize) -> Vec<&'a str> {
    [&all[..at], &all[at + 1..]].concat()
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn assert_says(output: &Output, code: i32, words: &str) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(code), "{words}: {text}");
    assert!(text.contains(words), "not {words:?} in {text}");
}

#[test]
fn a_backup_needs_six_rights_and_names_the_one_that_is_lacking() {
    source();
    let held = rights("backup", &BACKUP);
    let file = client(Listener::SaslPlaintext, &Login::Plain("backup"));
    let repository = Repository::init();
    assert_says(&backup(&repository, &file, &[]), 0, "\"incomplete\":[]");
    for (at, words) in [
        (0, "snapshot 1 holds it, and it is not shown now: this client needs Read on topic rights-plain"),
        (1, "this client needs DescribeConfigs on topic rights-plain"),
        (2, "this client needs Describe on group \\\"rights-group\\\""),
        (3, "this client lacks DescribeConfigs on the group"),
        (4, "it needs Describe on the cluster"),
        (5, "this client lacks DescribeConfigs on the cluster"),
    ] {
        held.set(&without(&BACKUP, at));
        assert_says(&backup(&repository.copy(), &file, &[]), 3, words);
    }
    held.set(&[&BACKUP[1..], &["DESCRIBE,TOPIC,PREFIXED,rights-"]].concat());
    assert_says(&backup(&Repository::init(), &file, &[]), 3, "this client needs Read on topic rights-holes");
    held.set(&without(&BACKUP, 4));
    let accepted = backup(&repository.copy(), &file, &["--accept-partial-view", "--accept", "settings"]);
    assert_says(&accepted, 0, "\"accepted\":true");
    held.set(&without(&BACKUP, 0));
    assert_says(
        &backup(&Repository::init(), &file, &["--topics", "rights-plain"]),
        1,
        "needs Read on topic rights-plain",
    );
    held.set(&[]);
    let nothing = backup(&Repository::init(), &file, &[]);
    assert_says(&nothing, 3, "the cluster shows this client not one topic");
    assert_says(&nothing, 3, "it needs Describe on the group");
}

#[test]
fn what_was_there_and_is_hidden_now_is_named_until_it_is_back() {
    source();
    let held = rights("operator", &[]);
    let also = |more: &[&'static str]| held.set(&[&BACKUP[..], more].concat());
    let file = client(Listener::SaslPlaintext, &Login::Scram256("operator"));
    let repository = Repository::init();
    also(&["DESCRIBE,TOPIC,LITERAL,hush"]);
    assert_says(&backup(&repository, &file, &[]), 0, "\"incomplete\":[]");
    also(&[]);
    let hidden = backup(&repository, &file, &[]);
    assert_says(&hidden, 3, "they are not shown now: this client needs Describe on topic hush");
    held.set(&BACKUP[1..]);
    assert_says(&backup(&repository, &file, &[]), 3, "needs Read on topic rights-holes");
    assert_says(&backup(&repository, &file, &[]), 3, "needs Read on topic rights-holes");
    held.set(&["READ,TOPIC,PREFIXED,rights-", BACKUP[1]]);
    assert_says(&backup(&repository, &file, &[]), 3, "\\\"rights-group\\\"");
    assert_says(&backup(&repository, &file, &[]), 3, "\\\"rights-group\\\"");
    also(&["DESCRIBE,TOPIC,LITERAL,hush"]);
    assert_says(&backup(&repository, &file, &[]), 0, "\"incomplete\":[]");
}

/// Topics of a restore are copies with a prefix, as they go into the cluster they come from.
fn restore_rights(prefix: &str) -> Vec<String> {
    let topic = |operation: &str| format!("{operation},TOPIC,PREFIXED,{prefix}-");
    let mut all: Vec<String> = ["CREATE", "WRITE", "READ", "ALTER_CONFIGS"].map(topic).into();
    all.push("READ,GROUP,PREFIXED,rights-".to_owned());
    all.push("ALTER_CONFIGS,GROUP,PREFIXED,rights-".to_owned());
    all
}

fn preserve_rights(prefix: &str) -> Vec<String> {
    let more = [format!("DELETE,TOPIC,PREFIXED,{prefix}-"), "ALTER,CLUSTER,LITERAL,kafka-cluster".to_owned()];
    [restore_rights(prefix), more.into()].concat()
}

fn set(held: &Rights, all: &[String]) {
    held.set(&all.iter().map(String::as_str).collect::<Vec<_>>());
}

fn restore(repository: &Repository, client: &Path, prefix: &str, flags: &[&str]) -> Output {
    let (file, rename) = (client.display().to_string(), format!("rights-*={prefix}-*"));
    let all = ["--command-config", &file, "--topics", "rights-*", "--rename", &rename, "--json"];
    repository.run("restore", &[&all[..], flags].concat())
}

fn backed_up() -> Repository {
    source();
    let repository = Repository::init();
    let file = client(Listener::SaslPlaintext, &Login::Plain("admin"));
    assert_says(&backup(&repository, &file, &["--topics", "rights-*"]), 0, "\"incomplete\":[]");
    repository
}

#[test]
fn a_restore_needs_six_rights_and_names_the_one_that_is_lacking() {
    let repository = backed_up();
    let held = rights("restore", &[]);
    let file = client(Listener::SaslPlaintext, &Login::Scram512("restore"));
    set(&held, &restore_rights("all"));
    assert_says(&restore(&repository, &file, "all", &[]), 0, "needs DescribeConfigs on the cluster");
    for (at, prefix, code, words) in [
        (0, "nocreate", 1, "this client needs Create on topic nocreate-holes"),
        (1, "nowrite", 5, "it needs Write on topic nowrite-holes"),
        (2, "noread", 5, "it needs Read on topic noread-holes"),
        (3, "noalter", 5, "it needs AlterConfigs on topic noalter-holes"),
        (4, "nogroup", 3, "on group \\\"rights-group\\\""),
        (5, "noconfigs", 3, "AlterConfigs on the group"),
    ] {
        let mut some = restore_rights(prefix);
        some.remove(at);
        set(&held, &some);
        assert_says(&restore(&repository, &file, prefix, &[]), code, words);
    }
}

#[test]
fn kept_offsets_need_two_rights_more_and_what_is_translated_says_why() {
    let repository = backed_up();
    let held = rights("nobody", &[]);
    let file = client(Listener::SaslPlaintext, &Login::Plain("nobody"));
    let preserve = |prefix: &str, lacking: Option<usize>| {
        let mut some = preserve_rights(prefix);
        lacking.map(|at| some.remove(at));
        set(&held, &some);
        let output = restore(&repository, &file, prefix, &["--preserve-offsets", "--exclude-groups", "*"]);
        let text = text(&output);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}"));
        (output.status.code(), document.to_string())
    };
    let (code, whole) = preserve("kept", None);
    assert!(code == Some(0) && !whole.contains("is not allowed"), "{whole}");
    let (_, no_delete) = preserve("nodelete", Some(6));
    assert!(no_delete.contains("DELETE on the topic is not allowed"), "{no_delete}");
    let (_, no_alter) = preserve("nomarkers", Some(7));
    assert!(no_alter.contains("neither ALTER nor CLUSTER_ACTION on the cluster is allowed"), "{no_alter}");
}

fn offsets(repository: &Repository, verb: &str, client: &Path) -> Output {
    let (place, file) = (repository.path().display().to_string(), client.display().to_string());
    ktape(&["offsets", verb, "--repository", &place, "--command-config", &file, "--json"])
}

#[test]
fn offsets_are_put_back_and_committed_again_with_rights_on_groups() {
    let repository = backed_up();
    let held = rights("restore", &[]);
    let file = client(Listener::SaslPlaintext, &Login::Plain("restore"));
    set(&held, &restore_rights("moved"));
    assert_says(&restore(&repository, &file, "moved", &[]), 0, "\"rights-group\"");
    let topics = "READ,TOPIC,PREFIXED,moved-";
    let (read, delete) = ("READ,GROUP,PREFIXED,rights-", "DELETE,GROUP,PREFIXED,rights-");
    held.set(&[topics, read]);
    assert_says(&offsets(&repository, "undo", &file), 3, "this client needs Delete on group \\\"rights-group\\\"");
    held.set(&[topics]);
    assert_says(&offsets(&repository, "undo", &file), 3, "on group \\\"rights-group\\\"");
    held.set(&[topics, delete]);
    assert_says(&offsets(&repository, "undo", &file), 0, "\"removed\":1");
    held.set(&[topics, delete]);
    assert_says(&offsets(&repository, "commit", &file), 3, "this client needs Read on the group");
    held.set(&[read]);
    assert_says(&offsets(&repository, "commit", &file), 5, "hidden from this client, which needs Read on it");
    held.set(&[topics, read]);
    assert_says(&offsets(&repository, "commit", &file), 0, "\"rights-group\"");
}
