//! Exports of small repositories.

use std::io;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::batch::old_messages::{Old, message, wrapper};
use crate::batch::{Attributes, Codec};
use crate::model::{OffsetRange, Timestamp, TopicName};
use crate::progress::Silent;
use crate::repository::format::{PartitionState, SegmentList};
use crate::repository::testing::{self, batch, batch_of, batch_with, commit, marker, segment, start, transactional};
use crate::store::MemoryStore;

/// A repository with one snapshot of topic `t`, whose only partition holds those segments, and the changed state.
fn repository(segments: &[&[Vec<u8>]], change: impl FnOnce(&mut PartitionState)) -> Repository {
    let repository = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let mut seals = Vec::new();
    for batches in segments {
        let start = start("t", 0, &run, seals.last());
        seals.push(segment(&repository, &run, start, batches));
    }
    let list = repository.append_seals(SegmentList::default(), seals.clone()).unwrap();
    let mut partition = testing::partition(0, &seals, list);
    change(&mut partition);
    commit(&repository, &run, None, vec![testing::topic("t", vec![partition])]);
    repository
}

fn options() -> ExportOptions {
    ExportOptions::of(TopicName::new("t").unwrap())
}

fn run(repository: &Repository, options: &ExportOptions, out: &mut dyn Write) -> Result<ExportReport, ExportError> {
    let snapshot = repository.latest().unwrap().unwrap();
    let plan = plan(repository, &snapshot, options)?;
    let context = Context { repository, options, progress: &Silent, cancel: &Cancel::new() };
    execute(context, &plan, out)
}

fn lines(repository: &Repository, options: &ExportOptions) -> (Vec<Value>, ExportReport) {
    let mut out = Vec::new();
    let report = run(repository, options, &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, report)
}

fn offsets(repository: &Repository, options: &ExportOptions) -> Vec<i64> {
    lines(repository, options).0.iter().map(|line| line["offset"].as_i64().unwrap()).collect()
}

