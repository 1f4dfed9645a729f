//! Places and clusters that are not what they should be: the exit code, what and where, and one thing to do. Nothing is
//! changed by a run that is refused.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use ktape::model::Selection;
use ktape::repository;
use protocol_tests::ports::Ports;
use protocol_tests::tools::{self, Launch};
use protocol_tests::{Cluster, ClusterSpec};
use serde_json::Value;

use super::{Ended, Repository, SELECTION, cluster, content, run, saved};

/// A broker that tells everybody to reach it at a port where nobody listens.
fn astray() -> &'static (Cluster, Ports) {
    static ASTRAY: OnceLock<(Cluster, Ports)> = OnceLock::new();
    ASTRAY.get_or_init(|| {
        let nobody = Ports::reserve(1).unwrap();
        let advertised = format!("PLAINTEXT://{}", address(&nobody));
        (ClusterSpec::new(1).property("advertised.listeners", &advertised).start().unwrap(), nobody)
    })
}

fn address(ports: &Ports) -> String {
    format!("127.0.0.1:{}", ports.all()[0])
}

/// Runs what must be refused, and looks whether the repository is as it was.
#[track_caller]
fn unchanged(repository: &Repository, work: impl FnOnce() -> Ended) -> Ended {
    let before = content(repository.path());
    let ended = work();
    assert!(before == content(repository.path()), "the repository was changed: {ended:?}");
    ended
}

#[test]
fn a_broker_that_is_not_there() {
    let repository = Repository::init();
    let nobody = Ports::reserve(1).unwrap();
    for verb in ["backup", "restore"] {
        let ended = unchanged(&repository, || repository.run(verb, &address(&nobody), &[])).exits(1);
        ended.says(&[&address(&nobody), "refused"]).hints(&["--bootstrap-server"]);
    }
    // One that answers is enough.
    let both = format!("{},{}", address(&nobody), cluster().bootstrap());
    repository.backup(&both, &["--topics", "notes"]).exits(0);
}

#[test]
fn a_port_that_speaks_http() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let repository = Repository::init();
    let ended = unchanged(&repository, || repository.backup(&place, &[])).exits(1);
    ended.says(&[&place, "HTTP"]).hints(&["--bootstrap-server", "Kafka listener"]);
}

#[test]
fn a_broker_that_advertises_an_address_that_does_not_answer() {
    let (cluster, nobody) = astray();
    let repository = Repository::init();
    let ended = unchanged(&repository, || repository.backup(cluster.bootstrap(), &[])).exits(1);
    ended.says(&["broker 1", &address(nobody), "advertises"]).hints(&["--broker-address"]);
    // The hint helps.
    let flag = format!("1={}", cluster.bootstrap());
    repository.backup(cluster.bootstrap(), &["--broker-address", &flag]).exits(0);
    repository.verify().exits(0);
}

#[test]
fn a_place_that_is_no_repository() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let absent = folder.path().join("absent").display().to_string();
    let there = folder.path().display().to_string();
    for place in [&there, &absent] {
        for verb in ["backup", "restore", "verify"] {
            let cluster = ["--bootstrap-server", cluster().bootstrap()];
            let cluster = if verb == "verify" { &[][..] } else { &cluster };
            let ended = run(&[&[verb, "--repository", place], cluster].concat()).exits(5);
            ended.says(&[place, "not a ktape repository"]).hints(&[&format!("ktape init --repository {place}")]);
        }
    }
    run(&["init", "--repository", &there]).exits(5).says(&["not empty", "letter.txt"]).hints(&["empty"]);
    assert_eq!(content(folder.path()).keys().collect::<Vec<_>>(), ["letter.txt"]);
    assert!(!Path::new(&absent).exists());
}

#[test]
fn a_repository_of_another_cluster() {
    let (other, _) = astray();
    let repository = saved().copied();
    let flag = format!("1={}", other.bootstrap());
    let ended = unchanged(&repository, || repository.backup(other.bootstrap(), &["--broker-address", &flag])).exits(5);
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let own = opened.latest().unwrap().unwrap().head.cluster_id;
    ended.says(&[&repository.place(), &own, "belongs to cluster"]).hints(&["--bootstrap-server", "ktape init"]);
}

#[test]
fn a_newer_format() {
    let cluster = cluster().bootstrap();
    for object in ["repository.json", "snapshots/0000000001.json"] {
        let repository = saved().copied();
        rewrite(&repository.path().join(object), |document| document["format"]["major"] = 3.into());
        let verbs = [("backup", &SELECTION[..]), ("restore", &["--rename", "notes=newer-notes"]), ("verify", &[])];
        for (verb, flags) in verbs {
            let mut args = vec![verb.to_owned(), "--repository".to_owned(), repository.place()];
            if verb != "verify" {
                args.extend(["--bootstrap-server".to_owned(), cluster.to_owned()]);
            }
            args.extend(flags.iter().map(|&flag| flag.to_owned()));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let ended = unchanged(&repository, || run(&args)).exits(5);
            ended.says(&[object, "format 3.0", "knows 2.0"]).hints(&["newer"]);
        }
    }
}

