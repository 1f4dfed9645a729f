//! Writing, scanning and reading segments.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::batch::old_messages::{Old, message};
use crate::batch::{Attributes, BatchError, Builder, Record, walk};
use crate::model::Timestamp;
use crate::repository::format::{AbortedTransaction, EpochStart, IndexEntry, OpenTransaction, Seal};
use crate::repository::testing::{self, batch, batch_with, marker, transactional};
use crate::repository::{Damage, Repository, RepositoryError};
use crate::store::{Fault, FaultyStore, Key, MemoryStore, Store};

fn write(batches: &[Vec<u8>]) -> (MemoryStore, Repository, Seal) {
    let store = MemoryStore::new();
    let repository = testing::repository(store.clone());
    let run = repository.begin_run(testing::CLUSTER).unwrap();
    let seal = testing::segment(&repository, &run, testing::start("orders", 0, &run, None), batches);
    (store, repository, seal)
}

fn scan(carried: &[OpenTransaction], batches: &[Vec<u8>]) -> Facts {
    let mut scan = Scan::new(carried);
    for batch in walk(&batches.concat()) {
        scan.add(&batch.unwrap(), Timestamp(1)).unwrap();
    }
    scan.finish()
}

/// A batch of so many MiB.
fn large(base: i64, epoch: i32, mib: i32) -> Vec<u8> {
    let mut bytes = batch_with(base, 1, |header| {
        header.leader_epoch = epoch;
        header.batch_length = mib << 20;
    });
    bytes.resize(((mib as usize) << 20) + 12, 7);
    let crc = crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

#[test]
fn a_segment_is_the_bytes_that_came() {
    let batches = [batch(10, 3), batch(13, 1), batch(20, 5)];
    let (store, _, seal) = write(&batches);
    let stored = store.get(&Key::new(seal.object.as_str()).unwrap()).unwrap();
    assert_eq!(stored, batches.concat());
    assert_eq!(seal.digest, blake3::hash(&stored).to_hex().to_string());
    assert_eq!((seal.base, seal.next, seal.batches, seal.records), (10, 25, 3, 9));
    assert!(seal.object.contains("/0/00000000000000000010.00000000000000000025-"), "{}", seal.object);
    assert_eq!(seal.last_batch_base, 20);
    assert_eq!(seal.last_batch_header.len(), 122);
    assert_eq!((seal.min_timestamp.0, seal.max_timestamp.0), (1_000_010, 1_000_020));
    assert_eq!(seal.observed, Timestamp(5));
}

#[test]
fn transactions_are_carried_over_segments() {
    let first = scan(&[], &[transactional(0, 2, 7), transactional(2, 1, 8), batch(3, 1), marker(4, 8, true)]);
    assert_eq!(first.open, [OpenTransaction { producer_id: 7, first: 0 }]);
    assert_eq!((first.committed, first.aborted.len()), (1, 0));
    let second = scan(&first.open, &[transactional(5, 1, 7), marker(6, 7, false), transactional(7, 1, 7)]);
    assert_eq!(second.aborted, [AbortedTransaction { producer_id: 7, first: 0, marker: 6 }]);
    assert_eq!(second.open, [OpenTransaction { producer_id: 7, first: 7 }]);
}

#[test]
fn a_marker_without_data_is_fine_and_an_emptied_one_ends_its_transaction() {
    let facts = scan(&[], &[marker(0, 7, false), marker(1, 8, true)]);
    assert_eq!((facts.aborted.len(), facts.committed, facts.open.len()), (0, 1, 0));
    let emptied = batch_with(5, 0, |header| {
        header.attributes = Attributes(Attributes::TRANSACTIONAL | Attributes::CONTROL);
        header.producer_id = 7;
    });
    let facts = scan(&[], &[transactional(0, 1, 7), emptied]);
    assert_eq!(facts.aborted, [AbortedTransaction { producer_id: 7, first: 0, marker: 5 }]);
}

#[test]
fn leader_epochs_and_the_index_are_found() {
    let facts = scan(&[], &[large(0, 1, 3), large(1, 1, 3), large(2, 4, 3), large(3, 4, 3)]);
    assert_eq!(facts.leader_epochs, [EpochStart { epoch: 1, base: 0 }, EpochStart { epoch: 4, base: 2 }]);
    let places: Vec<(i64, u64)> = facts.index.iter().map(|entry| (entry.offset, entry.position)).collect();
    assert_eq!(places, [(0, 0), (2, 2 * ((3 << 20) + 12))]);
    assert_eq!(facts.max_batch, (3 << 20) + 12);
}

/// Longer than what is read at once: the segment ends where it does.
#[test]
fn a_large_batch_at_the_end_is_read_whole() {
    let mut builder = Builder::new();
    let value = vec![7; 3 << 20];
    builder.push(&Record { value: Some(&value), ..Record::default() }).unwrap();
    let batches = [batch(0, 5), testing::finish(builder, 5, |_| {})];
    let (_, repository, seal) = write(&batches);
    let mut reader = repository.read_segment_from(&seal, i64::MIN).unwrap();
    let mut runs = Vec::new();
    while let Some(run) = reader.next_run().unwrap() {
        runs.push(run.to_vec());
    }
    assert!(runs == batches, "{:?}", runs.iter().map(Vec::len).collect::<Vec<_>>());
}

#[test]
fn a_run_stops_at_the_fence_and_at_a_partial_tail() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run("c").unwrap();
    let mut writer = repository.create_segment(testing::start("orders", 0, &run, None)).unwrap();
    let (a, b) = (batch(0, 5), batch(5, 5));
    let bytes = [a.clone(), b.clone()].concat();
    assert_eq!(writer.append_run(&bytes, 5, Timestamp(1)).unwrap(), a.len());
    assert_eq!(writer.append_run(&b[..b.len() - 1], 100, Timestamp(1)).unwrap(), 0);
    assert_eq!(writer.next_offset(), 5);
    assert_eq!(writer.append_run(&b, 100, Timestamp(1)).unwrap(), b.len());
    let size = bytes.len() as u64;
    assert!(writer.size() == size && writer.should_roll(size) && !writer.should_roll(size + 1));
    assert_eq!(writer.append_run(&batch(100, 1), 100, Timestamp(9)).unwrap(), 0);
    assert_eq!(writer.seal().unwrap().observed, Timestamp(1), "nothing came at 9");
}

