//! Offsets that come back as they were: log start, records, holes, log end and group positions, judged by Kafka's own
//! consumer and tools.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use ktape::cluster::{ClusterOptions, ProducerIdentity};
use ktape::model::{TopicName, TopicPartition};
use protocol_tests::judge::{Isolation, Shown, contents};
use protocol_tests::{Cluster, ClusterSpec, Tools, tools};
use serde_json::Value;

use super::{Repository, command, source};

/// Topics with log starts within a batch, emptied and empty partitions, transactions of every kind, holes of compaction.
const SHAPES: [&str; 5] = ["trimmed", "transactions", "compacted", "random", "partitions"];
/// A topic that begins at a million, within a batch.
const MILLION: &str = "later-kept-million";
const ALL: [&str; 6] = [SHAPES[0], SHAPES[1], SHAPES[2], SHAPES[3], SHAPES[4], MILLION];
/// Whoever comes from here may not write markers.
const FORBIDDEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// Far more than a restore takes, on a machine that is also building.
const DEADLINE: Duration = Duration::from_secs(120);

/// One broker with an authorizer.
fn target() -> &'static Cluster {
    static TARGET: OnceLock<Cluster> = OnceLock::new();
    TARGET.get_or_init(|| {
        let cluster = ClusterSpec::new(1)
            .heap_mib(512)
            .property("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
            .property("allow.everyone.if.no.acl.found", "true")
            .start()
            .unwrap();
        let acl = |kind: &str, host: &str, operations: &[&str]| {
            let (principal, host_flag) = (format!("--{kind}-principal"), format!("--{kind}-host"));
            let mut args = vec!["--add", "--cluster", &principal, "User:ANONYMOUS", &host_flag, host];
            for operation in operations {
                args.extend(["--operation", operation]);
            }
            cluster.tools().admin(tools::ACLS, &args).unwrap();
        };
        acl("allow", "*", &["All"]);
        acl("deny", &FORBIDDEN.to_string(), &["Alter", "ClusterAction"]);
        cluster
    })
}

/// A backup of the shapes and of a topic that begins at a million.
fn backed_up() -> &'static Repository {
    static REPOSITORY: OnceLock<Repository> = OnceLock::new();
    REPOSITORY.get_or_init(|| {
        let load = [format!("bulk:{MILLION}:1:1000200:16:zstd"), format!("trim:{MILLION}:0:1000000")];
        let commit = format!("commit:later-kept:{MILLION}:0:1000123");
        source().tools().load(&[&load[0], &load[1], &commit]).unwrap();
        let repository = Repository::init();
        let topics = [&["--topics", MILLION][..], &SHAPES].concat();
        repository.back_up(source(), &topics);
        repository
    })
}

