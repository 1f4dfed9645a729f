//! What lies in the cluster, and how it changes between two backups.

use std::sync::Arc;

use protocol_tests::fake::{Batch, Change, Codec, Fake, FakeSpec, Random, Record, Release};

/// Partitions of a topic at most.
const PARTITIONS: u64 = 3;
const TOPICS: [&str; 4] = ["orders", "paid", "latest", "quiet"];
const GROUPS: [&str; 3] = ["shop", "reader", "billing"];

/// A cluster that has seen something already.
pub fn source(random: &mut Random) -> Arc<Fake> {
    let release = *random.pick(&Release::ALL).unwrap();
    let fake = FakeSpec::new(1 + random.below(3) as i32).release(release).seed(random.number()).start().unwrap();
    for topic in &TOPICS[..=random.below(4) as usize] {
        let policy = if *topic == "latest" { "compact" } else { "delete" };
        fake.create_topic(topic, 1 + random.below(PARTITIONS) as usize, &[("cleanup.policy", policy)]);
    }
    let fake = Arc::new(fake);
    for _ in 0..=random.below(12) {
        write(&fake, random);
    }
    if random.once_in(2) {
        let spared = random.below(5) as i64;
        fake.compact("latest", 0, |record| record.offset % 5 != spared);
    }
    commit(&fake, random);
    fake
}

/// What happens between two backups.
pub fn go_on(fake: &Arc<Fake>, random: &mut Random) {
    for _ in 0..random.below(8) {
        write(fake, random);
    }
    if random.once_in(2) {
        commit(fake, random);
    }
    let Some((topic, partition)) = any_partition(fake, random) else { return };
    let [start, _, _, end] = fake.bounds(&topic, partition).unwrap();
    let inside = start + random.below((end - start) as u64 + 1) as i64;
    match random.below(10) {
        0 | 1 if topic != "latest" => fake.change(&Change::Trim(topic, partition, inside)),
        2 => {
            fake.change(&Change::Truncate(topic.clone(), partition, inside));
            for _ in 0..random.below(4) {
                append(fake, random, &topic, partition);
            }
        }
        3 => fake.change(&Change::MoveAll(1)),
        // Without ids, one that is compacted cannot be told from its predecessor.
        4 if topic != "latest" || fake.with(|state| state.release) >= Release::V2_8 => {
            fake.with(|state| state.topics.remove(&topic));
            if random.once_in(2) {
                fake.create_topic(&topic, 1 + random.below(PARTITIONS) as usize, &[]);
                append(fake, random, &topic, 0);
            }
        }
        _ => {}
    }
}

/// Records, or a part of a transaction, somewhere.
pub fn write(fake: &Arc<Fake>, random: &mut Random) {
    if let Some((topic, partition)) = any_partition(fake, random) {
        append(fake, random, &topic, partition);
    }
}

fn append(fake: &Fake, random: &mut Random, topic: &str, partition: i32) {
    let records = records(fake, random);
    let open: Vec<i64> = fake.with(|state| {
        let found = state.partition(topic, partition);
        found.map(|found| found.log.open_transactions().keys().copied().collect()).unwrap_or_default()
    });
    match (random.below(6), open.first()) {
        (0, None) if topic != "latest" => {
            let producer = fake.new_producer();
            fake.produce_in_transaction(topic, partition, producer, records);
        }
        (0 | 1, Some(producer)) => {
            fake.produce_in_transaction(topic, partition, *producer, records);
        }
        (2..=4, Some(producer)) => {
            fake.end_transaction(topic, partition, *producer, random.once_in(2));
        }
        _ => {
            // Zstandard came with 2.1.
            let codecs = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4];
            fake.append(topic, partition, &Batch::of(records).codec(*random.pick(&codecs).unwrap()));
        }
    }
}

fn records(fake: &Fake, random: &mut Random) -> Vec<Record> {
    let now = fake.with(|state| state.now());
    let count = 1 + random.below(30) as i64;
    let text = "x".repeat(random.below(400) as usize);
    (0..count)
        .map(|number| {
            let (key, value) = (random.below(20), random.number());
            Record::new(format!("key {key}"), format!("{value} {text}"), now - 1_000 + number)
        })
        .collect()
}

/// Positions of some groups: anywhere in the log, in holes and on markers too.
fn commit(fake: &Arc<Fake>, random: &mut Random) {
    for _ in 0..random.below(6) {
        if let Some((topic, partition)) = any_partition(fake, random) {
            let [start, _, _, end] = fake.bounds(&topic, partition).unwrap();
            let offset = start + random.below((end - start) as u64 + 1) as i64;
            fake.commit(random.pick(&GROUPS).unwrap(), &topic, partition, offset, "");
        }
    }
}

/// One that is there.
pub fn any_partition(fake: &Fake, random: &mut Random) -> Option<(String, i32)> {
    let topics: Vec<(String, usize)> = fake.topics().into_iter().collect();
    let (topic, partitions) = random.pick(&topics)?;
    Some((topic.clone(), random.below(*partitions as u64) as i32))
}
