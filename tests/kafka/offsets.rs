//! Offsets of groups apart from records, with Kafka's own group tool as the judge and as the reader of our CSV.

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use protocol_tests::tools::{self, Launch};
use serde_json::Value;

use super::{Repository, ktape, target};

type Described = BTreeMap<(String, String, i32), i64>;

/// Two partitions of ten records; partition 0 has its first four cut away before the backup. A group with metadata, one on
/// another partition, and both have committed to the future copy already.
fn loaded() -> Repository {
    let times = (0..10).map(|time| time.to_string()).collect::<Vec<_>>().join(",");
    let records = [0, 1].map(|partition| format!("times:later-offsets:{partition}:{times}"));
    let steps = [
        "topic:later-offsets:2",
        &records[0],
        &records[1],
        "trim:later-offsets:0:4",
        "commit:later-o-one:later-offsets:0:7:some text",
        "commit:later-o-one:later-offsets:1:10",
        "commit:later-o-two:later-offsets:1:3",
        "commit:later-o-low:later-offsets:0:2",
    ];
    target().tools().load(&steps).unwrap();
    let repository = Repository::init();
    repository.back_up(target(), &["--topics", "later-offsets", "--groups", "later-o-*"]);
    repository
}

#[test]
fn offsets_are_shown_committed_and_put_back() {
    let repository = loaded();
    let tools = target().tools();
    // The copy of partition 1 has offsets before, and more partitions get some by the restore.
    tools.load(&["topic:later-offsets-back:2", "commit:later-o-two:later-offsets-back:1:0:old"]).unwrap();
    let unknown = offsets(&repository, "show", &[]);
    assert_eq!((unknown["restore"].as_str(), unknown["offsets"].as_array().map(Vec::len)), (None, Some(4)));
    repository.restore(target(), &["--rename", "later-offsets=later-offsets-back"]);
    let restored = described("later-offsets-back");
    assert_eq!(restored, places("later-offsets-back", 3, 0, 10, 3));

    shown_as_restored(&repository, &restored);
    let undone = offsets(&repository, "undo", &target_flags(&[]));
    let kept = BTreeMap::from([at("later-o-two", "later-offsets-back", 1, 0)]);
    assert_eq!(described("later-offsets-back"), kept, "{undone:#}");
    let removed: u64 = undone["groups"].as_array().unwrap().iter().map(|one| one["removed"].as_u64().unwrap()).sum();
    assert_eq!(removed, 3, "{undone:#}");
    let positions = tools.positions().unwrap();
    let two = ("later-o-two".to_owned(), "later-offsets-back".to_owned(), 1);
    assert_eq!(positions[&two].metadata, "old");
    let again = run(&repository, "undo", &target_flags(&[]));
    assert_eq!(again.status.code(), Some(5), "an undo is not applied twice: {}", stderr(&again));

    kafkas_tool_takes_the_csv(&repository, &restored);
    committed_again(&repository, &restored);
}

/// As a table, as JSON, and the same numbers that Kafka's tool shows.
fn shown_as_restored(repository: &Repository, restored: &Described) {
    let shown = offsets(repository, "show", &[]);
    let targets: Described = shown["offsets"].as_array().unwrap().iter().map(of_json).collect();
    assert_eq!(&targets, restored);
    let origins: Vec<&str> =
        shown["offsets"].as_array().unwrap().iter().map(|one| one["target"]["origin"].as_str().unwrap()).collect();
    assert_eq!(origins, ["moved-up", "map", "map", "map"]);
    let table = String::from_utf8(run(repository, "show", &["--groups", "later-o-one"]).stdout).unwrap();
    assert!(table.contains("later-offsets-back"), "{table}");
}

