//! The same restore again, others beside it, and strangers in its topics.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use ktape::batch::{self, Attributes, Builder, ProducerStamp};
use ktape::cluster::{Cluster, ClusterOptions, ErrorCode, ProducePartition};
use ktape::model::{GroupId, TopicName, TopicPartition};
use ktape::repository::format::{Incomplete, IncompleteKind, RestorePlanDocument, RestoreTopics, SnapshotHead};
use ktape::repository::{self, RestoreFolder};
use protocol_tests::judge::{Isolation, contents};
use protocol_tests::proxy::{Fate, Proxy, Request, api};
use protocol_tests::tools::{self, Launch, TIMEOUT};

use super::disk::Disk;
use super::{Ended, Repository, cluster, content, ktape, saved};

#[test]
fn a_restore_that_is_done_says_so_and_changes_nothing() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let flags = ["--topics", "notes", "--rename", "notes=again-notes", "--groups", "reader", "--json"];
    let first = repository.restore(bootstrap, &flags).exits(0).report();
    // What a consumer and an administrator did since stays.
    cluster().tools().load(&["commit:reader:again-notes:0:77"]).unwrap();
    let setting = ["--alter", "--topic", "again-notes", "--add-config", "segment.bytes=7654321"];
    cluster().tools().admin(tools::CONFIGS, &setting).unwrap();
    let (logs, documents) = (logs(), content(repository.path()));
    let second = repository.restore(bootstrap, &flags).exits(0).report();
    assert_eq!((&first["was_finished"], &second["was_finished"]), (&false.into(), &true.into()));
    for field in ["state", "finished", "started", "topics", "groups", "admitted"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    let told = repository.restore(bootstrap, &flags[..6]).exits(0).stdout;
    assert!(told.contains("finished at") && told.contains("nothing was changed"), "{told}");
    assert_eq!(logs_now(&logs), logs, "a log grew");
    assert_eq!(position_and_setting("again-notes"), (77, "7654321".to_owned()));
    assert_eq!(content(repository.path()), documents, "documents were written");

    delete("again-notes");
    let anew = repository.restore(bootstrap, &flags).exits(0).report();
    assert_eq!(anew["was_finished"], false, "its topic is gone: it begins anew");
    assert_ne!(anew["state"], first["state"]);
    assert_eq!(anew["topics"], first["topics"]);
}

#[test]
fn a_repository_that_cannot_be_written_to_restores_with_its_state_elsewhere() {
    let Some(disk) = Disk::of("64m", "a restore from a read-only disk") else { return };
    disk.backup(&["--topics", "notes", "--groups", "reader"]).exits(0);
    disk.mount_again("ro");
    let folder = tempfile::TempDir::with_prefix("ktape-state-").unwrap();
    let state = folder.path().join("state").display().to_string();
    let flags = ["--bootstrap-server", cluster().bootstrap(), "--rename", "notes=vault-notes", "--json"];
    disk.run("restore", &flags).exits(1).says(&["ead-only file system"]).hints(&["--state DIR"]);
    let flags = [&flags[..], &["--state", &state]].concat();
    let report = disk.run("restore", &flags).exits(0).report();
    assert!(report["state"].as_str().unwrap().starts_with(&state), "{report:#}");
    assert_eq!(report["topics"][0]["admitted"]["records"], 200);
    assert_eq!(disk.run("restore", &flags).exits(0).report()["was_finished"], true);
}