#[test]
fn a_record_is_one_line() {
    let repository = repository(&[&[batch(5, 1)]], |_| {});
    let mut out = Vec::new();
    run(&repository, &options(), &mut out).unwrap();
    let expected = concat!(
        r#"{"topic":"t","partition":0,"offset":5,"timestamp":1000005,"timestamp_type":"CreateTime","#,
        r#""key":null,"value":"value 5","headers":[]}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn broker_times_are_named() {
    let append_time = batch_with(0, 2, |header| {
        header.attributes = Attributes(Attributes::LOG_APPEND_TIME);
        header.max_timestamp = 77;
    });
    let (lines, _) = lines(&repository(&[&[append_time]], |_| {}), &options());
    assert!(lines.iter().all(|line| line["timestamp"] == 77 && line["timestamp_type"] == "LogAppendTime"));
}

#[test]
fn only_committed_data_is_shown() {
    let (a, b, c) = (transactional(0, 2, 1), transactional(2, 3, 2), transactional(5, 4, 3));
    let repository = repository(&[&[a, b, c], &[marker(9, 1, true), batch(10, 1)], &[marker(11, 2, false)]], |_| {});
    let (_, report) = lines(&repository, &options());
    assert_eq!(offsets(&repository, &options()), [0, 1, 10]);
    assert_eq!((report.records, report.aborted_records, report.open_records), (3, 3, 4));
    assert!(report.is_complete());
    let all = ExportOptions { uncommitted: true, ..options() };
    assert_eq!(offsets(&repository, &all), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
}

#[test]
fn what_lies_outside_of_the_snapshot_or_the_request_is_not_shown() {
    let repository = repository(&[&[batch(0, 5), batch(5, 5)], &[batch(10, 5), batch(15, 5)]], |state| {
        state.log_start = 3;
        state.fence = 17;
        state.next = 17;
    });
    assert_eq!(offsets(&repository, &options()), (3..17).collect::<Vec<_>>());
    let part = ExportOptions { offsets: OffsetRange { base: 8, next: 12 }, ..options() };
    assert_eq!(offsets(&repository, &part), [8, 9, 10, 11]);
    let nothing = ExportOptions { offsets: OffsetRange { base: 40, next: 50 }, ..options() };
    assert!(offsets(&repository, &nothing).is_empty());
}

#[test]
fn offsets_that_should_be_there_are_named() {
    let (_, report) = lines(&repository(&[&[batch(0, 5)]], |state| state.fence = 9), &options());
    assert_eq!(report.missing, [MissingOffsets { partition: 0, range: OffsetRange { base: 5, next: 9 } }]);
    assert!(!report.is_complete());
}

#[test]
fn old_messages_are_shown() {
    let messages = [Old::of(0, "a"), Old { key: Some(b"k".to_vec()), ..Old::of(1, "b") }, Old::of(2, "c")];
    let stamped = Old { time: 77, ..Old::of(4, "e") };
    let batches = [wrapper(0, Codec::Gzip, &messages), message(1, 0, &Old::of(3, "d")), message(1, 8, &stamped)];
    let (lines, report) = lines(&repository(&[&batches], |_| {}), &options());
    let seen = lines.iter().map(|line| (line["offset"].as_i64(), line["timestamp"].as_i64(), line["value"].as_str()));
    let time = |offset: i64| Some(1_400_000_000_000 + offset);
    assert!(seen.eq([
        (Some(0), Some(-1), Some("a")),
        (Some(1), Some(-1), Some("b")),
        (Some(2), Some(-1), Some("c")),
        (Some(3), time(3), Some("d")),
        (Some(4), Some(77), Some("e")),
    ]));
    assert_eq!(
        (&lines[4]["timestamp_type"], &lines[3]["timestamp_type"]),
        (&"LogAppendTime".into(), &"CreateTime".into())
    );
    assert!(report.is_complete() && report.records == 5);
    let within = ExportOptions { offsets: OffsetRange { base: 1, next: 2 }, ..options() };
    assert_eq!(offsets(&repository(&[&batches], |_| {}), &within), [1], "a range within a compressed message");
}

#[test]
fn what_is_not_there_is_refused() {
    let repository = repository(&[&[batch(0, 1)]], |_| {});
    let other = ExportOptions::of(TopicName::new("other").unwrap());
    assert!(matches!(run(&repository, &other, &mut io::sink()), Err(ExportError::NoSuchTopic { .. })));
    let other = ExportOptions { partitions: vec![0, 3], ..options() };
    assert!(matches!(run(&repository, &other, &mut io::sink()), Err(ExportError::NoSuchPartition { .. })));
}

#[test]
fn a_cancelled_export_says_so() {
    let repository = repository(&[&[batch(0, 1)]], |_| {});
    let (options, cancel) = (options(), Cancel::new());
    cancel.cancel();
    let plan = plan(&repository, &repository.latest().unwrap().unwrap(), &options).unwrap();
    let context = Context { repository: &repository, options: &options, progress: &Silent, cancel: &cancel };
    let report = execute(context, &plan, &mut io::sink()).unwrap();
    assert!(report.cancelled && !report.is_complete() && report.records == 0);
}

#[test]
fn an_export_can_end_at_a_time() {
    let batches =
        [batch_of(0, &[10, 20]), transactional(2, 1, 7), batch_of(3, &[5, 30, 2_000_000]), marker(6, 7, true)];
    let repository = repository(&[&batches], |_| {});
    let until = |until| ExportOptions { until: Some(Timestamp(until)), ..options() };
    assert_eq!(offsets(&repository, &until(2_000_000)), [0, 1, 2, 3, 4, 5]);
    // The transaction at 2 ends behind this cut.
    assert_eq!(offsets(&repository, &until(1_500_000)), [0, 1, 3, 4]);
    assert_eq!(offsets(&repository, &until(25)), [0, 1]);
    let (_, report) = lines(&repository, &until(10));
    let cut = TimeCut { partition: 0, offset: 1, timestamp: Timestamp(20), behind: 1 };
    assert_eq!((report.records, report.cuts), (1, vec![cut]));
    let from = ExportOptions { from_time: Some(Timestamp(20)), until: Some(Timestamp(1_500_000)), ..options() };
    assert_eq!(offsets(&repository, &from), [1, 3, 4]);
}