#[test]
fn a_bad_batch_is_refused_and_those_before_it_stay() {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run("c").unwrap();
    let mut writer = repository.create_segment(testing::start("orders", 3, &run, None)).unwrap();
    let mut bad = batch(5, 1);
    let last = bad.len() - 1;
    bad[last] ^= 1;
    let error = writer.append_run(&[batch(0, 5), bad].concat(), 100, Timestamp(1)).unwrap_err();
    assert_eq!(error.to_string(), "orders-3: not storing what the broker served");
    assert!(matches!(error, RepositoryError::RefusedBatch { source: BatchError::Checksum { .. }, .. }));
    let error = writer.append_run(&batch(4, 1), 100, Timestamp(1)).unwrap_err();
    assert!(matches!(error, RepositoryError::OutOfOrder { expected: 5, found: 4, .. }));
    assert_eq!(writer.seal().unwrap().next, 5);
}

#[test]
fn nothing_is_sealed_after_a_write_that_failed() {
    let store = FaultyStore::new(MemoryStore::new());
    let repository = testing::repository(store.clone());
    let run = repository.begin_run("c").unwrap();
    let mut writer = repository.create_segment(testing::start("orders", 0, &run, None)).unwrap();
    store.inject(Fault::TornWrite { nth: 1, bytes: 10 });
    assert!(writer.append_run(&batch(0, 5), 100, Timestamp(1)).is_err());
    assert!(matches!(writer.seal(), Err(RepositoryError::NotSealable { .. })));
    let empty = repository.create_segment(testing::start("orders", 0, &run, None)).unwrap();
    assert!(matches!(empty.seal(), Err(RepositoryError::NotSealable { .. })));
    assert!(store.list(Some(&Key::new("topics").unwrap())).unwrap().is_empty());
}

#[test]
fn batches_come_back_one_by_one_and_in_runs() {
    let batches: Vec<Vec<u8>> = (0..50).map(|number| batch(number * 10, 10)).collect();
    let (_, repository, seal) = write(&batches);
    let mut reader = repository.read_segment(&seal).unwrap();
    for expected in &batches {
        assert_eq!(reader.next().unwrap().unwrap().bytes, expected.as_slice());
    }
    assert!(reader.next().unwrap().is_none());
    assert_eq!(reader.position(), seal.size);
    let mut reader = repository.read_segment(&seal).unwrap();
    reader.next().unwrap();
    let mut rest = Vec::new();
    while let Some(run) = reader.next_run().unwrap() {
        rest.extend_from_slice(&run);
    }
    assert_eq!(rest, batches[1..].concat());
    assert_eq!(reader.position(), seal.size);
}