fn of_json(one: &Value) -> ((String, String, i32), i64) {
    let target = &one["target"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let partition = one["partition"].as_i64().unwrap() as i32;
    ((text(&target["group"]), text(&target["topic"]), partition), target["offset"].as_i64().unwrap())
}

/// `kafka-consumer-groups --reset-offsets --from-file` brings the offsets to where the restore had them.
fn kafkas_tool_takes_the_csv(repository: &Repository, restored: &Described) {
    let folder = tempfile::tempdir().unwrap();
    let (one, all) = (folder.path().join("one.csv"), folder.path().join("all.csv"));
    fs::write(&one, run(repository, "show", &["--groups", "later-o-one", "--csv"]).stdout).unwrap();
    fs::write(&all, run(repository, "show", &["--csv"]).stdout).unwrap();
    assert_eq!(fs::read_to_string(&one).unwrap(), "later-offsets-back,0,3\nlater-offsets-back,1,10\n");
    let reset = |groups: &[&str], file: &std::path::Path| {
        let groups = groups.iter().flat_map(|group| ["--group", group]);
        let file = ["--reset-offsets", "--execute", "--from-file", file.to_str().unwrap()];
        let args: Vec<&str> =
            ["--bootstrap-server", target().bootstrap()].into_iter().chain(groups).chain(file).collect();
        target().tools().start(tools::GROUPS, &args, &Launch::default()).unwrap().finish(tools::TIMEOUT).unwrap()
    };
    reset(&["later-o-one"], &one);
    reset(&["later-o-low", "later-o-two"], &{
        let lines = fs::read_to_string(&all).unwrap();
        let others: Vec<&str> = lines.lines().filter(|line| !line.starts_with("later-o-one,")).collect();
        fs::write(&all, others.join("\n")).unwrap();
        all
    });
    assert_eq!(&described("later-offsets-back"), restored);
}

fn committed_again(repository: &Repository, restored: &Described) {
    let tools = target().tools();
    let topic = "later-offsets-back";
    tools
        .load(&["commit:later-o-one:later-offsets-back:0:5:moved", "commit:later-o-two:later-offsets-back:1:9"])
        .unwrap();
    let before = described(topic);
    let planned = offsets(repository, "commit", &target_flags(&["--dry-run"]));
    assert_eq!((planned["dry_run"].as_bool(), described(topic)), (Some(true), before.clone()));
    let done = offsets(repository, "commit", &target_flags(&[]));
    assert_eq!(done["groups"].as_array().map(Vec::len), Some(3), "{done:#}");
    assert_eq!(&described(topic), restored);
    let selected =
        offsets(repository, "commit", &target_flags(&["--groups", "later-o-two", "--out-of-range", "refuse"]));
    assert_eq!(selected["groups"].as_array().map(Vec::len), Some(1), "{selected:#}");
    let refused = run(repository, "commit", &target_flags(&["--out-of-range", "refuse"]));
    assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
    // The newest first: it changed nothing; the one before did.
    offsets(repository, "undo", &target_flags(&[]));
    assert_eq!(&described(topic), restored);
    offsets(repository, "undo", &target_flags(&[]));
    assert_eq!(described(topic), before);
}

#[test]
fn offsets_alone_go_onto_data_that_is_there() {
    let tools = target().tools();
    let times = (0..10).map(|time| time.to_string()).collect::<Vec<_>>().join(",");
    let fill = |topic: &str| [format!("topic:{topic}:1"), format!("times:{topic}:0:{times}")];
    let (made, same) = (fill("later-only"), fill("later-same"));
    let own = ["trim:later-only:0:4", "commit:later-a:later-only:0:6", "commit:later-a:later-same:0:6"];
    let beyond = ["commit:later-b:later-same:0:10"];
    let steps: Vec<&str> = made.iter().chain(&same).map(String::as_str).chain(own).chain(beyond).collect();
    tools.load(&steps).unwrap();
    let repository = Repository::init();
    repository.back_up(target(), &["--topics", "later-only", "later-same", "--groups", "later-a", "later-b"]);
    let data = ["--topics", "later-only", "--rename", "later-only=later-only-back", "--exclude-groups", "*"];
    repository.restore(target(), &data);

    // One topic by the map of that restore, the other as it is: a shorter copy that somebody else made.
    let short = fill("later-same-copy");
    tools.load(&[short[0].as_str(), "times:later-same-copy:0:0,1,2,3,4,5,6,7"]).unwrap();
    let flags = ["--offsets-only", "--rename", "later-only=later-only-back", "--rename", "later-same=later-same-copy"];
    let absent =
        repository.ktape("restore", Some(target()), &["--offsets-only", "--rename", "later-same=later-nowhere"]);
    assert_eq!(absent.status.code(), Some(5), "{}", stderr(&absent));
    assert!(stderr(&absent).contains("later-nowhere does not exist"), "{}", stderr(&absent));
    let planned = repository.restore(target(), &[&flags[..], &["--dry-run"]].concat());
    assert!(planned["notes"].to_string().contains("taken as they are"), "{planned:#}");
    assert!(described("later-same-copy").is_empty());
    let done = repository.restore(target(), &flags);
    assert_eq!(described("later-only-back"), BTreeMap::from([at("later-a", "later-only-back", 0, 2)]), "{done:#}");
    let copy = [at("later-a", "later-same-copy", 0, 6), at("later-b", "later-same-copy", 0, 8)];
    assert_eq!(described("later-same-copy"), BTreeMap::from(copy), "{done:#}");
    offsets(&repository, "undo", &target_flags(&[]));
    assert!(described("later-same-copy").is_empty() && described("later-only-back").is_empty());

    // A group with a member is left alone, by name.
    let consumer = ["--bootstrap-server", target().bootstrap(), "--topic", "later-same-copy", "--group", "later-b"];
    let often = ["--from-beginning", "--command-property", "auto.commit.interval.ms=200"];
    let member = tools.start(tools::CONSOLE_CONSUMER, &[&consumer[..], &often].concat(), &Launch::default()).unwrap();
    tools.load(&["await-committed:later-b:later-same-copy:8"]).unwrap();
    let active = repository.ktape("restore", Some(target()), &flags);
    assert_eq!(active.status.code(), Some(5), "{}", stderr(&active));
    assert!(stderr(&active).contains(r#""later-b""#), "{}", stderr(&active));
    assert!(described("later-only-back").is_empty(), "nothing was committed for the other group either");
    drop(member);

    // Another snapshot's restore says nothing about where this one's offsets lie.
    repository.back_up(target(), &["--topics", "later-only", "later-same", "--groups", "later-a", "later-b"]);
    let other = repository.ktape("restore", Some(target()), &flags);
    assert_eq!(other.status.code(), Some(5), "{}", stderr(&other));
    assert!(stderr(&other).contains("was restored from snapshot 1"), "{}", stderr(&other));
}

fn places(topic: &str, one: i64, low: i64, end: i64, two: i64) -> Described {
    let groups = [("later-o-one", 0, one), ("later-o-low", 0, low), ("later-o-one", 1, end), ("later-o-two", 1, two)];
    groups.into_iter().map(|(group, partition, offset)| at(group, topic, partition, offset)).collect()
}

fn at(group: &str, topic: &str, partition: i32, offset: i64) -> ((String, String, i32), i64) {
    ((group.to_owned(), topic.to_owned(), partition), offset)
}

/// What Kafka's group tool shows of one topic.
fn described(topic: &str) -> Described {
    let mut all = target().tools().described_offsets().unwrap();
    all.retain(|(_, name, _), _| name == topic);
    all
}

fn target_flags<'a>(flags: &[&'a str]) -> Vec<&'a str> {
    [&["--bootstrap-server", target().bootstrap()], flags].concat()
}

/// Runs `ktape offsets`, which must succeed completely, and gives its report.
fn offsets(repository: &Repository, command: &str, flags: &[&str]) -> Value {
    let done = run(repository, command, &[flags, &["--json"]].concat());
    assert_eq!(done.status.code(), Some(0), "{}\n{}", String::from_utf8_lossy(&done.stdout), stderr(&done));
    let mut document: Value = serde_json::from_slice(&done.stdout).unwrap();
    document["report"].take()
}

fn run(repository: &Repository, command: &str, flags: &[&str]) -> Output {
    let place = repository.path().display().to_string();
    ktape(&[&["offsets", command, "--repository", &place], flags].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