/// Restores into the target with offsets kept, under names of its own and for no groups.
fn flags<'a>(rename: &'a str, topics: &[&'a str]) -> Vec<&'a str> {
    let mut flags = vec!["--preserve-offsets", "--replication-factor", "1", "--rename", rename, "--topics"];
    flags.extend(topics);
    flags
}

#[test]
fn offsets_come_back_as_they_were() {
    let repository = backed_up();
    let mut flags = vec!["--preserve-offsets", "--replication-factor", "1", "--topics"];
    flags.extend(ALL);

    let plan = repository.report("restore", target(), &[&flags[..], &["--dry-run"]].concat());
    let planned = &plan["preserve"];
    assert!(planned["filler_requests"].as_i64() >= Some(8), "{planned:#}");
    assert!(planned["markers"].as_i64() > Some(100) && planned["markers_exact"] == false, "{planned:#}");
    let partitions = planned["partitions"].as_array().unwrap();
    assert!(partitions.iter().all(|one| one["translated"].is_null()), "{planned:#}");
    let of = |name: &str| partitions.iter().find(|one| one["partition"] == name).unwrap();
    let million = of(&format!("{MILLION}-0"));
    assert_eq!((&million["log_start"], &million["holes"]), (&1_000_000.into(), &0.into()), "{million:#}");
    assert_eq!(of("trimmed-2")["holes"], 0);
    assert!(ranges(&target().tools(), &one_of(&ALL), false).is_empty(), "a plan changes nothing");

    let began = Instant::now();
    let report = repository.restore(target(), &flags);
    println!("restored in {:.1} s: {}", began.elapsed().as_secs_f32(), report["preserved"]);
    assert_eq!(report["translated"].as_array().map(Vec::len), Some(0), "{report:#}");
    assert_same(&ALL, "");
    assert_groups_stand_where_they_stood(&one_of(&ALL));
    let described = target().tools().admin(tools::TOPICS, &["--describe", "--topic", "compacted"]).unwrap().stdout;
    assert!(described.contains("cleanup.policy=compact") && !described.contains("compression.type"), "{described}");

    let state = report["state"].as_str().unwrap();
    let compared = repository.ktape("verify", Some(target()), &["--against-cluster", "--restore", state]);
    assert_eq!(compared.status.code(), Some(0), "{compared:?}");

    let again = repository.restore(target(), &flags);
    assert_eq!(again["was_finished"], true, "{again:#}");
    assert_same_ranges(&ALL, "");
}

#[test]
fn without_the_right_to_write_markers_holes_are_translated_as_announced() {
    let repository = backed_up();
    let way = Way::from(FORBIDDEN, target().port(1));
    let (bootstrap, address) = (way.address.to_string(), format!("1={}", way.address));
    let mut flags = flags("*=forbidden-*", &["trimmed", "transactions"]);
    flags.extend(["--exclude-groups", "*", "--json", "--bootstrap-server", &bootstrap, "--broker-address", &address]);

    let plan = repository.ktape("restore", None, &[&flags[..], &["--dry-run"]].concat());
    assert_eq!(plan.status.code(), Some(0), "{plan:?}");
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let announced: BTreeMap<&str, &str> = plan["report"]["preserve"]["partitions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| Some((one["partition"].as_str()?, one["translated"].as_str()?)))
        .collect();
    let names: Vec<&str> = announced.keys().copied().collect();
    assert!(names.contains(&"forbidden-transactions-0"), "{announced:#?}");
    assert!(names.iter().all(|name| name.starts_with("forbidden-transactions-")), "{announced:#?}");
    assert!(announced.values().all(|why| why.contains("neither ALTER nor CLUSTER_ACTION")), "{announced:#?}");

    let done = repository.ktape("restore", None, &flags);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let translated = report["report"]["translated"].as_array().unwrap().iter();
    let translated: BTreeMap<&str, &str> =
        translated.map(|one| (one["partition"].as_str().unwrap(), one["reason"].as_str().unwrap())).collect();
    assert_eq!(translated, announced);
    assert_same(&["trimmed"], "forbidden-");
    let back = target().tools().read("forbidden-transactions", Isolation::ReadUncommitted).unwrap();
    let (shown, back) = (contents(shown()), contents(&back));
    for ((topic, partition), records) in shown.into_iter().filter(|((topic, _), _)| topic == "transactions") {
        let found = back.get(&(format!("forbidden-{topic}"), *partition));
        assert_eq!(found, Some(&records), "{topic}-{partition}");
    }
}

#[test]
fn killed_anywhere_it_ends_exact() {
    let repository = backed_up();
    let topics = ["transactions", "compacted", "random", MILLION];
    let mut flags = flags("*=killed-*", &topics);
    flags.extend(["--exclude-groups", "*", "--json", "-vv", "--log-format", "json"]);
    let mut killed = BTreeMap::new();
    for (phase, nth) in [("fill", 2), ("mark", 1), ("fill", 7), ("mark", 9), ("produce", 5), ("mark", 30)] {
        let reached = killed_in(repository, &flags, phase, nth);
        *killed.entry(phase).or_insert(0) += usize::from(reached);
    }
    println!("killed {killed:?}");
    assert!(killed.values().all(|count| *count > 0) && killed["mark"] > 1, "{killed:?}");
    // Markers of a killed run that land after it was thought to be over.
    mark_too_much(repository, &format!("killed-{MILLION}"));
    let done = repository.ktape("restore", Some(target()), &flags);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let notes = report["report"]["notes"].to_string();
    assert!(notes.contains(&format!("topic killed-{MILLION}:")) && notes.contains("begun again"), "{notes}");
    assert_same(&topics, "killed-");
}

/// Writes three markers as the last run of the restore under way would have.
fn mark_too_much(repository: &Repository, topic: &str) {
    let is_plan = |name: &String| name.starts_with("restores/") && name.ends_with("/plan.json");
    let plans = repository.objects().into_iter().filter(is_plan);
    let plans = plans.map(|name| std::fs::read_to_string(repository.path().join(name)).unwrap());
    let plans = plans.map(|text| serde_json::from_str(text.lines().next().unwrap()).unwrap());
    let plan: Value = plans.into_iter().find(|plan: &Value| plan["renames"][0] == "*=killed-*").unwrap();
    let producer_id = plan["marker_producer_id"].as_i64().unwrap();
    let at = TopicPartition::new(TopicName::new(topic).unwrap(), 0);
    let runs = repository.objects().iter().filter(|name| name.contains("/marking-")).count();
    let epoch = i32::try_from(runs * 4_096 - 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = ktape::cluster::Cluster::connect(ClusterOptions::new([target().bootstrap()])).await.unwrap();
        let connection = cluster.data_connection(1).await.unwrap();
        let producer = ProducerIdentity { producer_id, producer_epoch: 0 };
        let written = connection.write_markers(producer, epoch, &[(at, 3)], DEADLINE).await.unwrap();
        assert!(written[0].1.is_ok(), "{written:?}");
    });
}

/// SIGKILL at the nth event of a phase; false if the restore ended before.
fn killed_in(repository: &Repository, flags: &[&str], phase: &str, nth: usize) -> bool {
    let place = repository.path().display().to_string();
    let there = ["restore", "--repository", &place, "--bootstrap-server", target().bootstrap()];
    let mut process =
        command(&[&there[..], flags].concat()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = BufReader::new(process.stderr.take().unwrap());
    let deadline = Instant::now() + DEADLINE;
    let mut seen = 0;
    for line in log.lines().map_while(Result::ok) {
        assert!(Instant::now() < deadline, "the restore hangs: {line}");
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        seen += usize::from(event["phase"] == phase);
        if seen == nth {
            break;
        }
    }
    process.kill().unwrap();
    let status = process.wait().unwrap();
    assert!(seen == nth || status.success(), "it failed before it was killed: {status}");
    seen == nth
}

/// What a reader of committed records sees of the source.
fn shown() -> &'static Shown {
    static SHOWN: OnceLock<Shown> = OnceLock::new();
    SHOWN.get_or_init(|| source().tools().read(&one_of(&ALL), Isolation::ReadCommitted).unwrap())
}

/// A Java pattern.
fn one_of(topics: &[&str]) -> String {
    format!("({})", topics.join("|"))
}

/// Records with their offsets under both isolation levels, log starts and log ends.
fn assert_same(topics: &[&str], prefix: &str) {
    let pattern = format!("{prefix}{}", one_of(topics));
    let read = |isolation| target().tools().read(&pattern, isolation).unwrap();
    let (committed, uncommitted) = thread::scope(|scope| {
        let committed = scope.spawn(|| read(Isolation::ReadCommitted));
        shown();
        (read(Isolation::ReadUncommitted), committed.join().unwrap())
    });
    let expected = shown().iter().filter(|((topic, _), _)| topics.contains(&topic.as_str()));
    let expected: BTreeMap<_, _> =
        expected.map(|((topic, partition), records)| ((format!("{prefix}{topic}"), *partition), records)).collect();
    assert!(!expected.is_empty());
    for back in [committed, uncommitted] {
        for (at, records) in &expected {
            let found = back.get(at).map_or(&[][..], Vec::as_slice);
            let first = records.iter().zip(found).find(|(one, other)| one != other);
            assert_eq!(first, None, "{at:?}");
            assert_eq!(records.len(), found.len(), "{at:?}");
        }
        assert_eq!(expected.len(), back.len());
    }
    assert_same_ranges(topics, prefix);
}

fn assert_same_ranges(topics: &[&str], prefix: &str) {
    let before = ranges(&source().tools(), &one_of(topics), true);
    let after = ranges(&target().tools(), &format!("{prefix}{}", one_of(topics)), false);
    assert!(before.len() >= topics.len(), "{before:?}");
    for ((topic, partition), range) in &before {
        assert_eq!(after.get(&(format!("{prefix}{topic}"), *partition)), Some(range), "{topic}-{partition}");
    }
    assert_eq!(before.len(), after.len());
}

/// Log start and end of every partition by Kafka's own tool; a transaction that is open on the source ends its log.
fn ranges(tools: &Tools, pattern: &str, decided: bool) -> BTreeMap<(String, i32), (i64, i64)> {
    let ask = |time: &str| -> BTreeMap<(String, i32), i64> {
        let args = ["--topic-partitions", pattern, "--time", time, "--exclude-internal-topics"];
        let output = tools.admin(tools::GET_OFFSETS, &args).map(|output| output.stdout).unwrap_or_default();
        let line = |line: &str| {
            let mut fields = line.rsplitn(3, ':');
            let (offset, partition) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
            Some(((fields.next()?.to_owned(), partition), offset))
        };
        output.lines().filter_map(line).collect()
    };
    let (starts, ends) = (ask("earliest"), ask("latest"));
    let range = |(at, start): (&(String, i32), &i64)| {
        let open = decided && at.0 == "transactions" && at.1 == 3;
        // One record stands before the transaction that was left open.
        (at.clone(), (*start, if open { 1 } else { ends[at] }))
    };
    starts.iter().map(range).collect()
}

/// The same numbers, but for positions outside of what is restored.
fn assert_groups_stand_where_they_stood(pattern: &str) {
    let (before, after) =
        (source().tools().described_offsets().unwrap(), target().tools().described_offsets().unwrap());
    let ranges = ranges(&target().tools(), pattern, false);
    let expected = before.into_iter().filter_map(|((group, topic, partition), offset)| {
        let (start, end) = ranges.get(&(topic.clone(), partition))?;
        Some(((group, topic, partition), offset.clamp(*start, *end)))
    });
    let expected: BTreeMap<_, _> = expected.collect();
    let topics: BTreeSet<&str> = expected.keys().map(|(_, topic, _)| topic.as_str()).collect();
    assert!(expected.len() > 1_000 && topics.contains("compacted"), "{} positions in {topics:?}", expected.len());
    for (at, offset) in &expected {
        assert_eq!(after.get(at), Some(offset), "{at:?}");
    }
}

/// A way to the broker on which a client comes from another address.
struct Way {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Way {
    fn from(address: Ipv4Addr, port: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let own = listener.local_addr().unwrap();
        runtime.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let socket = tokio::net::TcpSocket::new_v4().unwrap();
                    socket.bind(SocketAddr::new(IpAddr::V4(address), 0)).unwrap();
                    let mut broker = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap();
                    // It ends with either of its two ends.
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut broker).await;
                });
            }
        });
        Self { address: own, _runtime: runtime }
    }
}