#[test]
fn batches_larger_than_a_chunk_come_back_whole() {
    let batches = [batch(0, 3), large(3, 0, 5), batch(4, 1)];
    let (_, repository, seal) = write(&batches);
    let mut reader = repository.read_segment(&seal).unwrap();
    for expected in &batches {
        assert_eq!(reader.next().unwrap().unwrap().bytes, expected.as_slice());
    }
    let mut reader = repository.read_segment_from(&seal, 4).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().bytes, batches[2].as_slice());
}

/// Readers side by side; batches of less than a MiB need no room.
#[test]
fn large_batches_wait_until_there_is_room_for_them() {
    let (_, repository, seal) = write(&[batch(0, 3), large(3, 0, 2), large(4, 0, 5), batch(5, 1)]);
    let repository = repository.bounded(3 << 20);
    let [mut first, mut second] = [0, 1].map(|_| repository.read_segment(&seal).unwrap());
    let read = |reader: &mut SegmentReader| reader.next().unwrap().unwrap().bytes;
    assert!(read(&mut first) == batch(0, 3) && read(&mut second) == batch(0, 3));
    let held = read(&mut first);
    thread::scope(|scope| {
        let (told, came) = mpsc::channel();
        let second = &mut second;
        scope.spawn(move || told.send(read(second)).unwrap());
        assert!(came.recv_timeout(Duration::from_millis(50)).is_err(), "there is no room for two");
        drop(held);
        assert_eq!(came.recv().unwrap().len(), (2 << 20) + 12);
    });
    for mut reader in [first, second] {
        assert_eq!(read(&mut reader).len(), (5 << 20) + 12, "more than there is room for comes alone");
    }
}

#[test]
fn reading_from_an_offset_begins_with_the_batch_that_holds_it() {
    let (_, repository, seal) = write(&[batch(0, 10), batch(10, 10), batch(30, 10)]);
    let from = |offset| {
        let mut reader = repository.read_segment_from(&seal, offset).unwrap();
        reader.next().unwrap().map(|owned| owned.batch().unwrap().base_offset())
    };
    assert_eq!([from(0), from(9), from(10), from(25), from(39), from(40)], [0, 0, 10, 30, 30, -1].map(some));
}

fn some(offset: i64) -> Option<i64> {
    Some(offset).filter(|offset| *offset >= 0)
}

#[test]
fn damage_is_an_error_wherever_it_lies_and_never_a_panic() {
    let batches = [batch(0, 2), batch(2, 2)];
    let (store, repository, seal) = write(&batches);
    let key = Key::new(seal.object.as_str()).unwrap();
    let whole = batches.concat();
    for position in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x81;
        store.put(&key, &damaged).unwrap();
        let mut reader = repository.read_segment(&seal).unwrap();
        while let Ok(Some(batch)) = reader.next() {
            assert!(batch.bytes.len() <= whole.len());
        }
    }
    let mut length = whole.clone();
    length[batches[0].len() + 8] = 0x7f;
    store.put(&key, &length).unwrap();
    let mut reader = repository.read_segment(&seal).unwrap();
    reader.next().unwrap();
    match reader.next().unwrap_err() {
        RepositoryError::Damaged { object, damage } => {
            assert_eq!((object, damage.position()), (seal.object.clone(), Some(batches[0].len() as u64)));
        }
        other => panic!("{other}"),
    }
    for size in 0..whole.len() {
        store.put(&key, &whole[..size]).unwrap();
        let error = repository.read_segment(&seal).unwrap_err();
        assert!(matches!(error, RepositoryError::Damaged { damage: Damage::Size { .. }, .. }));
    }
    store.delete(&key).unwrap();
    assert!(matches!(repository.read_segment(&seal), Err(RepositoryError::Missing { .. })));
}

fn writer() -> SegmentWriter {
    let repository = testing::repository(MemoryStore::new());
    let run = repository.begin_run("c").unwrap();
    repository.create_segment(testing::start("orders", 0, &run, None)).unwrap()
}

/// How many of these batches, one record each, go into a segment one after the other, and whether it is full then.
fn taken(bases: &[i64]) -> (usize, bool) {
    let mut writer = writer();
    let batches: Vec<Vec<u8>> = bases.iter().map(|base| batch(*base, 1)).collect();
    let bytes = writer.append_run(&batches.concat(), i64::MAX, Timestamp(1)).unwrap();
    let whole = (0..=bases.len()).find(|count| batches[..*count].concat().len() == bytes);
    (whole.unwrap(), writer.is_full())
}