/// Changes a document and puts the right digest behind it.
fn rewrite(file: &Path, change: impl FnOnce(&mut Value)) {
    let text = fs::read_to_string(file).unwrap();
    let mut document = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    change(&mut document);
    let line = document.to_string();
    let digest = blake3::hash(line.as_bytes()).to_hex();
    fs::write(file, format!("{line}\n{{\"digest\":\"{digest}\"}}\n")).unwrap();
}

#[test]
fn a_pattern_that_matches_nothing() {
    let bootstrap = cluster().bootstrap();
    let repository = saved();
    for (verb, flag) in
        [("backup", "--topics"), ("backup", "--groups"), ("restore", "--topics"), ("restore", "--groups")]
    {
        let ended = unchanged(repository, || repository.run(verb, bootstrap, &[flag, "misspelt-*"])).exits(2);
        ended.says(&["misspelt-*", "matches"]).hints(&[]);
    }
    let broken = repository.backup(bootstrap, &["--topics", "order[s"]).exits(2);
    broken.says(&["order[s"]).hints(&["globs"]);
}

#[test]
fn a_target_that_cannot_take_it() {
    let bootstrap = cluster().bootstrap();
    let repository = saved();
    let before = topics();
    let full = unchanged(repository, || repository.restore(bootstrap, &[])).exits(5);
    full.says(&["notes", "not empty", "[0, 200)"]).hints(&["--rename"]);
    let rename = ["--rename", "notes=refused-notes", "--rename", "orders=refused-orders"];
    let few = unchanged(repository, || {
        repository.restore(bootstrap, &[&rename[..], &["--replication-factor", "3"]].concat())
    });
    few.exits(5).says(&["refused-notes", "replication factor 3", "1 broker"]).hints(&["--replication-factor"]);
    assert_eq!(before, topics());
}

#[test]
fn a_group_with_members_in_the_target() {
    let (bootstrap, tools) = (cluster().bootstrap(), cluster().tools());
    let repository = saved();
    let args = ["--bootstrap-server", bootstrap, "--topic", "notes", "--group", "reader"];
    let quiet = ["--command-property", "enable.auto.commit=false"];
    let consumer = tools.start(tools::CONSOLE_CONSUMER, &[&args[..], &quiet].concat(), &Launch::default()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while consumer.stdout().is_empty() {
        assert!(Instant::now() < deadline, "the consumer got nothing");
        thread::sleep(Duration::from_millis(50));
    }
    let positions = || {
        let mut offsets = tools.described_offsets().unwrap();
        offsets.retain(|(group, ..), _| ["shop", "reader"].contains(&group.as_str()));
        offsets
    };
    let before = (topics(), positions());
    let rename = ["--rename", "notes=active-notes", "--rename", "orders=active-orders"];
    let ended = unchanged(repository, || repository.restore(bootstrap, &rename)).exits(5);
    ended.says(&["reader", "members"]).hints(&["--exclude-groups"]);
    assert_eq!(before, (topics(), positions()));
    // The hint helps.
    repository.restore(bootstrap, &[&rename[..], &["--exclude-groups", "reader"]].concat()).exits(0);
    drop(consumer);
}

#[test]
fn a_repository_that_another_run_works_on() {
    let bootstrap = cluster().bootstrap();
    let repository = saved().copied();
    let opened = repository::Repository::open(&repository.place()).unwrap();
    let selection = Selection { topics: vec!["notes".to_owned()], ..Selection::default() };
    let held = opened.lock("backup", &selection).unwrap();
    let locked = unchanged(&repository, || repository.backup(bootstrap, &["--topics", "notes"])).exits(6);
    locked.says(&["locked", &format!("process {} on ", std::process::id())]).hints(&["wait"]);
    // Another selection is nobody's business, and reading is always possible.
    repository.backup(bootstrap, &["--topics", "orders"]).exits(0);
    repository.verify().exits(0);
    drop(held);
    repository.backup(bootstrap, &["--topics", "notes"]).exits(0);
}

/// Topics and their ids, but for those of tests that run meanwhile.
fn topics() -> BTreeMap<String, String> {
    let described = cluster().tools().admin(tools::TOPICS, &["--describe", "--exclude-internal"]).unwrap().stdout;
    let lines = described.lines().filter(|line| line.starts_with("Topic: "));
    let fields = lines.map(|line| {
        let mut fields = line.split('\t').map(|field| field.split_once(": ").unwrap().1.to_owned());
        (fields.next().unwrap(), fields.next().unwrap())
    });
    let meanwhile = |name: &str| ["kill-", "copied-", "order-", "damage-"].iter().any(|word| name.starts_with(word));
    fields.filter(|(name, _)| !meanwhile(name)).collect()
}