#[test]
fn restores_of_different_topics_run_side_by_side_and_the_same_one_only_once() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let orders = ["--topics", "orders", "--rename", "orders=beside-orders", "--exclude-groups", "*", "--json"];
    let one = Held::start(&repository, &orders);
    repository.restore(bootstrap, &orders).exits(6).hints(&["wait until it has ended"]);
    // The same topic, but another restore.
    let other = orders.map(|flag| if flag.contains('=') { "o*=beside-o*" } else { flag });
    let refused = repository.restore(bootstrap, &other).exits(5);
    let hint = ["--snapshot 1 --topics 'orders'", "--rename 'orders=beside-orders'"];
    refused.says(&["topic beside-orders", "not finished"]).hints(&hint);
    let notes = orders.map(|flag| match flag {
        "orders" => "notes",
        "orders=beside-orders" => "notes=beside-notes",
        flag => flag,
    });
    let report = repository.restore(bootstrap, &notes).exits(0).report();
    assert_eq!(report["topics"][0]["admitted"]["records"], 200);
    let report = one.let_go().exits(0).report();
    assert_eq!(report["topics"][0]["admitted"]["records"], 12_000);
}

#[test]
fn what_the_snapshot_lacks_is_told_again() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let newest = opened.latest().unwrap().unwrap();
    let lacks = |topic: &str| Incomplete::new(IncompleteKind::Gap, format!("{topic}-0"), "offsets 3 to 5 are missing");
    let accepted = Incomplete { accepted: true, ..lacks("notes") };
    let incomplete =
        vec![lacks("notes"), lacks("orders"), Incomplete { detail: "was accepted".to_owned(), ..accepted }];
    opened.commit(SnapshotHead { parent: Some(newest.as_parent()), incomplete, ..newest.head }).unwrap();
    let flags = ["--rename", "notes=lacking-notes", "--topics", "notes", "--exclude-groups", "*", "--json"];
    let report = repository.restore(bootstrap, &flags).exits(3).report();
    let told = report["incomplete"].to_string();
    assert!(told.contains("notes-0") && !told.contains("orders") && !told.contains("was accepted"), "{told}");
    assert!(report["notes"].to_string().contains("was accepted"), "{report:#}");
    assert_eq!(repository.restore(bootstrap, &flags).exits(3).report()["incomplete"], report["incomplete"]);
}

#[test]
fn a_restore_of_which_only_some_topics_are_left_is_refused() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let flags = ["--rename", "*=gone-*", "--exclude-groups", "*"];
    repository.restore(bootstrap, &flags).exits(0);
    delete("gone-notes");
    let refused = repository.restore(bootstrap, &flags).exits(5);
    refused.says(&["gone-notes", "still there: gone-orders"]).hints(&["delete the topics"]);
}

#[test]
fn a_stranger_in_a_topic_is_named() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let flags = ["--topics", "orders", "--rename", "orders=foreign-orders", "--exclude-groups", "*"];
    cut_off(&repository, &flags);
    let args = ["--bootstrap-server", bootstrap, "--topic", "foreign-orders"];
    let launch = Launch { stdin: Some(b"a stranger\n".to_vec()), ..Launch::default() };
    cluster().tools().start(tools::CONSOLE_PRODUCER, &args, &launch).unwrap().finish(TIMEOUT).unwrap();
    let ended = repository.restore(bootstrap, &flags).exits(1);
    ended.says(&["partition foreign-orders-", "somebody else writes to it"]).hints(&["stop whoever writes there"]);
}

