//! There and back, from and to every release that the fake can pose as.

use protocol_tests::fake::{Batch, Codec, Fake, FakeSpec, Positions, Record, Release};

use super::Repository;

/// Topics with transactions, holes, a trimmed start, every codec; groups at several positions.
pub(super) fn seeded(release: Release) -> Fake {
    let fake = FakeSpec::new(3).release(release).seed(7).start().unwrap();
    let now = fake.with(|state| state.now());
    let record = |number: i64| Record::new(format!("k{number}"), format!("value {number}"), now + number);
    let records = |from: i64, count: i64| (from..from + count).map(record).collect::<Vec<Record>>();
    fake.create_topic("orders", 3, &[("retention.ms", "-1")]);
    let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];
    for (number, codec) in (0..).zip(codecs).filter(|(_, codec)| *codec != Codec::Zstd || release >= Release::V2_1) {
        for partition in 0..3 {
            fake.append("orders", partition, &Batch::of(records(number * 100, 20)).codec(codec));
        }
    }
    fake.create_topic("paid", 1, &[]);
    let (committed, aborted) = (fake.new_producer(), fake.new_producer());
    fake.produce_in_transaction("paid", 0, committed, records(0, 5));
    fake.produce_in_transaction("paid", 0, aborted, records(100, 5));
    fake.end_transaction("paid", 0, aborted, false);
    fake.produce_in_transaction("paid", 0, committed, records(5, 5));
    fake.end_transaction("paid", 0, committed, true);
    fake.create_topic("latest", 1, &[("cleanup.policy", "compact")]);
    for round in 0..4 {
        fake.produce("latest", 0, records(round * 10, 10));
    }
    fake.compact("latest", 0, |record| record.offset % 3 == 0);
    fake.with(|state| state.partition_mut("orders", 2).unwrap().log.trim(25));
    fake.commit("shop", "orders", 0, 30, "noon");
    fake.commit("shop", "paid", 0, 10, "");
    fake.commit("reader", "latest", 0, 16, "");
    fake
}

/// The target has the topics of the source, with their settings and the records that a consumer sees there.
#[track_caller]
pub(super) fn same(source: &Fake, target: &Fake) {
    assert_eq!(source.topics(), target.topics());
    for (topic, partitions) in source.topics() {
        for partition in 0..partitions as i32 {
            let without_offsets = |fake: &Fake| {
                let records = fake.committed_records(&topic, partition).into_iter();
                records.map(|record| Record { offset: 0, ..record }).collect::<Vec<_>>()
            };
            let (there, back) = (without_offsets(source), without_offsets(target));
            let differs = there.iter().zip(&back).position(|(one, other)| one != other);
            let differs = differs.map(|at| (at, there[at].clone(), back[at].clone()));
            assert_eq!(differs, None, "{topic}-{partition}");
            assert_eq!(there.len(), back.len(), "{topic}-{partition}");
        }
        assert_eq!(source.topic_configs(&topic), target.topic_configs(&topic), "{topic}");
    }
}

/// Group, topic, partition and offset of everything that was committed.
pub(super) fn committed(fake: &Fake) -> Vec<(String, String, i32, i64)> {
    let positions = fake.positions().into_iter();
    let of_group = |(group, positions): (String, Positions)| {
        positions.into_iter().map(move |((topic, partition), it)| (group.clone(), topic, partition, it.offset))
    };
    positions.flat_map(of_group).collect()
}

/// What [`seeded`] committed, where it is after a restore: below 16 the compacted partition keeps 0, 3, 6, 9, 12, 15.
pub(super) fn expected() -> Vec<(String, String, i32, i64)> {
    let told = |group: &str, topic: &str, offset: i64| (group.to_owned(), topic.to_owned(), 0, offset);
    vec![told("reader", "latest", 6), told("shop", "orders", 30), told("shop", "paid", 5)]
}

#[test]
fn every_release_comes_back_as_it_was() {
    let there = Release::ALL.map(|release| (release, Release::V4_2));
    let back = Release::ALL.map(|release| (Release::V4_2, release));
    let all = [there, back].concat();
    // Most of their time they wait.
    std::thread::scope(|scope| {
        for some in all.chunks(all.len().div_ceil(4)) {
            scope.spawn(move || some.iter().for_each(|(from, to)| one_way(*from, *to)));
        }
    });
}

fn one_way(from: Release, to: Release) {
    let began = std::time::Instant::now();
    let source = seeded(from);
    let repository = Repository::init();
    repository.report(0, "backup", &source, &[]);
    let target = FakeSpec::new(3).seed(8).release(to).start().unwrap();
    repository.report(0, "restore", &target, &[]);
    same(&source, &target);
    assert_eq!(committed(&target), expected());
    println!("{from:?} to {to:?} in {} ms", began.elapsed().as_millis());
}
