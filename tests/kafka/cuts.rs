//! Restores up to a point in time, and of some partitions: judged by what Kafka's own consumer shows up to the cut.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol_tests::judge::{Isolation, Shown};
use serde_json::Value;

use super::{Repository, target};

/// Times of records count from here.
const TIME: i64 = 1_700_000_000_000;

/// All topics of the first test have 3 partitions, and one backup.
fn loaded() -> Repository {
    let steady: Vec<String> = (0..200).map(|time| time.to_string()).collect();
    let with_future = format!("{},{},{}", steady[..5].join(","), 4_000_000_000_000_i64, steady[5..].join(","));
    let steps = [
        "topic:later-cut:3".to_owned(),
        "times:later-cut:0:10,20,30,40,50".to_owned(),
        "times:later-cut:1:5,10,15".to_owned(),
        "times:later-cut:2:90,91".to_owned(),
        "commit:later-cut-end:later-cut:0:5".to_owned(),
        "commit:later-cut-end:later-cut:1:3".to_owned(),
        "commit:later-cut-mid:later-cut:0:2:some text".to_owned(),
        "commit:later-cut-mid:later-cut:2:1".to_owned(),
        "topic:later-future:1:message.timestamp.after.max.ms=9223372036854775807".to_owned(),
        format!("times:later-future:0:{with_future}"),
        // Offsets 0 to 2 commit at 6; 3 is plain; 4 is aborted at 5; 7 is plain; 8 and 9 stay open beyond 10, the cut.
        "topic:later-open:1".to_owned(),
        "begin:early:later-open:0:1,2,3".to_owned(),
        "times:later-open:0:4".to_owned(),
        "begin:gone:later-open:0:5".to_owned(),
        "end:gone:abort".to_owned(),
        "end:early:commit".to_owned(),
        "times:later-open:0:6".to_owned(),
        "begin:late:later-open:0:7,8".to_owned(),
        "times:later-open:0:99".to_owned(),
        "end:late:commit".to_owned(),
    ];
    target().tools().load(&steps.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let repository = Repository::init();
    let topics = ["--topics", "later-cut", "later-future", "later-open", "--groups", "later-cut-*"];
    repository.back_up(target(), &topics);
    repository
}

#[test]
fn a_restore_ends_where_its_time_says() {
    let repository = loaded();
    let before = target().tools().read("later-(cut|future|open)", Isolation::ReadCommitted).unwrap();
    let cut = until(&repository, "later-cut", 35, &["--groups", "later-cut-*"]);
    let open = until(&repository, "later-open", 50, &["--exclude-groups", "*"]);
    let from = restore(&repository, "later-cut", "from", &["--from", &time(15), "--exclude-groups", "*"]);
    a_record_from_the_future_is_named(&repository);
    let some = restore(&repository, "later-cut:0,2", "some", &["--groups", "later-cut-end"]);

    let back = target().tools().read("later-(cut|future|open)-(until|from|some)", Isolation::ReadUncommitted).unwrap();
    assert_eq!(shown(&back, "later-cut-until"), up_to(&before, "later-cut", 35));
    assert_eq!(shown(&back, "later-cut-until").values().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    // Kafka's consumer shows the transaction that ends behind the cut, as it has ended since.
    let mut ended = up_to(&before, "later-open", 50);
    ended.get_mut(&0).unwrap().retain(|record| !record.starts_with(&time(7)) && !record.starts_with(&time(8)));
    assert_eq!(shown(&back, "later-open-until"), ended);
    assert_eq!(ended[&0].len(), 5);
    assert_eq!(
        shown(&back, "later-future-until"),
        BTreeMap::from([(0, shown(&before, "later-future")[&0][..5].to_vec())])
    );
    let mut later = shown(&before, "later-cut");
    later.get_mut(&0).unwrap().drain(..1);
    later.get_mut(&1).unwrap().drain(..2);
    assert_eq!(shown(&back, "later-cut-from"), later);
    let mut chosen = shown(&before, "later-cut");
    chosen.remove(&1);
    assert_eq!(shown(&back, "later-cut-some"), chosen);

    told(&cut, &open, &from, &some);
    let described = target().tools().described_offsets().unwrap();
    let at =
        |group: &str, topic: &str, partition| described.get(&(group.to_owned(), topic.to_owned(), partition)).copied();
    assert_eq!(at("later-cut-end", "later-cut-until", 0), Some(3), "moved to the cut");
    assert_eq!(at("later-cut-end", "later-cut-until", 1), Some(3));
    assert_eq!(at("later-cut-mid", "later-cut-until", 0), Some(2));
    assert_eq!(at("later-cut-mid", "later-cut-until", 2), Some(0));
    assert_eq!(at("later-cut-end", "later-cut-some", 0), Some(5));
    assert_eq!(at("later-cut-end", "later-cut-some", 1), None, "its partition is not restored");
}

/// What the reports say of the cuts.
fn told(cut: &Value, open: &Value, from: &Value, some: &Value) {
    let cuts = cut["cuts"].as_array().unwrap();
    assert_eq!(cuts.len(), 2, "{cuts:?}");
    assert_eq!((cuts[0]["partition"].as_str(), cuts[0]["until"].as_i64()), (Some("later-cut-0"), Some(3)));
    assert_eq!((cuts[0]["timestamp"].as_i64(), cuts[0]["behind"].as_i64()), (Some(TIME + 40), Some(0)));
    assert_eq!((cuts[1]["partition"].as_str(), cuts[1]["until"].as_i64()), (Some("later-cut-2"), Some(0)));
    let adjusted = cut["adjusted"].as_array().unwrap();
    let moved = |one: &&Value| (one["source"].as_i64(), one["target"].as_i64()) == (Some(5), Some(3));
    assert!(adjusted.iter().any(|one| moved(&one)), "{adjusted:?}");
    assert_eq!(open["admitted"]["dropped_open_at_cut"].as_i64(), Some(1), "{open:#}");
    assert_eq!(open["admitted"]["dropped_aborted"].as_i64(), Some(1), "{open:#}");
    assert!(open["notes"].to_string().contains("open at the cut"), "{open:#}");
    let starts: Vec<_> = from["cuts"].as_array().unwrap().iter().map(|one| one["from"].as_i64()).collect();
    assert_eq!(starts, [Some(1), Some(2)]);
    assert!(some["lost"].to_string().contains("its partition is not restored"), "{some:#}");
    assert_eq!(some["topics"][0]["partitions"].as_i64(), Some(3));
}

fn a_record_from_the_future_is_named(repository: &Repository) {
    let (until, rename) = (time(150), "later-future=later-future-until");
    let flags = ["--until", &until, "--topics", "later-future", "--rename", rename, "--exclude-groups", "*"];
    let refused = repository.ktape("restore", Some(target()), &flags);
    let text = stderr(&refused);
    assert_eq!(refused.status.code(), Some(5), "{text}");
    assert!(text.contains("later-future-0 would end at offset 5") && text.contains("146 of 151"), "{text}");
    let planned = repository.restore(target(), &[&flags[..], &["--force", "--dry-run"]].concat());
    let cut = &planned["cuts"][0];
    assert_eq!(
        (cut["until"].as_i64(), cut["behind"].as_i64(), cut["at_or_before"].as_i64()),
        (Some(5), Some(146), Some(151))
    );
    assert_eq!(cut["jump_ms"].as_i64(), Some(4_000_000_000_000 - 5));
    let done = repository.restore(target(), &[&flags[..], &["--force"]].concat());
    assert_eq!((&done["cuts"][0], done["admitted"]["records"].as_i64()), (cut, Some(5)));
}

#[test]
fn a_restore_can_end_where_an_earlier_backup_did() {
    let tools = target().tools();
    let repository = Repository::init();
    let selection = ["--topics", "later-observed", "--exclude-groups", "*"];
    tools.load(&["topic:later-observed:2", "times:later-observed:0:10,9000000", "times:later-observed:1:7"]).unwrap();
    repository.back_up(target(), &selection);
    let between = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().to_string();
    std::thread::sleep(Duration::from_millis(5));
    tools.load(&["times:later-observed:0:11,12"]).unwrap();
    repository.back_up(target(), &selection);
    let flags = ["--until-observed", &between, "--rename", "later-observed=later-observed-until"];
    let done = repository.restore(target(), &flags);
    assert_eq!(done["cuts"].as_array().map(Vec::len), Some(1), "{done:#}");
    let back = tools.read("later-observed(-until)?", Isolation::ReadUncommitted).unwrap();
    let mut first = shown(&back, "later-observed");
    first.get_mut(&0).unwrap().truncate(2);
    assert_eq!(shown(&back, "later-observed-until"), first);
    assert_eq!(first.values().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    // The index that a cut by fetching goes by is checked like everything else.
    let checked = repository.ktape("verify", None, &[]);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
}

#[test]
fn a_backup_takes_whole_topics() {
    let repository = Repository::init();
    let refused = repository.ktape("backup", Some(target()), &["--topics", "later-cut:0"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("a backup takes whole topics"), "{}", stderr(&refused));
}

fn until(repository: &Repository, topic: &str, at: i64, flags: &[&str]) -> Value {
    restore(repository, topic, "until", &[&["--until", &time(at)], flags].concat())
}

/// Restores a selection beside the original, under its name and another word.
fn restore(repository: &Repository, selection: &str, word: &str, flags: &[&str]) -> Value {
    let topic = selection.split(':').next().unwrap();
    let rename = format!("{topic}={topic}-{word}");
    repository.restore(target(), &[&["--topics", selection, "--rename", &rename], flags].concat())
}

fn time(after: i64) -> String {
    (TIME + after).to_string()
}

fn shown(all: &Shown, topic: &str) -> BTreeMap<i32, Vec<String>> {
    let of = all.iter().filter(|((name, _), _)| name == topic);
    of.map(|((_, partition), records)| (*partition, records.iter().map(|one| one.content.clone()).collect())).collect()
}

/// Up to the first record that is later.
fn up_to(before: &Shown, topic: &str, at: i64) -> BTreeMap<i32, Vec<String>> {
    let is_not_later = |record: &String| record.split('\t').next().unwrap().parse::<i64>().unwrap() <= TIME + at;
    let cut = shown(before, topic).into_iter().map(|(partition, records)| {
        let end = records.iter().position(|record| !is_not_later(record)).unwrap_or(records.len());
        (partition, records[..end].to_vec())
    });
    cut.filter(|(_, records)| !records.is_empty()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