#[test]
fn a_segment_holds_the_offsets_that_kafkas_tools_count() {
    let (far, most) = (5_000_000_000, i64::from(i32::MAX));
    assert_eq!(taken(&[]), (0, false));
    assert_eq!(taken(&[far]), (1, false), "it may begin anywhere");
    assert_eq!(taken(&[far, far + 1, far + 1000]), (3, false));
    // The next offset is one more.
    assert_eq!(taken(&[far, far + most - 1]), (2, true));
    assert_eq!(taken(&[far, far + most]), (1, false), "it belongs into the next segment");
    assert_eq!(taken(&[far, far + most + 1]), (1, false));
    let room = 1 << 24;
    assert_eq!(taken(&[far, far + most - room - 1]), (2, false));
    assert_eq!(taken(&[far, far + most - room]), (2, true), "hardly a batch would fit");
    assert_eq!(taken(&[far, far + most - room + 1]), (2, true));
}

#[test]
fn large_batches_share_a_segment() {
    let mut writer = writer();
    let value = vec![7; 100_000];
    let batches = [0, 1, 2].map(|base| {
        let mut builder = Builder::new();
        builder.push(&Record { value: Some(&value), ..Record::default() }).unwrap();
        testing::finish(builder, base, |_| {})
    });
    assert_eq!(writer.append_run(&batches.concat(), i64::MAX, Timestamp(1)).unwrap(), batches.concat().len());
}

#[test]
fn codecs_and_times_of_a_segment_are_those_of_its_batches() {
    let with = |base, codec| batch_with(base, 1, |header| header.attributes = Attributes(codec));
    assert_eq!(scan(&[], &[with(0, 4), with(1, 1), with(2, 4)]).codecs, [1, 4]);
    assert_eq!(scan(&[], &[with(0, 0), with(1, 2)]).codecs, [0, 2]);
    let times = |times: &[i64]| {
        let batches: Vec<Vec<u8>> = (0..).zip(times).map(|(base, time)| testing::batch_of(base, &[*time])).collect();
        let facts = scan(&[], &batches);
        (facts.min_timestamp.0, facts.max_timestamp.0)
    };
    assert_eq!([times(&[9, 5, 7]), times(&[0, 5]), times(&[-1, 4])], [(5, 9), (0, 5), (4, 4)]);
}

#[test]
fn what_is_compressed_is_told_by_the_greater_part() {
    let (plain, gzip) = (batch(0, 1), batch_with(1, 1, |header| header.attributes = Attributes(1)));
    assert_eq!(plain.len(), gzip.len());
    let mostly = |batches: &[&[u8]]| is_mostly_uncompressed(&batches.concat());
    assert!(mostly(&[&plain]) && mostly(&[&plain, &gzip, &plain]));
    assert!(!mostly(&[&plain, &gzip]) && !mostly(&[&gzip, &plain, &gzip]) && !mostly(&[]));
}

#[test]
fn an_index_that_points_behind_the_end_is_not_followed() {
    let (_, repository, mut seal) = write(&[batch(0, 5), batch(5, 5)]);
    let first = seal.index[0];
    for position in [seal.size, seal.size + 1] {
        seal.index = vec![first, IndexEntry { offset: 5, position, ..first }];
        let mut reader = repository.read_segment_from(&seal, 7).unwrap();
        assert_eq!(reader.next().unwrap().unwrap().bytes, batch(5, 5), "{position}");
    }
}

#[test]
fn old_messages_are_joined_and_said_where_they_lie() {
    let old = |offset| message(1, 0, &Old::of(offset, "value"));
    let batches = [batch(0, 2), old(2), old(3), old(4), batch(5, 1)];
    let (_, repository, seal) = write(&batches);
    let sizes: Vec<u64> = batches.iter().map(|bytes| bytes.len() as u64).collect();
    let read = |join| {
        let (mut reader, mut found) = (repository.read_modern(&seal, 0, join).unwrap(), Vec::new());
        while let Some(one) = reader.next().unwrap() {
            assert_eq!(one.batch().unwrap().header().unwrap().record_count, [2, 3, 1][found.len().min(2)]);
            found.push((one.position, one.stored, one.converted));
        }
        found
    };
    let at = |number: usize| sizes[..number].iter().sum::<u64>();
    assert_eq!(read(true), [(0, sizes[0], 0), (at(1), at(4) - at(1), 3), (at(4), sizes[4], 0)]);
}
