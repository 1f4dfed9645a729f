//! How fast it goes, and in how few requests.

use std::time::{Duration, Instant};

use protocol_tests::fake::{Fake, Record};

use super::Repository;
use super::restored::{backed_up, empty};

const PARTITIONS: i32 = 4;

/// 1,200 batches of one record of 300 bytes in four partitions: 440 KiB.
fn filled(configs: &[(&str, &str)]) -> Fake {
    let fake = empty();
    fake.create_topic("orders", PARTITIONS as usize, configs);
    for number in 0..1200 {
        let record = Record::new(format!("k{number}"), format!("{number:0300}"), i64::from(number) * 7 % 100);
        fake.produce("orders", number % PARTITIONS, vec![record]);
    }
    fake
}

/// All records, by partition.
fn records(fake: &Fake) -> Vec<Vec<Record>> {
    (0..PARTITIONS).map(|at| fake.committed_records("orders", at)).collect()
}

/// Bytes of all batches, by partition.
fn batches(fake: &Fake) -> Vec<Vec<usize>> {
    let sizes =
        |at| fake.with(|state| state.partition("orders", at).unwrap().log.batches().map(|it| it.bytes.len()).collect());
    (0..PARTITIONS).map(sizes).collect()
}

#[test]
fn no_more_bytes_a_second_pass_than_allowed_and_waiting_is_no_fault() {
    let (source, target, repository) = (filled(&[]), empty(), Repository::init());
    // Of 2.3 seconds, those of the last requests are not waited for.
    let least = Duration::from_secs(1);
    let begun = Instant::now();
    repository.report(0, "backup", &source, &["--rate", "192KiB", "--give-up-after", "1s"]);
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    let begun = Instant::now();
    repository.report(0, "restore", &target, &["--rate", "192KiB"]);
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
    assert_eq!(records(&target), records(&source));
}

#[test]
fn batches_of_one_record_are_joined_on_their_way() {
    let (source, target) = (filled(&[]), empty());
    let report = backed_up(&source).report(0, "restore", &target, &[]);
    assert_eq!(records(&target), records(&source));
    let joined = batches(&target);
    assert!(joined.iter().all(|batches| batches.len() == 1), "{joined:?}");
    let admitted = &report["admitted"];
    assert_eq!((admitted["records"].as_i64(), admitted["reheadered"].as_i64()), (Some(1200), Some(1200)));
}

#[test]
fn a_joined_batch_is_no_larger_than_the_topic_takes() {
    let (source, target) = (filled(&[("max.message.bytes", "10000")]), empty());
    backed_up(&source).report(0, "restore", &target, &[]);
    assert_eq!(records(&target), records(&source));
    let joined = batches(&target);
    assert!(joined.iter().flatten().all(|bytes| *bytes <= 10_000), "{joined:?}");
    assert!(joined.iter().all(|batches| batches.len() < 20), "{joined:?}");
}
