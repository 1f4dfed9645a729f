//! A drill proves what it says, and leaves nothing behind.

use std::fs;

use protocol_tests::tools;
use serde_json::Value;

use super::watched::Watched;
use super::{Repository, source, target};

/// Shapes that differ much, and all groups that have positions there.
const SHAPES: [&str; 4] = ["codec-*", "transactions", "compacted", "groups"];

#[test]
fn a_drill_proves_every_record_and_group_and_removes_what_it_made() {
    let repository = Repository::init();
    repository.back_up(source(), &[&["--topics"], &SHAPES[..]].concat());
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let flags = ["--prefix", "later-proof-", "--replication-factor", "1", "--report-dir", &place];
    let report = repository.report("drill", target(), &flags);
    assert_eq!(report["result"], "proven", "{report:#}");
    let (found, restored) = (&report["comparison"], &report["restored"]);
    assert!(found["records"].as_u64() > Some(8_000) && found["offsets"].as_u64() > Some(100), "{report:#}");
    assert_eq!(found["records"], restored["records"], "{report:#}");
    assert_eq!(found["groups"], restored["groups"], "{report:#}");
    assert_eq!(report["removed"]["topics"].as_array().map(Vec::len), found["topics"].as_u64().map(|n| n as usize));
    assert!(report["sentence"].as_str().unwrap().starts_with("proven on "), "{report:#}");
    nothing_is_left("later-proof-");

    let mut files: Vec<String> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let dated = |ending: &str| files.iter().find(|name| name.starts_with("ktape-drill-2") && name.ends_with(ending));
    let text = fs::read_to_string(folder.path().join(dated(".txt").unwrap())).unwrap();
    assert!(text.ends_with("are equal\n") && text.contains("proven on "), "{text}");
    let json: Value = serde_json::from_slice(&fs::read(folder.path().join(dated(".json").unwrap())).unwrap()).unwrap();
    assert_eq!((&json["verb"], &json["report"]["sentence"]), (&"drill".into(), &report["sentence"]));

    // A name that would be too long is refused before anything is made.
    let long = "x".repeat(230);
    let refused = repository.ktape("drill", Some(target()), &["--prefix", &long]);
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(5) && text.contains("topic codec-"), "{text}");
}

#[test]
fn what_a_killed_drill_left_goes_with_the_next() {
    let repository = Repository::init();
    repository.back_up(source(), &["--topics", "raw", "groups", "--groups", "*"]);
    let flags = ["--prefix", "later-killed-", "--replication-factor", "1", "--topics", "raw", "groups"];
    let mut drill = Watched::start(&repository, "drill", target(), &flags);
    assert!(drill.wait_for(2, |event| event["phase"] == "commit"));
    drill.kill();
    let scratch = named("later-killed-");
    assert!(scratch.iter().any(|name| name.ends_with("-raw")), "{scratch:?}");
    // Somebody else's, under nearly the same names.
    let prefix = scratch.iter().find_map(|name| name.strip_suffix("raw")).unwrap().to_owned();
    let (topic, group) = (format!("{prefix}mine"), format!("{prefix}my-group"));
    let commit = format!("commit:{group}:{topic}:0:0");
    target().tools().load(&[&format!("topic:{topic}:1"), &commit]).unwrap();

    let report = repository.report("drill", target(), &flags);
    assert_eq!(report["result"], "proven", "{report:#}");
    let removed = &report["former"][0]["removed"];
    assert_eq!(removed["topics"].as_array().map(Vec::len), Some(2), "{report:#}");
    assert!(!removed["groups"].as_array().unwrap().is_empty(), "{report:#}");
    assert_eq!(named("later-killed-"), [topic, group], "only what was not the drill's is left");
    let again = repository.report("drill", target(), &flags);
    assert_eq!(again["former"].as_array().map(Vec::len), Some(0), "{again:#}");
}

#[test]
fn a_drill_that_meets_a_difference_says_so_and_cleans_up() {
    let repository = Repository::init();
    repository.back_up(source(), &["--topics", "raw", "--exclude-groups", "*"]);
    let flags = ["--prefix", "later-differs-", "--replication-factor", "1"];
    let mut drill = Watched::start(&repository, "drill", target(), &flags);
    assert!(drill.wait_for_phase("commit"));
    drill.pause();
    let topic = named("later-differs-").into_iter().find(|name| name.ends_with("-raw")).unwrap();
    target().tools().load(&[&format!("trim:{topic}:0:3")]).unwrap();
    drill.resume();
    let ended = drill.finish();
    assert_eq!(ended.code, Some(7), "{:#}", ended.report);
    let report = &ended.report;
    assert_eq!(report["result"], "different", "{report:#}");
    let first = &report["comparison"]["differences"][0];
    assert_eq!(
        (&first["topic"], &first["what"], &first["target_offset"]),
        (&"raw".into(), &"missing".into(), &0.into())
    );
    assert_eq!(first["further"], 2, "{report:#}");
    nothing_is_left("later-differs-");

    // One that is interrupted cleans up as well.
    let mut drill = Watched::start(&repository, "drill", target(), &flags);
    assert!(drill.wait_for_phase("create"));
    drill.interrupt();
    let ended = drill.finish();
    assert_eq!((ended.code, &ended.report["result"]), (Some(130), &"interrupted".into()), "{:#}", ended.report);
    nothing_is_left("later-differs-");
}

fn nothing_is_left(prefix: &str) {
    let left = named(prefix);
    assert!(left.is_empty(), "{left:?}");
}

/// Topics, then groups, whose names begin so, by Kafka's own tools.
fn named(prefix: &str) -> Vec<String> {
    let tools = target().tools();
    let list = |class: &str| {
        let listed = tools.admin(class, &["--list"]).unwrap().stdout;
        let mut names: Vec<String> =
            listed.lines().filter(|name| name.starts_with(prefix)).map(str::to_owned).collect();
        names.sort();
        names
    };
    [list(tools::TOPICS), list(tools::GROUPS)].concat()
}
