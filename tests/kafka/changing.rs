//! Sources that change while they are backed up, or between two backups.

use std::collections::BTreeSet;
use std::fs;

use protocol_tests::judge::{Isolation, contents};
use serde_json::Value;

use super::bytes::{assert_verbatim, log_of, stored};
use super::watched::Watched;
use super::{Repository, shaken, target};

/// Slow enough to do something in the middle of a backup of some megabytes.
const SLOW: &str = "quota:consumer_byte_rate:300000";
const FAST: &str = "quota:consumer_byte_rate:none";
const SMALL_FETCHES: [&str; 2] = ["--fetch-bytes", "64KiB"];

#[test]
fn what_retention_takes_before_it_is_read_is_a_gap() {
    let cluster = shaken();
    let tools = cluster.tools();
    tools.load(&["bulk:gap:1:6000:1000:none", SLOW]).unwrap();
    let (strict, lenient) = (Repository::init(), Repository::init());
    let flags = [&["--topics", "gap", "--exclude-groups", "*"], &SMALL_FETCHES[..]].concat();
    let accepting = [&flags[..], &["--accept", "gaps"]].concat();
    let mut runs =
        [(&strict, &flags), (&lenient, &accepting)].map(|(at, flags)| Watched::start(at, "backup", &cluster, flags));
    for run in &mut runs {
        run.wait_for_requests("Fetch", 2);
        run.pause();
    }
    tools.load(&["trim:gap:0:5900", FAST]).unwrap();
    runs.iter().for_each(Watched::resume);
    let [first, second] = runs.map(Watched::finish);

    let first = first.exits(3);
    let [gap] = first.list("incomplete") else { panic!("{:#}", first.report) };
    assert_eq!((&gap["kind"], &gap["subject"]), (&Value::from("gap"), &Value::from("gap-0")));
    assert!(gap["detail"].as_str().unwrap().contains(", 5900)"), "{gap}");
    let second = second.exits(0);
    assert_eq!(second.list("incomplete").len(), 1, "{:#}", second.report);
    for (repository, accepted) in [(&strict, Value::Null), (&lenient, Value::from(true))] {
        let shown = repository.ktape("show", None, &["--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown["report"]["incomplete"][0]["accepted"], accepted, "{shown:#}");
        let partition = &shown["report"]["topics"][0]["partitions"][0];
        assert_eq!(partition["missing"][0]["range"]["next"], 5900, "{partition:#}");
        assert_eq!(partition["next"], 6000, "{partition:#}");
        assert_eq!(repository.ktape("verify", None, &[]).status.code(), Some(0));
    }
    cluster.give_back();
}

#[test]
fn topics_that_go_come_back_or_grow_meanwhile_are_told() {
    let cluster = shaken();
    let tools = cluster.tools();
    let bulk =
        |topic: &str, partitions: u32, records: u32| format!("bulk:turn-{topic}:{partitions}:{records}:1000:none");
    tools.load(&[&bulk("gone", 1, 3000), &bulk("anew", 1, 3000), &bulk("grown", 1, 3000), SLOW]).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "turn-*", "--exclude-groups", "*"];
    let mut run = Watched::start(&repository, "backup", &cluster, &[&selection[..], &SMALL_FETCHES].concat());
    run.wait_for_requests("Fetch", 2);
    run.pause();
    let steps = [
        "delete:turn-gone",
        "delete:turn-anew",
        &bulk("anew", 1, 40),
        "grow:turn-grown:3",
        &bulk("grown", 3, 60),
        FAST,
    ];
    tools.load(&steps).unwrap();
    run.resume();
    let ended = run.finish().exits(3);
    let changed = subjects(ended.list("incomplete"), "topic-changed");
    assert_eq!(changed, ["turn-anew", "turn-gone"].map(str::to_owned).into(), "{:#}", ended.report);
    let about: BTreeSet<&str> = ended.list("incomplete").iter().filter_map(|one| one["subject"].as_str()).collect();
    assert!(about.iter().all(|subject| !subject.contains("grown")), "{about:?}");
    assert!(ended.list("changes").iter().any(|one| one["subject"] == "turn-grown"), "{:#}", ended.report);

    // The next snapshot is of what is there now, and says what became of the rest.
    let next = repository.back_up(&cluster, &selection);
    let became = next["changes"].as_array().unwrap();
    let about: Vec<&str> = became.iter().filter_map(|one| one["subject"].as_str()).collect();
    assert_eq!(about, ["turn-anew", "turn-gone", "turn-grown"], "{next:#}");
    for (topic, partition) in [("turn-anew", 0), ("turn-grown", 0), ("turn-grown", 1), ("turn-grown", 2)] {
        assert_verbatim(&cluster, 1, &repository, topic, partition);
    }
    cluster.give_back();
}

#[test]
fn a_log_that_was_cut_by_an_unclean_election_is_another_one() {
    let cluster = shaken();
    let tools = cluster.tools();
    let repository = Repository::init();
    let selection = ["--topics", "cut", "--exclude-groups", "*"];
    let bulk = |records: u32, size: u32| format!("bulk:cut:1:{records}:{size}:none");
    tools
        .load(&["topic-on:cut:1:1,2:unclean.leader.election.enable=true:min.insync.replicas=1", &bulk(50, 90)])
        .unwrap();
    // Broker 2 has only this; broker 1 goes on without it.
    cluster.kill(2).unwrap();
    tools.load(&[&bulk(1000, 200)]).unwrap();
    repository.back_up(&cluster, &selection);
    let before = log_of(&cluster, 1, "cut", 0);
    let between = repository.copied();
    tools.load(&[&bulk(4000, 1000), SLOW]).unwrap();
    let flags = [&selection[..], &SMALL_FETCHES, &["--request-timeout", "5s"]].concat();
    let mut run = Watched::start(&repository, "backup", &cluster, &flags);
    run.wait_for_requests("Fetch", 3);
    run.pause();
    // In the middle of the run broker 2 comes back alone, and gets more records than broker 1 had.
    cluster.kill(1).unwrap();
    cluster.restart(2).unwrap();
    tools.load(&["await-leader:cut:2", &bulk(7000, 300), FAST]).unwrap();
    cluster.restart(1).unwrap();
    run.resume();
    let ended = run.finish().exits(0);
    assert_eq!(lineages(&ended.report), ["cut-0"], "{:#}", ended.report);
    // Between two runs.
    assert_eq!(lineages(&between.back_up(&cluster, &selection)), ["cut-0"]);

    assert_verbatim(&cluster, 2, &repository, "cut", 0);
    assert_verbatim(&cluster, 2, &between, "cut", 0);
    // The older snapshot still has what the log was then.
    assert!(before.len() > 200_000 && stored(&repository, Some(1), "cut", 0) == before);
    let exported = repository.ktape("export", None, &["--topic", "cut", "--snapshot", "1"]);
    assert_eq!(String::from_utf8_lossy(&exported.stdout).lines().count(), 1050);
    for repository in [&repository, &between] {
        assert_eq!(repository.ktape("verify", None, &[]).status.code(), Some(0));
    }
    cluster.give_back();
}

#[test]
fn a_transaction_that_hangs_is_named_and_can_be_passed() {
    let cluster = shaken();
    let tools = cluster.tools();
    let steps = ["topic:hang:1", "put:hang:a:1", "transaction:hang:5:open", "put:hang:b:2"];
    tools.load(&steps).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "hang", "--exclude-groups", "*"];
    let impatient = [&selection[..], &["--hanging-after", "1ms"]].concat();
    // One that is young is an ordinary one.
    repository.back_up(&cluster, &selection);
    let ended = Watched::start(&repository, "backup", &cluster, &impatient).finish().exits(3);
    let [hanging] = ended.list("incomplete") else { panic!("{:#}", ended.report) };
    assert_eq!((&hanging["kind"], &hanging["subject"]), (&Value::from("hanging-transaction"), &Value::from("hang-0")));
    let detail = hanging["detail"].as_str().unwrap();
    for word in
        ["from offset 1 on since 2", "of producer ", "transactional id \"hang-", "Ongoing", "6 offsets", "up to 7"]
    {
        assert!(detail.contains(word), "{word:?} is not in {detail:?}");
    }
    // The way out: past it.
    let passed = repository.back_up(&cluster, &[&impatient[..], &["--fence", "high-watermark"]].concat());
    assert_eq!(passed["open_transactions"][0]["subject"], "hang-0", "{passed:#}");
    assert_eq!(passed["new_lineages"].as_array().map(Vec::len), Some(0));
    let restored = Watched::start(&repository, "restore", &cluster, &["--rename", "hang=past-hang"]).finish().exits(3);
    assert_eq!(restored.report["admitted"]["dropped_open"], 1, "{:#}", restored.report);
    // A later one that ends at the last stable offset does not end before what is stored.
    let later = repository.back_up(&cluster, &selection);
    assert_eq!(later["new_lineages"].as_array().map(Vec::len), Some(0), "{later:#}");
    // Kafka's own tool ends it, and all is as ever.
    let abort = ["abort", "--topic", "hang", "--partition", "0", "--start-offset", "1"];
    tools.admin("org.apache.kafka.tools.TransactionsCommand", &abort).unwrap();
    tools.load(&["transaction:hang:3:commit"]).unwrap();
    let last = repository.back_up(&cluster, &impatient);
    assert_eq!(last["new_lineages"].as_array().map(Vec::len), Some(0), "{last:#}");
    assert_eq!(repository.ktape("verify", None, &[]).status.code(), Some(0));
    repository.restore(&cluster, &["--rename", "hang=back-hang"]);
    let shown = tools.read("(back-|past-)?hang", Isolation::ReadCommitted).unwrap();
    let of = |topic: &str| contents(&shown)[&(topic.to_owned(), 0)].clone();
    assert_eq!(of("hang"), of("back-hang"));
    assert_eq!(of("hang").len(), 5);
    assert_eq!(of("past-hang"), of("hang")[..2]);
    cluster.give_back();
}

#[test]
fn a_restored_cluster_is_adopted_once() {
    let cluster = shaken();
    cluster.tools().load(&["bulk:adopt:2:60:100:none", "commit:adopt-group:adopt:1:20"]).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "adopt", "--groups", "adopt-group"];
    let first = repository.back_up(&cluster, &selection);
    repository.restore(target(), &["--replication-factor", "1"]);
    let refused = repository.ktape("backup", Some(target()), &selection);
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    for word in ["belongs to cluster", "--adopt-cluster --repository", target().bootstrap()] {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    let adopting = [&selection[..], &["--adopt-cluster"]].concat();
    let adopted = repository.back_up(target(), &adopting);
    assert_eq!((&adopted["adopted"]["cluster_id"], &adopted["parent"]), (&first["cluster_id"], &Value::Null));
    assert_eq!(adopted["totals"]["new_records"], 60, "a full backup: {adopted:#}");
    let later = repository.back_up(target(), &selection);
    assert_eq!((&later["adopted"], &later["fetched_bytes"]), (&Value::Null, &Value::from(0)), "{later:#}");
    let old = repository.ktape("backup", Some(&cluster), &selection);
    assert_eq!(old.status.code(), Some(5), "the old cluster comes back: {old:?}");
    let records = |snapshot: &str| {
        let output = repository.ktape("export", None, &["--topic", "adopt", "--snapshot", snapshot]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list = String::from_utf8(repository.ktape("list", None, &[]).stdout).unwrap();
    assert!(list.contains("snapshots 2 to 3: cluster"), "{list}");
    assert_eq!(records("1").lines().count(), 60);
    assert_eq!(records("1"), records("3"));
    assert_eq!(repository.ktape("verify", None, &[]).status.code(), Some(0));
    cluster.give_back();
}

fn subjects(losses: &[Value], kind: &str) -> BTreeSet<String> {
    let of_kind = losses.iter().filter(|one| one["kind"] == kind);
    of_kind.filter_map(|one| Some(one["subject"].as_str()?.to_owned())).collect()
}

fn lineages(report: &Value) -> Vec<&str> {
    report["new_lineages"].as_array().unwrap().iter().filter_map(|one| one["subject"].as_str()).collect()
}

impl Repository {
    /// The same in a folder of its own.
    fn copied(&self) -> Self {
        let copy = Self::init();
        for name in self.objects() {
            let file = copy.path().join(&name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::copy(self.path().join(&name), file).unwrap();
        }
        copy
    }
}
