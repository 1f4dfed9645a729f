//! Requests and answers that get lost on the way: nothing is lost or doubled by asking again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use protocol_tests::Tools;
use protocol_tests::judge::{Isolation, Shown, contents};
use protocol_tests::proxy::{Fate, Proxy, Request, api};

use super::{Repository, cluster, run};

/// The whole way to the only broker leads over the proxy.
fn flags(proxy: &Proxy) -> [String; 4] {
    let address = proxy.address();
    ["--bootstrap-server".to_owned(), address.clone(), "--broker-address".to_owned(), format!("1={address}")]
}

fn verb(verb: &str, repository: &Repository, proxy: &Proxy, more: &[&str]) -> serde_json::Value {
    let (place, flags) = (repository.place(), flags(proxy));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ended = run(&[&[verb, "--repository", &place, "--json"], &flags[..], more].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str::<serde_json::Value>(&ended.stdout).unwrap()["report"].take()
}

fn read(tools: &Tools, topic: &str) -> Shown {
    tools.read(topic, Isolation::ReadUncommitted).unwrap()
}

fn same(one: &Shown, other: &Shown) {
    let (one, other): (Vec<_>, Vec<_>) =
        (contents(one).into_values().collect(), contents(other).into_values().collect());
    assert_eq!(one.iter().map(Vec::len).collect::<Vec<_>>(), other.iter().map(Vec::len).collect::<Vec<_>>());
    assert_eq!(one, other);
}

#[test]
fn a_batch_whose_acknowledgement_is_lost_is_there_once() {
    let tools = cluster().tools();
    tools.load(&["bulk:lost-acks:3:24000:500:none", "commit:lost-acks:lost-acks:1:777"]).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "lost-acks", "--groups", "lost-acks"];
    // Every fifth request of the backup does not arrive, or its answer does not.
    let unlucky = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&unlucky);
    let mut seen = 0;
    let backup = Proxy::start(cluster().port(1), move |_| {
        seen += 1;
        let fate = match seen % 10 {
            0 => Fate::Cut,
            5 => Fate::LoseAnswer,
            _ => Fate::Pass,
        };
        count.fetch_add(usize::from(fate != Fate::Pass), Ordering::Relaxed);
        fate
    });
    verb("backup", &repository, &backup.unwrap(), &selection);
    assert!(unlucky.load(Ordering::Relaxed) >= 2, "too few requests to lose any");

    // Among the lost answers is the first: then the broker has no state of the producer when it is asked again.
    let lost = Arc::new(Mutex::new(Vec::new()));
    let acks = Arc::clone(&lost);
    let restore = Proxy::start(cluster().port(1), move |request: Request| {
        let loses = request.api == api::PRODUCE && [1, 2, 6, 9].contains(&request.number);
        if loses {
            acks.lock().unwrap().push(request.number);
        }
        if loses { Fate::LoseAnswer } else { Fate::Pass }
    });
    let rename = ["--rename", "lost-acks=lost-back"];
    let report = verb("restore", &repository, &restore.unwrap(), &[&selection[..], &rename].concat());
    assert_eq!(lost.lock().unwrap().as_slice(), [1, 2, 6, 9]);
    assert_eq!(report["admitted"]["records"].as_u64(), Some(24_000));
    same(&read(&tools, "lost-acks"), &read(&tools, "lost-back"));
    let offsets = tools.described_offsets().unwrap();
    assert_eq!(offsets.get(&("lost-acks".to_owned(), "lost-back".to_owned(), 1)), Some(&777));
}

#[test]
fn groups_are_never_ahead_of_the_data() {
    let tools = cluster().tools();
    tools.load(&["bulk:ahead:1:100:50:none", "commit:ahead:ahead:0:100"]).unwrap();
    let repository = Repository::init();
    // While the first group is being asked about, the application goes on: whatever it commits until the answer comes
    // must lie within the snapshot's data.
    let working = tools.clone();
    let proxy = Proxy::start(cluster().port(1), move |request: Request| {
        if request.api == api::OFFSET_FETCH && request.number == 1 {
            working.load(&["bulk:ahead:1:50:50:none", "commit:ahead:ahead:0:150"]).unwrap();
        }
        Fate::Pass
    });
    verb("backup", &repository, &proxy.unwrap(), &["--topics", "ahead", "--groups", "ahead"]);
    let direct = Proxy::start(cluster().port(1), |_| Fate::Pass).unwrap();
    let report = verb("restore", &repository, &direct, &["--rename", "ahead=ahead-back"]);
    assert_eq!(report["adjusted"].as_array().map(Vec::len), Some(0), "{report:#}");
    assert_eq!(read(&tools, "ahead-back").values().map(Vec::len).sum::<usize>(), 150);
    let offsets = tools.described_offsets().unwrap();
    assert_eq!(offsets.get(&("ahead".to_owned(), "ahead-back".to_owned(), 0)), Some(&150));
}