/// Whoever produced the first records of a partition may have cut his batches elsewhere: an older ktape, or a newer one.
/// And a request of a killed restore that is late doubles nothing.
#[test]
fn a_log_that_ends_within_a_stored_batch_is_gone_on_with_and_late_requests_double_nothing() {
    let (repository, bootstrap) = (saved().copied(), cluster().bootstrap());
    let flags = ["--topics", "notes", "--rename", "notes=within-notes", "--exclude-groups", "*", "--json"];
    cut_off(&repository, &flags);
    let (folder, plan, topics) = unfinished(&repository);
    assert_eq!(topics.topics[0].target.as_str(), "within-notes");
    let dry = repository.restore(bootstrap, &[&flags[..], &["--dry-run"]].concat()).exits(0).report();
    assert!(dry["notes"][0].as_str().unwrap().contains("it would go on"), "{dry:#}");

    let first = |count, sequence| first_records(&repository, &plan, count, sequence);
    let at = TopicPartition::new(topics.topics[0].target.clone(), 0);
    produce(&at, &topics, &first(7, 0)).unwrap();
    let report = repository.restore(bootstrap, &flags).exits(0).report();
    assert_eq!((&report["resumed"], &report["topics"][0]["admitted"]["records"]), (&true.into(), &200.into()));
    assert!(folder.done().unwrap().is_some());

    let logs = logs();
    // The very batch again, one that was cut elsewhere, and one that would come next in an emptier log.
    produce(&at, &topics, &first(7, 0)).unwrap_err();
    assert_eq!(produce(&at, &topics, &first(5, 0)).unwrap_err(), Some(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    assert_eq!(produce(&at, &topics, &first(9, 190)).unwrap_err(), Some(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    assert_eq!(logs_now(&logs), logs, "a late request was appended");
    same_as_notes("within-notes");
}

/// A request of a killed restore lands after the log end was looked at, and before the first batch of the next attempt.
#[test]
fn a_request_that_lands_late_is_reckoned_with() {
    let repository = saved().copied();
    let flags = ["--topics", "notes", "--rename", "notes=late-notes", "--exclude-groups", "*", "--json"];
    let held = Held::start(&repository, &flags);
    let (_, plan, topics) = unfinished(&repository);
    let at = TopicPartition::new(topics.topics[0].target.clone(), 0);
    produce(&at, &topics, &first_records(&repository, &plan, 7, 0)).unwrap();
    let report = held.let_go().exits(0).report();
    assert_eq!(report["topics"][0]["admitted"]["records"], 200);
    same_as_notes("late-notes");
}

/// Record by record, judged by Kafka's console consumer.
#[track_caller]
fn same_as_notes(topic: &str) {
    let read = |topic: &str| {
        let shown = cluster().tools().read(topic, Isolation::ReadUncommitted).unwrap();
        let records = contents(&shown).into_values().next().unwrap_or_default();
        records.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let (notes, back) = (read("notes"), read(topic));
    assert_eq!(notes.len(), 200);
    assert_eq!(notes, back);
}

/// Starts a restore and kills it when its topics are there and nothing was produced.
fn cut_off(repository: &Repository, flags: &[&str]) {
    let held = Held::start(repository, flags);
    held.kill();
}

/// A restore whose first batch is on its way, and does not arrive until it is let go.
struct Held {
    process: Child,
    proxy: Proxy,
    go: Sender<Fate>,
}

impl Held {
    fn start(repository: &Repository, flags: &[&str]) -> Self {
        let (go, may_go) = mpsc::channel();
        let (tell, came) = mpsc::channel();
        let mut fate = None;
        let proxy = Proxy::start(cluster().port(1), move |request: Request| {
            if request.api != api::PRODUCE {
                return Fate::Pass;
            }
            let _ = tell.send(());
            *fate.get_or_insert_with(|| may_go.recv().unwrap_or(Fate::Cut))
        });
        let proxy = proxy.unwrap();
        let (place, address) = (repository.place(), proxy.address());
        let way = format!("1={address}");
        let begin = ["restore", "--repository", &place, "--bootstrap-server", &address, "--broker-address", &way];
        let mut command = ktape();
        command.args(begin).args(flags).stdout(Stdio::piped()).stderr(Stdio::piped());
        let process = command.spawn().unwrap();
        came.recv_timeout(TIMEOUT).unwrap();
        Self { process, proxy, go }
    }

    fn let_go(self) -> Ended {
        self.go.send(Fate::Pass).unwrap();
        let ended = Ended::of(&self.process.wait_with_output().unwrap());
        drop(self.proxy);
        ended
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.go.send(Fate::Cut).unwrap();
    }
}

fn unfinished(repository: &Repository) -> (RestoreFolder, RestorePlanDocument, RestoreTopics) {
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let folder = opened.restore_states().all().unwrap().pop().unwrap();
    let (plan, topics) = (folder.plan().unwrap(), folder.topics().unwrap().unwrap());
    (folder, plan, topics)
}

/// The first records of `notes` in a batch of the restore's own producer.
fn first_records(repository: &Repository, plan: &RestorePlanDocument, count: usize, base_sequence: i32) -> Vec<u8> {
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let newest = opened.latest().unwrap().unwrap();
    let name = TopicName::new("notes").unwrap();
    let topic = opened.topics(&newest.head).unwrap().map(Result::unwrap).find(|topic| topic.name == name).unwrap();
    let mut builder = Builder::new();
    let mut left = count;
    for seal in opened.seals(&topic.partitions[0].segments) {
        let mut segment = opened.read_segment(&seal.unwrap()).unwrap();
        while let Some(owned) = segment.next().unwrap() {
            for record in batch::records(&owned.batch().unwrap()).unwrap().iter().take(left) {
                builder.push(&record.unwrap()).unwrap();
                left -= 1;
            }
        }
    }
    assert_eq!(left, 0);
    let mut bytes = builder.finish(Attributes(0)).unwrap();
    let stamp = ProducerStamp { producer_id: plan.producer_id, producer_epoch: plan.producer_epoch, base_sequence };
    let header = batch::reheader(&bytes, stamp).unwrap();
    bytes[..header.len()].copy_from_slice(&header);
    bytes
}

/// Gives the broker's code, or that it took the batch for one that it has.
fn produce(at: &TopicPartition, topics: &RestoreTopics, bytes: &[u8]) -> Result<(), Option<ErrorCode>> {
    let batch = ProducePartition {
        topic: at.topic.clone(),
        topic_id: topics.topics[0].id,
        partition: at.partition,
        header: *bytes.first_chunk().unwrap(),
        payload: bytes[61..].to_vec().into(),
    };
    let before = log_size(at);
    let answers = on_cluster(async |cluster| {
        let connection = cluster.data_connection(1).await.unwrap();
        connection.produce(vec![batch], Duration::from_secs(10)).await.unwrap()
    });
    match &answers[0].error {
        Some(error) => Err(error.code()),
        None if log_size(at) == before => Err(None),
        None => Ok(()),
    }
}

fn log_size(at: &TopicPartition) -> u64 {
    let folder = cluster().replica_folder(1, at.topic.as_str(), at.partition);
    size_of_logs(&folder)
}

fn size_of_logs(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// Bytes of every partition of the tests here, and of the committed offsets.
fn logs() -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(cluster().log_folder(1)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("again-") || name.starts_with("within-") {
            found.insert(name, size_of_logs(&path));
        }
    }
    found
}

fn logs_now(before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let mut now = logs();
    now.retain(|name, _| before.contains_key(name));
    now
}

/// Where `reader` stands in a topic, and the size of the topic's segments.
fn position_and_setting(topic: &str) -> (i64, String) {
    on_cluster(async |cluster| {
        let offsets = cluster.fetch_group_offsets(&GroupId::new("reader")).await.unwrap().offsets;
        let position = offsets.into_iter().find(|(at, _)| at.topic.as_str() == topic).unwrap().1.offset;
        let name = TopicName::new(topic).unwrap();
        let configs = cluster.describe_topic_configs(&[name]).await.remove(0).1.unwrap();
        let setting = configs.into_iter().find(|config| config.name == "segment.bytes").unwrap();
        (position, setting.value.unwrap())
    })
}

fn on_cluster<T>(work: impl AsyncFnOnce(Cluster) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        work(Cluster::connect(ClusterOptions::new(vec![cluster().bootstrap().to_owned()])).await.unwrap()).await
    })
}

fn delete(topic: &str) {
    cluster().tools().admin(tools::TOPICS, &["--delete", "--topic", topic]).unwrap();
    let name = TopicName::new(topic).unwrap();
    on_cluster(async |cluster| {
        let mut metadata = cluster.metadata().await.unwrap();
        while metadata.topics.contains_key(&name) {
            metadata = cluster.refresh(&metadata).await.unwrap();
        }
    });
}
